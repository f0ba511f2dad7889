"""What a placeholder may do to its value: a fixed list, each a pure function of text and language.

Written so that nothing leaves GSM-7 by our doing: thousands are parted by an ordinary space where a language parts them
by a narrow one, and what is cut ends without an ellipsis.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Final, TypeAlias

from heliograph.core.clusters import last_cut

Filter: TypeAlias = Callable[[str], str]  # raises ValueError, which says what would be right

TRUNCATE_MAX: Final = 1_000
_NUMBER: Final = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,12}))?( [A-Z]{3})?").fullmatch
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}\S{0,20})?", re.ASCII).fullmatch

# Language (or language and country) → what parts thousands, what parts decimals.
_SEPARATORS: Final = {
    **dict.fromkeys(("en", "he", "ja", "ko", "ms", "th", "zh", "es-MX"), (",", ".")),
    **dict.fromkeys(("da", "de", "el", "es", "hr", "id", "it", "nl", "pt", "ro", "sl", "sr", "tr", "vi"), (".", ",")),
    **dict.fromkeys(("bg", "cs", "et", "fi", "fr", "hu", "lt", "lv", "nb", "no", "pl", "pt-PT"), (" ", ",")),
    **dict.fromkeys(("ru", "sk", "sv", "uk"), (" ", ",")),
    **dict.fromkeys(("de-CH", "fr-CH", "it-CH"), ("'", ".")),
    **dict.fromkeys(("de-AT",), (" ", ",")),
}
# How a date is written in numbers.
_DATES: Final = {
    "en": "{d:02}/{m:02}/{y}",
    "en-US": "{m:02}/{d:02}/{y}",
    "en-CA": "{y}-{m:02}-{d:02}",
    **dict.fromkeys(("el", "es", "fr", "he", "id", "it", "ms", "pt", "th", "vi"), "{d:02}/{m:02}/{y}"),
    **dict.fromkeys(("bg", "cs", "da", "de", "et", "fi", "hr", "lv", "nb", "no"), "{d:02}.{m:02}.{y}"),
    **dict.fromkeys(("pl", "ro", "ru", "sk", "sl", "sr", "tr", "uk", "de-CH", "fr-CH", "it-CH"), "{d:02}.{m:02}.{y}"),
    "nl": "{d:02}-{m:02}-{y}",
    "hu": "{y}.{m:02}.{d:02}.",
    **dict.fromkeys(("ja", "zh"), "{y}/{m:02}/{d:02}"),
    "ko": "{y}.{m:02}.{d:02}.",
}
_ISO: Final = "{y}-{m:02}-{d:02}"  # also what Swedes and Lithuanians write


def _of(table: dict[str, str] | dict[str, tuple[str, str]], locale: str) -> str | tuple[str, str] | None:
    return table.get(locale) or table.get(locale.partition("-")[0])


def _upper(value: str) -> str:
    return value.upper()


def _lower(value: str) -> str:
    return value.lower()


def _truncate(length: int, value: str) -> str:
    """No longer than so many characters, and never half of what a reader takes for one."""
    return value if len(value) <= length else value[: last_cut(value, 0, length)].rstrip()


def _number(separators: tuple[str, str], value: str) -> str:
    """1234567.5 as people write it; the code of a currency may follow."""
    found = _NUMBER(value)
    if found is None:
        raise ValueError("must be a number such as 1234.50, or an amount such as 1234.50 EUR")
    sign, whole, rest, currency = found.groups()
    thousands, decimal = separators
    grouped = f"{int(whole):,}".replace(",", thousands)
    return f"{sign}{grouped}{decimal + rest if rest else ''}{currency or ''}"


def _date(pattern: str, value: str) -> str:
    found = _MOMENT(value)
    try:
        day = date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise ValueError("must be a date such as 2026-11-20") from None
    return pattern.format(y=f"{day.year:04}", m=day.month, d=day.day)


NAMES: Final = ("upper", "lower", "truncate", "number", "date")


def filter_of(name: str, argument: str | None, locale: str) -> Filter:
    """The filter that a placeholder names. Raises ValueError, which says what would be right."""
    if name == "truncate":
        if argument is None or not argument.isascii() or not argument.isdigit() or len(argument) > 4:
            raise ValueError("truncate needs a length, as in truncate:14")
        if not 1 <= int(argument) <= TRUNCATE_MAX:
            raise ValueError(f"truncate takes a length from 1 to {TRUNCATE_MAX}")
        return partial(_truncate, int(argument))
    if argument is not None:
        raise ValueError(f"{name} takes nothing after a colon")
    if name == "number":
        return partial(_number, _of(_SEPARATORS, locale) or ("", "."))  # type: ignore[arg-type]
    if name == "date":
        return partial(_date, _of(_DATES, locale) or _ISO)  # type: ignore[arg-type]
    return _upper if name == "upper" else _lower
