"""Who wants a message sent, and what was decided of it."""

import msgspec

from heliograph.core.charges import Charge
from heliograph.core.decide import Verdict
from heliograph.core.frequency import FrequencyCap
from heliograph.core.links import ShortLink
from heliograph.core.message import Message


class Caller(msgspec.Struct, frozen=True):
    """On whose behalf a request comes: what intake needs to know of a client."""

    client: int
    workspace: int
    environment: int
    default_country: str | None = None


class Draft(msgspec.Struct, gc=False):
    """A request that was decided: the message as it would be, and the decision."""

    message: Message
    verdict: Verdict
    caps: tuple[FrequencyCap, ...] = ()  # that the ledger keeps
    charges: tuple[Charge, ...] = ()  # what it adds to budgets
    links: tuple[ShortLink, ...] = ()
    findings: tuple[str, ...] = ()  # the content rules that warn of its text
