"""Messages in a commit on PostgreSQL: they are accepted, and claimed for hand-over."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from heliograph.core.consent import Ruling, Stance, erased_stance
from heliograph.core.cooldown import COOLING
from heliograph.core.links import ShortLink
from heliograph.core.message import MESSAGE_COLUMNS, WAITING, Message
from heliograph.store.port import Accept, Claim, Idempotency, Move
from heliograph.store.postgres.commit import Commit, columns
from heliograph.store.postgres.moves import go_on
from heliograph.store.postgres.sessions import leave_out_unopened
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
_TAKE_STEP: Final = (
    "UPDATE campaigns SET position = $1, next_at = $2 WHERE id = $3 AND position = $4 AND state = 'running' "
    "RETURNING id"
)
_ADD_REFUSALS: Final = (
    "INSERT INTO campaign_refusals (campaign, batch, code, count) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (campaign, batch, code) DO UPDATE SET count = campaign_refusals.count + excluded.count"
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
    await leave_out_unopened(commit, operations)
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
