"""What is known of a number, asked over HTTP."""

from urllib.parse import quote

import pytest

from tests.process.server import Api, Server


def test_a_number_is_told_with_all_that_is_known(api: Api) -> None:
    answer = api("GET", "/v1/lookup/+447400123456")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found.pop("carrier") and "ported" in found.pop("carrier_note")
    assert "Europe/London" in found.pop("time_zones")
    assert found == {
        "e164": "+447400123456",
        "country": "GB",
        "type": "mobile",
        "valid": True,
        "national": "07400 123456",
        "international": "+44 7400 123456",
        "is_test_number": False,
        "may_be_texted": True,
        "why_not": None,
        "asked": None,
    }


@pytest.mark.parametrize("written", ["+447700900123", "+44 7700 900123", "447700900123", "+44 (0)7700-900-123"])
def test_it_may_be_written_as_a_recipient(api: Api, written: str) -> None:
    found = api("GET", f"/v1/lookup/{quote(written, safe='')}").json()
    assert (found["e164"], found["is_test_number"]) == ("+447700900123", True)


def test_why_it_may_not_be_texted_is_what_sending_says(api: Api) -> None:
    found = api("GET", "/v1/lookup/+449012345678").json()
    assert found["may_be_texted"] is False
    refused = api("POST", "/v1/messages", {"to": "+449012345678", "text": "Hello"}).json()
    assert found["why_not"]["code"] == refused["code"] == "type_not_allowed"


@pytest.mark.parametrize(
    ("written", "code"),
    [("12345", "short_code"), ("call me", "letters"), ("07400 123456", "not_international"), ("+44123", "too_short")],
)
def test_what_is_no_number_is_refused(api: Api, written: str, code: str) -> None:
    answer = api("GET", f"/v1/lookup/{quote(written)}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert [error["pointer"] for error in problem["errors"]] == ["/number"]


def test_what_was_probably_meant_is_told(api: Api) -> None:
    assert "did you mean +525512345678?" in api("GET", "/v1/lookup/+5215512345678").json()["detail"]


@pytest.mark.parametrize("scope", ["messages:send", "messages:read", "admin"])
def test_either_scope_will_do(server: Server, scope: str) -> None:
    assert Api(server, server.key(scope))("GET", "/v1/lookup/+447400123456").status_code == 200


def test_other_keys_and_none_are_refused(server: Server) -> None:
    answer = Api(server, server.key("consent:manage"))("GET", "/v1/lookup/+447400123456")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert "messages:send or messages:read" in answer.json()["detail"]
    assert Api(server, "hg_test_nobody")("GET", "/v1/lookup/+447400123456").status_code == 401


def test_there_is_nothing_to_ask_beside_the_number(api: Api) -> None:
    answer = api("GET", "/v1/lookup/+447400123456?country=GB")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert api("POST", "/v1/lookup/+447400123456").status_code == 405
