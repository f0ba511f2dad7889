"""Messages in a commit on SQLite: they are accepted, and claimed for hand-over."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from heliograph.core.campaigns import Step
from heliograph.core.consent import Stance, erased_stance
from heliograph.core.cooldown import COOLING
from heliograph.core.links import ShortLink
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.store.port import Accept, Claim, Move
from heliograph.store.sqlite.commit import Commit, marks
from heliograph.store.sqlite.moves import go_on
from heliograph.store.sqlite.sessions import unopened
from heliograph.store.sqlite.tallies import keep_tallies, tallies_of
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
from heliograph.store.tallies import keep_limits

_V = TypeVar("_V")
M: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
# By place: apsw reads the text of a statement again for each row, and 45 names would cost as much as their values.
_INSERT_MESSAGE: Final = f"INSERT INTO messages VALUES ({marks(len(MESSAGE_COLUMNS))})"
_INSERT_LINK: Final = f"INSERT INTO links ({', '.join(ShortLink._fields)}) VALUES ({marks(len(ShortLink._fields))})"
_SELECT_PAST: Final = (
    "SELECT coalesce(sent_at, due_at), kind, tags, topic FROM messages "
    "WHERE workspace = ? AND environment = ? AND to_number = ? "
    "AND (sent_at IS NOT NULL OR owner IS NOT NULL) AND coalesce(sent_at, due_at) > ?"
)
_SELECT_CLAIM: Final = (
    f"SELECT {M} FROM messages m INDEXED BY messages_waiting WHERE m.owner = 0 AND m.connector = ? AND m.lane = ? "
    "AND m.workspace = ? AND m.due_at <= ? {kinds}ORDER BY m.due_at, m.id LIMIT ?"
)
_TAKE_STEP: Final = (
    "UPDATE campaigns SET position = ?, next_at = ? WHERE id = ? AND position = ? AND state = 'running' RETURNING id"
)
_ADD_REFUSALS: Final = (
    "INSERT INTO campaign_refusals (campaign, batch, code, count) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (campaign, batch, code) DO UPDATE SET count = count + excluded.count"
)
_HEARING: Final = "SELECT EXISTS (SELECT 1 FROM stances), EXISTS (SELECT 1 FROM erased WHERE is_suppressed = 1)"
_SELECT_ERASED: Final = "SELECT ?, at FROM erased WHERE workspace = ? AND hash = ? AND is_suppressed = 1"
# One statement for all: a third of the price of one for each. One look into the index for each, too, not two: the plus
# keeps SQLite from searching for each workspace apart.
_SELECT_STANCES: Final = (
    f"SELECT j.key, {', '.join(Stance.__struct_fields__)} FROM json_each(?1) j "
    "CROSS JOIN stances s WHERE s.number = j.value AND +s.workspace IN (?2, 0)"
)


def accept(commit: Commit, operations: list[Accept]) -> None:
    """New messages: all of them but those that nobody wants, or that were accepted before."""
    kept: list[Message] = []
    decisions: list[tuple[int, str]] = []
    links: list[ShortLink] = []
    everything = [message for operation in operations for message in operation.messages]
    stances, cooling, closed = _stances(commit, everything), _cooling(commit, everything), unopened(commit, everything)
    pasts, tallies = _pasts(commit, operations), tallies_of(commit, operations)
    for operation in operations:
        operation.notices = notices = []
        if operation.step is not None and not _take_step(commit, operation, operation.step):
            continue
        ruled = rulings(operation.messages, stances, operation.rules)
        operation.cooling = _of(operation, cooling) if cooling else {}
        out = operation.refused = refused(ruled) if ruled else {}
        if closed or cooling:
            out = operation.refused = _of(operation, closed) | dict.fromkeys(operation.cooling, COOLING) | out
        idempotency = operation.idempotency
        if idempotency is not None and _repeated(commit, operation):
            continue
        if pasts:
            keep_caps(operation, pasts)
        if tallies and not operation.asks_only:
            keep_limits(operation, tallies)
        if operation.asks_only or (out and operation.all_or_none):
            continue
        if operation.step is not None:
            commit.cursor.executemany(_ADD_REFUSALS, refusals_of(operation, operation.step))
        decisions += operation.decisions
        for message in operation.messages:
            if message.id not in out:
                kept.append(message)
                first = first_events(message, ruled.get(message.id), operation.held.get(message.id))
                notices += commit.emit_all(first, message)
        if operation.links:
            links += [commit.protection.link_row(link) for link in operation.links if link.message not in out]
        if idempotency is not None:
            _keep_answer(commit, operation)
    operations[-1].notices += keep_tallies(commit, tallies.values())
    commit.insert("INSERT INTO decisions VALUES (?, ?)", decisions)
    commit.insert(_INSERT_MESSAGE, [commit.protection.row_of(message) for message in kept])
    tags = [(m.workspace, tag, m.id) for m in kept if m.tags is not None for tag in msgspec.json.decode(m.tags)]
    commit.insert("INSERT OR IGNORE INTO message_tags VALUES (?, ?, ?)", tags)
    commit.insert(_INSERT_LINK, links)


def _of(operation: Accept, found: Mapping[int, _V]) -> dict[int, _V]:
    """What was found of the messages of one operation."""
    return {message.id: found[message.id] for message in operation.messages if message.id in found}


def _take_step(commit: Commit, operation: Accept, step: Step) -> bool:
    """Does the campaign still run, and stand where the step begins? Then it stands where the step ends."""
    taken = commit.rows(_TAKE_STEP, (step.now, step.next_at, step.campaign, step.was))
    operation.conflict = not taken
    return bool(taken)


def _stances(commit: Commit, messages: Sequence[Message]) -> dict[int, list[Stance]]:
    """What holds for the recipients, by message."""
    found: dict[int, list[Stance]] = {}
    if not messages:
        return found
    hearing, erasing = commit.rows(_HEARING)[0]
    by_workspace: dict[int, list[Message]] = {}
    for message in messages if hearing else ():
        by_workspace.setdefault(message.workspace, []).append(message)
    for workspace, theirs in by_workspace.items():
        numbers = msgspec.json.encode([message.to for message in theirs]).decode()
        for place, *stance in commit.cursor.execute(_SELECT_STANCES, (numbers, workspace)):
            found.setdefault(theirs[place].id, []).append(Stance(*stance))
    if erasing:  # of those who were erased only a hash says no
        hashed = [(m.id, m.workspace, commit.protection.hash_number(m.workspace, m.to)) for m in messages]
        for number, at in commit.many(_SELECT_ERASED, hashed):
            found.setdefault(number, []).append(erased_stance(at))
    return found


def _cooling(commit: Commit, messages: Sequence[Message]) -> dict[int, int]:
    """The messages whose numbers rest, and until when."""
    if not commit.rows("SELECT EXISTS (SELECT 1 FROM cooldowns)")[0][0]:
        return {}
    by_id = {message.id: message for message in messages}
    hits = commit.many(
        "SELECT ?, until, failures FROM cooldowns WHERE workspace = ? AND environment = ? AND number = ? AND until > ?",
        [(m.id, m.workspace, m.environment, m.to, m.accepted_at) for m in messages],
    )
    return {number: until for number, until, failures in hits if resting(by_id[number], failures)}


def _pasts(commit: Commit, operations: Sequence[Accept]) -> Pasts:
    """The other messages to those whom frequency caps protect."""
    persons, since = capped(operations)
    return {person: [past_of(*row) for row in commit.rows(_SELECT_PAST, (*person, since))] for person in persons}


def _repeated(commit: Commit, operation: Accept) -> bool:
    """Is this idempotency key known? Then the answer is the kept one, or a conflict."""
    assert operation.idempotency is not None
    client, key, body_hash, _ = operation.idempotency
    operation.replayed, operation.conflict = None, False
    known = commit.rows(
        "SELECT body_hash, answer FROM idempotency WHERE client = ? AND key = ? AND expires_at > ?",
        (client, key, commit.now_ms()),
    )
    if not known:
        return False
    if known[0][0] == body_hash:
        operation.replayed = known[0][1]
    else:
        operation.conflict = True
    return True


def _keep_answer(commit: Commit, operation: Accept) -> None:
    assert operation.idempotency is not None and operation.reply is not None
    client, key, body_hash, expires_at = operation.idempotency
    commit.cursor.execute(
        "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)",
        (client, key, body_hash, operation.reply(operation), expires_at),
    )


def claim(commit: Commit, operation: Claim) -> None:
    """Due messages become `sending`; what is unwanted or too late ends instead."""
    operation.messages, operation.notices, operation.ended, operation.wanting = [], [], [], None
    operation.kept_back, operation.set_back, operation.held = set(), 0, []
    kinds = "".join(f"AND m.kind <> '{kind}' " for kind in sorted(operation.paused_kinds))
    left = operation.segments
    moves: list[Move] = []
    for share in operation.shares:
        if operation.wanting is not None:
            break
        due = [
            commit.protection.opened(Message(*row))
            for row in commit.cursor.execute(
                _SELECT_CLAIM.format(kinds=kinds),
                (
                    operation.connector,
                    share.lane,
                    share.workspace,
                    operation.now,
                    share.limit + room(share.workspace, operation),
                ),
            )
        ]
        unwanted = refused(rulings(due, _stances(commit, due), operation.rules, operation.now))
        taken = 0
        for message in due:
            if taken == share.limit:
                break
            if message.id not in unwanted and (later := goes_later(message, operation)) is not None:
                moves += later
                continue
            taken += 1
            if not fits(message, operation, left):
                operation.wanting = (message.lane, message.segments)
                break
            move = hand_over(message, operation, unwanted.get(message.id))
            moves.append(move)
            sort(message, operation)
            if message.owner == operation.owner:
                left -= message.segments
    if moves:
        go_on(commit, moves)
        for move in moves:
            operation.notices += commit.emit_all(move.events, move.message)
