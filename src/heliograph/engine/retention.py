"""How long what is kept, and the sweeps that see to it, in batches. A person's no is kept until it is lifted."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import takewhile
from typing import Any, Final

import msgspec

from heliograph.engine import auditing, sweep
from heliograph.store.port import Ledger

_BATCH: Final = 500
_DAY_MS: Final = 86_400_000
_TELLING: Final = "AND message IS NULL AND type IN ('inbound.received', 'inbound.matched', 'flow.started')"


class Retention(msgspec.Struct, frozen=True):
    """In days; 0: for ever."""

    body_days: int = 30
    message_days: int = 400
    otp_body_days: int = 1
    inbound_days: int = 30
    audit_days: int = 730
    consent_days: int = 1_825
    outage_days: int = 400
    request_days: int = 7
    requests: int = 10_000  # no days: how many an environment may have at most


async def clear(ledger: Ledger, now: int, retention: Retention) -> None:
    """Remove everything whose time is over."""
    r = retention
    sweeps: tuple[tuple[int, Callable[[], Awaitable[bool]]], ...] = (
        (r.otp_body_days, lambda: sweep.redact(ledger, now, r.otp_body_days, otp=True)),
        (r.body_days, lambda: sweep.redact(ledger, now, r.body_days)),
        (r.inbound_days, lambda: inbound_texts(ledger, now - r.inbound_days * _DAY_MS)),
        (r.inbound_days, lambda: inbound_events(ledger, now - r.inbound_days * _DAY_MS)),
        (r.message_days, lambda: sweep.forget(ledger, now, r.message_days)),
        (r.message_days, lambda: verifications(ledger, now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: plan_runs(ledger, now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: inbound(ledger, now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: lookups(ledger, now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: lone_events(ledger, now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: talks(ledger, now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: oldest(ledger, "conversation_entries", now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: oldest(ledger, "goals", now - r.message_days * _DAY_MS)),
        (r.message_days, lambda: over(ledger, "push_subscriptions", "gone_at", now - r.message_days * _DAY_MS)),
        (r.outage_days, lambda: over(ledger, "outages", "ended_at", now - r.outage_days * _DAY_MS)),
        (r.outage_days, lambda: over(ledger, "drills", "ended_at", now - r.outage_days * _DAY_MS)),
        (r.consent_days, lambda: consents(ledger, now - r.consent_days * _DAY_MS)),
        (r.audit_days, lambda: auditing.thin_out(ledger, now, r.audit_days)),
        (r.request_days, lambda: requests(ledger, now - r.request_days * _DAY_MS)),
    )
    for days, some in sweeps:
        while days and await some():
            await asyncio.sleep(0)


async def inbound_texts(ledger: Ledger, before: int) -> bool:
    """Forget what phones texted, but not that they did."""
    rows, mark = await _due(ledger, "inbound_texts", "inbound", "id", before)
    if not rows:
        return False
    async with ledger.transaction() as transaction:
        for row in rows:
            await transaction.execute("UPDATE inbound SET text = NULL, raw = NULL WHERE id = $1", row[0])
        await _pass(transaction, "inbound_texts", mark)
    return len(rows) >= _BATCH


async def inbound_events(ledger: Ledger, before: int) -> bool:
    """Forget it in the events that told of it, too."""
    rows, mark = await _due(ledger, "inbound_events", "events", "seq", before, _TELLING)
    if not rows:
        return False
    async with ledger.transaction() as transaction:
        for seq, _, workspace, data in rows:
            place = f"event {seq}"
            text = ledger.protection.read(workspace, place, data)
            facts: dict[str, Any] = msgspec.json.decode(text) if text else {}
            kept = msgspec.json.encode(facts | {"text": None}).decode()
            await transaction.execute(
                "UPDATE events SET data = $2 WHERE seq = $1", seq, ledger.protection.kept(workspace, place, kept)
            )
        await _pass(transaction, "inbound_events", mark)
    return len(rows) >= _BATCH


async def inbound(ledger: Ledger, before: int) -> bool:
    """Remove messages from phones altogether."""
    async with ledger.transaction() as transaction:
        gone = await transaction.fetch(
            "DELETE FROM inbound WHERE id IN (SELECT id FROM inbound WHERE at < $1 ORDER BY at LIMIT $2) RETURNING id",
            *(before, _BATCH),
        )
    return len(gone) == _BATCH


async def lookups(ledger: Ledger, before: int) -> bool:
    """Remove what providers said of numbers, and what that cost."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "SELECT at FROM lookups WHERE at < $1 ORDER BY at LIMIT 1 OFFSET $2", before, _BATCH - 1
        )
        end = rows[0][0] + 1 if rows else before
        await transaction.execute("DELETE FROM lookups WHERE at < $1", end)
    return bool(rows)


async def verifications(ledger: Ledger, before: int) -> bool:
    """Remove that somebody was sent codes."""
    async with ledger.transaction() as transaction:
        gone = await transaction.fetch(
            "DELETE FROM verifications WHERE id IN "
            "(SELECT id FROM verifications WHERE started_at < $1 ORDER BY started_at LIMIT $2) RETURNING id",
            *(before, _BATCH),
        )
    return len(gone) == _BATCH


async def requests(ledger: Ledger, before: int) -> bool:
    """Remove what programs asked; their number is kept down when it is written."""
    async with ledger.transaction() as transaction:
        gone = await transaction.fetch(
            "DELETE FROM requests WHERE id IN "
            "(SELECT id FROM requests WHERE at < $1 ORDER BY at LIMIT $2) RETURNING id",
            *(before, _BATCH),
        )
    return len(gone) == _BATCH


async def lone_events(ledger: Ledger, before: int) -> bool:
    """Remove events that belong to no message, with what was told of them."""
    may_be_more = False
    for (workspace,) in await ledger.fetch("SELECT id FROM workspaces ORDER BY id"):
        rows = await ledger.fetch(  # they stand in the order of their time: none is read that is too young
            "SELECT seq, at FROM events WHERE workspace = $1 AND message IS NULL ORDER BY seq LIMIT $2",
            *(workspace, _BATCH),
        )
        gone = [row[0] for row in takewhile(lambda row: row[1] < before, rows)]
        may_be_more |= len(gone) == _BATCH
        async with ledger.transaction() as transaction:
            for event in gone:
                told = "FROM deliveries WHERE event = $1"
                await transaction.execute(f"DELETE FROM delivery_failures WHERE delivery IN (SELECT id {told})", event)
                await transaction.execute(f"DELETE {told}", event)
                await transaction.execute("DELETE FROM events WHERE seq = $1", event)
    return may_be_more


async def talks(ledger: Ledger, before: int) -> bool:
    """Remove conversations in which nothing has happened since."""
    may_be_more = False
    for place in await ledger.fetch("SELECT workspace, id FROM environments ORDER BY id"):
        async with ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "SELECT id FROM conversations WHERE workspace = $1 AND environment = $2 AND updated_at < $3 "
                "ORDER BY updated_at LIMIT $4",
                *(*place, before, _BATCH),
            )
            for row in rows:
                for table in ("conversation_entries", "automatic_replies"):
                    await transaction.execute(f"DELETE FROM {table} WHERE conversation = $1", *row)
                await transaction.execute("DELETE FROM conversations WHERE id = $1", *row)
        may_be_more |= len(rows) == _BATCH
    return may_be_more


async def oldest(ledger: Ledger, table: str, before: int) -> bool:
    """Remove the first rows of a table whose ids rise with its times."""
    rows = await ledger.fetch(f"SELECT id, at FROM {table} ORDER BY id LIMIT $1", _BATCH)
    gone = [row[0] for row in takewhile(lambda row: row[1] < before, rows)]
    await _remove(ledger, table, gone)
    return len(gone) == _BATCH


async def over(ledger: Ledger, table: str, end: str, before: int) -> bool:
    """Remove what has ended, of which there is little enough to look at all; what goes on stays."""
    rows = await ledger.fetch(f"SELECT id FROM {table} WHERE {end} < $1 ORDER BY id LIMIT $2", before, _BATCH)
    await _remove(ledger, table, [row[0] for row in rows])
    return len(rows) == _BATCH


async def _remove(ledger: Ledger, table: str, numbers: list[int]) -> None:
    marks = ", ".join(f"${place}" for place in range(1, len(numbers) + 1))
    if numbers:
        async with ledger.transaction() as transaction:
            await transaction.execute(f"DELETE FROM {table} WHERE id IN ({marks})", *numbers)


async def plan_runs(ledger: Ledger, before: int) -> bool:
    """Remove what became of plans."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "SELECT id FROM plan_runs WHERE created_at < $1 ORDER BY created_at LIMIT $2", before, _BATCH
        )
        for (number,) in rows:
            await transaction.execute("DELETE FROM plan_steps WHERE run = $1", number)
            await transaction.execute("DELETE FROM plan_runs WHERE id = $1", number)
    return len(rows) == _BATCH


async def consents(ledger: Ledger, before: int) -> bool:
    """Remove what was said so long ago, of people whom nobody has texted since and who have said no to nothing."""
    rows = await ledger.fetch(
        "SELECT DISTINCT c.workspace, c.number FROM consents c WHERE c.at < $1 AND NOT EXISTS ("
        "SELECT 1 FROM stances s WHERE s.workspace = c.workspace AND s.number = c.number AND s.out_at IS NOT NULL) "
        "AND NOT EXISTS (SELECT 1 FROM consents o WHERE o.workspace = c.workspace AND o.number = c.number "
        "AND o.at >= $1) AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.workspace = c.workspace "
        "AND m.to_number = c.number AND m.accepted_at >= $1) LIMIT $2",
        *(before, _BATCH),
    )
    async with ledger.transaction() as transaction:
        for workspace, number in rows:
            for table in ("stances", "consents"):
                await transaction.execute(
                    f"DELETE FROM {table} WHERE workspace = $1 AND number = $2", workspace, number
                )
    return len(rows) == _BATCH


async def _due(
    ledger: Ledger, name: str, table: str, key: str, before: int, more: str = ""
) -> tuple[list[tuple[Any, ...]], int]:
    """A batch of rows older than `before` that were not looked at yet, and the time up to which it goes.

    It ends between two milliseconds, and so may be a little larger than others.
    """
    known = await ledger.fetch("SELECT value FROM watermarks WHERE name = $1", name)
    after = known[0][0] if known else -1
    place = f"FROM {table} WHERE at > $1 AND at < $2 {more} ORDER BY at"
    ends = await ledger.fetch(f"SELECT at {place} LIMIT 1 OFFSET {_BATCH - 1}", after, before)
    end = ends[0][0] if ends else before - 1
    columns = f"{key}, at, workspace, data" if table == "events" else f"{key}, at"
    return await ledger.fetch(f"SELECT {columns} {place}", after, end + 1), end


async def _pass(transaction: Any, name: str, mark: int) -> None:
    await transaction.execute(
        "INSERT INTO watermarks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        *(name, mark),
    )
