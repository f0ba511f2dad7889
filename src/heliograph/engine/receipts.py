"""Foreign reports → facts → lifecycle → events.

A receipt is matched by the ids that its carrier may have given the part; the form that fits is learned for each
connector, and tried first from then on. What comes before the answer that it belongs to is parked in the ledger and
looked at again when that answer is kept.
"""

from collections.abc import Callable, Sequence

import msgspec

from heliograph.core.lifecycle import ENDS, advance, worst_part
from heliograph.core.message import Message, Receipt
from heliograph.store.port import Ledger, Match, Move, NewEvent, Notice, Receipts

# Facts that say something final of a part. A later one may correct them (core.lifecycle decides for the message).
_FINAL_PART = frozenset({"delivered", "read", "undelivered", "expired", "refused"})


def judge(match: Match) -> Move:
    """What one receipt means for its message."""
    receipt, message, part = match.receipt, match.message, match.part
    was = message.state
    fact: str | None = receipt.fact
    if receipt.fact in _FINAL_PART:
        fact = worst_part([receipt.fact, *(other.state for other in match.others)])
    step = advance(was, fact) if fact is not None else None
    if receipt.fact in _FINAL_PART and not (part.state in ("delivered", "read") and receipt.fact != "read"):
        part.state, part.receipt_at = receipt.fact, receipt.at
        part.failure, part.code, part.carrier_code = receipt.failure, receipt.code, receipt.carrier_code
    if step is None or step.ignored is not None:
        reason = step.ignored if step is not None else "other parts are still open"
        return Move(message, was, (_note(receipt, part.part, reason),), receipts=(part,))
    _settle(message, step.state, receipt)
    data = _data(receipt, correction=step.correction)
    assert step.event is not None
    return Move(message, was, (NewEvent(step.event, receipt.at, data),), receipts=(part,))


def _settle(message: Message, state: str, receipt: Receipt) -> None:
    message.state, message.updated_at = state, receipt.at
    if receipt.price is not None:
        message.price, message.currency = receipt.price, receipt.currency
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


def _data(receipt: Receipt, *, correction: bool) -> str | None:
    facts: dict[str, object] = {}
    if receipt.failure:
        facts |= {"failure": receipt.failure, "code": receipt.code}
    if receipt.carrier_code:
        facts["carrier_code"] = receipt.carrier_code
    if receipt.price is not None:
        facts |= {"price": receipt.price, "currency": receipt.currency}
    if receipt.raw:
        facts["receipt"] = receipt.raw
    if correction:
        facts["correction"] = True
    return msgspec.json.encode(facts).decode() if facts else None


def _note(receipt: Receipt, part: int, reason: str | None) -> NewEvent:
    """A receipt that changed nothing stays in the history, with the reason."""
    facts = {
        "fact": receipt.fact,
        "part": part,
        "ignored": reason,
        "carrier_code": receipt.carrier_code,
        "receipt": receipt.raw,
    }
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


class ReceiptDesk:
    """Takes receipts from all connectors to the ledger, gathered per turn of the event loop."""

    def __init__(
        self, ledger: Ledger, told: Callable[[list[Notice]], None], kept: Callable[[list[tuple[Receipt, Message]]], None]
    ) -> None:
        self._ledger = ledger
        self._told = told
        self._kept = kept
        self._learned: dict[str, list[str]] = {}
        self.parked = 0

    def learned(self, connector: str) -> list[str]:
        """The id forms of a connector in the order in which they are tried."""
        return self._learned.get(connector) or list(FORMS)

    def take(self, receipts: Sequence[Receipt], committed: Callable[[], None] | None = None) -> None:
        """Keep receipts; `committed` once they are durable."""

        def done(operation: Receipts) -> None:
            if operation.error is not None:
                raise operation.error
            self.parked += len(operation.parked)
            if committed is not None:
                committed()
            self._kept(operation.matched)
            self._told(operation.notices)

        self._ledger.add(Receipts(done=done, receipts=list(receipts), forms=self._forms, judge=self._judge))

    def _forms(self, receipt: Receipt) -> Sequence[str]:
        forms: list[str] = []
        for name in self._learned.get(receipt.connector, FORMS):
            form = FORMS[name](receipt.carrier_id)
            if form is not None and form not in forms:
                forms.append(form)
        return forms

    def _judge(self, match: Match) -> Move:
        self._learn(match)
        return judge(match)

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
