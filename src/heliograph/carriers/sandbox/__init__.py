"""A network in a box: behaves like a carrier, and like the bad ones. docs/reference/sandbox.md lists what it can do.

Everything it does follows from (seed, message, attempt), so that a rehearsal can be repeated, and so that it can say
after a restart what became of a message that it took before.
"""

from heliograph.carriers.port import Capabilities, World
from heliograph.carriers.sandbox.carrier import SandboxCarrier
from heliograph.carriers.sandbox.settings import Settings, check
from heliograph.core.channels import CHANNELS

CAPABILITIES = Capabilities(receipts=True, inbound=True, query=True, concatenates=False, channels=frozenset(CHANNELS))

__all__ = ["CAPABILITIES", "Settings", "build", "check"]


def build(name: str, settings: Settings, world: World) -> SandboxCarrier:
    return SandboxCarrier(name, settings, world, CAPABILITIES)
