"""Voice: a call in which the text is read aloud."""

import re
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.core.channels.channel import NUMBER, NUMBERS, VOICE, Channel, Content, bad, too_long
from heliograph.core.failures import Refusal

_TEXT_AT_MOST: Final = 1_500
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
_VOICE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class VoiceContent(Content, frozen=True):
    """How the text is read."""

    language: Annotated[str, Meta(description="In which language, as in en-GB.")] = "en-US"
    voice: Annotated[str | None, Meta(description="By which voice, in the provider's words.")] = None
    repeat: Annotated[int, Meta(ge=1, le=5, description="How often.")] = 1

    def wrong(self, text: str) -> Refusal | None:
        if not _LANGUAGE.fullmatch(self.language):
            return bad(f"{self.language[:20]!r} is not a language with its country, such as en-GB", "language")
        if self.voice is not None and not _VOICE.fullmatch(self.voice):
            return bad("a voice has letters, digits, dots, hyphens and underscores", "voice")
        return too_long(text, _TEXT_AT_MOST, "/text")


CHANNEL: Final = Channel(VOICE, NUMBER, VoiceContent, NUMBERS)


def content_of(text: str | None) -> VoiceContent:
    """The content of an accepted message."""
    return msgspec.json.decode(text or "{}", type=VoiceContent)
