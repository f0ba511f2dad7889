"""Typed variables: what a value may be, so that no message is longer than its preview said.

Lengths are counted as the network counts: what a phone needs two septets for (`€`, brackets) or two units (emoji)
counts two.
"""

import re
from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core import gsm
from heliograph.core.clusters import may_cut
from heliograph.core.segments import forbidden

TEXT: Final = "text"
NUMBER: Final = "number"
MONEY: Final = "money"
DATE: Final = "date"
URL: Final = "url"
CODE: Final = "code"
ANY: Final = "any"
CLUSTER_MAX: Final = 20  # units of what a reader takes for one character: a family of four in UCS-2 has 19

_LENGTHS: Final = {TEXT: 50, NUMBER: 15, MONEY: 20, DATE: 10, URL: 100, CODE: 20}
_FORMS: Final = {
    NUMBER: (re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?").fullmatch, "a number such as 1234.50"),
    MONEY: (re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})? [A-Z]{3}").fullmatch, "an amount such as 1234.50 EUR"),
    DATE: (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch, "a date such as 2026-11-20"),
    URL: (re.compile(r"https?://[!-z|~]{1,2000}").fullmatch, "a URL such as https://example.com/a"),
    CODE: (re.compile(r"[A-Za-z0-9-]{1,200}").fullmatch, "letters, digits and hyphens, such as AB-1742"),
}
_easy: Final = re.compile(r"[ -_a-~]*").fullmatch  # of ASCII, what phones show and GSM-7 has: not the backtick
_SHORTEST: Final = {TEXT: "a", NUMBER: "1", MONEY: "1 EUR", DATE: "2026-11-20", URL: "http://a", CODE: "1"}
FILTERS: Final = {NUMBER: {"number"}, MONEY: {"number"}, DATE: {"date"}, URL: set[str](), CODE: {"upper", "lower"}}


class Variable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One variable, as it is declared."""

    example: Annotated[str, Meta(min_length=1, max_length=1_000)]
    type: Literal["text", "number", "money", "date", "url", "code"] = "text"
    max_length: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    alphabet: Literal["gsm7", "any"] = "gsm7"  # of a text: whether a value may force UCS-2
    description: Annotated[str, Meta(max_length=200)] = ""

    @property
    def longest(self) -> int:
        return self.max_length or _LENGTHS[self.type]

    @property
    def shortest(self) -> str:
        """A value as short as can be."""
        return _SHORTEST[self.type]

    @property
    def may_be_foreign(self) -> bool:
        """Can a value bring characters that GSM-7 lacks?"""
        return self.type == TEXT and self.alphabet == ANY

    def wrong(self, value: str) -> str | None:
        """What is wrong with a value, and what would be right; None: nothing. It comes normalised."""
        if not value:
            return "is empty, and the text has no fallback for it"
        if "{{" in value or "}}" in value:
            return "holds braces as placeholders have them; give the value itself"
        if self.type != TEXT:
            fits, form = _FORMS[self.type]
            if not fits(value) or (self.type == DATE and not _is_date(value)):
                return f"must be {form}"
        elif not _easy(value) and (why := self._unfit(value)):
            return why
        if 2 * len(value) > self.longest and (length := units(value)) > self.longest:  # no character takes more than 2
            return f"takes {length} characters on a phone; at most {self.longest} are possible"
        return None

    def _unfit(self, value: str) -> str | None:
        if "\n" in value or forbidden(value):
            return "holds a line break or a control character; give one line"
        if self.alphabet != ANY and (found := gsm.FOREIGN.search(value)):
            return f"holds {found.group()!r}, which GSM-7 lacks; this variable takes only what it has"
        if not may_cut("x" + value, 1) or not _has_small_clusters(value):
            return "begins with a mark, or piles more marks on a letter than a text can bear"
        return None


def units(value: str) -> int:
    """Septets of what GSM-7 holds, of others UTF-16 units."""
    if gsm.FOREIGN.search(value):
        return len(value.encode("utf-16-le")) // 2
    return gsm.DEFAULT.cost(value)


def clusters(value: str) -> list[str]:
    """A text in what a reader takes for one character each."""
    found, start = [], 0
    for place in range(1, len(value) + 1):
        if may_cut(value, place, start):
            found.append(value[start:place])
            start = place
    return found


def _has_small_clusters(value: str) -> bool:
    return value.isascii() or all(len(one.encode("utf-16-le")) // 2 <= CLUSTER_MAX for one in clusters(value))


def _is_date(value: str) -> bool:
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False
