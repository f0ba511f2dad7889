"""Web push: notifications for browsers (RFC 8030), encrypted for each (RFC 8291), signed as ours (RFC 8292)."""

from heliograph.carriers.port import Capabilities, World
from heliograph.carriers.webpush.carrier import WebpushCarrier
from heliograph.carriers.webpush.settings import Settings, check
from heliograph.core.channels.channel import WEBPUSH

CAPABILITIES = Capabilities(receipts=False, alphanumeric=False, channels=frozenset({WEBPUSH}))

__all__ = ["CAPABILITIES", "Settings", "build", "check"]


def build(name: str, settings: Settings, world: World) -> WebpushCarrier:
    return WebpushCarrier(name, settings, world, CAPABILITIES)
