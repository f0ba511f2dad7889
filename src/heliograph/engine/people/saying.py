"""Somebody says what a person wants: recorded, and after a no waited until nothing is on its way any more."""

from collections.abc import Iterable

from heliograph.core import consent
from heliograph.engine.people import record
from heliograph.engine.people.quiescence import quiet
from heliograph.engine.people.record import Said
from heliograph.ports import Clock
from heliograph.store.port import Ledger


async def say(
    ledger: Ledger,
    clock: Clock,
    workspace: int,
    environment: int,
    said: Said,
    concerned: Iterable[int],
    *,
    actor: str,
    now: int,
) -> None:
    """After an opt-out nothing that it covers reaches a carrier any more. `concerned`: the workspaces it holds in."""
    await record.record(ledger, workspace, environment, [said], actor=actor, now=now)
    if said.action == consent.OPT_OUT:
        await quiet(ledger, clock, concerned, said.address)
