"""Readers of single fields. What a provider sends may be of any type: none of these raises."""

import re
from decimal import Decimal
from typing import Any, Final

_COUNT: Final = re.compile(r"[1-9][0-9]{0,2}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,20})?")


def dict_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def dicts_of(value: object) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def first_of(value: object) -> dict[str, Any]:
    """The first object of a list."""
    return next(iter(dicts_of(value)), {})


def string_of(value: object) -> str:
    """A string; for what must not be a number, like an id."""
    return value if isinstance(value, str) else ""


def word_of(value: object) -> str:
    """A string, or a number as one: forms have words where JSON has numbers."""
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def count_of(value: object) -> int | None:
    """A number of parts."""
    shown = word_of(value)
    return int(shown) if _COUNT.fullmatch(shown) else None


def decimal_of(value: object) -> str | None:
    """A number with its sign, without an exponent."""
    shown = f"{Decimal(str(value)):f}" if isinstance(value, float | Decimal) else word_of(value)
    return shown if _DECIMAL.fullmatch(shown) else None


def amount_of(value: object) -> str | None:
    """A price. Nought is none: providers say it as long as they don't know."""
    shown = decimal_of(value)
    return shown if shown and not shown.startswith("-") and shown.strip("0.") else None
