"""SMPP to a carrier: we are its client. docs/smpp-connector.md says how to set one up."""

from heliograph.carriers.port import Capabilities, World
from heliograph.carriers.smpp.carrier import SmppCarrier
from heliograph.carriers.smpp.settings import Settings, check

CAPABILITIES = Capabilities(receipts=True, inbound=True, concatenates=False)

__all__ = ["CAPABILITIES", "Settings", "build", "check"]


def build(name: str, settings: Settings, world: World) -> SmppCarrier:
    return SmppCarrier(name, settings, world, CAPABILITIES)
