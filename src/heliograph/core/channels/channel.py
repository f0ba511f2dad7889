"""What is particular to one way of reaching people, as a value: the port that every channel fills.

Everything else is common to all: intake, decision, route, hand-over, receipts and events know a channel by its name.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from heliograph.core.failures import Refusal

SMS: Final = "sms"
EMAIL: Final = "email"
MMS: Final = "mms"
RCS: Final = "rcs"
VOICE: Final = "voice"
WEBPUSH: Final = "webpush"
WHATSAPP: Final = "whatsapp"

NUMBER: Final = "number"  # forms of address
EMAIL_ADDRESS: Final = "email address"
SUBSCRIPTION: Final = "push subscription"

NUMBERS: Final = frozenset({"long_number", "toll_free", "short_code"})  # types of senders
EVERYWHERE: Final = "001"  # the country of an address that tells none


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a channel takes beside the text."""

    @property
    def speaks(self) -> bool:
        """Does it say all by itself, so that no text is needed?"""
        return False

    def wrong(self, text: str) -> Refusal | None:
        """What can't work about it, together with the text."""
        return None


class Channel(msgspec.Struct, frozen=True):
    """One way of reaching people."""

    name: str
    address: str  # in which form: a number, an e-mail address, a push subscription
    content: type[Content]
    senders: frozenset[str]  # the types of senders that it can show
    read_address: Callable[[str], str | Refusal] | None = None  # None: addresses are numbers
    texts_to_phones: bool = False  # networks' rules for texts hold: registered senders, content rules

    @property
    def by_number(self) -> bool:
        return self.read_address is None


def bad(detail: str, field: str = "") -> Refusal:
    """Content that a channel can't take."""
    return Refusal("bad_content", detail, f"/content/{field}" if field else "/content")


def too_long(value: str, limit: int, field: str) -> Refusal | None:
    if len(value) <= limit:
        return None
    what = "text" if field == "/text" else field
    pointer = field if field.startswith("/") else f"/content/{field}"
    return Refusal("bad_content", f"{what} has {len(value)} characters; at most {limit} are possible", pointer)


def shown(content: str | None) -> dict[str, Any] | None:
    """The content of a message as it is kept, read again."""
    found: dict[str, Any] | None = None if content is None else msgspec.json.decode(content)
    return found
