"""Each kind of data goes in its time, on both engines."""

from typing import Any

import msgspec
import pytest

from heliograph.engine import audit, auditing, datakeys, environments, retention
from heliograph.engine.retention import Retention
from heliograph.engine.secrets import Vault
from heliograph.store.port import Arrivals, NewEvent
from tests.store.making import NOW, accept, arrival, count, do, message, opt_out

pytestmark = pytest.mark.asyncio

DAY = 86_400_000


async def ended(ledger: Any, **changes: Any) -> Any:
    new = message(ledger, **{"state": "canceled", "owner": None, "final_at": NOW} | changes)
    await accept(ledger, new)
    return new


async def texts(ledger: Any) -> list[str | None]:
    return [row[0] for row in await ledger.fetch("SELECT text FROM messages ORDER BY id")]


async def after(ledger: Any, days: int, kept: Retention | None = None) -> None:
    await retention.clear(ledger, NOW + days * DAY, kept or Retention())


async def test_codes_go_after_a_day_and_other_bodies_after_thirty(ledger: Any) -> None:
    await ended(ledger, kind="otp", text="123456")
    await ended(ledger, text="Hello")
    await after(ledger, 0)
    assert await texts(ledger) == ["123456", "Hello"]
    await after(ledger, 2)
    assert await texts(ledger) == [None, "Hello"]
    await after(ledger, 31)
    assert await texts(ledger) == [None, None]
    assert await count(ledger, "messages") == 2
    await after(ledger, 401)
    assert await count(ledger, "messages") == 0


async def test_a_code_that_is_still_under_way_keeps_its_body(ledger: Any) -> None:
    await accept(ledger, message(ledger, kind="otp", text="123456", state="scheduled", valid_until=NOW + 9 * DAY))
    await after(ledger, 3)
    assert await texts(ledger) == ["123456"]


@pytest.mark.parametrize("encrypt", [False, True])
async def test_what_phones_texted_goes_with_its_events(ledger: Any, encrypt: bool) -> None:
    await datakeys.load(ledger, Vault([b"m" * 32]), lambda: NOW, encrypt=encrypt)
    facts = msgspec.json.encode({"from": "+491700000001", "text": "STOP it"}).decode()
    new = [arrival(ledger, f"in-{number}", at=at) for number, at in enumerate([NOW] * 501 + [NOW + 20 * DAY])]
    await do(ledger, Arrivals, arrivals=new)
    async with ledger.transaction() as transaction:
        await transaction.record(1, 1, [NewEvent("inbound.received", one.inbound.at, facts) for one in new])
    await after(ledger, 31)
    kept = await ledger.fetch("SELECT at FROM inbound WHERE text IS NOT NULL")
    assert kept == [(NOW + 20 * DAY,)]
    events, _ = await ledger.events_after("", 1_000)
    told = [msgspec.json.decode(event.data)["text"] for event in events]
    assert (told.count(None), told.count("STOP it"), len(events)) == (501, 1, 502)
    assert msgspec.json.decode(events[0].data)["from"] == "+491700000001"
    await after(ledger, 401)
    assert await count(ledger, "inbound") == 1


async def test_a_consent_goes_years_after_its_last_use_and_a_no_never(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        for number in ("+1", "+2"):
            await transaction.execute(
                "INSERT INTO consents (workspace, number, action, scope, source, actor, at, recorded_at) "
                "VALUES (1, $1, 'opt_in', '*', 'x', 'x', $2, $2)",
                *(number, NOW),
            )
    await opt_out(ledger, "+3")
    await ended(ledger, to="+2", accepted_at=NOW + 1_800 * DAY)
    await after(ledger, 1_826)
    assert await ledger.fetch("SELECT number FROM consents ORDER BY number") == [("+2",)]
    assert await count(ledger, "stances") == 1


async def test_the_audit_log_goes_after_two_years_and_stays_intact(ledger: Any) -> None:
    await datakeys.load(ledger, Vault([b"m" * 32]), lambda: NOW, encrypt=False)
    for at in (NOW, NOW + 700 * DAY):
        async with ledger.transaction() as transaction:
            await audit.note(transaction, workspace=1, actor="a", action="b", object="c", now=at)
    await after(ledger, 731)
    found = await auditing.verify(ledger)
    assert (found.intact, found.entries) == (True, 1)


async def test_outages_and_drills_go_once_they_are_over(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        for place, ended in enumerate([NOW] * 501 + [NOW + 20 * DAY, None]):
            await transaction.execute(
                "INSERT INTO outages (workspace, environment, connectors, country, why, shut_since, began_at, "
                "ended_at) VALUES (1, 1, $1, '', '', $2, $2, $3)",
                *(str(place), NOW, ended),
            )
            await transaction.execute(
                "INSERT INTO drills (workspace, environment, connectors, how, number, length_ms, state, actor, "
                "began_at, ended_at) VALUES (1, 1, '[]', 'down', '', 1, $1, '', $2, $3)",
                *("done" if ended else "running", NOW, ended),
            )
    await after(ledger, 400)
    assert (await count(ledger, "outages"), await count(ledger, "drills")) == (503, 503)
    await after(ledger, 401)
    assert (await count(ledger, "outages"), await count(ledger, "drills")) == (2, 2)
    await after(ledger, 500, Retention(outage_days=0))
    assert (await count(ledger, "outages"), await count(ledger, "drills")) == (2, 2)
    await after(ledger, 500)
    assert await ledger.fetch("SELECT state FROM drills") == [("running",)]
    assert await count(ledger, "outages") == 1


async def test_what_belongs_to_no_message_goes_with_the_messages(ledger: Any) -> None:
    await environments.ensure_defaults(ledger, lambda text: text, now=NOW)
    ledger.subscribers = lambda environment, name, message: ((3, "endpoint:3"),)
    talk = (
        "INSERT INTO conversations (workspace, environment, number, sender, state, begins_at, created_at, updated_at) "
        "VALUES (1, 1, $2, 'Acme', 'closed', $1, $1, $1) RETURNING id"
    )
    entry = (
        "INSERT INTO conversation_entries (workspace, conversation, at, kind, actor) "
        "VALUES (1, $2, $1, 'note', 'key:a')"
    )
    goal = (
        "INSERT INTO goals (workspace, environment, name, subject, reference, at) VALUES (1, 1, 'order', 'x', $2, $1)"
    )
    push = (
        "INSERT INTO push_subscriptions (workspace, environment, service, target, created_at, gone_at) "
        "VALUES (1, 1, $2, '', $1, $1)"
    )
    for at in (NOW, NOW + 20 * DAY):
        async with ledger.transaction() as transaction:
            await transaction.record(1, 1, [NewEvent("contact.opted_in", at)])
            ((number,),) = await transaction.fetch(talk, at, f"+4477009{at}")
            await transaction.execute(entry, at, number)
            for statement in (goal, push):
                await transaction.execute(statement, at, str(at))
            await transaction.execute("UPDATE conversations SET updated_at = $1", NOW + 20 * DAY)
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO delivery_failures (delivery, try, at, error) SELECT id, 1, 0, '' FROM deliveries"
        )
    tables = ("events", "deliveries", "delivery_failures", "conversation_entries", "goals", "push_subscriptions")
    assert [await count(ledger, table) for table in (*tables, "conversations")] == [2] * 7
    await after(ledger, 401)
    assert [await count(ledger, table) for table in tables] == [1] * 6
    assert await count(ledger, "conversations") == 2, "something happened in both"
    await after(ledger, 421)
    assert [await count(ledger, table) for table in (*tables, "conversations")] == [0] * 7


async def test_nought_is_for_ever(ledger: Any) -> None:
    await ended(ledger, kind="otp")
    await do(ledger, Arrivals, arrivals=[arrival(ledger)])
    async with ledger.transaction() as transaction:
        await audit.note(transaction, workspace=1, actor="a", action="b", object="c", now=NOW)
    await after(ledger, 9_999, Retention(0, 0, 0, 0, 0, 0))
    assert await texts(ledger) == ["Hello"]
    assert [await count(ledger, table) for table in ("messages", "inbound", "audit")] == [1, 1, 1]
