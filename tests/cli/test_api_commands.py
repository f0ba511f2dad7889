"""Commands that use a running server like anybody else: send, explain, messages, pause, webhooks."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Run
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

TO = "+447700900123"


def test_a_message_is_sent_and_found_again(ask: Run, server: Server, admin_key: str) -> None:
    words = ("--kind", "support", "--tag", "spring", "--correlation-id", "order 7")
    sent = ask("send", TO, "Hello", *words, "--json").data
    Api(server, admin_key).until(sent["id"], "delivered")
    assert "delivered" in ask("messages", "show", sent["id"]).out
    (listed,) = ask("messages", "list", "--correlation-id", "order 7", "--status", "delivered", "--json").data["data"]
    assert (listed["id"], listed["kind"], listed["tags"]) == (sent["id"], "support", ["spring"])


def test_the_same_idempotency_key_sends_once(ask: Run) -> None:
    first, again = (ask("send", TO, "Once", "--idempotency-key", "cli-once", "--json").data["id"] for _ in range(2))
    assert first == again


def test_a_page_says_how_to_get_the_next_one(ask: Run) -> None:
    for text in ("One", "Two"):
        ask("send", TO, text)
    page = ask("messages", "list", "--limit", "1")
    cursor = page.out.rpartition("more: --cursor ")[2].strip()
    assert ask("messages", "list", "--limit", "1", "--cursor", cursor).out != page.out


def test_a_decision_is_explained_and_nothing_is_sent(ask: Run) -> None:
    before = ask("messages", "list", "--to", "+447700900188", "--json").data
    told = ask("explain", "+447700900188", "Order ✅", "--kind", "otp").out
    assert ("encoding ucs2" in told, "via sandbox" in told) == (True, True)
    assert ask("messages", "list", "--to", "+447700900188", "--json").data == before


def test_a_decision_needs_no_text_and_the_recipient_may_be_named(ask: Run) -> None:
    by_name = ask("explain", "--to", "+447700900188", "--kind", "otp").out
    assert by_name == ask("explain", "+447700900188", "--kind", "otp").out
    assert ("kind otp" in by_name, "via sandbox" in by_name) == (True, True)
    assert "ucs2" in ask("explain", "--to", "+447700900188", "Order ✅").out
    assert "say whom it is for" in ask("explain", "--kind", "otp").err
    assert "give the recipient once" in ask("explain", "--to", "+447700900188", "+447700900189", "Hello").err


def test_a_message_to_a_named_recipient(ask: Run) -> None:
    sent = ask("send", "--to", TO, "By name", "--tag", "named", "--json").data
    shown = ask("messages", "show", sent["id"], "--json").data
    assert (shown["to"], shown["text"], shown["tags"]) == (TO, "By name", ["named"])


def test_a_message_is_shown_with_its_tries_its_decision_and_what_happened(ask: Run, server: Server) -> None:
    sent = ask("send", TO, "Whole", "--json").data["id"]
    Api(server, server.key("messages:read")).until(sent, "delivered")
    told = ask("messages", "show", sent).out.split("\n\n")
    assert [part.split()[0] for part in told[:3]] == ["id", "number", "ATTEMPT"]
    assert "We accepted it and kept it." in told[3] and "{" not in "".join(told)


def test_the_quality_of_connectors_is_told_in_numbers(ask: Run, server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    api.until(api.send("+12025550123")["id"], "delivered")
    (american,) = [way for way in ask("connectors", "quality", "--json").data["data"] if way["country"] == "US"]
    assert (american["connector"], american["submitted"], american["score"]) == ("sandbox", 1, None)
    assert "PLAUSIBLE" in ask("connectors", "quality").out


def test_what_was_spent_is_told_by_group_and_in_all(ask: Run, server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    api("PUT", "/v1/prices", {"csv": "connector,price,currency\nsandbox,0.05,EUR\n"})
    api.until(api.send("+4915510000000", tags=["spent"])["id"], "delivered")
    found = ask("costs", "--by", "tag", "--json").data
    (spent,) = [one for one in found["data"] if one["group"] == "spent"]
    assert (spent["currency"], spent["total"], spent["delivered"]) == ("EUR", "0.05", 1)
    lines = ask("costs", "--by", "tag").out.splitlines()
    assert lines[0].split()[:2] == ["TAG", "CURRENCY"] and any(line.startswith("in all") for line in lines)
    refused = ask("costs", "--by", "colour")
    assert refused.code == 1 and "connector, country" in refused.err


def test_a_provider_is_asked_about_a_number_through_the_server(ask: Run) -> None:
    found = ask("lookup", "+447700900104", "--provider", "sandbox", "--json").data
    assert (found["asked"]["valid"], found["asked"]["can_receive"]) == (False, False)
    assert "sandbox: can receive" in ask("lookup", "+447700900104", "--provider", "sandbox").out
    assert "there is no connector" in ask("lookup", "+447700900104", "--provider", "nobody").err


def test_what_waits_can_be_taken_back(ask: Run) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    waiting = ask("send", TO, "Later", "--send-at", tomorrow, "--json").data
    assert ask("messages", "cancel", waiting["id"], "--json").data["status"] == "canceled"


def test_a_pause_holds_until_it_is_lifted(ask: Run, server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    assert ask("pause", "kind", "promotional").out == "kind promotional is paused\n"
    assert [pause["value"] for pause in api("GET", "/v1/pauses").json()["data"]] == ["promotional"]
    assert ask("resume", "kind", "promotional").out == "kind promotional goes on\n"
    assert api("GET", "/v1/pauses").json()["data"] == []


def test_an_endpoint_is_tried_and_told_again(ask: Run, server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    with Sink() as sink:
        api("POST", "/v1/endpoints", {"name": "cli", "url": sink.url, "events": ["message.delivered"]})
        ask("webhooks", "test", "cli")
        sink.until(lambda heard: "webhook.test" in [one.event["type"] for one in heard])
        sent = ask("send", TO, "Tell me twice", "--json").data["id"]
        sink.until(lambda heard: len(about(heard, sent)) == 1)
        assert ask("webhooks", "replay", "cli", "--message", sent, "--json").data["deliveries"] == 1
        first, again = about(sink.until(lambda heard: len(about(heard, sent)) == 2), sent)
        assert (again.event["id"], again.headers["webhook-replay"]) == (first.event["id"], "true")
        api("DELETE", "/v1/endpoints/cli")


def about(heard: list[Heard], message_id: str) -> list[Heard]:
    return [one for one in heard if one.event["data"].get("id") == message_id]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("send", "07700900123", "Hello"), "(/to) [not_international]"),
        (("send", TO, ""), "/text"),
        (("messages", "show", "msg_nothing"), "there is no message 'msg_nothing' [not_found]"),
        (("messages", "list", "--status", "lost"), "'lost' is no state"),
        (("messages", "list", "--limit", "500"), "Invalid value for '--limit'"),
        (("webhooks", "test", "nowhere"), "there is no endpoint 'nowhere' [not_found]"),
        (("send", TO, "Hello", "--key", "hg_test_wrong"), "[malformed_credentials]"),
    ],
)
def test_a_refusal_of_the_server_is_told_with_its_code(ask: Run, words: tuple[str, ...], told: str) -> None:
    done = ask(*words)
    assert (done.code != 0, told in done.err) == (True, True), done.err


def test_a_webhook_secret_is_made_for_the_configuration(run: Run) -> None:
    first, second = (run("webhooks", "secret").out.strip() for _ in range(2))
    assert first.startswith("whsec_")
    assert first != second
