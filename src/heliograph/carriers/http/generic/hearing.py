"""What they call us with: reports on our messages, and messages from phones."""

from collections.abc import Mapping
from typing import Any

from heliograph.carriers.http.answers import OUR_CODES
from heliograph.carriers.http.fields import count_of, dicts_of, word_of
from heliograph.carriers.http.generic.answering import codes_of, is_one_of
from heliograph.carriers.http.generic.places import at, found, money, steps
from heliograph.carriers.http.generic.settings import Replies, Reports, Settings
from heliograph.carriers.http.proof import sha256_hex
from heliograph.carriers.http.provider import Callback, Heard, fact_of, plus
from heliograph.core.failures import UNKNOWN, UNREACHABLE
from heliograph.core.message import Inbound, Receipt

_BAD_ENDS = {"undelivered": UNKNOWN, "refused": UNKNOWN, "expired": UNREACHABLE}  # what they mean without a code


class Hearing:
    """How calls are read, compiled."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._reports = None if settings.callback is None else _Reports(name, settings, settings.callback)
        self._replies = None if settings.inbound is None else _Replies(name, settings.inbound)

    def read(self, callback: Callback) -> Heard:
        body = callback.body.decode("utf-8", "replace")
        inbound, receipts = [], []
        if (replies := self._replies) is not None:
            found = (replies.read(one, body, callback) for one in _documents(callback, replies.form))
            inbound = [one for one in found if one is not None]
        if (reports := self._reports) is not None:
            documents = [
                one
                for one in _documents(callback, reports.form)
                if self._replies is None or not self._replies.is_one(one, body)
            ]
            read = (reports.read(one, body, callback) for one in documents)
            receipts = [one for one in read if one is not None]
        return Heard(receipts, inbound)


class _Reports:
    def __init__(self, name: str, settings: Settings, form: Reports) -> None:
        self.form = form
        self._name = name
        self._id, self._ref = found(form.id), found(form.ref)
        self._status, self._code = found(form.status), found(form.code)
        self._price, self._currency = found(form.price), found(form.currency)
        self._usual = settings.currency_of_account
        self._parts = found(form.parts)
        self._codes = codes_of(settings)
        self._facts = {
            word.casefold(): fact_of(state)
            for state in form.words.__struct_fields__
            for word in getattr(form.words, state)
        }

    def read(self, document: Mapping[str, Any], body: str, callback: Callback) -> Receipt | None:
        word = word_of(self._status(document, body))
        fact = self._facts.get(word.casefold())
        ref = word_of(self._ref(document, body)) or callback.ref()
        carrier_id = word_of(self._id(document, body)) if self.form.id is not None else ref
        if fact is None or not carrier_id:
            return None
        failure, code = _BAD_ENDS.get(fact), None
        if failure is not None:
            code = word_of(self._code(document, body)) or word
            known = self._codes.get(code.casefold()) or self._codes.get(word.casefold())
            failure = known.failure if known is not None else failure
        price, currency = money(
            self._price(document, body), self.form.price_scale, self._currency(document, body), self._usual
        ) or (None, None)
        return Receipt(
            self._name,
            carrier_id,
            fact,
            callback.at,
            failure,
            code=OUR_CODES[failure] if failure else None,
            carrier_code=code,
            price=price,
            currency=currency,
            ref=ref,
            parts=count_of(self._parts(document, body)),
        )


class _Replies:
    def __init__(self, name: str, form: Replies) -> None:
        self.form = form
        self._name = name
        self._sender, self._to, self._text = found(form.sender), found(form.to), found(form.text)
        self._id, self._time = found(form.id), found(form.time)
        self._which = None if form.which is None else (steps(form.which.field), form.which.equals)

    def is_one(self, document: Mapping[str, Any], body: str) -> bool:
        if self._which is not None:
            return is_one_of(at(document, self._which[0]), self._which[1])
        return bool(word_of(self._sender(document, body))) and isinstance(self._text(document, body), str | int | float)

    def read(self, document: Mapping[str, Any], body: str, callback: Callback) -> Inbound | None:
        sender = word_of(self._sender(document, body))
        if not sender or not self.is_one(document, body):
            return None
        to, text = word_of(self._to(document, body)), word_of(self._text(document, body))
        carrier_id, time = word_of(self._id(document, body)) or None, word_of(self._time(document, body))
        if carrier_id is None and time:  # what it says and when is who it is, should it come again
            carrier_id = sha256_hex("\n".join((sender, to, time, text)).encode("utf-8", "replace"))[:32]
        return Inbound(self._name, plus(sender), plus(to), text, callback.at, carrier_id)


def _documents(callback: Callback, form: Reports | Replies) -> list[dict[str, Any]]:
    """Each report or reply of a call, by its fields."""
    if form.format == "query":
        return [dict(callback.query())]
    if form.format == "form":
        return [callback.form()]
    said = callback.json()
    if form.list is None:
        return dicts_of([said])
    listed = at(said, steps(form.list))
    return dicts_of(listed if isinstance(listed, list) else [listed])
