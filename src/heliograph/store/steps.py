"""Steps that both engines take inside their transactions; pure, so that they can't differ."""

import msgspec

from heliograph.core.lifecycle import advance
from heliograph.core.message import Message
from heliograph.store.port import Claim, Move, NewEvent


def first_events(message: Message) -> tuple[NewEvent, NewEvent]:
    """What there is to tell of a message that was just accepted."""
    at = message.accepted_at
    state = "message.scheduled" if message.state == "scheduled" else "message.queued"
    return NewEvent("message.accepted", at), NewEvent(state, at)


def hand_over(message: Message, claim: Claim, *, suppressed: bool) -> Move:
    """A claimed message goes to its carrier, or ends because it is too late or unwanted."""
    was, now = message.state, claim.now
    message.updated_at = now
    if message.text is None:  # sealed, and can't be opened: the key is gone, or somebody changed it
        return _unreadable(message, was, now)
    fact = "reject" if suppressed else "expired" if message.valid_until <= now else "hand_over"
    step = advance(was, fact)
    message.state = step.state
    if fact == "hand_over":
        message.owner = claim.owner
        message.attempts += 1
        return Move(message, was, ())
    message.owner, message.final_at = None, now
    message.failure = "opted_out" if suppressed else "transient"
    message.failure_code = "opted_out" if suppressed else "too_late"
    data = msgspec.json.encode({"failure": message.failure, "code": message.failure_code}).decode()
    assert step.event is not None
    return Move(message, was, (NewEvent(step.event, now, data),))


def _unreadable(message: Message, was: str, now: int) -> Move:
    step = advance(was, "refused")
    assert step.event is not None
    message.state, message.owner, message.final_at = step.state, None, now
    message.failure, message.failure_code = "permanent", "text_unreadable"
    data = msgspec.json.encode({"failure": message.failure, "code": message.failure_code}).decode()
    return Move(message, was, (NewEvent(step.event, now, data),))


def fits(message: Message, operation: Claim, left: int) -> bool:
    """Is enough of the rate left for a message? If not, nobody after it goes first, or it would wait for ever."""
    return message.segments <= left or (operation.is_idle and not operation.messages)
