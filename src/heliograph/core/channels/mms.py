"""MMS: a text with pictures or other files."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.core.channels import media
from heliograph.core.channels.channel import MMS, NUMBER, NUMBERS, Channel, Content, too_long
from heliograph.core.channels.media import Media
from heliograph.core.failures import Refusal

_TEXT_AT_MOST: Final = 1_600


class MmsContent(Content, frozen=True):
    """What goes along with the text."""

    media: Annotated[list[Media], Meta(min_length=1, description="The files, in their order.")]

    @property
    def speaks(self) -> bool:
        return True

    def wrong(self, text: str) -> Refusal | None:
        return too_long(text, _TEXT_AT_MOST, "/text") or media.wrong(self.media)


CHANNEL: Final = Channel(MMS, NUMBER, MmsContent, NUMBERS, texts_to_phones=True)


def urls(content: str | None) -> list[str]:
    """Where the files of an accepted message are."""
    return [one.url for one in msgspec.json.decode(content or '{"media":[]}', type=_Kept).media]


class _Kept(msgspec.Struct):
    media: list[Media] = []
