"""Pictures and other files that go along: where they are, and whether networks take them."""

from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from heliograph.core.channels.channel import bad
from heliograph.core.failures import Refusal

# What networks carry, and how much of it, by the beginning of the media type; by the names' endings where none is said.
LIMITS: Final[dict[str, int]] = {
    "image/jpeg": 5_000_000,
    "image/png": 5_000_000,
    "image/gif": 5_000_000,
    "image/webp": 500_000,
    "video/mp4": 600_000,
    "video/3gpp": 600_000,
    "audio/mpeg": 600_000,
    "audio/ogg": 600_000,
    "audio/amr": 600_000,
    "text/vcard": 600_000,
    "text/calendar": 600_000,
    "application/pdf": 600_000,
}
ENDINGS: Final[dict[str, str]] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "3gp": "video/3gpp",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "amr": "audio/amr",
    "vcf": "text/vcard",
    "ics": "text/calendar",
    "pdf": "application/pdf",
}
TOGETHER: Final = 5_000_000
AT_MOST: Final = 10


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One file, which the provider fetches."""

    url: Annotated[str, Meta(max_length=2_048)]
    content_type: str | None = None  # left out: by the ending of its name
    size_bytes: Annotated[int, Meta(ge=1)] | None = None

    @property
    def type(self) -> str | None:
        name = urlsplit(self.url).path.rpartition("/")[2]
        return self.content_type or ENDINGS.get(name.rpartition(".")[2].lower())


def wrong(media: list[Media]) -> Refusal | None:
    """What networks don't take about these files."""
    if len(media) > AT_MOST:
        return bad(f"a message has at most {AT_MOST} files", "media")
    for place, one in enumerate(media):
        parts = urlsplit(one.url)
        if parts.scheme != "https" or not parts.hostname or not one.url.isascii() or not one.url.isprintable():
            return bad(
                "give a URL that begins with https://; the provider fetches the file there", f"media/{place}/url"
            )
        limit = LIMITS.get(one.type or "")
        if limit is None:
            what = f"{one.type!r} is carried by no network" if one.type else "its name does not tell what it is"
            detail = f"{what}; give content_type as one of {', '.join(LIMITS)}"
            return bad(detail, f"media/{place}/content_type")
        if (one.size_bytes or 0) > limit:
            detail = f"{one.type} may have {limit:,} bytes, and this one has {one.size_bytes:,}"
            return bad(detail, f"media/{place}/size_bytes")
    if (together := sum(one.size_bytes or 0 for one in media)) > TOGETHER:
        return bad(f"all files together have {together:,} bytes; {TOGETHER:,} are possible", "media")
    return None
