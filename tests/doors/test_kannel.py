"""Programs that called Kannel's smsbox: the requests that its guide shows, at our door."""

from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
import requests

from tests.doors.conftest import Account, account
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

TO = "447700900263"


def call(server: Server, mine: Account, **more: Any) -> requests.Response:
    fields = {"username": mine.id, "password": mine.key, "from": "Acme", "to": TO, "text": "Hi"}
    given = {name.replace("_", "-"): value for name, value in {**fields, **more}.items() if value is not None}
    query = "&".join(f"{name}={value if name == 'text' else quote_plus(str(value))}" for name, value in given.items())
    return requests.get(f"{server.url}/cgi-bin/sendsms?{query}", timeout=20)


def last(api: Api, to: str = TO) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/v1/messages?to=%2B{to}&limit=1").json()["data"][0]
    return found


def fields_of(heard: Heard) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(heard.path).query, keep_blank_values=True))


def test_a_text_is_sent_with_kannels_request(server: Server, mine: Account, api: Api) -> None:
    answer = call(server, mine)
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    message = last(api)
    assert (message["to"], message["sender"], message["text"]) == (f"+{TO}", "Acme", "Hi")


@pytest.mark.parametrize(
    ("text", "more", "shown"),
    [
        ("Gr%C3%BC%C3%9Fe", {}, "Grüße"),
        ("Gr%FC%DFe", {"charset": "ISO-8859-1"}, "Grüße"),
        ("%04%1F%04%40", {"coding": 2}, "Пр"),
        ("Plus+blank", {}, "Plus blank"),
    ],
)
def test_texts_are_read_in_their_encoding(
    server: Server, mine: Account, api: Api, text: str, more: dict[str, Any], shown: str
) -> None:
    assert call(server, mine, text=text, **more).status_code == 202
    assert last(api)["text"] == shown


def test_several_recipients_in_one_call(server: Server, mine: Account, api: Api) -> None:
    answer = call(server, mine, to="447700900202 00447700900203 +447700900204")
    assert (answer.status_code, answer.text) == (202, "0: Accepted for delivery")
    assert [last(api, f"44770090020{digit}")["text"] for digit in "234"] == ["Hi"] * 3
    some = call(server, mine, to="447700900202 12")
    assert some.status_code == 202 and some.text.startswith("0: Accepted for delivery, but for 1:")


def test_reports_are_called_with_their_escapes_filled(server: Server, mine: Account, sink: Sink) -> None:
    url = f"{sink.url}/dlr?my=42&note=a%20b&type=%d&from=%p&to=%P&id=%I&at=%T&smsc=%i&answer=%A"
    assert call(server, mine, dlr_mask=31, dlr_url=url).status_code == 202
    heard = [fields_of(one) for one in sink.until(lambda heard: any(fields_of(h)["type"] == "1" for h in heard))]
    assert {one["type"] for one in heard} == {"8", "1"}
    assert all((one["my"], one["note"], one["from"], one["to"]) == ("42", "a b", f"+{TO}", "Acme") for one in heard)
    assert all(one["id"].startswith("msg_") and one["smsc"] == "quick" and one["at"].isdigit() for one in heard)


def test_only_the_reports_that_the_mask_asks_for_are_called(server: Server, mine: Account, sink: Sink) -> None:
    url = f"{sink.url}/dlr?type=%d"
    call(server, mine, to="447700900101", dlr_mask=3, dlr_url=url)  # the sandbox: can't be delivered
    assert [fields_of(one) for one in sink.until(bool)] == [{"type": "2"}]


def test_validity_and_deferral_are_minutes(server: Server, mine: Account, api: Api) -> None:
    assert call(server, mine, validity=5, deferred=60).status_code == 202
    message = last(api)
    assert message["status"] == "scheduled" and message["send_at"] < message["valid_until"]


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"password": "wrong"}, 403, "Authorization failed for sendsms"),
        ({"password": None}, 403, "Authorization failed for sendsms"),
        ({"username": "somebody"}, 403, "Authorization failed for sendsms"),
        ({"to": ""}, 400, "Missing receiver number"),
        ({"to": "12"}, 400, ""),
        ({"text": ""}, 400, "text is empty"),
        ({"text": "%FF"}, 400, "not written in"),
        ({"udh": "%05%00"}, 400, "udh is not taken"),
        ({"dlr_mask": 1, "dlr_url": "http://10.0.0.1/"}, 400, ""),
    ],
)
def test_what_is_wrong_is_told_as_kannel_does(
    server: Server, mine: Account, more: dict[str, Any], status: int, words: str
) -> None:
    answer = call(server, mine, **more)
    assert answer.status_code == status, answer.text
    assert words in answer.text and mine.key not in answer.text


def test_a_key_without_the_scope_may_not_send(server: Server) -> None:
    assert call(server, account(server, "messages:read")).status_code == 403


def test_a_form_by_post_does_the_same(server: Server, mine: Account, api: Api) -> None:
    form = {"user": mine.id, "pass": mine.key, "from": "Acme", "to": TO, "text": quote("By POST")}
    answer = requests.post(f"{server.url}/cgi-bin/sendsms", data=form, timeout=20)
    assert (answer.status_code, last(api)["text"]) == (202, quote("By POST"))
