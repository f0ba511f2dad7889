"""A number as it may be shown to who needn't know it: country and last digits."""

from typing import Final

from heliograph.core.numbers.plans import calling_code

_SHOWN: Final = 3
_SHORTEST: Final = 7  # shorter ones are short codes: services, not people


def mask_number(number: str) -> str:
    """`+447700900123` → `+44*******123`; names and short codes stay as they are."""
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) < _SHORTEST:
        return number
    code = calling_code(digits) if number.startswith("+") else None
    start = "" if code is None else str(code)
    hidden = "*" * (len(digits) - len(start) - _SHOWN)
    return f"{number[: len(number) - len(digits)]}{start}{hidden}{digits[-_SHOWN:]}"
