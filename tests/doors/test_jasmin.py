"""Programs that called Jasmin's HTTP interface: the requests that its documentation shows, at our door."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.doors.conftest import Account, account
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

TO = "447700900273"


def call(server: Server, mine: Account, path: str = "/send", *, method: str = "POST", **more: Any) -> requests.Response:
    fields = {"username": mine.id, "password": mine.key, "to": TO, "from": "Acme", "content": "Hello", **more}
    given = {name.replace("_", "-"): value for name, value in fields.items() if value is not None}
    place = {"data": given} if method == "POST" else {"params": given}
    return requests.request(method, server.url + path, timeout=20, **place)


def last(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/v1/messages?to=%2B{TO}&limit=1").json()["data"][0]
    return found


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_text_is_sent_with_jasmins_request(server: Server, mine: Account, api: Api, method: str) -> None:
    answer = call(server, mine, method=method)
    assert answer.status_code == 200
    assert re.fullmatch('Success "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"', answer.text)
    assert (last(api)["text"], last(api)["sender"]) == ("Hello", "Acme")


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({"content": "Grüße"}, "Grüße"),
        ({"content": None, "hex_content": "041f0440", "coding": 8}, "Пр"),
        ({"content": None, "hex_content": "48692000", "coding": 0}, "Hi @"),
        ({"content": None, "hex_content": "fc", "coding": 3}, "ü"),
    ],
)
def test_texts_are_read_in_their_coding(
    server: Server, mine: Account, api: Api, more: dict[str, Any], shown: str
) -> None:
    assert call(server, mine, **more).status_code == 200
    assert last(api)["text"] == shown


def fields_of(heard: Heard) -> dict[str, str]:
    return dict(parse_qsl(heard.body.decode() or urlsplit(heard.path).query, keep_blank_values=True))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_receipts_are_told_at_both_levels(server: Server, mine: Account, sink: Sink, method: str) -> None:
    sink.answer = lambda heard: (200, b"ACK/Jasmin")
    url = f"{sink.url}/dlr?order=7"
    sent = call(server, mine, dlr="yes", dlr_url=url, dlr_level=3, dlr_method=method).text.split('"')[1]
    heard = [fields_of(one) for one in sink.until(lambda heard: len(heard) >= 2)]
    words = {one["level"]: one["message_status"] for one in heard}
    assert words == {"1": "ESME_ROK", "2": "DELIVRD"}
    assert {one["id"] for one in heard} == {sent}
    done = next(one for one in heard if one["level"] == "2")
    assert (done["dlvrd"], done["sub"], done["err"]) == ("001", "001", "000")


def test_a_receipt_is_told_again_until_it_is_acknowledged(server: Server, mine: Account, sink: Sink) -> None:
    """A 200 alone is no acknowledgement, as with Jasmin."""
    call(server, mine, dlr="yes", dlr_url=sink.url, dlr_level=2)
    first = sink.until(bool)[0]
    sink.answer = lambda heard: (200, b"ACK/Jasmin")
    again = sink.until(lambda heard: len(heard) >= 2)[1]
    assert fields_of(first) == fields_of(again)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"password": "wrong"}, 403, 'Error "Authentication failure"'),
        ({"to": None}, 400, "Mandatory argument [to] is not found."),
        ({"to": "12"}, 400, 'Error "'),
        ({"content": None}, 400, "text is empty"),
        ({"content": None, "hex_content": "zz", "coding": 8}, 400, "hex-content"),
        ({"content": None, "hex_content": "00", "coding": 4}, 400, "coding 4"),
        ({"dlr": "yes"}, 400, "[dlr-url]"),
        ({"dlr_method": "PUT"}, 400, "dlr-method"),
        ({"sdt": "000000000100000R"}, 400, "sdt"),
    ],
)
def test_what_is_wrong_is_told_as_jasmin_does(
    server: Server, mine: Account, more: dict[str, Any], status: int, words: str
) -> None:
    answer = call(server, mine, **more)
    assert answer.status_code == status, answer.text
    assert words in answer.text and mine.key not in answer.text


def test_the_rate_is_that_of_the_price_list(server: Server, mine: Account, admin: Api) -> None:
    assert call(server, mine, "/rate", method="GET", content="x" * 161).json() == {
        "unit_rate": 0.0,
        "submit_sm_count": 2,
    }
    assert call(server, mine, "/rate", to="12").status_code == 400


def test_the_balance_is_what_budgets_have_left(server: Server, mine: Account, admin: Api) -> None:
    assert call(server, mine, "/balance").json() == {"balance": "ND", "sms_count": "ND"}
    made = admin.policy("budgets", budgets=[{"name": "day", "per": "day", "max_messages": 1_000}])
    assert made.status_code == 200, made.text
    call(server, mine)
    assert call(server, mine, "/balance").json() == {"balance": "ND", "sms_count": "999"}
    admin.policy("budgets", budgets=[])
    reader = account(server, "messages:read")
    assert call(server, reader, "/balance").status_code == 403
