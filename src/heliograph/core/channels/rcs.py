"""RCS: a text from a verified brand, perhaps with a picture."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.core.channels import media
from heliograph.core.channels.channel import NUMBER, RCS, Channel, Content, too_long
from heliograph.core.channels.media import Media
from heliograph.core.failures import Refusal

PREFIX: Final = "rcs:"  # of senders: agents are known by names of their own
_TEXT_AT_MOST: Final = 3_072
_AtMostOne = Annotated[list[Media], Meta(max_length=1, description="A picture or another file.")]


class RcsContent(Content, frozen=True):
    """What may go along with the text."""

    media: _AtMostOne = msgspec.field(default_factory=list)

    @property
    def speaks(self) -> bool:
        return bool(self.media)

    def wrong(self, text: str) -> Refusal | None:
        return too_long(text, _TEXT_AT_MOST, "/text") or media.wrong(self.media)


CHANNEL: Final = Channel(RCS, NUMBER, RcsContent, frozenset({RCS}))
