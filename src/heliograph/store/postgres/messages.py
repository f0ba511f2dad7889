"""Messages in a commit on PostgreSQL: they are accepted, claimed for hand-over, and go on.

A message goes on by compare-and-set: it must still be in the state that its move names, and no later attempt may have
begun. So a process that froze and comes back with an old answer changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from heliograph.core.consent import Ruling, Stance, erased_stance
from heliograph.core.cooldown import COOLING
from heliograph.core.links import ShortLink
from heliograph.core.message import MESSAGE_COLUMNS, WAITING, Message, Receipt
from heliograph.store.port import MOVED, Accept, AttemptRow, Claim, Idempotency, Move, Moves
from heliograph.store.postgres.commit import Commit, columns
from heliograph.store.postgres.tallies import keep_tallies, lock_tallies
from heliograph.store.steps import (
    Pasts,
    capped,
    first_events,
    fits,
    goes_later,
    hand_over,
    keep_caps,
    past_of,
    refusals_of,
    refused,
    resting,
    room,
    rulings,
    sort,
)

M: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
ATTEMPT_COLUMNS: Final = AttemptRow.__struct_fields__

_STANCES: Final = (
    f"SELECT v.id, {', '.join(f's.{name}' for name in Stance.__struct_fields__)} "
    "FROM unnest($1::bigint[], $2::bigint[], $3::text[]) v (id, workspace, number) "
    "JOIN stances s ON s.number = v.number AND s.workspace IN (v.workspace, 0)"
)
_COOLING: Final = (
    "SELECT v.id, c.until, c.failures "
    "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[]) "
    "v (id, workspace, environment, number, at) "
    "JOIN cooldowns c ON c.workspace = v.workspace AND c.environment = v.environment AND c.number = v.number "
    "AND c.until > v.at"
)
# Whoever wants to text the same person under a frequency cap waits until this commit has ended; in one order, so that
# two commits can't wait for each other.
_TAKE_PERSONS: Final = (
    "SELECT pg_advisory_xact_lock(k) FROM (SELECT DISTINCT hashtextextended(v.number, v.environment) AS k "
    "FROM unnest($1::bigint[], $2::bigint[], $3::text[]) v (workspace, environment, number) ORDER BY k) l"
)
_PAST: Final = (
    "SELECT m.workspace, m.environment, m.to_number, coalesce(m.sent_at, m.due_at), m.kind, m.tags, m.topic "
    "FROM unnest($1::bigint[], $2::bigint[], $3::text[]) v (workspace, environment, number) "
    "JOIN messages m ON m.workspace = v.workspace AND m.environment = v.environment AND m.to_number = v.number "
    "WHERE (m.sent_at IS NOT NULL OR m.owner IS NOT NULL) AND coalesce(m.sent_at, m.due_at) > $4"
)
_ERASED: Final = (
    "SELECT v.id, e.at FROM unnest($1::bigint[], $2::bigint[], $3::text[]) v (id, workspace, hash) "
    "JOIN erased e ON e.workspace = v.workspace AND e.hash = v.hash WHERE e.is_suppressed = 1"
)
# Keys in order, so that two processes with the same keys can't wait for each other. A key that another transaction is
# just inserting makes this statement wait until that one has ended.
_TAKE_KEYS: Final = (
    "INSERT INTO idempotency (client, key, body_hash, answer, expires_at) "
    "SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[]) "
    "v (client, key, hash, answer, at) "
    "ORDER BY client, key "
    "ON CONFLICT (client, key) DO UPDATE SET body_hash = excluded.body_hash, answer = excluded.answer, "
    "expires_at = excluded.expires_at WHERE idempotency.expires_at <= $6 RETURNING client, key"
)
_KNOWN_KEYS: Final = (
    "SELECT i.client, i.key, i.body_hash, i.answer FROM unnest($1::bigint[], $2::text[]) v (client, key) "
    "JOIN idempotency i ON i.client = v.client AND i.key = v.key WHERE i.expires_at > $3"
)
_TEXTS: Final = frozenset(
    {"state", "connector", "price", "currency", "surcharge", "failure", "failure_code", "carrier_code"}
)
_TAKE_STEP: Final = (
    "UPDATE campaigns SET position = $1, next_at = $2 WHERE id = $3 AND position = $4 AND state = 'running' "
    "RETURNING id"
)
_ADD_REFUSALS: Final = (
    "INSERT INTO campaign_refusals (campaign, batch, code, count) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (campaign, batch, code) DO UPDATE SET count = campaign_refusals.count + excluded.count"
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
_UNPARK: Final = (
    "WITH gone AS (DELETE FROM parked_receipts p "
    "USING unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) v (operation, carrier_id, connector, message) "
    "WHERE p.connector = v.connector AND (p.carrier_id = v.carrier_id OR p.message = v.message) "
    "RETURNING p.id, v.operation, p.receipt) "
    "SELECT operation, receipt FROM gone ORDER BY id"
)
# Rows that another process is just claiming are passed over, never waited for.
_CLAIM: Final = (
    f"SELECT {M} "
    "FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY s (lane, workspace, most, turn) "
    "CROSS JOIN LATERAL (SELECT * FROM messages q WHERE q.owner = 0 AND q.connector = $1 AND q.lane = s.lane "
    "AND q.workspace = s.workspace AND q.due_at <= $5 AND q.kind <> ALL ($6::text[]) "
    "ORDER BY q.due_at, q.id LIMIT s.most FOR UPDATE SKIP LOCKED) m ORDER BY s.turn, m.due_at, m.id"
)


async def accept(commit: Commit, operations: Sequence[Accept]) -> None:
    """New messages: all of them but those that nobody wants, or that were accepted before."""
    behind = await _take_steps(commit, operations)
    ruled = await _leave_out_unwanted(commit, operations)
    await _leave_out_cooling(commit, operations)
    await _keep_caps(commit, operations)
    tallies = await lock_tallies(commit, operations)
    fresh = [
        operation
        for operation in await _take_keys(commit, operations)
        if not operation.asks_only and id(operation) not in behind
    ]
    for operation in operations:
        operation.conflict = operation.conflict or id(operation) in behind
    messages = [m for operation in fresh for m in operation.messages if m.id not in operation.refused]
    for operation in fresh:
        operation.notices = [
            notice
            for message in operation.messages
            if message.id not in operation.refused
            for notice in commit.emit_all(
                first_events(message, ruled.get(message.id), operation.held.get(message.id)), message
            )
        ]
    for operation in fresh:
        if operation.step is not None:
            for row in refusals_of(operation, operation.step):
                await commit.rows(_ADD_REFUSALS, *row)
    decisions = [decision for operation in fresh for decision in operation.decisions]
    await commit.copy("decisions", ("id", "trace"), decisions)
    await commit.copy("messages", MESSAGE_COLUMNS, [commit.protection.row_of(message) for message in messages])
    await commit.copy("message_tags", ("workspace", "tag", "message"), list(_tags(messages)))
    links = [link for operation in fresh for link in operation.links if link.message not in operation.refused]
    await commit.copy("links", ShortLink._fields, [commit.protection.link_row(link) for link in links])
    if tallies:
        operations[-1].notices += await keep_tallies(commit, operations, fresh, tallies)
    if any(message.owner == WAITING for message in messages):
        commit.topics.add("queue")


async def _take_steps(commit: Commit, operations: Sequence[Accept]) -> set[int]:
    """The operations whose campaign does not run any more, or stands elsewhere: nothing of them is kept. The others
    stand where their step ends."""
    behind = set()
    for operation in operations:
        if (step := operation.step) is not None:
            taken = await commit.rows(_TAKE_STEP, step.now, step.next_at, step.campaign, step.was)
            if not taken:
                behind.add(id(operation))
    return behind


async def _leave_out_unwanted(commit: Commit, operations: Sequence[Accept]) -> dict[int, Ruling]:
    stances = await _stances(commit, [message for operation in operations for message in operation.messages])
    everything: dict[int, Ruling] = {}
    for operation in operations:
        ruled = rulings(operation.messages, stances, operation.rules)
        operation.refused = refused(ruled)
        everything |= ruled
    return everything


async def _stances(commit: Commit, messages: Sequence[Message]) -> dict[int, list[Stance]]:
    """What holds for the recipients, by message."""
    found: dict[int, list[Stance]] = {}
    if commit.hearing and messages:
        asked = [(message.id, message.workspace, message.to) for message in messages]
        for row in await commit.rows(_STANCES, *columns(asked, 3)):
            found.setdefault(row[0], []).append(Stance(*row[1:]))
    if commit.erasing and messages:
        hashed = [(m.id, m.workspace, commit.protection.hash_number(m.workspace, m.to)) for m in messages]
        for number, at in await commit.rows(_ERASED, *columns(hashed, 3)):
            found.setdefault(number, []).append(erased_stance(at))
    return found


async def _leave_out_cooling(commit: Commit, operations: Sequence[Accept]) -> None:
    cooling: dict[int, int] = {}
    if commit.cooling:
        messages = {message.id: message for operation in operations for message in operation.messages}
        wanted = [(m.id, m.workspace, m.environment, m.to, m.accepted_at) for m in messages.values()]
        found = await commit.rows(_COOLING, *columns(wanted, 5))
        cooling = {number: until for number, until, failures in found if resting(messages[number], failures)}
    for operation in operations:
        operation.cooling = {m.id: cooling[m.id] for m in operation.messages if m.id in cooling} if cooling else {}
        operation.refused = dict.fromkeys(operation.cooling, COOLING) | operation.refused


async def _keep_caps(commit: Commit, operations: Sequence[Accept]) -> None:
    persons, since = capped(operations)
    if not persons:
        return
    theirs = columns(list(persons), 3)
    await commit.rows(_TAKE_PERSONS, *theirs)
    pasts: Pasts = {}
    for workspace, environment, number, *row in await commit.rows(_PAST, *theirs, since):
        pasts.setdefault((workspace, environment, number), []).append(past_of(*row))
    for operation in operations:
        keep_caps(operation, pasts)


def _tags(messages: Iterable[Message]) -> Iterable[tuple[int, str, int]]:
    for message in messages:
        if message.tags is not None:
            for tag in dict.fromkeys(msgspec.json.decode(message.tags, type=list[str])):
                yield message.workspace, tag, message.id


async def _take_keys(commit: Commit, operations: Sequence[Accept]) -> list[Accept]:
    """The operations to write; those whose idempotency key was used before get the answer of then."""
    first: dict[tuple[int, str], Accept] = {}
    keyed: list[tuple[Idempotency, Accept]] = []
    fresh: set[int] = set()
    for operation in operations:
        operation.notices, operation.replayed, operation.conflict = [], None, False
        unwanted = operation.all_or_none and bool(operation.refused)
        if operation.idempotency is not None:
            keyed.append((operation.idempotency, operation))
            if not unwanted:
                first.setdefault(operation.idempotency[:2], operation)
        elif not unwanted:
            fresh.add(id(operation))
    if keyed:
        fresh |= await _settle_keys(commit, first, keyed)
    return [operation for operation in operations if id(operation) in fresh]


async def _settle_keys(
    commit: Commit, first: dict[tuple[int, str], Accept], keyed: Sequence[tuple[Idempotency, Accept]]
) -> set[int]:
    rows = []
    for operation in first.values():
        assert operation.idempotency is not None and operation.reply is not None
        client, key, body_hash, expires_at = operation.idempotency
        rows.append((client, key, body_hash, operation.reply(operation), expires_at))
    won = {tuple(row) for row in await commit.rows(_TAKE_KEYS, *columns(rows, 5), commit.now_ms)} if rows else set()
    fresh = {id(operation) for key, operation in first.items() if key in won}
    others = [(wanted, operation) for wanted, operation in keyed if id(operation) not in fresh]
    if others:
        keys = list({wanted[:2] for wanted, _ in others})
        known = {(row[0], row[1]): row for row in await commit.rows(_KNOWN_KEYS, *columns(keys, 2), commit.now_ms)}
        for wanted, operation in others:
            row = known.get(wanted[:2])
            if row is not None and row[2] == wanted.body_hash:
                operation.replayed = row[3]
            else:
                operation.conflict = row is not None
    return fresh


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
            else:
                operation.notices += commit.emit_all(move.events, move.message)
                unparking += [(place, *_waited_for(part)) for part in move.attempts]
            position += 1
    if commit.parking and unparking:
        for place, receipt in await commit.rows(_UNPARK, *columns(unparking, 4)):
            operations[place].unparked.append(msgspec.json.decode(receipt, type=Receipt))


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


async def claim(commit: Commit, operation: Claim) -> None:
    """Due messages become `sending`; what is unwanted or too late ends instead."""
    operation.messages, operation.notices, operation.ended, operation.held = [], [], [], []
    operation.kept_back, operation.set_back = set(), 0
    left, operation.wanting = operation.segments, None
    moves: list[Move] = []
    rows = await commit.rows(
        _CLAIM,
        operation.connector,
        *columns([(s.lane, s.workspace, s.limit + room(s.workspace, operation)) for s in operation.shares], 3),
        operation.now,
        list(operation.paused_kinds),
    )
    due = [commit.protection.opened(Message(*row)) for row in rows]
    unwanted = refused(rulings(due, await _stances(commit, due), operation.rules, operation.now))
    limits = {(share.lane, share.workspace): share.limit for share in operation.shares}
    for message in due:
        place = (message.lane, message.workspace)
        if not limits[place]:
            continue
        if message.id not in unwanted and (later := goes_later(message, operation)) is not None:
            moves += later
            continue
        limits[place] -= 1
        if not fits(message, operation, left):
            operation.wanting = (message.lane, message.segments)
            break
        moves.append(hand_over(message, operation, unwanted.get(message.id)))
        sort(message, operation)
        if message.owner == operation.owner:
            left -= message.segments
    await go_on(commit, moves)
    for move in moves:
        operation.notices += commit.emit_all(move.events, move.message)
