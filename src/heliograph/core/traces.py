"""What of a request may be kept beside its answer: places and names, never what was said or to whom.

Callers write paths, names of fields, request ids and user agents as they like. A step or an id that could hold a phone
number, an address or a sentence is replaced by `…`; what has the form of an id of ours, or of a name, stays.
"""

import re
from functools import lru_cache
from typing import Final

LEFT_OUT: Final = "…"
_DIGITS: Final = 4  # more of them could be a number that somebody answers
_LONGEST: Final = 64
_STEPS: Final = 12
_NAMES: Final = 12
_ID: Final = re.compile(
    r"[a-z]{2,5}_[0-9a-z]{26}"  # ours
    r"|req_[0-9a-f]{18,32}"
    r"|(?=[0-9]*[a-z][0-9]*[a-z])(?![0-9a-z]*[0-9]{6})[0-9a-z]{6,32}"  # keys: letters, and no long row of digits
    r"|[A-Z]{2}[0-9a-f]{32}(\.json)?|[0-9a-f]{32}"  # as other gateways have them, and traces
    r"|20[0-9]{2}-[01][0-9]-[0-3][0-9]"  # versions of another gateway's API
    r"|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_.~-]{1,64}(@[0-9]{1,4})?")
_MANY_DIGITS: Final = re.compile(r"\+?[0-9]{7,}")
_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+")


@lru_cache(maxsize=1_024)
def path(text: str) -> str:
    """A path whose steps say no more than where it leads."""
    return _stepwise(text)


def pointer(text: str) -> str:
    """A JSON pointer: names of fields and places in lists. Unknown fields have names that the caller made up."""
    return _stepwise(text)


@lru_cache(maxsize=1_024)
def names(query: bytes) -> tuple[str, ...]:
    """The names of a query's parameters; no value."""
    found = [part.partition("=")[0] for part in query.decode("latin-1").split("&")[:_NAMES] if part]
    return tuple(dict.fromkeys(map(_step, found)))


@lru_cache(maxsize=1_024)
def label(header: bytes) -> str:
    """A request id or a user agent, shortened."""
    text = header[:_LONGEST].decode("latin-1")
    shown = text if text.isprintable() else "".join(filter(str.isprintable, text))
    if _ID.fullmatch(shown):
        return shown
    return _ADDRESS.sub(LEFT_OUT, _MANY_DIGITS.sub(LEFT_OUT, shown))


def _stepwise(text: str) -> str:
    return "/".join(map(_step, text.split("/", _STEPS)[: _STEPS + 1]))


def _step(text: str) -> str:
    if not text or _ID.fullmatch(text):
        return text
    is_name = _NAME.fullmatch(text) is not None and sum(map(str.isdigit, text)) <= _DIGITS
    return text if is_name else LEFT_OUT
