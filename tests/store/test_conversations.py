"""Threads on both engines: whatever is repeated, cut short or done by several at once, happens once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from heliograph.core.failures import Refused
from heliograph.core.inbound_rules import InboundPolicy
from heliograph.engine import erasing
from heliograph.engine.conversations import escalation, received, threads, timeline
from heliograph.engine.conversations.threads import Change
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.gateway import Gateway, Outside
from heliograph.engine.notify.settings import Settings
from heliograph.engine.notify.subscriptions import Subscriptions
from heliograph.engine.retention import Retention
from heliograph.engine.ways import Patience
from heliograph.store.port import Arrivals
from heliograph.store.protection import MARK
from tests.store.making import NOW, Time, accept, arrival, count, do, in_hand

pytestmark = pytest.mark.asyncio
ANN, OURS = "+491700000001", "12345"
DECLARED = [
    ("connector", "play", {"kind": "sandbox"}),
    ("route", "all", {"via": ["play"]}),
    ("policy", "inbound", {"rules": [{"name": "thanks", "reply": "Thanks, {from}", "tags": ["seen"]}]}),
    ("policy", "conversations", {"default_team": "desk", "teams": {"desk": {"first_answer_within": "10m"}}}),
]


class Clock:
    """Time as the test sets it."""

    def __init__(self, time: Time) -> None:
        self.now_ms = time

    def monotonic(self) -> float:
        return self.now_ms() / 1_000


class Watch:
    """Nothing may break unseen."""

    def __init__(self) -> None:
        self.defects: list[BaseException] = []

    def defect(self, error: BaseException) -> None:
        self.defects.append(error)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **more: None


async def gateway(ledger: Any, time: Time) -> Gateway:
    """What one process has; it moves no messages, so that what was accepted stays to be counted."""
    none: Any = lambda *args: None  # noqa: E731
    outside = Outside(Clock(time), Random(1), none, Watch(), none, none, none, none)  # type: ignore[arg-type]
    one = Gateway(
        ledger,
        outside,
        roles=frozenset(),
        notify=Settings(),
        keeping=Retention(),
        patience=Patience(),
    )
    ledger.process = 1
    await one.reload()
    ledger.subscribers = Subscriptions(lambda: one.snapshot)
    return one


@pytest_asyncio.fixture
async def both(open_ledger: Callable[[], Awaitable[Any]], engine: str, time: Time) -> AsyncIterator[list[Gateway]]:
    """Two processes on one ledger; of SQLite there is only one, and it does both."""
    first = await open_ledger()
    second = first if engine == "sqlite" else await open_ledger()
    await ensure_defaults(first, lambda secret: secret, now=NOW)
    async with first.transaction() as transaction:
        for kind, name, spec in DECLARED:
            await transaction.execute(
                "INSERT INTO declared (workspace, kind, name, spec, created_at, updated_at) "
                "VALUES ((SELECT id FROM workspaces WHERE name = 'default'), $1, $2, $3, $4, $4)",
                *(kind, name, json.dumps(spec), NOW),
            )
    gateways = [await gateway(first, time), await gateway(second, time)]
    yield gateways
    for one in gateways:  # before their ledgers close
        await one.stop(0)


async def arrives(one: Gateway, carrier_id: str | None = "in-1", text: str = "Hello", **more: Any) -> int:
    new = arrival(one.ledger, carrier_id, text=text, to=OURS, **more)
    realm = live(one)
    new = new._replace(workspace=realm.workspace, environment=realm.id)
    operation = await do(one.ledger, Arrivals, arrivals=[new])
    return 0 if operation.repeated else new.id


def live(one: Gateway) -> Any:
    return next(realm for realm in one.snapshot.realms.values() if realm.mode == "live")


async def events(ledger: Any) -> list[str]:
    rows = await ledger.fetch("SELECT type FROM events WHERE message IS NULL ORDER BY seq")
    return [row[0] for row in rows]


async def the_thread(one: Gateway) -> Any:
    rows = await one.ledger.fetch(f"SELECT {', '.join(threads.COLUMNS)} FROM conversations")
    assert len(rows) == 1
    return threads.Thread(*rows[0])


async def test_a_message_is_settled_once_however_many_try(both: list[Gateway]) -> None:
    number = await arrives(both[0])
    await asyncio.gather(*(one.settling.settle([number]) for one in both for _ in range(3)))
    ledger = both[0].ledger
    assert await events(ledger) == ["inbound.received", "conversation.opened"]
    assert [await count(ledger, table) for table in ("conversations", "automatic_replies", "messages")] == [1, 1, 1]


async def test_what_a_carrier_brings_again_is_answered_once(both: list[Gateway]) -> None:
    first = await arrives(both[0])
    await both[0].settling.settle([first])
    assert await arrives(both[1]) == 0, "it is known"
    await both[1].settling.settle([first])
    assert await count(both[0].ledger, "messages") == 1


async def test_messages_that_come_at_once_open_one_thread_and_are_all_counted(both: list[Gateway]) -> None:
    numbers = [await arrives(both[place % 2], f"in-{place}", f"Hello {place}") for place in range(8)]
    await asyncio.gather(*(both[place % 2].settling.settle([number]) for place, number in enumerate(numbers)))
    ledger = both[0].ledger
    thread = await the_thread(both[0])
    assert (thread.state, thread.team, thread.tags) == ("open", "desk", '["seen"]')
    assert (await events(ledger)).count("conversation.opened") == 1
    assert await count(ledger, "messages") == InboundPolicy().replies_at_most, "the guard counts across processes"
    shown, older = await timeline.entries(ledger, thread, None, 100)
    kinds = [entry.kind for entry in shown]
    assert (kinds.count("inbound"), kinds.count("held"), older) == (8, 5, None)


_POISON = {
    "sqlite": "CREATE TRIGGER poison BEFORE INSERT ON conversations WHEN NEW.number = '+491700000666' "
    "BEGIN SELECT RAISE(ABORT, 'poison'); END",
    "postgres": "ALTER TABLE conversations ADD CONSTRAINT poison CHECK (number <> '+491700000666')",
}


async def test_one_that_can_not_be_settled_keeps_no_other_from_it(both: list[Gateway], engine: str) -> None:
    ledger = both[0].ledger
    async with ledger.transaction() as transaction:
        await transaction.execute(_POISON[engine])
    senders = [ANN, "+491700000666", "+491700000002"]
    numbers = [await arrives(both[0], f"in-{place}", sender=sender) for place, sender in enumerate(senders)]
    both[0].settling.arrived(numbers)
    async with asyncio.timeout(10):
        while await count(ledger, "messages") < 2:
            await asyncio.sleep(0.01)
    assert await ledger.fetch("SELECT id FROM inbound WHERE settled_at IS NULL") == [(numbers[1],)]


async def test_a_crash_before_settling_loses_nothing(both: list[Gateway], time: Time) -> None:
    await arrives(both[0])
    time.ms = NOW + 5_000
    await both[1].settling.sweep(time.ms)
    await asyncio.sleep(0.2)
    assert await events(both[0].ledger) == [], "its own process may be at it"
    time.ms = NOW + 20_000
    await both[1].settling.sweep(time.ms)
    async with asyncio.timeout(10):
        while not await count(both[0].ledger, "messages"):
            await asyncio.sleep(0.01)
    assert await events(both[0].ledger) == ["inbound.received", "conversation.opened"]


@pytest.mark.parametrize("accepted", [False, True], ids=["before it was accepted", "after it was accepted"])
async def test_a_crash_in_the_middle_of_an_answer_neither_loses_nor_doubles_it(
    both: list[Gateway], time: Time, accepted: bool
) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    ledger = both[0].ledger
    async with ledger.transaction() as transaction:  # as a crash would have left it
        await transaction.execute("UPDATE automatic_replies SET done_at = NULL")
        if not accepted:
            await transaction.execute("DELETE FROM messages")
            await transaction.execute("DELETE FROM idempotency")
    time.ms = NOW + 20_000
    await asyncio.gather(*(one.settling.sweep(time.ms) for one in both))
    rows = await ledger.fetch("SELECT text, kind, sender, to_number FROM messages")
    assert rows == [(f"Thanks, {ANN}", "support", OURS, ANN)]
    assert await ledger.fetch("SELECT id FROM automatic_replies WHERE done_at IS NULL") == []


async def test_an_answer_that_is_too_late_is_not_sent(both: list[Gateway], time: Time) -> None:
    number = await arrives(both[0])
    ledger = both[0].ledger
    await both[0].settling.settle([number])
    async with ledger.transaction() as transaction:
        for statement in (
            "UPDATE automatic_replies SET done_at = NULL",
            "DELETE FROM messages",
            "DELETE FROM idempotency",
        ):
            await transaction.execute(statement)
    time.ms = NOW + 600_000
    await both[1].settling.sweep(time.ms)
    assert await count(ledger, "messages") == 0
    shown, _ = await timeline.entries(ledger, await the_thread(both[0]), None, 100)
    assert [entry.detail["why"] for entry in shown if entry.kind == "held"] == ["too_late"]


async def test_who_waits_too_long_is_told_of_once_by_whoever_looks(both: list[Gateway], time: Time) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    ledger = both[0].ledger
    await escalation.sweep(ledger, both[0].snapshot, NOW + 599_000)
    assert "conversation.escalated" not in await events(ledger)
    await asyncio.gather(*(escalation.sweep(one.ledger, one.snapshot, NOW + 600_000) for one in both for _ in range(3)))
    assert (await events(ledger)).count("conversation.escalated") == 1
    time.ms = NOW + 700_000
    await both[0].settling.settle([await arrives(both[0], "in-2", "Anybody?", at=time.ms)])
    await escalation.sweep(ledger, both[0].snapshot, NOW + 9_000_000)
    assert (await events(ledger)).count("conversation.escalated") == 1, "it is the same question"


async def test_who_was_answered_by_an_application_is_not_told_of(both: list[Gateway]) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    ledger, realm = both[0].ledger, live(both[0])
    thread = await the_thread(both[0])
    assert thread.asked_at == NOW
    more = {"workspace": realm.workspace, "environment": realm.id, "sender": OURS, "accepted_at": NOW + 1}
    await accept(ledger, in_hand(ledger, **more))
    await escalation.sweep(ledger, both[0].snapshot, NOW + 600_000)
    thread = await the_thread(both[0])
    assert (thread.state, thread.asked_at, thread.escalate_at) == ("waiting", None, None)
    assert "conversation.escalated" not in await events(ledger)
    shown, _ = await timeline.entries(ledger, thread, None, 100)
    assert [entry.by for entry in shown if entry.kind == "state"] == ["person", "application"]


async def test_a_team_that_is_given_what_waits_has_its_own_time(both: list[Gateway]) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    ledger, realm = both[0].ledger, live(both[0])
    public = threads.public_id(await the_thread(both[0]))
    await Change(ledger, realm, "test", NOW + 500_000).assign(public, "others", None)
    assert (await the_thread(both[0])).escalate_at is None
    await Change(ledger, realm, "test", NOW + 500_000).assign(public, "desk", None)
    assert (await the_thread(both[0])).escalate_at == NOW + 1_100_000


async def test_what_several_do_to_a_thread_at_once_is_all_done(both: list[Gateway]) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    public = threads.public_id(await the_thread(both[0]))
    more = [await arrives(both[0], f"more-{place}") for place in range(4)]
    changes = [Change(one.ledger, live(one), "test", NOW + place) for place, one in enumerate(both * 4)]
    await asyncio.gather(
        *(change.tag(public, [f"tag-{place}"], []) for place, change in enumerate(changes)),
        *(change.note(public, "x", None) for change in changes),
        *(both[place % 2].settling.settle([number]) for place, number in enumerate(more)),
    )
    thread = await the_thread(both[0])
    assert sorted(threads.tags_of(thread)) == ["seen", *(f"tag-{place}" for place in range(8))]
    assert await count(both[0].ledger, "conversation_entries") > 8 + 8 + 4


async def test_a_thread_of_elsewhere_is_not_there(both: list[Gateway]) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    public = threads.public_id(await the_thread(both[0]))
    other = next(realm for realm in both[0].snapshot.realms.values() if realm.mode == "test")
    with pytest.raises(Refused, match="no conversation"):
        await Change(both[0].ledger, other, "test", NOW).note(public, "x", None)
    assert await timeline.find(both[0].ledger, other.workspace, other.id, public) is None


async def test_what_is_sealed_in_the_ledger_is_plain_to_who_may_read_it(both: list[Gateway]) -> None:
    for one in both:
        one.ledger.protection.seal = lambda workspace, place, text: f"{MARK}{place}|{text}"
        one.ledger.protection.open = lambda workspace, place, text: text.removeprefix(f"{MARK}{place}|")
    number = await arrives(both[0], text="Hello")
    await both[1].settling.settle([number])
    ledger, realm = both[0].ledger, live(both[0])
    public = threads.public_id(await the_thread(both[0]))
    await Change(ledger, realm, "test", NOW).note(public, "A secret", "ana")
    shown, _ = await timeline.entries(ledger, await the_thread(both[0]), None, 100)
    assert [entry.text for entry in shown if entry.text] == [f"Thanks, {ANN}", "Hello", "A secret"]
    (page, _) = await received.page(ledger, realm.workspace, realm.id, received.Narrowed(), None, 10)
    assert [one.text for one in page] == ["Hello"]
    for table in ("inbound", "messages", "conversation_entries"):
        for row in await ledger.fetch(f"SELECT * FROM {table}"):
            plain = [str(value) for value in row if MARK not in str(value) and "\\uffff" not in str(value)]
            assert not any(word in value for value in plain for word in ("Hello", "secret", "Thanks,")), row


async def test_a_person_who_is_erased_leaves_no_conversation(both: list[Gateway]) -> None:
    await both[0].settling.settle([await arrives(both[0])])
    ledger, realm = both[0].ledger, live(both[0])
    public = threads.public_id(await the_thread(both[0]))
    await Change(ledger, realm, "test", NOW).note(public, "Lives at number 12", None)
    await erasing.erase(ledger, realm.workspace, ANN, reason="asked", actor="test", now=NOW)
    for table in ("conversations", "conversation_entries", "automatic_replies"):
        assert await count(ledger, table) == 0
    assert await ledger.fetch("SELECT text, conversation, found FROM inbound") == [(None, None, None)]
