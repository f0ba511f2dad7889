"""Receipts and messages from phones in a commit on PostgreSQL.

All receipts of a commit are matched by one statement that also locks their messages; so what another process reports
of the same message comes wholly before or wholly after. Within the commit each receipt is judged on what the ones
before it left.
"""

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from typing import Any, Final

import msgspec

from heliograph.core.message import Message, Receipt
from heliograph.store.port import Arrival, Arrivals, AttemptRow, Match, Move, Receipts
from heliograph.store.postgres.commit import Commit, columns
from heliograph.store.postgres.messages import M
from heliograph.store.postgres.moves import ATTEMPT_COLUMNS, go_on
from heliograph.store.protection import Protection

_A: Final = ", ".join(f"a.{name}" for name in ATTEMPT_COLUMNS)
_WIDTH_A: Final = len(ATTEMPT_COLUMNS)
# Attempts are locked too: a locked row is read as it is now, an unlocked one as it was when the statement began. In the
# order of the messages, so that two processes don't wait for each other.
_MATCH: Final = (
    f"SELECT v.place, v.rank, {_A}, {M} FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) "
    "v (place, rank, connector, form) JOIN attempts a ON a.carrier_id = v.form AND a.connector = v.connector "
    "JOIN messages m ON m.id = a.message ORDER BY m.id FOR UPDATE OF a, m"
)
_NAMED: Final = (
    f"SELECT v.place, {_A}, {M} FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) "
    "v (place, connector, message, attempt) JOIN attempts a ON a.message = v.message AND a.attempt = v.attempt "
    "AND a.connector = v.connector AND a.part = 1 JOIN messages m ON m.id = a.message ORDER BY m.id FOR UPDATE OF a, m"
)
_PARTS: Final = (
    f"SELECT {_A} FROM unnest($1::bigint[], $2::bigint[]) v (message, attempt) "
    "JOIN attempts a ON a.message = v.message AND a.attempt = v.attempt ORDER BY a.part"
)
_PARK: Final = (
    "INSERT INTO parked_receipts (connector, carrier_id, receipt, message, at) "
    "SELECT *, $5 FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])"
)
_ARRIVE: Final = (
    "INSERT INTO inbound (id, workspace, environment, connector, carrier_id, from_number, to_number, text, raw, at, "
    "price, currency) "
    "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], "
    "$8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[]) ON CONFLICT DO NOTHING RETURNING id"
)


async def receive(commit: Commit, operations: Sequence[Receipts]) -> None:
    """Match each receipt, have it judged, write what follows; park what belongs to nothing yet."""
    found = await _match(commit, operations)
    moves: dict[int, Move] = {}
    place = 0
    for operation in operations:
        operation.matched, operation.parked, operation.notices = [], [], []
        for receipt in operation.receipts:
            match = found.match(place, receipt)
            place += 1
            if match is None:
                operation.parked.append(receipt)
                continue
            operation.matched.append((receipt, match.message))
            move = operation.judge(match)
            found.learn(move)
            operation.notices += commit.emit_all(move.events, move.message)
            moves[match.message.id] = _joined(moves.get(match.message.id), move)
    await go_on(commit, list(moves.values()))
    parked = [receipt for operation in operations for receipt in operation.parked]
    if parked:
        rows = [(r.connector, r.carrier_id, msgspec.json.encode(r).decode(), r.message) for r in parked]
        await commit.rows(_PARK, *columns(rows, 4), commit.now_ms)


class _Found:
    """The rows that belong to a commit's receipts, as the judgements so far have left them."""

    def __init__(self) -> None:
        self.keys: dict[int, tuple[int, int, int]] = {}  # place of the receipt → message, attempt, part
        self.messages: dict[int, Message] = {}
        self.attempts: defaultdict[tuple[int, int], dict[int, AttemptRow]] = defaultdict(dict)

    def match(self, place: int, receipt: Receipt) -> Match | None:
        key = self.keys.get(place)
        if key is None:
            return None
        message, attempt, part = key
        parts = self.attempts[message, attempt]
        others = [row for number, row in parts.items() if number != part]
        return Match(receipt, self.messages[message], parts[part], others)

    def learn(self, move: Move) -> None:
        self.messages[move.message.id] = move.message
        for row in move.receipts:
            self.attempts[row.message, row.attempt][row.part] = row


async def _match(commit: Commit, operations: Sequence[Receipts]) -> _Found:
    receipts = [(receipt, operation.forms) for operation in operations for receipt in operation.receipts]
    wanted = [
        (place, rank, receipt.connector, form)
        for place, (receipt, forms) in enumerate(receipts)
        for rank, form in enumerate(forms(receipt))
    ]
    found = _Found()
    best: dict[int, tuple[int, int]] = {}
    for place, rank, *values in await commit.rows(_MATCH, *columns(wanted, 4)):
        part, message = AttemptRow(*values[:_WIDTH_A]), Message(*values[_WIDTH_A:])
        # Carriers use ids again after a while: the first form that fits counts, then the youngest message.
        merit = (rank, -message.id)
        if place not in best or merit < best[place]:
            best[place] = merit
            found.keys[place] = (part.message, part.attempt, part.part)
            found.messages.setdefault(message.id, message)
            found.attempts[part.message, part.attempt].setdefault(part.part, part)
    named = [
        (place, receipt.connector, *receipt.attempt)
        for place, (receipt, _) in enumerate(receipts)
        if place not in found.keys and receipt.attempt is not None
    ]
    if named:
        for place, *values in await commit.rows(_NAMED, *columns(named, 4)):
            part, message = AttemptRow(*values[:_WIDTH_A]), Message(*values[_WIDTH_A:])
            found.keys[place] = (part.message, part.attempt, part.part)
            found.messages.setdefault(message.id, message)
            found.attempts[part.message, part.attempt].setdefault(part.part, part)
    several = {key[:2] for key in found.keys.values() if _is_split(found.messages[key[0]])}
    if several:
        for values in await commit.rows(_PARTS, *columns(list(several), 2)):
            part = AttemptRow(*values)
            found.attempts[part.message, part.attempt].setdefault(part.part, part)
    return found


def _joined(earlier: Move | None, later: Move) -> Move:
    """Two moves of one message in one commit are written as one."""
    if earlier is None:
        return later
    joined = copy(later)
    joined.was = earlier.was
    joined.attempts = earlier.attempts + later.attempts
    joined.receipts = earlier.receipts + later.receipts
    return joined


async def arrive(commit: Commit, operations: Sequence[Arrivals]) -> None:
    """Keep messages from phones, each once."""
    rows = [_arrival_values(arrival, commit.protection) for operation in operations for arrival in operation.arrivals]
    kept = {row[0] for row in await commit.rows(_ARRIVE, *columns(rows, 12))}
    for operation in operations:
        operation.repeated = {arrival.id for arrival in operation.arrivals if arrival.id not in kept}


def _arrival_values(arrival: Arrival, protection: Protection) -> tuple[Any, ...]:
    inbound, place = arrival.inbound, f"inbound {arrival.id}"
    return (
        arrival.id,
        arrival.workspace,
        arrival.environment,
        inbound.connector,
        inbound.carrier_id,
        inbound.sender,
        inbound.to,
        protection.kept(arrival.workspace, place, _without_nul(inbound.text)),
        protection.kept(arrival.workspace, place, _without_nul(inbound.raw)),
        inbound.at,
        arrival.price,
        arrival.currency,
    )


def _without_nul(text: str | None) -> str | None:
    """A phone may send NUL, which PostgreSQL can't keep; that is no reason to lose the message."""
    return text.replace("\0", "\ufffd") if text is not None else None


def _is_split(message: Message) -> bool:
    """By us, or by its carrier."""
    return message.segments > 1 or message.billed_segments is not None
