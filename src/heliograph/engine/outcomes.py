"""What a carrier's answer to one attempt means for its message. Pure: no clock, no chance, no I/O."""

from typing import Final

import msgspec

from heliograph.core import retry
from heliograph.core.failures import THROTTLED, UNKNOWN
from heliograph.core.lifecycle import advance
from heliograph.core.message import WAITING, Message, Outcome, Submission
from heliograph.core.prices import PriceBook, recounted, reported
from heliograph.store.port import AttemptRow, Move, NewEvent

# What happens to a message whose attempt's outcome nobody knows: send again (flagged), or hold and wait for a receipt.
RESEND: Final = "resend"
HOLD: Final = "hold"
UNKNOWN_POLICY: Final = {"otp": RESEND, "transactional": RESEND, "support": RESEND, "promotional": HOLD}
_NO_PRICES: Final = PriceBook()


def taken(submission: Submission, outcome: Outcome, connector: str, now: int) -> Move:
    """The carrier accepted the attempt."""
    message = submission.message
    was = message.state
    message.state = advance(was, "taken").state
    message.updated_at = message.sent_at = now
    corrected = _corrected(message, outcome)
    attempt, at = submission.attempt, submission.handed_at
    rows: tuple[AttemptRow, ...] = ()
    for part, carrier_id in enumerate(outcome.carrier_ids or (None,), 1):
        rows += (
            AttemptRow(message.id, attempt, part, connector, "accepted", carrier_id, None, None, None, at, now, None),
        )
    facts = f'{{"attempt":{attempt},"connector":"{connector}"}}'
    if corrected or message.possible_duplicate:
        duplicate = {"possible_duplicate": bool(message.possible_duplicate)}
        facts = msgspec.json.encode({"attempt": attempt, "connector": connector, **corrected, **duplicate}).decode()
    return Move(message, was, (NewEvent("message.sent", now, facts),), rows)


def _corrected(message: Message, outcome: Outcome) -> dict[str, object]:
    """The carrier's word on price and parts is better than our estimate; what is told of it, the estimate beside it."""
    if outcome.price is None and (outcome.parts or message.segments) == message.segments:
        return {}
    estimate, segments = message.price, outcome.parts or message.segments
    if outcome.price is not None:
        cost = reported(message, outcome.price, outcome.currency, segments)
    else:
        cost = recounted(message, segments)
    told: dict[str, object] = {"price": cost.price, "currency": cost.currency, "estimated_price": estimate}
    if segments != message.segments:
        told["billed_segments"] = segments
    message.price, message.currency, message.surcharge = cost
    message.billed_segments = outcome.parts or None
    return told


def not_taken(
    submission: Submission,
    outcome: Outcome,
    connector: str,
    now: int,
    chance: float,
    policy: retry.Policy,
    prices: PriceBook = _NO_PRICES,  # asked when it goes on to another connector
) -> Move:
    """Refused, or nobody knows: another attempt, a hold, or the end."""
    message, attempt = submission.message, submission.attempt
    unknown, unsent = outcome.state == "unknown", outcome.state == "unsent"
    failure = outcome.failure or UNKNOWN
    decision = retry.after_failure(
        failure=failure,
        attempt=attempt,
        connector=connector,
        plan=msgspec.json.decode(message.plan, type=list[str]),
        now=now,
        valid_until=message.valid_until,
        retry_after_ms=outcome.retry_after_ms,
        elsewhere=outcome.elsewhere,
        chance=chance,
        policy=policy,
    )
    if unsent:  # it never left: it goes again as soon as it can
        why = "quiet hours" if outcome.code == "quiet_hours" else "the link went down"
        decision = retry.Retry(now, connector, f"never left: {why}")
    held = unknown and UNKNOWN_POLICY[message.kind] == HOLD
    if held:  # it waits for a receipt, or for its end
        decision = retry.Retry(message.valid_until, connector, "outcome unknown: held, not sent again")
    rows = _failed_rows(submission, outcome, connector, now)
    facts = {"attempt": attempt, "connector": connector, "failure": failure}
    facts |= {"code": outcome.code, "carrier_code": outcome.carrier_code, "why": decision.reason}
    if decision.at is None:
        return _give_up(message, outcome, failure, facts, rows, now)
    was = message.state
    message.state = advance(was, "try_again").state
    message.updated_at, message.due_at, message.owner = now, decision.at, WAITING
    if decision.connector != message.connector:
        _lead(message, decision.connector, prices)
    if unknown and not held:
        message.possible_duplicate = 1
    if failure == THROTTLED or unsent:
        message.attempts -= 1  # it was never looked at; the number is used again
    event = "attempt.unknown" if unknown else "attempt.failed"
    data = msgspec.json.encode(facts | {"next_attempt_at": decision.at}).decode()
    return Move(message, was, (NewEvent(event, now, data, told=False),), rows)


def _lead(message: Message, connector: str, prices: PriceBook) -> None:
    message.connector = connector
    message.price, message.currency, message.surcharge = prices.of(message, connector)
    message.billed_segments = None


def _failed_rows(submission: Submission, outcome: Outcome, connector: str, now: int) -> tuple[AttemptRow, ...]:
    if outcome.failure == THROTTLED or outcome.state == "unsent":
        return ()
    message, attempt, handed_at = submission
    answered = None if outcome.state == "unknown" else now
    return (
        AttemptRow(
            message.id,
            attempt,
            1,
            connector,
            outcome.state,
            None,
            outcome.failure,
            outcome.code,
            outcome.carrier_code,
            handed_at,
            answered,
            None,
        ),
    )


def _give_up(
    message: Message,
    outcome: Outcome,
    failure: str,
    facts: dict[str, object],
    rows: tuple[AttemptRow, ...],
    now: int,
) -> Move:
    was = message.state
    step = advance(was, "refused")
    message.state, message.owner = step.state, None
    message.updated_at = message.final_at = now
    message.failure, message.failure_code, message.carrier_code = failure, outcome.code, outcome.carrier_code
    assert step.event is not None
    return Move(message, was, (NewEvent(step.event, now, msgspec.json.encode(facts).decode()),), rows)
