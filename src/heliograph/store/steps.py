"""Steps that both engines take inside their transactions; pure, so that they can't differ."""

from collections.abc import Mapping, Sequence

import msgspec

from heliograph.core.consent import Rulebook, Ruling, Stance
from heliograph.core.lifecycle import advance
from heliograph.core.message import Message
from heliograph.store.port import Claim, Move, NewEvent


def rulings(
    messages: Sequence[Message], stances: Mapping[int, Sequence[Stance]], rules: Rulebook, now: int | None = None
) -> dict[int, Ruling]:
    """By message: may it go? Of those of whose recipients nothing is known and that need nothing, nothing is said.
    `stances` are by message; without `now` the time is that at which each was accepted."""
    strict = rules.strict
    return {
        message.id: rules.rule(message, stances.get(message.id, ()), now or message.accepted_at)
        for message in messages
        if message.kind in strict or message.id in stances
    }


def refused(found: Mapping[int, Ruling]) -> dict[int, str]:
    """The messages that may not go, and why."""
    return {number: ruling.refusal for number, ruling in found.items() if ruling.refusal is not None}


def first_events(message: Message, ruling: Ruling | None = None) -> tuple[NewEvent, NewEvent]:
    """What there is to tell of a message that was just accepted."""
    at = message.accepted_at
    state = "message.scheduled" if message.state == "scheduled" else "message.queued"
    data = f'{{"consent":{ruling.record}}}' if ruling is not None and ruling.record else None
    return NewEvent("message.accepted", at, data), NewEvent(state, at)


def hand_over(message: Message, claim: Claim, refusal: str | None) -> Move:
    """A claimed message goes to its carrier, or ends because it is too late or unwanted."""
    was, now = message.state, claim.now
    message.updated_at = now
    fact = "reject" if refusal else "expired" if message.valid_until <= now else "hand_over"
    step = advance(was, fact)
    message.state = step.state
    if fact == "hand_over":
        message.owner = claim.owner
        message.attempts += 1
        return Move(message, was, ())
    message.owner, message.final_at = None, now
    message.failure = "opted_out" if refusal else "transient"
    message.failure_code = refusal or "too_late"
    data = msgspec.json.encode({"failure": message.failure, "code": message.failure_code}).decode()
    assert step.event is not None
    return Move(message, was, (NewEvent(step.event, now, data),))


def fits(message: Message, operation: Claim, left: int) -> bool:
    """Is enough of the rate left for a message? If not, nobody after it goes first, or it would wait for ever."""
    return message.segments <= left or (operation.is_idle and not operation.messages)
