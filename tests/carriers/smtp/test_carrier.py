"""An SMTP connector against a relay that we did not write, on real sockets with TLS and passwords."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from heliograph.carriers import catalogue
from heliograph.carriers.port import Carrier, World
from heliograph.core import ids
from heliograph.core.message import Inbound, Message, Outcome, Receipt, Submission
from heliograph.world import SystemClock, dial, secure
from tests.carriers.network import NOW
from tests.carriers.network import message as any_message
from tests.process.relay import Relay

LEAVE = "https://sms.example.com/u/1"


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    running = Relay(tmp_path)
    running.start()
    yield running
    running.stop()


class Heard:
    """What the connector said."""

    def __init__(self) -> None:
        self.answers: list[tuple[Submission, Outcome]] = []
        self.links: list[tuple[bool, str]] = []
        self.more = asyncio.Event()

    def answered(self, submission: Submission, outcome: Outcome) -> None:
        self.answers.append((submission, outcome))
        self.more.set()

    def receipts(self, receipts: Sequence[Receipt], committed: Any = None) -> None: ...

    def inbound(self, messages: Sequence[Inbound], committed: Any = None) -> None: ...

    def link(self, up: bool, reason: str = "") -> None:
        self.links.append((up, reason))


def mail(number: int = 1, to: str = "ann@example.com", **more: Any) -> Message:
    fields: dict[str, Any] = {"to": to, "channel": "email", "sender": None, "content": '{"subject": "Your order"}'}
    return any_message(number, **fields | more)


Use = Callable[[Carrier, Heard], Awaitable[None]]


def using(settings: dict[str, Any], use: Use, leave: str | None = None) -> Heard:
    """Let a connector work, and stop it."""

    async def work() -> Heard:
        assert catalogue.check("smtp", settings) is None
        clock = SystemClock(asyncio.get_running_loop())
        world = World(clock, Random(0), dial, secure=secure, leave_url=lambda message: leave)
        carrier = catalogue.build("smtp", "mail", settings, world)
        heard = Heard()
        await carrier.start(heard)
        try:
            await asyncio.wait_for(use(carrier, heard), 20)
        finally:
            await carrier.stop(1.0)
        return heard

    return asyncio.run(work())


def sending(settings: dict[str, Any], *messages: Message, leave: str | None = None) -> list[Outcome]:
    """The answers, in the order of the messages."""

    async def use(carrier: Carrier, heard: Heard) -> None:
        carrier.submit([Submission(message, 1) for message in messages])
        while len(heard.answers) < len(messages):
            heard.more.clear()
            await heard.more.wait()

    heard = using(settings, use, leave)
    by_id = {submission.message.id: outcome for submission, outcome in heard.answers}
    assert len(by_id) == len(heard.answers), "answered more than once"
    return [by_id[message.id] for message in messages]


def test_a_letter_arrives_as_it_was_written(relay: Relay) -> None:
    content = '{"subject": "Größe & Maß — schön", "html": "<p>Grüße</p>", "reply_to": "help@acme.example"}'
    text = "Grüße,\n.a line with a dot\n.\nthe end"
    (outcome,) = sending(relay.settings(), mail(text=text, content=content))
    envelope, got = relay.taken[0]
    assert outcome.state == "accepted"
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hello@acme.example", ["ann@example.com"])
    assert got["From"] == "Acme <hello@acme.example>"
    assert got["Subject"] == "Größe & Maß — schön"
    assert got["Reply-To"] == "help@acme.example"
    plain, looks = got.get_body(("plain",)), got.get_body(("html",))
    assert plain is not None and looks is not None
    assert plain.get_content().replace("\r\n", "\n") == f"{text}\n"
    assert looks.get_content().strip() == "<p>Grüße</p>"
    assert "List-Unsubscribe" not in got


def test_the_message_id_is_ours_so_that_a_letter_is_found_again(relay: Relay) -> None:
    (outcome,) = sending(relay.settings(), mail(7))
    assert relay.taken[0][1]["Message-ID"] == f"<{ids.reference(NOW, 7, 1)}@acme.example>"
    assert outcome.carrier_ids == (ids.reference(NOW, 7, 1),)


def test_who_may_leave_can_do_so_with_one_click(relay: Relay) -> None:
    sending(relay.settings(), mail(), leave=LEAVE)
    got = relay.taken[0][1]
    assert got["List-Unsubscribe"] == f"<{LEAVE}>"
    assert got["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("to", "state", "failure", "code"),
    [
        ("gone@example.com", "refused", "permanent", "no_such_mailbox"),
        ("busy@example.com", "refused", "transient", "carrier_busy"),
        ("denied@example.com", "refused", "permanent", "relaying_denied"),
        ("full@example.com", "refused", "transient", "mailbox_full"),
        ("plain@example.com", "refused", "permanent", "no_such_mailbox"),
        ("closing@example.com", "refused", "transient", "carrier_busy"),
        ("spam@example.com", "refused", "content", "refused_by_policy"),
        ("large@example.com", "refused", "content", "too_large"),
        ("later@example.com", "refused", "transient", "refused_by_policy"),
        ("drop@example.com", "unknown", "unknown", "link_lost"),
    ],
)
def test_a_refusal_has_the_class_that_says_what_helps(
    relay: Relay, to: str, state: str, failure: str, code: str
) -> None:
    bad, good = sending(relay.settings(connections=1), mail(1, to), mail(2))
    assert (bad.state, bad.failure, bad.code) == (state, failure, code)
    assert good.state == "accepted", "the next letter goes"


def test_a_connection_is_used_again(relay: Relay) -> None:
    outcomes = sending(relay.settings(connections=1), *(mail(number) for number in range(1, 6)))
    assert [outcome.state for outcome in outcomes] == ["accepted"] * 5
    assert len(relay.taken) == 5 and relay.connections == 1


def test_a_connection_carries_only_so_many_letters(relay: Relay) -> None:
    sending(relay.settings(connections=1, messages_per_connection=2), *(mail(number) for number in range(1, 6)))
    assert len(relay.taken) == 5 and relay.connections == 3


@pytest.mark.parametrize("tls", ["tls", "none"])
def test_tls_from_the_start_and_none_at_all(tmp_path: Path, tls: str) -> None:
    relay = Relay(tmp_path, tls=tls, is_locked=False)
    relay.start()
    try:
        (outcome,) = sending(relay.settings(), mail())
    finally:
        relay.stop()
    assert outcome.state == "accepted" and len(relay.taken) == 1


def test_a_wrong_password_shuts_the_connector_and_takes_nothing(relay: Relay) -> None:
    async def use(carrier: Carrier, heard: Heard) -> None:
        carrier.submit([Submission(mail(1), 1)])
        await heard.more.wait()

    heard = using(relay.settings(password="wrong-word"), use)
    outcome = heard.answers[0][1]
    assert (outcome.state, outcome.failure, outcome.code) == ("refused", "unauthorised", "credentials_rejected")
    assert heard.links[0] == (True, "") and not heard.links[1][0]
    assert "wrong-word" not in str(outcome) + str(heard.links)


def test_a_stop_does_not_promise_that_a_letter_on_its_way_was_not_taken(relay: Relay) -> None:
    async def use(carrier: Carrier, heard: Heard) -> None:
        carrier.submit([Submission(mail(1, "slow@example.com"), 1), Submission(mail(2), 1)])
        while not any(envelope.rcpt_tos for envelope in relay.open):
            await asyncio.sleep(0.01)
        await carrier.stop(0.0)

    heard = using(relay.settings(connections=1), use)
    states = {submission.message.id: outcome.state for submission, outcome in heard.answers}
    assert states == {1: "unknown", 2: "unsent"}


@pytest.mark.parametrize(
    "change", [{"port": 1}, {"tls_ca": None}, {"host": "127.0.0.1"}], ids=["nobody there", "unknown CA", "other name"]
)
def test_a_relay_that_can_not_be_reached_or_trusted_took_nothing(relay: Relay, change: dict[str, Any]) -> None:
    (outcome,) = sending({**relay.settings(), **change}, mail())
    assert (outcome.state, outcome.failure, outcome.code) == ("refused", "transient", "carrier_unreachable")
    assert relay.taken == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"sender": "Acme"}, "sender"),
        ({"password": None}, "password"),
        ({"username": None}, "username"),
        ({"security": "none", "host": "mail.example.com"}, "security"),
        ({"hello": "a b"}, "hello"),
        ({"security": "ssl"}, "security"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_settings_that_can_not_work_are_named(change: dict[str, Any], key: str) -> None:
    good = {"kind": "smtp", "host": "localhost", "sender": "a@b.example", "username": "u", "password": "p"}
    wrong = catalogue.check("smtp", good | change)
    assert wrong is not None and wrong[0] == key
