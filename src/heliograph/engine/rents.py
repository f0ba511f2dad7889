"""The rent of numbers: what senders that are declared with one cost, month by month.

It is due when a sender is declared with a rent, and on the first of each month as long as it stays so; in a month once.
The history of declarations tells it, also of senders that are no more.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from heliograph.store.port import Ledger


class Rent(NamedTuple):
    """One month of one number."""

    workspace: str
    sender: str
    at: int  # when it was due
    price: str
    currency: str


async def rents(ledger: Ledger, since: int, until: int, workspace: int | None = None) -> list[Rent]:
    """What fell due in a span; of one workspace, or of all."""
    rows = await ledger.fetch(
        "SELECT w.name, h.name, h.at, h.spec FROM declared_history h JOIN workspaces w ON w.id = h.workspace "
        "WHERE h.kind = 'sender' AND h.at < $1 AND (h.workspace = $2 OR $3 = 1) ORDER BY h.id",
        *(until, workspace or 0, int(workspace is None)),
    )
    senders: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = {}
    for owner, name, at, spec in rows:
        senders.setdefault((owner, name), []).append((at, {} if spec is None else msgspec.json.decode(spec)))
    return [
        Rent(owner, name, at, price, currency)
        for (owner, name), told in senders.items()
        for at, price, currency in due(told, until)
        if at >= since
    ]


def due(told: Sequence[tuple[int, dict[str, Any]]], until: int) -> Iterator[tuple[int, str, str]]:
    """(when, price, currency) of each month of a sender whose declarations these are, in their order."""
    paid: set[tuple[int, int]] = set()
    for place, (at, spec) in enumerate(told):
        if spec.get("rental_per_month") is None:
            continue
        end = min(until, told[place + 1][0] if place + 1 < len(told) else until)
        while at < end:
            day = datetime.fromtimestamp(at / 1000, UTC)
            if (day.year, day.month) not in paid:
                paid.add((day.year, day.month))
                yield at, spec["rental_per_month"], spec["rental_currency"]
            first = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
            at = round(first.timestamp() * 1000)
