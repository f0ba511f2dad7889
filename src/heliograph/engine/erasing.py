"""Erases a person in a workspace: what is left are numbers that lead to nobody, and a keyed hash of the phone number.

The hash says no for ever to who had opted out; without the key, which stands outside the database, it can't be found
by trying all numbers. It is also the journal of erasures: after a backup was restored they are done again from it.

Rows stay, so that statistics and prices do, under a name made of the hash.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.core.numbers import national_digits
from heliograph.core.views import moment
from heliograph.engine import audit, clicks, mentions, recordings
from heliograph.engine.cancel import cancel
from heliograph.engine.people.names import named
from heliograph.engine.rollback import moment_of
from heliograph.store.port import Ledger, Transaction

_BATCH: Final = 200
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


class Outside(msgspec.Struct):
    """What was handed out before, and is out of reach: an `export`, with its last object, or a `stream`."""

    kind: str
    name: str
    last: str | None


class Erased(msgspec.Struct):
    """What was erased; `is_suppressed`: the person had said no, and that goes on to hold. `outside` may name them."""

    messages: int = 0
    inbound: int = 0
    events: int = 0
    consents: int = 0
    is_suppressed: bool = False
    outside: list[Outside] = []


class Entry(msgspec.Struct, frozen=True):
    """One erasure, as it is kept and as the journal has it."""

    workspace: str
    hash: str
    is_suppressed: bool
    reason: str
    at: str


async def erase(
    ledger: Ledger,
    workspace: int,
    address: str,
    *,
    reason: str,
    actor: str,
    now: int,
    carriers: Sequence[object] = (),
) -> Erased:
    """Erase all that is known of a person, by one address and the others that are theirs at present; `carriers`: those
    of this process, which may have recorded it. Raises `Refused` while a message to them is being handed over."""
    done = Erased(outside=await _outside(ledger, workspace))
    for one in await _addresses(ledger, workspace, address):
        found = await _erase(ledger, workspace, one, reason=reason, actor=actor, now=now)
        recordings.forget(carriers, national_digits(one))
        for field in ("messages", "inbound", "events", "consents"):
            setattr(done, field, getattr(done, field) + getattr(found, field))
        done.is_suppressed |= found.is_suppressed
    return done


async def _outside(ledger: Ledger, workspace: int) -> list[Outside]:
    rows = await ledger.fetch(
        "SELECT 'export', name, object FROM export_progress WHERE workspace = $1 AND object IS NOT NULL "
        "UNION ALL SELECT 'stream', name, NULL FROM stream_progress WHERE workspace = $1 AND sent > 0 ORDER BY 1, 2",
        workspace,
    )
    return [Outside(*row) for row in rows]


async def _addresses(ledger: Ledger, workspace: int, address: str) -> list[str]:
    """It, and the others of whom it belongs to."""
    rows = await ledger.fetch(
        "SELECT o.address FROM contact_addresses a JOIN contact_addresses o ON o.contact = a.contact "
        "WHERE a.workspace = $1 AND a.address = $2 AND a.until IS NULL AND o.until IS NULL AND o.address <> $2 "
        "ORDER BY o.address",
        *(workspace, address),
    )
    return [address, *(row[0] for row in rows)]


async def _erase(ledger: Ledger, workspace: int, number: str, *, reason: str, actor: str, now: int) -> Erased:
    await _out_of_campaigns(ledger, workspace, number)
    await _cancel_waiting(ledger, workspace, number, now)
    digest = ledger.protection.hash_number(workspace, number)
    name = f"erased:{digest[:16]}"
    done = Erased()
    async with ledger.transaction() as transaction:
        done.is_suppressed = await _remember(transaction, workspace, number, digest, reason, now)
        done.consents = await _consents(transaction, workspace, number, name)
        await _person(transaction, workspace, number)
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="person.erased",
            object=named(ledger.protection, workspace, number),
            now=now,
            detail={"reason": reason, "is_suppressed": done.is_suppressed},
        )
    while count := await _messages(ledger, workspace, number, name, now):
        done.messages += count
    async with ledger.transaction() as transaction:
        done.inbound = len(
            await transaction.fetch(
                "UPDATE inbound SET text = NULL, raw = NULL, from_number = $3, conversation = NULL, found = NULL "
                "WHERE workspace = $1 AND from_number = $2 RETURNING id",
                *(workspace, number, name),
            )
        )
        await _conversations(transaction, workspace, number)
        await transaction.execute(  # of what is pending the code goes too: it can't be right any more
            "UPDATE verifications SET to_number = $3, email = NULL, phone = '', ip = NULL, device = NULL, salt = '', "
            "hash = '', next_at = NULL WHERE workspace = $1 AND to_number = $2",
            *(workspace, number, name),
        )
        await _plans(transaction, workspace, number, name)
        await mentions.forget(transaction, workspace, number, name)
    await mentions.forget_answers(ledger, workspace, number, name)
    done.events = await mentions.forget_events(ledger, workspace, number)
    return done


async def _conversations(transaction: Transaction, workspace: int, number: str) -> None:
    """What was said is theirs, what was noted is about them: both go."""
    theirs = "SELECT id FROM conversations WHERE workspace = $1 AND number = $2"
    for table in ("conversation_entries", "automatic_replies"):
        await transaction.execute(f"DELETE FROM {table} WHERE conversation IN ({theirs})", workspace, number)
    await transaction.execute("DELETE FROM conversations WHERE workspace = $1 AND number = $2", workspace, number)


async def journal(ledger: Ledger, workspace: str | None = None) -> list[Entry]:
    """All erasures, the oldest first. Kept outside the database it survives the restore of an old backup."""
    rows = await ledger.fetch(
        "SELECT w.name, e.hash, e.is_suppressed, e.reason, e.at FROM erased e JOIN workspaces w ON w.id = e.workspace "
        "WHERE $1 = '' OR w.name = $1 ORDER BY e.at, e.hash",
        workspace or "",
    )
    return [Entry(name, digest, bool(no), reason, moment(at)) for name, digest, no, reason, at in rows]


async def replay(ledger: Ledger, entries: Sequence[Entry], *, actor: str, now: int) -> int:
    """Erase again whom a restored backup has brought back; answers how many people that were.

    Who only came after the erasure came anew, and is left alone.
    """
    workspaces: dict[str, int] = dict(await ledger.fetch("SELECT name, id FROM workspaces"))
    count = 0
    for workspace in {entry.workspace for entry in entries} & workspaces.keys():
        wanted = {entry.hash: entry for entry in entries if entry.workspace == workspace}
        owner = workspaces[workspace]
        for number, since in await _numbers(ledger, owner):
            entry = wanted.get(ledger.protection.hash_number(owner, number))
            if entry is not None and since <= moment_of(entry.at):
                await erase(ledger, owner, number, reason=entry.reason, actor=actor, now=now)
                count += 1
        async with ledger.transaction() as transaction:
            for entry in wanted.values():
                await transaction.execute(
                    "INSERT INTO erased (workspace, hash, is_suppressed, reason, at) VALUES ($1, $2, $3, $4, $5) "
                    "ON CONFLICT (workspace, hash) DO UPDATE SET at = CASE WHEN erased.at > excluded.at "
                    "THEN excluded.at ELSE erased.at END, is_suppressed = CASE WHEN erased.at > excluded.at "
                    "AND excluded.is_suppressed = 1 THEN 1 ELSE erased.is_suppressed END",
                    *(owner, entry.hash, int(entry.is_suppressed), entry.reason, moment_of(entry.at)),
                )
    return count


async def _numbers(ledger: Ledger, workspace: int) -> list[tuple[str, int]]:
    """Every number that a workspace knows, and since when."""
    rows = await ledger.fetch(
        "SELECT number, min(at) FROM (SELECT to_number AS number, accepted_at AS at FROM messages "
        "WHERE workspace = $1 UNION ALL SELECT from_number, at FROM inbound WHERE workspace = $1 "
        "UNION ALL SELECT number, at FROM consents WHERE workspace = $1 "
        "UNION ALL SELECT number, at FROM lookups WHERE workspace = $1 "
        "UNION ALL SELECT to_number, started_at FROM verifications WHERE workspace = $1 "
        "UNION ALL SELECT address, since FROM contact_addresses WHERE workspace = $1 "
        "UNION ALL SELECT r.number, a.created_at FROM audiences a JOIN audience_rows r ON r.audience = a.id "
        "WHERE a.workspace = $1) traces GROUP BY number",
        workspace,
    )
    return [(row[0], row[1]) for row in rows if not row[0].startswith("erased:")]


# -- the steps


async def _out_of_campaigns(ledger: Ledger, workspace: int, number: str) -> None:
    """No audience names them any more; what a paused campaign holds for them can be taken back like all that waits."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "DELETE FROM audience_rows WHERE number = $2 "
            "AND audience IN (SELECT id FROM audiences WHERE workspace = $1)",
            *(workspace, number),
        )
        await transaction.execute(
            "UPDATE messages SET owner = 0 WHERE workspace = $1 AND to_number = $2 AND owner = -1", workspace, number
        )


async def _cancel_waiting(ledger: Ledger, workspace: int, number: str, now: int) -> None:
    """Nothing is to be sent any more, and nobody may need the number while it goes."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE workspace = $1 AND to_number = $2 AND owner = 0", workspace, number
    )
    for row in rows:
        kept = await cancel(ledger, Message(*row), now)
        if kept is not None and kept.error is not None:
            raise kept.error
    left = await ledger.fetch(
        "SELECT 1 FROM messages WHERE workspace = $1 AND to_number = $2 "
        "AND state IN ('accepted', 'scheduled', 'queued', 'sending') LIMIT 1",
        *(workspace, number),
    )
    if left:
        detail = "a message to this number is being handed over right now; ask again in a moment"
        raise Refused(Refusal("still_sending", detail, status=409))


async def _remember(transaction: Transaction, workspace: int, number: str, digest: str, reason: str, now: int) -> bool:
    """The hash takes the number's place on the suppression list, in one commit."""
    gone = await transaction.fetch(
        "DELETE FROM stances WHERE workspace = $1 AND number = $2 RETURNING out_at", workspace, number
    )
    said_no = any(row[0] is not None for row in gone)
    rows = await transaction.fetch(
        "INSERT INTO erased (workspace, hash, is_suppressed, reason, at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (workspace, hash) DO UPDATE SET reason = excluded.reason, at = excluded.at, "
        "is_suppressed = CASE WHEN excluded.is_suppressed = 1 THEN 1 ELSE erased.is_suppressed END "
        "RETURNING is_suppressed",
        *(workspace, digest, int(said_no), reason, now),
    )
    return bool(rows[0][0])


async def _consents(transaction: Transaction, workspace: int, number: str, name: str) -> int:
    """What was said and when stays; who said it, and from where, goes."""
    rows = await transaction.fetch(
        "UPDATE consents SET number = $3, detail = '{}', contact = NULL, ip = NULL, user_agent = NULL, message = NULL, "
        "text = NULL WHERE workspace = $1 AND number = $2 RETURNING id",
        *(workspace, number, name),
    )
    await transaction.execute("DELETE FROM cooldowns WHERE workspace = $1 AND number = $2", workspace, number)
    await transaction.execute(  # what the question cost stays
        "UPDATE lookups SET number = $3, answer = '{}' WHERE workspace = $1 AND number = $2", workspace, number, name
    )
    return len(rows)


async def _person(transaction: Transaction, workspace: int, number: str) -> None:
    """The contact that the number belongs to, or belonged to, is nobody any more."""
    rows = await transaction.fetch(
        "DELETE FROM contact_addresses WHERE workspace = $1 AND address = $2 RETURNING contact", workspace, number
    )
    for contact in {row[0] for row in rows}:
        left = await transaction.fetch("SELECT 1 FROM contact_addresses WHERE contact = $1 LIMIT 1", contact)
        if not left:
            await transaction.execute(
                "UPDATE contacts SET external_id = NULL, name = NULL, locale = NULL, time_zone = NULL, "
                "attributes = '{}' WHERE workspace = $1 AND id = $2",
                *(workspace, contact),
            )


async def _messages(ledger: Ledger, workspace: int, number: str, name: str, now: int) -> int:
    """A batch of messages with what hangs on them; answers how many these were."""
    rows = await ledger.fetch(
        "SELECT id, decision, tags FROM messages WHERE workspace = $1 AND to_number = $2 LIMIT $3",
        *(workspace, number, _BATCH),
    )
    if not rows:
        return 0
    numbers = [row[0] for row in rows]
    marks = ", ".join(f"${place}" for place in range(1, len(numbers) + 1))
    async with ledger.transaction() as transaction:
        events = await transaction.fetch(
            f"SELECT seq, data FROM events WHERE message IN ({marks}) AND data LIKE '%\"receipt\"%'", *numbers
        )
        for seq, data in events:
            facts: dict[str, Any] = msgspec.json.decode(data)
            facts.pop("receipt", None)
            await transaction.execute(
                "UPDATE events SET data = $2 WHERE seq = $1", seq, msgspec.json.encode(facts).decode()
            )
        for tag_number, _, tags in rows:
            for tag in msgspec.json.decode(tags) if tags else ():
                await transaction.execute(
                    "DELETE FROM message_tags WHERE workspace = $1 AND tag = $2 AND message = $3",
                    *(workspace, tag, tag_number),
                )
        for decision in {row[1] for row in rows}:
            await transaction.execute(
                "UPDATE decisions SET trace = replace(trace, $2, $3) WHERE id = $1 AND trace LIKE $4",
                *(decision, number, name, f"%{number}%"),
            )
        await clicks.forget(transaction, marks, *numbers)
        await transaction.execute(f"DELETE FROM goals WHERE message IN ({marks})", *numbers)
        await transaction.execute(
            "UPDATE messages SET text = NULL, content = NULL, tags = NULL, metadata = NULL, correlation_id = NULL, "
            f"to_number = ${len(numbers) + 1} WHERE id IN ({marks})",
            *(*numbers, name),
        )
        await transaction.execute(f"DELETE FROM smpp_parts WHERE message IN ({marks})", *numbers)
        await mentions.forget_urls(transaction, numbers, now)
    return len(rows)


async def _plans(transaction: Transaction, workspace: int, number: str, name: str) -> None:
    """No further step is sent; that a plan was tried stays, as do the messages of it that were."""
    await transaction.execute(
        "UPDATE plan_runs SET state = CASE WHEN state = 'running' THEN 'canceled' ELSE state END, next_at = NULL, "
        "asked = NULL, to_address = $3 WHERE workspace = $1 AND (to_address = $2 OR (state = 'running' AND id IN "
        "(SELECT run FROM plan_steps WHERE to_address = $2)))",
        *(workspace, number, name),
    )
    await transaction.execute(
        "UPDATE plan_steps SET to_address = $3 WHERE to_address = $2 "
        "AND run IN (SELECT id FROM plan_runs WHERE workspace = $1)",
        *(workspace, number, name),
    )
