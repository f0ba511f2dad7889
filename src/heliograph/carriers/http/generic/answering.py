"""Their answer as an outcome: by the conditions, then by their code, then by the status."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.carriers.http.answers import OUR_CODES, accepted, by_status
from heliograph.carriers.http.fields import count_of, word_of
from heliograph.carriers.http.generic import expressions
from heliograph.carriers.http.generic.placeholders import shown
from heliograph.carriers.http.generic.places import at, found, money, steps
from heliograph.carriers.http.generic.settings import Code, Condition, Failure, Settings
from heliograph.carriers.http.provider import Answer, Text
from heliograph.core.failures import UNKNOWN
from heliograph.core.message import Outcome

# The kinds of a no, in the order in which they are asked: what is said of few before what is said of many.
REFUSALS: Final[tuple[Failure, ...]] = ("opted_out", "unauthorised", "throttled", "transient", "permanent")


class _Rule(NamedTuple):
    holds: Callable[[Answer, Any, str], bool]
    refusal: Code | None  # None: a yes


class Answering:
    """How answers are read, compiled."""

    def __init__(self, settings: Settings) -> None:
        form = settings.answer
        self._rules = [_Rule(_compiled(one), None) for one in form.success] + [
            _Rule(_compiled(one), Code(failure=kind, elsewhere=one.elsewhere))
            for kind in REFUSALS
            for one in getattr(form, kind)
        ]
        self._needs_success = bool(form.success)
        self._is_id_ours = not isinstance(form.id, str) and form.id.ours
        self._id = found(None if self._is_id_ours else form.id)
        self._code = found(form.code)
        self._codes = codes_of(settings)
        self._price, self._scale, self._currency = found(form.price), form.price_scale, found(form.currency)
        self._usual = settings.currency_of_account
        self._parts = found(form.parts)

    def outcome(self, text: Text, answer: Answer) -> Outcome:
        document, body = answer.json(), answer.text()
        rule = next((one for one in self._rules if one.holds(answer, document, body)), None)
        if rule is not None and rule.refusal is None:
            return self._accepted(text, document, body) or _unclear(answer)
        code = word_of(self._code(document, body))
        refusal = self._codes.get(code.casefold()) if rule is None else rule.refusal
        if refusal is not None:
            return _refused(refusal, code, answer)
        if not self._needs_success and 200 <= answer.status < 300:
            return self._accepted(text, document, body) or _unclear(answer)
        outcome = by_status(answer)
        return msgspec.structs.replace(outcome, carrier_code=code) if code else outcome

    def _accepted(self, text: Text, document: Any, body: str) -> Outcome | None:
        carrier_id = text.ref if self._is_id_ours else word_of(self._id(document, body))
        if not carrier_id:
            return None
        paid = money(self._price(document, body), self._scale, self._currency(document, body), self._usual)
        price, currency = paid or (None, None)
        return accepted(carrier_id, price=price, currency=currency, parts=count_of(self._parts(document, body)))


def codes_of(settings: Settings) -> Mapping[str, Code]:
    """What their codes mean."""
    return {
        code.casefold(): meaning if isinstance(meaning, Code) else Code(failure=meaning)
        for code, meaning in settings.codes.items()
    }


def is_one_of(value: object, wanted: object) -> bool:
    """Is it that, or one of those? 100 is "100", as forms have it."""
    words = [shown(one) for one in wanted] if isinstance(wanted, list) else [shown(wanted)]
    return isinstance(value, str | int | float) and shown(value) in words


def _compiled(condition: Condition) -> Callable[[Answer, Any, str], bool]:
    status = condition.status
    statuses = [status] if isinstance(status, int) else status
    search = None if condition.regex is None else expressions.finder(condition.regex)
    path = None if condition.pointer is None else steps(condition.pointer)

    def holds(answer: Answer, document: Any, body: str) -> bool:
        return (
            (statuses is None or answer.status in statuses)
            and (condition.contains is None or condition.contains in body)
            and (search is None or search(body) is not None)
            and (path is None or is_one_of(at(document, path), condition.equals))
        )

    return holds


def _refused(code: Code, carrier_code: str, answer: Answer) -> Outcome:
    return Outcome(
        "refused",
        failure=code.failure,
        code=OUR_CODES[code.failure],
        carrier_code=carrier_code or str(answer.status),
        retry_after_ms=answer.retry_after_ms,
        elsewhere=code.elsewhere,
    )


def _unclear(answer: Answer) -> Outcome:
    """A yes without an id: nobody can tell."""
    return Outcome("unknown", failure=UNKNOWN, code="unclear_answer", carrier_code=str(answer.status))
