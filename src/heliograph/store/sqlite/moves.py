"""Messages that go on, in a commit on SQLite, with their attempts.

A message goes on by compare-and-set: it must still be in the state that its move names, and no later attempt may have
begun.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec

from heliograph.core.message import Receipt
from heliograph.store.port import MOVED, AttemptRow, Move, Moves
from heliograph.store.sqlite.commit import Commit, marks
from heliograph.store.steps import LATE, answered_late

_WIDTH_A: Final = len(AttemptRow.__struct_fields__)
_INSERT_ATTEMPT: Final = f"INSERT INTO attempts VALUES ({marks(_WIDTH_A)})"
# Of a message that went on without it: what was not known is known now.
_LATE_ATTEMPT: Final = (
    f"{_INSERT_ATTEMPT} ON CONFLICT (message, attempt, part) DO UPDATE SET {LATE} WHERE attempts.state = 'unknown'"
)
_PLACES: Final = {name: f"{name} = ?{place}" for place, name in enumerate(MOVED, 1)}
_WAS: Final = f"?{len(MOVED) + 2}"
_MOVE: Final = (
    f"UPDATE messages SET {', '.join(_PLACES.values())} "
    # What waited when it was decided on may have been tried meanwhile, and wait again: a later attempt has begun. One
    # that was throttled on its way gives its number back.
    f"WHERE id = ?{len(MOVED) + 1} AND state = {_WAS} AND attempts <= ?{MOVED.index('attempts') + 1} "
    f"+ (?{MOVED.index('state') + 1} = 'queued' AND {_WAS} = 'sending')"
)
# The hot step sending → sent has a statement of its own: it leaves every indexed column alone.
_SENT_COLUMNS: Final = ("updated_at", "sent_at", "price", "currency", "surcharge", "billed_segments")
_SENT: Final = (
    f"UPDATE messages SET state = 'sent', {', '.join(f'{name} = ?' for name in _SENT_COLUMNS)} "
    "WHERE state = 'sending' AND attempts <= ? AND id = ?"
)
_sent_values: Final = itemgetter(*map(MOVED.index, (*_SENT_COLUMNS, "attempts")))
_UPDATE_PART: Final = (
    "UPDATE attempts SET state = ?, failure = ?, code = ?, carrier_code = ?, receipt_at = ? "
    "WHERE message = ? AND attempt = ? AND part = ?"
)


def answer(commit: Commit, operations: list[Moves]) -> None:
    """Messages go on; receipts that had come before their messages' carrier ids are handed back."""
    moves = [move for operation in operations for move in operation.moves]
    lost = go_on(commit, moves)
    is_parking = commit.rows("SELECT EXISTS (SELECT 1 FROM parked_receipts)")[0][0]
    for operation in operations:
        operation.notices, operation.lost = [], set()
        for move in operation.moves:
            if lost and id(move) in lost:
                operation.lost.add(move.message.id)
                _keep_late(commit, move)
            else:
                operation.notices += commit.emit_all(move.events, move.message)
        operation.unparked = _unpark(commit, operation.moves) if is_parking else []


def _keep_late(commit: Commit, move: Move) -> None:
    """What came for a message that had gone on, unless the message is gone altogether."""
    if move.attempts and commit.rows("SELECT 1 FROM messages WHERE id = ?", (move.message.id,)):
        commit.cursor.executemany(_LATE_ATTEMPT, map(msgspec.structs.astuple, move.attempts))
        commit.emit_all([answered_late(move)], move.message)


def go_on(commit: Commit, moves: Sequence[Move]) -> set[int]:
    """Update the messages and their attempts; answers the moves that came too late, by their id()."""
    lost = _update(commit, moves)
    won = [move for move in moves if id(move) not in lost] if lost else moves
    new = [row for move in won for row in move.attempts]
    if new:
        commit.cursor.executemany(_INSERT_ATTEMPT, map(msgspec.structs.astuple, new))
    known = [row for move in won for row in move.receipts]
    if known and new:  # whose receipt came with its answer is written as it stands now
        fresh = set(map(id, new))
        known = [row for row in known if id(row) not in fresh]
    if known:
        commit.cursor.executemany(_UPDATE_PART, map(_part_values, known))
    return lost


def _update(commit: Commit, moves: Sequence[Move]) -> set[int]:
    """Update the messages. Nearly always all moves win: only when the count of rows says otherwise is it undone
    and done one by one, to learn which ones lost (asking each time, by RETURNING, more than doubles the price)."""
    chains = _chains(moves)
    sent, other = [], []
    for chain in chains:
        if chain[-1].state == "sent" and chain[0].was == "sending":
            sent.append((*_sent_values(chain[-1].row), chain[-1].message.id))
        else:
            other.append(_move_values(chain))
    before = commit.connection.total_changes()
    commit.cursor.execute("SAVEPOINT moves")
    if sent:
        commit.cursor.executemany(_SENT, sent)
    if other:
        commit.cursor.executemany(_MOVE, other)
    lost: set[int] = set()
    if commit.connection.total_changes() - before < len(chains):
        commit.cursor.execute("ROLLBACK TO moves")
        for chain in chains:
            commit.cursor.execute(_MOVE, _move_values(chain))
            if not commit.connection.changes():
                lost.update(map(id, chain))
    commit.cursor.execute("RELEASE moves")
    return lost


def _move_values(chain: Sequence[Move]) -> tuple[Any, ...]:
    """From where the first begins, to where the last leads."""
    return (*chain[-1].row, chain[0].message.id, chain[0].was)


def _unpark(commit: Commit, moves: Sequence[Move]) -> list[Receipt]:
    """Receipts that came before the answer that they belong to."""
    ids = [(row.carrier_id, row.connector) for move in moves for row in move.attempts if row.carrier_id]
    found = commit.many("DELETE FROM parked_receipts WHERE carrier_id = ? AND connector = ? RETURNING receipt", ids)
    named = [(row.message, row.connector) for move in moves for row in move.attempts if row.state == "unknown"]
    found += commit.many("DELETE FROM parked_receipts WHERE message = ? AND connector = ? RETURNING receipt", named)
    return [msgspec.json.decode(row[0], type=Receipt) for row in found]


def _chains(moves: Sequence[Move]) -> list[list[Move]]:
    """Moves that follow each other in one commit are one step: to where the last leads, from where the first began."""
    latest: dict[int, list[Move]] = {}
    chains: list[list[Move]] = []
    for move in moves:
        chain = latest.get(move.message.id)
        if chain is not None and chain[-1].state == move.was:
            chain.append(move)
        else:
            latest[move.message.id] = chain = [move]
            chains.append(chain)
    return chains


def _part_values(row: AttemptRow) -> tuple[Any, ...]:
    return (row.state, row.failure, row.code, row.carrier_code, row.receipt_at, row.message, row.attempt, row.part)
