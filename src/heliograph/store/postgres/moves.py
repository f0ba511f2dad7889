"""Messages that go on, in a commit on PostgreSQL, with their attempts.

A message goes on by compare-and-set: it must still be in the state that its move names, and no later attempt may have
begun. So a process that froze and comes back with an old answer changes nothing.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.core.message import WAITING, Receipt
from heliograph.store.port import MOVED, AttemptRow, Move, Moves
from heliograph.store.postgres.commit import Commit, columns
from heliograph.store.steps import LATE, answered_late

ATTEMPT_COLUMNS: Final = AttemptRow.__struct_fields__
_TEXTS: Final = frozenset(
    {"state", "connector", "price", "currency", "surcharge", "failure", "failure_code", "carrier_code"}
)
_MOVED: Final = {name: "text" if name in _TEXTS else "bigint" for name in MOVED}
_MOVE_TYPES: Final = ("bigint", "text", "bigint", *_MOVED.values())
_MOVE: Final = (
    f"UPDATE messages m SET {', '.join(f'{name} = v.{name}' for name in _MOVED)} "
    f"FROM unnest({', '.join(f'${place}::{kind}[]' for place, kind in enumerate(_MOVE_TYPES, 1))}) "
    f"v (id, was, position, {', '.join(_MOVED)}) "
    # Whoever took over from a process that hung has begun a later attempt; one that was throttled on its way gives its
    # number back. What waited when it was decided on may have been tried meanwhile, and wait again.
    "WHERE m.id = v.id AND m.state = v.was AND m.attempts <= v.attempts "
    "+ CASE WHEN v.state = 'queued' AND v.was = 'sending' THEN 1 ELSE 0 END RETURNING v.position"
)
_UPDATE_PARTS: Final = (
    "UPDATE attempts a SET state = v.state, failure = v.failure, code = v.code, carrier_code = v.carrier_code, "
    "receipt_at = v.receipt_at "
    "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], "
    "$7::text[], $8::bigint[]) v (message, attempt, part, state, failure, code, carrier_code, receipt_at) "
    "WHERE a.message = v.message AND a.attempt = v.attempt AND a.part = v.part"
)
# Of a message that went on without it: what was not known is known now.
_LATE_ATTEMPT: Final = (
    f"INSERT INTO attempts VALUES ({', '.join(f'${place}' for place in range(1, len(ATTEMPT_COLUMNS) + 1))}) "
    f"ON CONFLICT (message, attempt, part) DO UPDATE SET {LATE} WHERE attempts.state = 'unknown'"
)
_UNPARK: Final = (
    "WITH gone AS (DELETE FROM parked_receipts p "
    "USING unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) v (operation, carrier_id, connector, message) "
    "WHERE p.connector = v.connector AND (p.carrier_id = v.carrier_id OR p.message = v.message) "
    "RETURNING p.id, v.operation, p.receipt) "
    "SELECT operation, receipt FROM gone ORDER BY id"
)


async def answer(commit: Commit, operations: Sequence[Moves]) -> None:
    """Messages go on; receipts that had come before their messages' carrier ids are handed back."""
    moves = [move for operation in operations for move in operation.moves]
    lost = await go_on(commit, moves)
    unparking: list[tuple[int, str | None, str, int | None]] = []
    position = 0
    for place, operation in enumerate(operations):
        operation.lost, operation.notices, operation.unparked = set(), [], []
        for move in operation.moves:
            if position in lost:
                operation.lost.add(move.message.id)
                await _keep_late(commit, move)
            else:
                operation.notices += commit.emit_all(move.events, move.message)
            unparking += [(place, *_waited_for(part)) for part in move.attempts]
            position += 1
    if commit.parking and unparking:
        for place, receipt in await commit.rows(_UNPARK, *columns(unparking, 4)):
            operations[place].unparked.append(msgspec.json.decode(receipt, type=Receipt))


async def _keep_late(commit: Commit, move: Move) -> None:
    """What came for a message that had gone on, unless the message is gone altogether."""
    if move.attempts and await commit.rows("SELECT 1 FROM messages WHERE id = $1", move.message.id):
        await commit.connection.executemany(_LATE_ATTEMPT, list(map(msgspec.structs.astuple, move.attempts)))
        commit.emit_all([answered_late(move)], move.message)


def _waited_for(part: AttemptRow) -> tuple[str | None, str, int | None]:
    """By what a parked receipt belongs to it: the carrier's id; of an attempt without an answer, our own reference."""
    return part.carrier_id, part.connector, part.message if part.state == "unknown" else None


async def go_on(commit: Commit, moves: Sequence[Move]) -> set[int]:
    """Update messages and their attempts; answers the positions of the moves that came too late."""
    lost: set[int] = set()
    for positions in _rounds(moves):
        values = [_move_values(moves[position], position) for position in positions]
        won = {row[0] for row in await commit.rows(_MOVE, *columns(values, len(_MOVE_TYPES)))}
        lost.update(position for position in positions if position not in won)
    done = [move for position, move in enumerate(moves) if position not in lost] if lost else moves
    attempts = [msgspec.structs.astuple(row) for move in done for row in move.attempts]
    await commit.copy("attempts", ATTEMPT_COLUMNS, attempts)
    # One statement updates a row once: the last word on each part counts.
    parts = {(row.message, row.attempt, row.part): row for move in done for row in move.receipts}
    if parts:
        await commit.rows(_UPDATE_PARTS, *columns([_part_values(row) for row in parts.values()], 8))
    if any(move.message.owner == WAITING and move.message.due_at <= commit.now_ms for move in done):
        commit.topics.add("queue")
    return lost


def _rounds(moves: Sequence[Move]) -> list[list[int]]:
    """Positions in rounds in which each message moves once."""
    turns: Counter[int] = Counter()
    rounds: list[list[int]] = []
    for position, move in enumerate(moves):
        turn = turns[move.message.id]
        turns[move.message.id] += 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(position)
    return rounds


def _move_values(move: Move, position: int) -> tuple[Any, ...]:
    return (move.message.id, move.was, position, *move.row)


def _part_values(row: AttemptRow) -> tuple[Any, ...]:
    return (
        row.message,
        row.attempt,
        row.part,
        row.state,
        row.failure,
        row.code,
        row.carrier_code,
        row.receipt_at,
    )
