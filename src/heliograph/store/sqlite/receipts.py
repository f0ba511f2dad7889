"""Receipts and messages from phones in a commit on SQLite.

Each receipt is judged on what the ones before it left: what they say is written before another of the same message is
looked at.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from heliograph.core.message import Message, Receipt
from heliograph.store.port import Arrivals, AttemptRow, Match, Move, Receipts
from heliograph.store.sqlite.commit import Commit, marks
from heliograph.store.sqlite.messages import M
from heliograph.store.sqlite.moves import go_on

_A: Final = ", ".join(f"a.{name}" for name in AttemptRow.__struct_fields__)
# Two look-ups, not a join: SQLite reads the 40 columns of a joined row five times as slowly.
_SELECT_PART: Final = (
    f"SELECT {_A} FROM attempts a WHERE a.carrier_id = ? AND a.connector = ? ORDER BY a.message DESC LIMIT 1"
)
_SELECT_NAMED: Final = f"SELECT {_A} FROM attempts a WHERE a.message = ? AND a.attempt = ? AND a.connector = ? LIMIT 1"
_SELECT_MESSAGE: Final = f"SELECT {M} FROM messages m WHERE m.id = ?"
_SELECT_PARTS: Final = f"SELECT {_A} FROM attempts a WHERE a.message = ? AND a.attempt = ? AND a.part <> ?"
_INSERT_INBOUND: Final = (
    "INSERT OR IGNORE INTO inbound "
    "(id, workspace, environment, connector, carrier_id, from_number, to_number, text, raw, at, price, currency) "
    f"VALUES ({marks(12)}) RETURNING id"
)


def receive(commit: Commit, operations: list[Receipts]) -> None:
    """Match each receipt, have it judged, write what follows; park what belongs to nothing yet."""
    moves: list[tuple[Receipts, Move]] = []
    touched: set[int] = set()

    def settle() -> None:
        go_on(commit, [move for _, move in moves])
        for operation, move in moves:
            operation.notices += commit.emit_all(move.events, move.message)
        moves.clear()
        touched.clear()

    for operation in operations:
        operation.matched, operation.parked, operation.notices = [], [], []
        for receipt in operation.receipts:
            match = _match(commit, receipt, operation.forms(receipt))
            if match is not None and match.message.id in touched:
                settle()
                match = _match(commit, receipt, operation.forms(receipt))
            if match is None:
                operation.parked.append(receipt)
                continue
            touched.add(match.message.id)
            operation.matched.append((receipt, match.message))
            moves.append((operation, operation.judge(match)))
    settle()
    parked = [receipt for operation in operations for receipt in operation.parked]
    if parked:
        now = commit.now_ms()
        commit.cursor.executemany(
            "INSERT INTO parked_receipts (connector, carrier_id, receipt, at, message) VALUES (?, ?, ?, ?, ?)",
            [(r.connector, r.carrier_id, msgspec.json.encode(r).decode(), now, r.message) for r in parked],
        )


def _match(commit: Commit, receipt: Receipt, forms: Iterable[str]) -> Match | None:
    for form in forms:
        found = commit.cursor.execute(_SELECT_PART, (form, receipt.connector)).fetchall()
        if found:
            part = AttemptRow(*found[0])
            message = Message(*commit.cursor.execute(_SELECT_MESSAGE, (part.message,)).fetchall()[0])
            return Match(receipt, message, part, _other_parts(commit, message, part))
    if receipt.attempt is None:
        return None
    found = commit.cursor.execute(_SELECT_NAMED, (*receipt.attempt, receipt.connector)).fetchall()
    if not found:
        return None
    part = AttemptRow(*found[0])
    message = Message(*commit.cursor.execute(_SELECT_MESSAGE, (part.message,)).fetchall()[0])
    return Match(receipt, message, part, [])


def _other_parts(commit: Commit, message: Message, part: AttemptRow) -> list[AttemptRow]:
    if message.segments == 1 and not message.billed_segments:
        return []
    return [AttemptRow(*row) for row in commit.rows(_SELECT_PARTS, (part.message, part.attempt, part.part))]


def arrive(commit: Commit, operation: Arrivals) -> None:
    """Keep messages from phones, each once."""
    operation.repeated = set()
    for arrival in operation.arrivals:
        inbound = arrival.inbound
        commit.cursor.execute(
            _INSERT_INBOUND,
            (
                arrival.id,
                arrival.workspace,
                arrival.environment,
                inbound.connector,
                inbound.carrier_id,
                inbound.sender,
                inbound.to,
                commit.protection.kept(arrival.workspace, f"inbound {arrival.id}", inbound.text),
                commit.protection.kept(arrival.workspace, f"inbound {arrival.id}", inbound.raw),
                inbound.at,
                arrival.price,
                arrival.currency,
            ),
        )
        if not commit.cursor.fetchall():
            operation.repeated.add(arrival.id)
