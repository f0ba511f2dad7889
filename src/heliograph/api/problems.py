"""Reads bodies, and says what is wrong with a request: RFC 9457 problems, made of refusals.

`decode` never raises: what a body lacks becomes a refusal that names the field and what would be right. `problem`
renders refusals; every code has its line in `catalogue`. Neither ever repeats a secret: values are not quoted, only
names.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from heliograph.api.bodies import FieldProblem, Problem
from heliograph.api.catalogue import CATALOGUE
from heliograph.core.failures import Refusal, code_of
from heliograph.engine.explain import escaped, explained

T = TypeVar("T")

MEDIA_TYPE: Final = b"application/problem+json"
DEEPEST: Final = 32

_BACKSLASH: Final = ord("\\")
_BRACKETS: Final = b"{}[]"
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(_BRACKETS))
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


_encode: Final = msgspec.json.Encoder().encode


def problem(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    """(status, content type, body) of the answer that tells these refusals; there is at least one."""
    first = refusals[0]
    code, detail = code_of(refusals), first.detail
    if len(refusals) > 1:
        detail = f"{len(refusals)} things are wrong; errors names each"
    entry = CATALOGUE.get(code)
    body = Problem(
        type=f"/docs/errors#{code}",
        title=entry.title if entry else HTTPStatus(first.status).phrase,
        status=first.status,
        detail=detail,
        code=code,
        request_id=request_id,
        errors=[FieldProblem(r.pointer, r.detail, r.code) for r in refusals if r.pointer or len(refusals) > 1],
    )
    return first.status, MEDIA_TYPE, _encode(body)


def broken(request_id: str) -> Refusal:
    """What is told when something of ours broke: nothing but where to look."""
    detail = f"something broke here; it is logged under {request_id}. Nothing was promised: try again"
    return Refusal("internal_error", detail, status=500)


def defect(request_id: str) -> tuple[int, bytes, bytes]:
    """The answer then."""
    return problem([broken(request_id)], request_id)


# -- reading


def decode(body: bytes, cls: type[T]) -> T | Refusal:
    """The body as a value, or what is wrong with it."""
    read: Any = _decoder
    try:
        value: T = read(cls)(body)
    except UnicodeDecodeError:
        return Refusal("bad_utf8", "the body is not UTF-8", status=400)
    except msgspec.ValidationError as error:
        return explained(str(error), cls)
    except msgspec.DecodeError as error:
        return _malformed(body, str(error))
    except RecursionError:
        return _too_deep()
    if _BACKSLASH in body and b"\\u0000" in body and (pointer := _find_nul(msgspec.json.decode(body))) is not None:
        return Refusal("nul_character", "a string holds a NUL character; leave it out", pointer)
    if len(body) - len(body.replace(b"[", b"").replace(b"{", b"")) > DEEPEST and _is_deep(body):  # cheaper than count
        return _too_deep()
    return value


@lru_cache(maxsize=256)
def _decoder(cls: type[Any]) -> Any:
    return msgspec.json.Decoder(cls).decode


def _malformed(body: bytes, found: str) -> Refusal:
    if not body.strip():
        return Refusal("empty_body", "the body is empty; send a JSON object", status=400)
    if "surrogate" in found:
        detail = "half of a surrogate pair stands alone in an escape (\\uD800 to \\uDFFF); write the character itself"
        return Refusal("bad_unicode", detail, status=400)
    where = found.removeprefix("JSON is malformed: ").replace("Input data was truncated", "it ends too early")
    return Refusal("bad_json", f"the body is not JSON: {where}", status=400)


def _too_deep() -> Refusal:
    return Refusal("too_deep", f"the body is nested deeper than {DEEPEST} levels", status=400)


def _is_deep(body: bytes) -> bool:
    """Brackets alone tell the depth; strings, which may hold brackets too, are only left out when it matters."""
    return _levels(body) and _levels(_STRINGS.sub(b"", body))


def _levels(body: bytes) -> bool:
    """Is something left when as many levels as are allowed are peeled off, from within?"""
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(DEEPEST):
        peeled = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if peeled == brackets:
            break
        brackets = peeled
    return bool(brackets)


def _find_nul(value: object, pointer: str = "") -> str | None:
    """Where a NUL character stands."""
    if isinstance(value, str):
        return pointer if "\0" in value else None
    children: Iterator[tuple[object, object]] = iter(())
    if isinstance(value, dict):
        if any("\0" in key for key in value):
            return pointer
        children = iter(value.items())
    elif isinstance(value, list):
        children = iter(enumerate(value))
    for key, child in children:
        if (found := _find_nul(child, f"{pointer}/{escaped(str(key))}")) is not None:
            return found
    return None
