"""Numbers as other gateways write them: international, with or without a sign for it."""

from typing import Final

_SHORTEST: Final = 8  # shorter ones are short codes


def international(number: str) -> str:
    """With +, where the digits can only be meant so; a leading zero is left to the caller's own country."""
    digits = number.strip()
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    is_long = digits.isascii() and digits.isdigit() and len(digits) >= _SHORTEST
    return f"+{digits}" if is_long and not digits.startswith("0") else digits
