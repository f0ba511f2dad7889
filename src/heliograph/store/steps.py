"""Steps that both engines take inside their transactions; pure, so that they can't differ."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from heliograph.core import cooldown
from heliograph.core.campaigns import Step
from heliograph.core.consent import Rulebook, Ruling, Stance
from heliograph.core.frequency import FREQUENCY_CAP, Past, next_free, over_cap, topics_of
from heliograph.core.lifecycle import advance
from heliograph.core.message import WAITING, Message
from heliograph.core.quiet import REJECT, Answer
from heliograph.store.port import Accept, Claim, Move, NewEvent, Over

# (workspace, environment, number) → the other messages to this person.
Person: TypeAlias = tuple[int, int, str]
Pasts: TypeAlias = dict[Person, list[Past]]

# What an answer that comes late tells of an attempt of which nothing was known.
LATE: Final = ", ".join(
    f"{name} = excluded.{name}" for name in ("state", "carrier_id", "failure", "code", "carrier_code", "answered_at")
)


def rulings(
    messages: Sequence[Message], stances: Mapping[int, Sequence[Stance]], rules: Rulebook, now: int | None = None
) -> dict[int, Ruling]:
    """By message: may it go? Of those of whose recipients nothing is known and that need nothing, nothing is said.
    `stances` are by message; without `now` the time is that at which each was accepted."""
    strict = rules.strict
    found: dict[int, Ruling] = {}
    for message in messages:
        known = stances.get(message.id, ())
        if known or message.kind in strict:
            found[message.id] = rules.rule(message, known, now or message.accepted_at)
    return found


def refused(found: Mapping[int, Ruling]) -> dict[int, str]:
    """The messages that may not go, and why."""
    return {number: ruling.refusal for number, ruling in found.items() if ruling.refusal is not None}


def refusals_of(operation: Accept, step: Step) -> list[tuple[int, int, str, int]]:
    """How many of a campaign's recipients were left out, by variant and reason: before the ledger was asked, and by
    it."""
    counts = Counter(step.refusals)
    if operation.refused:
        batches = {message.id: message.batch or 0 for message in operation.messages}
        counts.update((batches[number], code) for number, code in operation.refused.items())
    return [(step.campaign, batch, code, count) for (batch, code), count in sorted(counts.items())]


def first_events(message: Message, ruling: Ruling | None = None, held: Over | None = None) -> tuple[NewEvent, ...]:
    """What there is to tell of a message that was just accepted; `held` by a frequency cap."""
    at = message.accepted_at
    state = "message.scheduled" if message.state == "scheduled" else "message.queued"
    data = f'{{"consent":{ruling.record}}}' if ruling is not None and ruling.record else None
    if held is None:
        return NewEvent("message.accepted", at, data), NewEvent(state, at)
    facts = {"rule": "frequency_cap", "why": held.cap, "next_attempt_at": held.until}
    why = NewEvent("message.held", at, msgspec.json.encode(facts).decode(), told=False)
    return NewEvent("message.accepted", at, data), why, NewEvent(state, at)


def capped(operations: Iterable[Accept]) -> tuple[set[Person], int]:
    """Those who are protected by frequency caps, and since when messages to them count."""
    persons: set[Person] = set()
    since = 0
    for operation in operations:
        if operation.caps:
            messages = [message for message in operation.messages if message.id in operation.caps]
            longest = max(cap.per_ms for caps in operation.caps.values() for cap in caps)
            earliest = min(message.due_at for message in messages) - longest
            since = min(since, earliest) if persons else earliest
            persons.update(map(_person, messages))
    return persons, since


def _person(message: Message) -> Person:
    return message.workspace, message.environment, message.to


def past_of(at: int, kind: str, tags: str | None, topic: str | None) -> Past:
    """A row of the ledger as caps look at it."""
    return Past(at, kind, topics_of(msgspec.json.decode(tags, type=list[str]) if tags else None, topic))


def keep_caps(operation: Accept, pasts: Pasts) -> None:
    """Hold or leave out what would break a cap; what stays counts for those after it."""
    if not operation.caps:
        return
    operation.over = {}
    counted: list[tuple[list[Past], Past]] = []
    for message in operation.messages:
        caps = operation.caps.get(message.id)
        if caps is None or message.id in operation.refused:
            continue
        past = pasts.setdefault(_person(message), [])
        cap = over_cap(message.due_at, past, caps)
        if cap is not None:
            until = next_free(message.due_at, past, [cap for cap in caps if cap.action != REJECT])
            refusing = over_cap(until, past, caps)  # where the others would hold it to
            cap, until = refusing or cap, next_free(until, past, caps)
            if refusing is not None or until >= message.valid_until:
                operation.over[message.id] = Over(cap.name, until)
                operation.refused[message.id] = FREQUENCY_CAP
                continue
            message.due_at, message.state = until, "scheduled"
            operation.held[message.id] = Over(cap.name, until)
        past.append(entry := past_of(message.due_at, message.kind, message.tags, message.topic))
        counted.append((past, entry))
    if operation.asks_only or (operation.all_or_none and operation.refused):  # none of it is kept
        for past, entry in counted:
            past.remove(entry)


def hand_over(message: Message, claim: Claim, refusal: str | None) -> Move:
    """A claimed message goes to its carrier, waits on because of quiet hours, or ends: too late, or unwanted."""
    was, now = message.state, claim.now
    message.updated_at = now
    if message.text is None:  # sealed, and can't be opened: the key is gone, or somebody changed it
        return _end(message, "refused", "permanent", "text_unreadable", now)
    if refusal is not None:
        return _end(message, "reject", "opted_out", refusal, now)
    if message.valid_until <= now:
        return _end(message, "expired", "transient", "too_late", now)
    if message.kind in claim.quiet_kinds and (answer := claim.closed(message, now)) is not None:
        return _hold(message, answer, now)
    message.state = advance(was, "hand_over").state
    message.owner = claim.owner
    message.attempts += 1
    return Move(message, was, ())


def answered_late(move: Move) -> NewEvent:
    """An answer to a message that had gone on without it changes nothing, but the person may have been texted, and
    charged for: its attempt is kept, and this in the history."""
    part = move.attempts[0]
    facts = {"attempt": part.attempt, "connector": part.connector, "outcome": part.state}
    facts |= {"code": part.code, "carrier_code": part.carrier_code} if part.code else {"carrier_id": part.carrier_id}
    at = part.answered_at or part.handed_at
    return NewEvent("attempt.answered_late", at, msgspec.json.encode(facts).decode(), told=False)


def sort(message: Message, claim: Claim) -> None:
    """Where a message belongs among the results of its claim, after its step."""
    where = claim.ended if message.final_at is not None else claim.held if message.owner == WAITING else claim.messages
    where.append(message)


def _end(message: Message, fact: str, failure: str, code: str, now: int) -> Move:
    was = message.state
    step = advance(was, fact)
    assert step.event is not None
    message.state, message.owner, message.final_at = step.state, None, now
    message.failure, message.failure_code = failure, code
    data = msgspec.json.encode({"failure": failure, "code": code}).decode()
    return Move(message, was, (NewEvent(step.event, now, data),))


def _hold(message: Message, answer: Answer, now: int) -> Move:
    """Not now: again when quiet hours are over, unless that is too late."""
    if answer.until is None or answer.until >= message.valid_until:
        return _end(message, "expired", "transient", "quiet_hours", now)
    message.due_at = answer.until
    facts = {"rule": answer.rule, "why": answer.why, "next_attempt_at": answer.until}
    return Move(
        message, message.state, (NewEvent("message.held", now, msgspec.json.encode(facts).decode(), told=False),)
    )


def room(workspace: int, operation: Claim) -> int:
    """How many more rows to look at than may be taken: some stay in front though their senders have nothing left."""
    return sum(allowance.patience for (owner, _), allowance in operation.allowances.items() if owner == workspace)


def goes_later(message: Message, operation: Claim) -> tuple[Move, ...] | None:
    """Has its sender nothing left for a message? A few stay where they are; the others come back when they have their
    turn, so that nobody stands behind them."""
    allowance = operation.allowances.get((message.workspace, message.sender or ""))
    if allowance is None or message.valid_until <= operation.now or allowance.take(message.lane, message.segments):
        return None
    if allowance.patience > 0:
        allowance.patience -= 1
        operation.kept_back.add((message.lane, message.workspace))
        return ()
    message.due_at = allowance.turn(message.lane, message.segments)
    operation.set_back += 1
    return (Move(message, message.state, ()),)


def resting(message: Message, failures: int) -> bool:
    """Does the pause of its number hold for a message?"""
    return cooldown.holds(message.kind, failures)


def fits(message: Message, operation: Claim, left: int) -> bool:
    """Is enough of the rate left for a message? If not, nobody after it goes first, or it would wait for ever."""
    return message.segments <= left or (operation.is_idle and not operation.messages)
