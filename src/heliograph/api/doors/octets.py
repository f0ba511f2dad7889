"""Texts that come as octets, in an encoding that a field names."""

from heliograph.api.routes import refuse


def decoded(text: str, encoding: str, pointer: str) -> str:
    """`text` as it was read octet by octet. Raises `Refused`."""
    try:
        return text.encode("latin-1").decode(encoding)
    except (UnicodeError, LookupError):
        raise refuse("bad_value", f"{pointer[1:]} is not written in {encoding[:40]!r}", pointer, 400) from None
