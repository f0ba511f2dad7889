"""E-mail: a subject, the text, and the same as HTML if wanted."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.core.channels.channel import EMAIL, EMAIL_ADDRESS, Channel, Content, bad, too_long
from heliograph.core.failures import Refusal

_LOCAL: Final = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+[A-Za-z0-9-]{{2,63}}")
_NAMED: Final = re.compile(r"([^<>\x00-\x1f]{1,100}) <([^<>\s]{3,254})>")
_TEXT_AT_MOST: Final = 100_000
_HTML_AT_MOST: Final = 300_000


class EmailContent(Content, frozen=True):
    """What an e-mail has beside its text."""

    subject: Annotated[str, Meta(description="What its line in the inbox says.", min_length=1, max_length=250)]
    html: Annotated[str | None, Meta(description="The text with its looks; who can't show it sees the text.")] = None
    reply_to: Annotated[str | None, Meta(description="Where answers go, if not to the sender.")] = None

    def wrong(self, text: str) -> Refusal | None:
        if not self.subject.strip() or any(ord(letter) < 0x20 or letter == "\x7f" for letter in self.subject):
            return bad("subject must be one line of text, without line breaks and control characters", "subject")
        if self.reply_to is not None and not is_email(self.reply_to):
            return bad(f"{self.reply_to[:60]!r} is not an e-mail address, such as help@example.com", "reply_to")
        if self.html is not None and "\0" in self.html:
            return bad("html holds a NUL character; leave it out", "html")
        return too_long(text, _TEXT_AT_MOST, "/text") or too_long(self.html or "", _HTML_AT_MOST, "html")


def is_email(text: str) -> bool:
    """Is this an e-mail address, in the form that every server takes?"""
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        return False
    local = text.partition("@")[0]
    return not (local.startswith(".") or local.endswith(".") or ".." in local)


def split_sender(value: str) -> tuple[str, str] | None:
    """A sender as it is declared, `Acme <hello@acme.example>` or the address alone: its name and address."""
    if is_email(value):
        return "", value
    named = _NAMED.fullmatch(value)
    return (named[1].strip().strip('"'), named[2]) if named and is_email(named[2]) else None


def read_address(text: str) -> str | Refusal:
    """The address in small letters: as the consent record knows it."""
    address = text.strip()
    if not is_email(address):
        return Refusal("bad_address", f"{text[:60]!r} is not an e-mail address, such as ann@example.com", "/to")
    return address.lower()


CHANNEL: Final = Channel(EMAIL, EMAIL_ADDRESS, EmailContent, frozenset({"email"}), read_address)


def content_of(text: str | None) -> EmailContent:
    """The content of an accepted message."""
    return msgspec.json.decode(text or '{"subject": "(none)"}', type=EmailContent)
