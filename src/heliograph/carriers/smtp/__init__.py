"""E-mail through a relay that speaks SMTP. docs/channels.md says how to set one up."""

from heliograph.carriers.port import Capabilities, World
from heliograph.carriers.smtp.carrier import SmtpCarrier
from heliograph.carriers.smtp.settings import Settings, check
from heliograph.core.channels import EMAIL

CAPABILITIES = Capabilities(receipts=False, alphanumeric=False, channels=frozenset({EMAIL}))

__all__ = ["CAPABILITIES", "Settings", "build", "check"]


def build(name: str, settings: Settings, world: World) -> SmtpCarrier:
    return SmtpCarrier(name, settings, world, CAPABILITIES)
