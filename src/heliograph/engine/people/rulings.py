"""What may be sent to a person now, by kind: the ruling on each, as the doors show it."""

from typing import Final

from heliograph.core import consent
from heliograph.core.consent import Rulebook
from heliograph.core.message import LANES
from heliograph.core.numbers import BadNumber, parse
from heliograph.engine.people import record
from heliograph.store.port import Ledger

YES: Final = "yes"


async def may_send(
    ledger: Ledger,
    rules: Rulebook,
    workspace: int,
    environment: int,
    address: str,
    now: int,
    *,
    sender: str | None = None,
) -> dict[str, str]:
    """By kind: `yes`, or the code with which it would be refused now. `sender`: as whom one would write."""
    stances = await record.stances_of(ledger, workspace, address)
    number = parse(address, None)
    country = "" if isinstance(number, BadNumber) else number.country
    return {
        kind: consent.rule(rules.need(environment, kind, country), kind, None, sender, stances, now).refusal or YES
        for kind in LANES
    }
