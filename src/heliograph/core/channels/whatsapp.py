"""WhatsApp: within a day of what the person wrote last we may use our own words; else only an approved template."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.core.channels.channel import NUMBER, WHATSAPP, Channel, Content, bad, too_long
from heliograph.core.failures import Refusal

PREFIX: Final = "whatsapp:"  # of senders: the same number is another one there
SESSION_MS: Final = 86_400_000
SESSION_CLOSED: Final = "session_closed"
_TEXT_AT_MOST: Final = 4_096
_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_Values = list[Annotated[str, Meta(min_length=1, max_length=1_024)]]


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A template that the provider approved, with the values of its placeholders in their order."""

    name: str
    language: str
    variables: _Values = []  # of its body
    header_variables: _Values = []
    button_variables: _Values = []  # of its buttons, one each


class WhatsappContent(Content, frozen=True):
    """What a message has instead of, or beside, its text."""

    template: Annotated[Template | None, Meta(description="An approved template; it needs no open session.")] = None

    @property
    def speaks(self) -> bool:
        return self.template is not None

    def wrong(self, text: str) -> Refusal | None:
        template = self.template
        if template is None:
            return too_long(text, _TEXT_AT_MOST, "/text")
        if text:
            return Refusal("ambiguous_field", "give text or an approved template, not both", "/text")
        if not _NAME.fullmatch(template.name):
            return bad("a template's name has small letters, digits and underscores", "template/name")
        if not _LANGUAGE.fullmatch(template.language):
            return bad(f"{template.language[:20]!r} is not a language, such as en or pt_BR", "template/language")
        return None


CHANNEL: Final = Channel(WHATSAPP, NUMBER, WhatsappContent, frozenset({WHATSAPP}))


def content_of(text: str | None) -> WhatsappContent:
    """The content of an accepted message."""
    return msgspec.json.decode(text or "{}", type=WhatsappContent)


def needs_session(channel: str | None, content: str | None) -> bool:
    """Must the person have written within the last day?"""
    return channel == WHATSAPP and content_of(content).template is None
