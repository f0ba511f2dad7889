"""What the tests of the ledger put into it, and how they wait for it."""

import asyncio
from typing import Any, TypeVar

from heliograph.core.message import Inbound, Message, Receipt
from heliograph.store.port import (
    Accept,
    Arrival,
    AttemptRow,
    Claim,
    Idempotency,
    Match,
    Move,
    NewEvent,
    Operation,
    Share,
)

_O = TypeVar("_O", bound=Operation)

NOW = 1_700_000_000_000
LATER = NOW + 3_600_000
CONNECTOR = "telco"


class Time:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        return self.ms


def begin(ledger: Any, cls: type[_O], **fields: Any) -> "asyncio.Future[_O]":
    """Hand over an operation; its future is done when the operation is."""
    future: asyncio.Future[_O] = asyncio.get_running_loop().create_future()
    ledger.add(cls(done=future.set_result, **fields))
    return future


async def attempt(ledger: Any, cls: type[_O], **fields: Any) -> _O:
    """The operation when it is over, however it went."""
    return await asyncio.wait_for(begin(ledger, cls, **fields), 30)


async def do(ledger: Any, cls: type[_O], **fields: Any) -> _O:
    """The operation when it is durable."""
    operation = await attempt(ledger, cls, **fields)
    if operation.error is not None:
        raise operation.error
    return operation


def message(ledger: Any, **changes: Any) -> Message:
    """A message that waits for a claim, unless the changes say otherwise."""
    fields: dict[str, Any] = dict.fromkeys(Message.__struct_fields__)
    fields |= {
        "id": ledger.next_id("message"),
        "workspace": 1,
        "environment": 1,
        "client": 1,
        "accepted_at": NOW,
        "to": "+491700000001",
        "country": "DE",
        "kind": "transactional",
        "lane": 1,
        "sender": "Acme",
        "text": "Hello",
        "encoding": "GSM-7",
        "segments": 1,
        "state": "queued",
        "updated_at": NOW,
        "due_at": NOW,
        "valid_until": LATER,
        "connector": CONNECTOR,
        "plan": '["telco"]',
        "attempts": 0,
        "owner": 0,
        "decision": 1,
        "possible_duplicate": 0,
    }
    return Message(**fields | changes)


def in_hand(ledger: Any, **changes: Any) -> Message:
    """A message whose first attempt is to be handed over at its own commit."""
    return message(ledger, **{"state": "sending", "owner": 1, "attempts": 1} | changes)


def copied(original: Message, **changes: Any) -> Message:
    return Message(**{name: getattr(original, name) for name in Message.__struct_fields__} | changes)


async def accept(ledger: Any, *messages: Message, **fields: Any) -> Accept:
    return await do(ledger, Accept, messages=list(messages), **fields)


def key(name: str = "k", body: bytes = b"body", *, client: int = 1, expires_at: int = LATER) -> Idempotency:
    return Idempotency(client, name, body, expires_at)


def ids_as_reply(operation: Accept) -> bytes:
    return ",".join(str(message.id) for message in operation.messages).encode()


def row(message: Message, part: int = 1, **changes: Any) -> AttemptRow:
    """One part of the message's present attempt, as the carrier took it."""
    fields: dict[str, Any] = {
        "message": message.id,
        "attempt": message.attempts,
        "part": part,
        "connector": message.connector,
        "state": "accepted",
        "carrier_id": f"c{message.id}-{part}",
        "failure": None,
        "code": None,
        "carrier_code": None,
        "handed_at": NOW,
        "answered_at": NOW + 5,
        "receipt_at": None,
    }
    return AttemptRow(**fields | changes)


def taken(message: Message, **changes: Any) -> Move:
    """The carrier took every part of the message."""
    parts = tuple(row(message, part) for part in range(1, message.segments + 1))
    after = copied(message, **{"state": "sent", "sent_at": NOW + 5, "updated_at": NOW + 5} | changes)
    return Move(after, message.state, (NewEvent("message.sent", NOW + 5),), parts)


def receipt(carrier_id: str, fact: str = "delivered", **changes: Any) -> Receipt:
    return Receipt(**{"connector": CONNECTOR, "carrier_id": carrier_id, "fact": fact, "at": NOW + 9} | changes)


def as_it_is(report: Receipt) -> list[str]:
    return [report.carrier_id]


def delivered_when_all_parts_are(match: Match) -> Move:
    """A judge: enough of the real one to see what it is given."""
    part = AttemptRow(*(getattr(match.part, name) for name in AttemptRow.__struct_fields__))
    part.state, part.receipt_at = match.receipt.fact, match.receipt.at
    facts = {part.state, *(other.state for other in match.others)}
    message = match.message
    if message.state == "sent" and facts == {"delivered"}:
        after = copied(message, state="delivered", owner=None, final_at=match.receipt.at)
        return Move(after, message.state, (NewEvent("message.delivered", match.receipt.at),), (), (part,))
    note = NewEvent("message.receipt", match.receipt.at, '{"ignored":true}', told=False)
    return Move(message, message.state, (note,), (), (part,))


RECEIVING = {"forms": as_it_is, "judge": delivered_when_all_parts_are}


def arrival(ledger: Any, carrier_id: str | None = "in-1", **changes: Any) -> Arrival:
    fields: dict[str, Any] = {
        "connector": CONNECTOR,
        "sender": "+491700000001",
        "to": "12345",
        "text": "STOP",
        "at": NOW,
        "carrier_id": carrier_id,
    }
    inbound = Inbound(**fields | changes)
    return Arrival(ledger.next_id("inbound"), 1, 1, inbound)


async def claim(ledger: Any, *shares: Share, **changes: Any) -> Claim:
    fields: dict[str, Any] = {
        "connector": CONNECTOR,
        "shares": list(shares) or [Share(1, 1, 100)],
        "segments": 1_000,
        "now": NOW,
        "owner": 1,
    }
    return await do(ledger, Claim, **fields | changes)


async def opt_out(ledger: Any, number: str, workspace: int = 1) -> None:
    async with ledger.transaction() as transaction:
        await write_opt_out(transaction, number, workspace)


async def write_opt_out(transaction: Any, number: str, workspace: int = 1) -> None:
    await transaction.execute(
        "INSERT INTO stances (workspace, number, scope, imported, out_at, firm, record) "
        "VALUES ($1, $2, '*', 0, $3, 0, 1)",
        workspace,
        number,
        NOW,
    )


async def states(ledger: Any, *messages: Message) -> list[str | None]:
    """Each message's state as the ledger has it; None when it has none."""
    found = dict(await ledger.fetch("SELECT id, state FROM messages"))
    return [found.get(message.id) for message in messages]


async def history(ledger: Any, message: Message) -> list[str]:
    rows = await ledger.fetch("SELECT type FROM events WHERE message = $1 ORDER BY seq", message.id)
    return [row[0] for row in rows]


async def count(ledger: Any, table: str) -> int:
    rows = await ledger.fetch(f"SELECT count(*) FROM {table}")
    return int(rows[0][0])
