"""The sandbox phone: the first minute of everybody who is new."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

PHONE = "/console/phone?number=%2B"


def test_a_message_comes_and_is_answered(window: Callable[..., Page], owner: Console, api: Api) -> None:
    page = window(owner)
    page.goto("/console/phone")
    page.get_by_label("Text").fill("Is Tuesday fine?")
    page.get_by_label("From").fill("+447700900999")
    page.get_by_role("button", name="Send to +447700900123").click()
    page.locator("#screen").get_by_text("Is Tuesday fine?").wait_for()
    page.get_by_label("Answer", exact=True).fill("Wednesday, please")
    page.get_by_role("button", name="Send the answer").click()
    page.locator("#screen").get_by_text("Wednesday, please").wait_for(timeout=8_000)
    (heard,) = api("GET", "/v1/inbound?from=%2B447700900123").json()["data"]
    assert (heard["text"], heard["to"]) == ("Wednesday, please", "+447700900999")


def test_a_phone_that_says_stop_gets_no_more(owner: Console, api: Api) -> None:
    number = "447700900140"
    owner.send("/console/phone/send", number=f"+{number}", text="Hello", sender="+447700900999", once="1")
    answer = owner.send("/console/phone/reply", number=f"+{number}", text="STOP")
    assert answer.headers["location"] == PHONE + number
    refused = _until_refused(api, f"+{number}")
    assert refused == "opted_out"
    answer = owner.send("/console/phone/send", number=f"+{number}", text="Hello again", once="2")
    assert answer.status_code == 422 and "opted out" in answer.text and "Hello again" in answer.text


def _until_refused(api: Api, number: str) -> str:
    message = {"to": number, "text": "x", "kind": "promotional"}
    _soon(lambda: api("POST", "/v1/messages", message).status_code == 422)
    return str(api("POST", "/v1/messages", message).json()["code"])


def _soon(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end, "it never became so"
        time.sleep(0.02)


def test_what_did_not_arrive_is_not_on_the_phone(owner: Console, api: Api) -> None:
    message = api.send("+447700900001", text="never there")
    api.until(message["id"], "undelivered")
    page = owner.page(f"{PHONE}447700900001")
    assert re.search(r"never there</p>\s*<p class=\"at\">.*undelivered: it is not on the phone", page)


def test_a_form_that_is_sent_twice_sends_one_message(owner: Console) -> None:
    for _ in range(2):
        owner.send("/console/phone/send", number="+447700900155", text="once", once="9")
    assert owner.page(f"{PHONE}447700900155").count(">once</p>") == 1


@pytest.mark.parametrize("number", ["nonsense", "12", "+999"])
def test_what_is_no_number_is_said(owner: Console, number: str) -> None:
    owner.page(f"/console/phone?number={number}".replace("+", "%2B"), 422)


def test_where_real_phones_are_there_is_no_sandbox_phone(server: Server) -> None:
    live = joins(server, "live@example.com", "live:owner", environment="live")
    assert "Which phone" in live.page("/console/phone"), "nothing but sandboxes is declared: live rehearses"
    admin = Api(server, server.key("admin"))
    made = admin("POST", "/v1/apply", {"document": {"connectors": {"real": _SMPP}}})
    assert made.status_code == 200, made.text
    assert "sends to real phones" in live.page("/console/phone")
    assert live.send("/console/phone/reply", number="+447700900123", text="STOP").status_code == 409
    assert live.send("/console/phone/send", number="+447700900123", text="x").status_code == 409


_SMPP = {"kind": "smpp", "host": "127.0.0.1", "port": 9, "system_id": "x", "password": "x"}


def test_one_workspace_never_hears_the_phones_of_another(server: Server, api: Api) -> None:
    server.run("workspaces", "create", "phones")
    theirs = joins(server, "them@example.com", "test:owner", "live:owner", workspace="phones")
    theirs.send("/console/phone/reply", number="+447700900177", text="theirs alone")
    _soon(lambda: "theirs alone" in theirs.page(f"{PHONE}447700900177"))
    assert api("GET", "/v1/inbound?from=%2B447700900177").json()["data"] == []


def test_who_only_reads_can_look_but_not_text(server: Server) -> None:
    reader = joins(server, "looks@example.com", "test:marketing")
    assert "Send it something" not in reader.page("/console/phone")
    assert reader.send("/console/phone/send", number="+447700900123", text="x").status_code == 403
    assert reader.send("/console/phone/reply", number="+447700900123", text="x").status_code == 403
