"""Delivery reports in the words of Kannel: kinds, and the escapes of the URL that is called."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

DELIVERED: Final = 1
UNDELIVERED: Final = 2
BUFFERED: Final = 4
TAKEN: Final = 8
REFUSED: Final = 16

KINDS: Final = {
    "message.delivered": DELIVERED,
    "message.undelivered": UNDELIVERED,
    "message.expired": UNDELIVERED,
    "message.sent": TAKEN,
    "message.failed": REFUSED,
    "message.rejected": REFUSED,
    "message.canceled": REFUSED,
}
_ESCAPE: Final = re.compile("%([A-Za-z%])")


def events(mask: int) -> list[str]:
    """What a `dlr-mask` asks to be told."""
    return [event for event, kind in KINDS.items() if kind & mask]


def filled(url: str, values: Mapping[str, str]) -> str:
    """The URL with its escapes replaced; what is none stays as it is, such as the %20 of a blank."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return quote(values[name], safe="") if name in values else found[0]

    return _ESCAPE.sub(value, url)
