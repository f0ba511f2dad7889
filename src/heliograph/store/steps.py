"""Steps that both engines take inside their transactions; pure, so that they can't differ."""

import msgspec

from heliograph.core.lifecycle import advance
from heliograph.core.message import WAITING, Message
from heliograph.core.quiet import Answer
from heliograph.store.port import Claim, Move, NewEvent


def first_events(message: Message) -> tuple[NewEvent, NewEvent]:
    """What there is to tell of a message that was just accepted."""
    at = message.accepted_at
    state = "message.scheduled" if message.state == "scheduled" else "message.queued"
    return NewEvent("message.accepted", at), NewEvent(state, at)


def hand_over(message: Message, claim: Claim, *, suppressed: bool) -> Move:
    """A claimed message goes to its carrier, waits on because of quiet hours, or ends: too late, or unwanted."""
    was, now = message.state, claim.now
    message.updated_at = now
    if suppressed:
        return _end(message, "reject", "opted_out", "opted_out", now)
    if message.valid_until <= now:
        return _end(message, "expired", "transient", "too_late", now)
    if message.kind in claim.quiet_kinds and (answer := claim.closed(message, now)) is not None:
        return _hold(message, answer, now)
    message.state = advance(was, "hand_over").state
    message.owner = claim.owner
    message.attempts += 1
    return Move(message, was, ())


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


def fits(message: Message, operation: Claim, left: int) -> bool:
    """Is enough of the rate left for a message? If not, nobody after it goes first, or it would wait for ever."""
    return message.segments <= left or (operation.is_idle and not operation.messages)
