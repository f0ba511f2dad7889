"""Foreign reports → facts → lifecycle → events.

A receipt is matched by the ids that its carrier may have given the part; the form that fits is learned for each
connector, and tried first from then on. What comes before the answer that it belongs to is parked in the ledger and
looked at again when that answer is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from heliograph.core.lifecycle import ENDS, NOTES, advance, worst_part
from heliograph.core.message import ANYBODY, Message, Receipt
from heliograph.core.prices import Amount, price, recounted, reported
from heliograph.store.port import AttemptRow, Ledger, Match, Move, Moves, NewEvent, Notice, Receipts

# Facts that say something final of a part. A later one may correct them (core.lifecycle decides for the message).
_FINAL_PART = frozenset({"delivered", "read", "undelivered", "expired", "refused"})


def judge(match: Match) -> Move:
    """What one receipt means for its message."""
    receipt, message, part = match.receipt, match.message, match.part
    was = message.state
    fact: str | None = receipt.fact
    if fact in NOTES and part.state == "unknown" and was == "queued":
        return _taken_after_all(match)
    if match.others and receipt.fact in _FINAL_PART:
        fact = worst_part([receipt.fact, *(other.state for other in match.others)])
    step = advance(was, fact) if fact is not None else None
    if receipt.fact in _FINAL_PART and not (part.state in ("delivered", "read") and receipt.fact != "read"):
        part.state, part.receipt_at = receipt.fact, receipt.at
        part.failure, part.code, part.carrier_code = receipt.failure, receipt.code, receipt.carrier_code
    if step is None or step.ignored is not None:
        reason = step.ignored if step is not None else "other parts are still open"
        is_taken = message.state == "sent" or message.state in ENDS
        late = _corrected(message, receipt, 1) if is_taken and not match.others else {}
        return Move(message, was, (_note(receipt, part.part, reason, late),), receipts=(part,))
    corrected = _settle(message, step.state, receipt, parts=len(match.others) + 1)
    if was == "queued" and message.attempts == 1:  # the try of which nothing was known is settled: there was no other
        message.possible_duplicate = 0
    data = _data(receipt, corrected, correction=step.correction)
    assert step.event is not None
    return Move(message, was, (NewEvent(step.event, receipt.at, data),), receipts=(part,))


def _taken_after_all(match: Match) -> Move:
    """Progress of an attempt of which nothing was known: it was taken, so it must not go again."""
    receipt, message, part = match.receipt, match.message, match.part
    was = message.state
    message.state, message.owner = advance(was, "taken").state, ANYBODY
    message.updated_at = message.sent_at = receipt.at
    message.possible_duplicate = int(message.attempts > 1)
    part.state = "accepted"
    facts: dict[str, object] = {"attempt": part.attempt, "connector": part.connector, "receipt": receipt.raw}
    facts |= _corrected(message, receipt, len(match.others) + 1)
    data = msgspec.json.encode(facts).decode()
    return Move(message, was, (NewEvent("message.sent", receipt.at, data),), receipts=(part,))


def _settle(message: Message, state: str, receipt: Receipt, *, parts: int) -> dict[str, object]:
    """Answers what is told of its price, where the carrier knows it better than we did."""
    message.state, message.updated_at = state, receipt.at
    corrected = _corrected(message, receipt, parts)
    if state in ENDS:
        message.owner, message.final_at = None, receipt.at
    if state in ("delivered", "read"):
        message.failure = message.failure_code = message.carrier_code = None
    else:
        message.failure, message.failure_code, message.carrier_code = (
            receipt.failure or "unknown",
            receipt.code,
            receipt.carrier_code,
        )
    return corrected


def _judged(match: Match) -> tuple[Move, Amount | None]:
    """What follows; and what the message was to cost, if it costs something else now."""
    before = match.message.price, match.message.currency
    move = judge(match)
    return move, before if (match.message.price, match.message.currency) != before else None


def _corrected(message: Message, receipt: Receipt, parts: int) -> dict[str, object]:
    before, segments = message.price, message.billed_segments or message.segments
    if receipt.price is not None:  # a receipt of its own for each part comes with the price of one
        segments = receipt.parts or (parts if parts > 1 else segments)
        cost = reported(message, price(parts, receipt.price) or receipt.price, receipt.currency, segments)
    elif parts == 1 and receipt.parts and message.billed_segments is None and receipt.parts != segments:
        segments = receipt.parts
        cost = recounted(message, segments)
    else:
        return {}
    told: dict[str, object] = {"price": cost.price, "currency": cost.currency}
    if before != cost.price:
        told["estimated_price"] = before
    message.price, message.currency, message.surcharge = cost
    if segments != message.segments:
        told["billed_segments"] = segments
    message.billed_segments = segments if receipt.parts or parts > 1 else message.billed_segments
    return told


def _data(receipt: Receipt, corrected: dict[str, object], *, correction: bool) -> str | None:
    if not (corrected or receipt.failure or receipt.carrier_code or receipt.raw or correction):
        return None
    facts: dict[str, object] = {}
    if receipt.failure:
        facts |= {"failure": receipt.failure, "code": receipt.code}
    if receipt.carrier_code:
        facts["carrier_code"] = receipt.carrier_code
    facts |= corrected
    if receipt.raw:
        facts["receipt"] = receipt.raw
    if correction:
        facts["correction"] = True
    return msgspec.json.encode(facts).decode()


def _note(receipt: Receipt, part: int, reason: str | None, late: dict[str, object]) -> NewEvent:
    """A receipt that changed nothing, unless it brings a price late, stays in the history, with the reason."""
    facts = {
        "fact": receipt.fact,
        "part": part,
        "ignored": reason,
        "carrier_code": receipt.carrier_code,
        "receipt": receipt.raw,
    }
    facts |= late
    return NewEvent("receipt.ignored", receipt.at, msgspec.json.encode(facts).decode(), told=False)


def _as_is(carrier_id: str) -> str | None:
    return carrier_id


def _hex_to_decimal(carrier_id: str) -> str | None:
    try:
        return str(int(carrier_id, 16))
    except ValueError:
        return None


def _decimal_to_hex(carrier_id: str) -> str | None:
    return format(int(carrier_id), "x") if carrier_id.isascii() and carrier_id.isdigit() else None


def _decimal_to_upper_hex(carrier_id: str) -> str | None:
    return format(int(carrier_id), "X") if carrier_id.isascii() and carrier_id.isdigit() else None


def _stripped(carrier_id: str) -> str | None:
    return carrier_id.lstrip("0") or None


def _lower(carrier_id: str) -> str | None:
    return carrier_id.lower()


def _upper(carrier_id: str) -> str | None:
    return carrier_id.upper()


FORMS: dict[str, Callable[[str], str | None]] = {
    "as_is": _as_is,
    "stripped": _stripped,
    "hex_to_decimal": _hex_to_decimal,
    "decimal_to_hex": _decimal_to_hex,
    "decimal_to_upper_hex": _decimal_to_upper_hex,
    "lower": _lower,
    "upper": _upper,
}


_RECENT: Final = 10_000


class ReceiptDesk:
    """Takes receipts from all connectors to the ledger.

    Most receipts belong to a message that left a moment ago: its parts are remembered, so that no look-up is needed;
    the ledger still has the last word, because a move only counts from the state that it starts from.
    """

    def __init__(
        self,
        ledger: Ledger,
        told: Callable[[list[Notice]], None],
        kept: Callable[[Sequence[Message]], None],
        repriced: Callable[[Message, Amount], None],
    ) -> None:
        self._ledger = ledger
        self._told = told
        self._kept = kept
        self._repriced = repriced
        self._recent: dict[tuple[str, str], tuple[Message, AttemptRow]] = {}
        self._older: dict[tuple[str, str], tuple[Message, AttemptRow]] = {}
        self._learned: dict[str, list[str]] = {}
        self.parked = 0

    def learned(self, connector: str) -> list[str]:
        """The id forms of a connector in the order in which they are tried."""
        return self._learned.get(connector) or list(FORMS)

    def expect(self, moves: Sequence[Move]) -> None:
        """Remember the parts that carriers just took; only of messages in one part, whose fate is decided at once."""
        recent = self._recent
        for move in moves:
            if len(move.attempts) == 1 and move.attempts[0].carrier_id is not None and move.message.segments == 1:
                part = move.attempts[0]
                recent[part.connector, move.attempts[0].carrier_id] = (move.message, part)
        if len(recent) > _RECENT:  # forgotten by the generation: a dict is slow to give up its oldest one by one
            self._older, self._recent = recent, {}

    def take(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        """Keep receipts; `committed` once they are durable."""
        known: list[tuple[Receipt, Move]] = []
        others: list[Receipt] = []
        for receipt in receipts:
            key = (receipt.connector, receipt.carrier_id)
            found = self._recent.get(key) or self._older.get(key)
            if found is None:
                others.append(receipt)
            else:
                move, before = _judged(Match(receipt, found[0], found[1], ()))
                known.append((receipt, move))
                if before is not None:
                    self._repriced(move.message, before)
        waiting = bool(known) + bool(others)

        def kept() -> None:
            nonlocal waiting
            waiting -= 1
            if committed is not None and not waiting:
                committed()

        if known:
            self._go_on(known, kept)
        if others:
            self._look_up(others, kept)

    def _go_on(self, known: list[tuple[Receipt, Move]], kept: Callable[[], None]) -> None:
        def done(operation: Moves) -> None:
            if operation.error is not None:
                raise operation.error
            if operation.lost:  # the message is elsewhere than we remember: the ledger knows
                again = [receipt for receipt, move in known if move.message.id in operation.lost]
                for receipt in again:
                    self._recent.pop((receipt.connector, receipt.carrier_id), None)
                    self._older.pop((receipt.connector, receipt.carrier_id), None)
                self._look_up(again, kept)
            else:
                kept()
            # A receipt that changed nothing has told nobody anything: its message ended before.
            won = [move for move in operation.moves if move.message.id not in operation.lost]
            self._kept([move.message for move in won if move.was != move.state])
            self._told(operation.notices)

        self._ledger.add(Moves(done=done, moves=[move for _, move in known]))

    def _look_up(self, receipts: list[Receipt], kept: Callable[[], None]) -> None:
        changed: dict[int, Message] = {}
        repriced: dict[int, tuple[Message, Amount]] = {}

        def judged(match: Match) -> Move:
            self._learn(match)
            move, before = _judged(match)
            if before is not None:
                repriced[move.message.id] = move.message, before
            if move.was != move.state:
                changed[move.message.id] = move.message
            return move

        def done(operation: Receipts) -> None:
            if operation.error is not None:
                raise operation.error
            self.parked += len(operation.parked)
            kept()
            self._kept(list(changed.values()))
            for message, before in repriced.values():
                self._repriced(message, before)
            self._told(operation.notices)

        self._ledger.add(Receipts(done=done, receipts=receipts, forms=self._forms, judge=judged))

    def _forms(self, receipt: Receipt) -> Iterator[str]:
        """Each form as it is asked for: nearly always the first one fits."""
        tried: set[str] = set()
        for name in self._learned.get(receipt.connector, FORMS):
            form = FORMS[name](receipt.carrier_id)
            if form is not None and form not in tried:
                tried.add(form)
                yield form

    def _learn(self, match: Match) -> None:
        """The form that fitted goes first from now on."""
        receipt = match.receipt
        if match.part.carrier_id == receipt.carrier_id and receipt.connector not in self._learned:
            return
        for name, form in FORMS.items():
            if form(receipt.carrier_id) == match.part.carrier_id:
                order = self._learned.get(receipt.connector, list(FORMS))
                if order[0] != name:
                    self._learned[receipt.connector] = [name, *(other for other in order if other != name)]
                return
