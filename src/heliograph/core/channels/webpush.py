"""Web push: a notification of a browser, whose subscription the person gave to our application."""

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from heliograph.core import ids
from heliograph.core.channels.channel import SUBSCRIPTION, WEBPUSH, Channel, Content, bad, too_long
from heliograph.core.failures import Refusal

PREFIX: Final = "push"  # of subscriptions
_TEXT_AT_MOST: Final = 2_000
_Url = Annotated[str, Meta(max_length=1_000)]
_TAG: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


class WebpushContent(Content, frozen=True):
    """What a notification shows beside its text."""

    title: Annotated[str, Meta(description="Its first line.", min_length=1, max_length=120)]
    url: Annotated[_Url | None, Meta(description="What a click opens.")] = None
    icon: Annotated[_Url | None, Meta(description="A picture beside it.")] = None
    tag: Annotated[str | None, Meta(description="It takes the place of an earlier one with this tag.")] = None

    def wrong(self, text: str) -> Refusal | None:
        for field in ("url", "icon"):
            value = getattr(self, field)
            if value is not None and not (urlsplit(value).scheme == "https" and urlsplit(value).hostname):
                return bad("give a URL that begins with https://", field)
        if self.tag is not None and not _TAG.fullmatch(self.tag):
            return bad("a tag has up to 32 letters, digits, hyphens and underscores", "tag")
        return too_long(text, _TEXT_AT_MOST, "/text")


def read_address(text: str) -> str | Refusal:
    """The id of a subscription."""
    if ids.parse(PREFIX, text) is None:
        detail = f"{text[:60]!r} is not the id of a push subscription; POST /v1/push-subscriptions gives one"
        return Refusal("bad_address", detail, "/to")
    return text


CHANNEL: Final = Channel(WEBPUSH, SUBSCRIPTION, WebpushContent, frozenset(), read_address)


def content_of(text: str | None) -> WebpushContent:
    """The content of an accepted message."""
    return msgspec.json.decode(text or '{"title": "-"}', type=WebpushContent)
