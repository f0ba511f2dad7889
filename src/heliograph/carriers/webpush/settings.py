"""How a web push connector proves who it is."""

from typing import Annotated

import msgspec
from msgspec import Meta

from heliograph.carriers.webpush.vapid import private_key


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The settings of a web push connector."""

    private_key: str  # P-256: 32 octets in base64url, as web-push makes them, or PEM
    subject: Annotated[str, Meta(pattern="^(mailto:|https://)")]  # whom push services write to when something is wrong
    timeout_ms: Annotated[int, Meta(ge=100, le=60_000)] = 10_000


def check(settings: Settings) -> tuple[str, str] | None:
    """What can't work about them: key and reason."""
    if settings.private_key.startswith(("env:", "file:", "sealed:")):
        return None
    try:
        private_key(settings.private_key)
    except ValueError:
        return "private_key", "give a P-256 key: 32 octets in base64url without padding, or PEM"
    return None
