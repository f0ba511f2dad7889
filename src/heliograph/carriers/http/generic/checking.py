"""What can't work about the settings: every mistake with its key, found before anything is sent."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from heliograph.carriers.http.generic import expressions
from heliograph.carriers.http.generic.answering import REFUSALS
from heliograph.carriers.http.generic.checking_request import HEADER, Mistake, request_mistakes
from heliograph.carriers.http.generic.proving import PARTS, PLACEHOLDER
from heliograph.carriers.http.generic.settings import Condition, Place, Replies, Reports, Settings, Where

_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)+|[^/].*", re.DOTALL)
_NO_POINTER: Final = 'write a JSON pointer, such as "/messages/0/id" (~1 for /, ~0 for ~), or the name of a field'


def mistakes(settings: Settings) -> Iterator[Mistake]:
    """All of them, in the order of the settings."""
    return chain(
        request_mistakes(settings),
        _answer(settings),
        _codes(settings),
        _callback(settings),
        _inbound(settings),
        _proof(settings),
    )


def _answer(settings: Settings) -> Iterator[Mistake]:
    form = settings.answer
    for kind in ("success", *REFUSALS):
        for place, condition in enumerate(getattr(form, kind)):
            yield from _condition(f"answer.{kind}.{place}", condition)
    if isinstance(form.id, str) or not form.id.ours:
        yield from _where("answer.id", form.id)
    elif form.id.pointer is not None or form.id.regex is not None:
        yield "answer.id.ours", "our reference is the id, or the answer has one: not both"
    elif not form.success:
        yield "answer.success", "where the answer has no id, say how a yes looks"
    for name in ("code", "price", "currency", "parts"):
        yield from _where(f"answer.{name}", getattr(form, name))
    if form.price is not None and form.currency is None and settings.currency_of_account is None:
        yield "answer.currency", "a price needs a currency: say where it stands, or set currency_of_account"


def _codes(settings: Settings) -> Iterator[Mistake]:
    seen: set[str] = set()
    for code in settings.codes:
        if not code or code.casefold() in seen:
            yield f"codes.{code}", f"{code!r} is empty, or stands here twice: capitals make no difference"
        seen.add(code.casefold())


def _condition(key: str, condition: Condition) -> Iterator[Mistake]:
    if all(getattr(condition, name) is None for name in ("status", "contains", "regex", "pointer")):
        yield key, "say what must hold: status, contains, regex, or pointer and equals"
    if condition.regex is not None and (found := expressions.wrong(condition.regex)):
        yield f"{key}.regex", found
    if condition.pointer is not None and not _POINTER.fullmatch(condition.pointer):
        yield f"{key}.pointer", _NO_POINTER
    if (condition.pointer is None) != (condition.equals is None):
        yield f"{key}.equals", "pointer and equals go together"
    for name in ("contains", "status", "equals"):
        if getattr(condition, name) in ("", []):
            yield f"{key}.{name}", "is empty"


def _where(key: str, where: Where | None) -> Iterator[Mistake]:
    if isinstance(where, list):
        if not where:
            yield key, "is empty"
        for number, one in enumerate(where):
            yield from _where(f"{key}.{number}", one)
    elif isinstance(where, str):
        if not _POINTER.fullmatch(where):
            yield key, _NO_POINTER
    elif isinstance(where, Place):
        if where.pointer is None and where.regex is None:
            yield key, "give a pointer, a regex or both"
        if where.pointer is not None and not _POINTER.fullmatch(where.pointer):
            yield f"{key}.pointer", _NO_POINTER
        if where.regex is not None and (found := expressions.wrong(where.regex)):
            yield f"{key}.regex", found


def _listed(key: str, form: Reports | Replies) -> Iterator[Mistake]:
    if form.list is not None and form.format != "json":
        yield f"{key}.list", "only JSON holds lists"
    elif form.list and not _POINTER.fullmatch(form.list):
        yield f"{key}.list", _NO_POINTER


def _callback(settings: Settings) -> Iterator[Mistake]:
    form = settings.callback
    if form is None:
        return
    yield from _listed("callback", form)
    for name in ("id", "ref", "status", "code", "price", "currency", "parts"):
        yield from _where(f"callback.{name}", getattr(form, name))
    if form.price is not None and form.currency is None and settings.currency_of_account is None:
        yield "callback.currency", "a price needs a currency: say where it stands, or set currency_of_account"
    if not form.words.delivered:
        yield "callback.words.delivered", "say at least what they call delivered"
    seen: set[str] = set()
    for state in form.words.__struct_fields__:
        for place, word in enumerate(getattr(form.words, state)):
            if word.casefold() in seen or not word:
                yield f"callback.words.{state}.{place}", f"{word!r} is empty, or stands here twice"
            seen.add(word.casefold())


def _inbound(settings: Settings) -> Iterator[Mistake]:
    form = settings.inbound
    if form is None:
        return
    yield from _listed("inbound", form)
    for name, where in (("from", form.sender), ("to", form.to), ("text", form.text), ("id", form.id)):
        yield from _where(f"inbound.{name}", where)
    yield from _where("inbound.time", form.time)
    if form.which is not None and not _POINTER.fullmatch(form.which.field):
        yield "inbound.which.field", _NO_POINTER


def _proof(settings: Settings) -> Iterator[Mistake]:
    proof = settings.proof
    forms = [form for form in (settings.callback, settings.inbound) if form is not None]
    if not forms:
        return
    if proof.kind == "token":
        if not settings.callback_token:
            yield "callback_token", "set an unguessable word that our callback URL shows, or declare another proof"
        return
    if not settings.secret:
        yield "secret", f"proof of the kind {proof.kind} needs it"
    if proof.kind == "basic":
        return
    for name in ("header", "timestamp_header"):
        value = getattr(proof, name)
        if (value or name == "header") and not HEADER.fullmatch(value):
            yield f"proof.{name}", "name the header"
    for name in ("regex", "timestamp_regex"):
        if (regex := getattr(proof, name)) is not None and (found := expressions.wrong(regex)):
            yield f"proof.{name}", found
    yield from _signed(settings, {form.format for form in forms})


def _signed(settings: Settings, formats: set[str]) -> Iterator[Mistake]:
    """What is read must be signed, and what is signed must be there."""
    names = set(PLACEHOLDER.findall(settings.proof.signed))
    if unknown := sorted(names - PARTS.keys()):
        yield "proof.signed", f"{{{unknown[0]}}} is nothing of a call; there are {', '.join(f'{{{n}}}' for n in PARTS)}"
    if bool(settings.proof.timestamp_header) != ("timestamp" in names):
        yield "proof.signed", "{timestamp} and timestamp_header go together: only a signed time can be trusted"
    covers = {"query": {"url"}, "form": {"body", "sorted_params"}, "json": {"body"}}
    for form in sorted(formats):
        if not covers[form] & names:
            wanted = " or ".join(f"{{{name}}}" for name in sorted(covers[form]))
            yield "proof.signed", f"calls in the format {form} are read, so {wanted} must be signed"
    reports = settings.callback
    if reports is not None and reports.id is None and reports.ref is None and "url" not in names:
        yield "proof.signed", "our reference in the URL says which message it is, so {url} must be signed"
