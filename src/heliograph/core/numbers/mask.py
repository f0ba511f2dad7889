"""A number in part: as it may be shown to who needn't know it, and what of it stands in every spelling."""

from typing import Final

from heliograph.core.numbers.plans import calling_code

_SHOWN: Final = 3
_TELLING: Final = 8
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


def national_digits(number: str) -> str:
    """`+447700900123` → `7700900123`, which people write with or without a zero or the country in front. Where too
    little would be left to tell numbers apart it is all digits; anything but a number stays as it is."""
    code = calling_code(number[1:]) if number.startswith("+") else None
    digits = number.removeprefix("+")
    rest = digits if code is None else digits.removeprefix(str(code))
    return rest if len(rest) >= _TELLING else digits
