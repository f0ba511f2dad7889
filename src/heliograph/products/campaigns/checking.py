"""Looks at every row of a campaign before it starts: who could be reached, who not and why, what it takes and costs.

Nothing is sampled. Each row is rendered, decided by intake and put before the ledger's own rules (consent, caps,
resting numbers), as it will be when it is sent; only nothing is kept. What changes until then changes the outcome too.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from heliograph.core.campaigns import variant_of
from heliograph.core.views import moment
from heliograph.engine.draft import Draft
from heliograph.engine.intake import Intake
from heliograph.ports import Clock
from heliograph.products.campaigns import audiences, register
from heliograph.products.campaigns.audiences import Audience
from heliograph.products.campaigns.register import Campaign
from heliograph.products.campaigns.writing import Looked, Writer
from heliograph.store.port import Accept, Ledger

_AT_ONCE: Final = 250
_LOOKS_AFTER: Final = 40  # pieces: then somebody may have stopped it


class Estimate(msgspec.Struct):
    """What a campaign would do if it began now. `refused`: by the code of what stands against it."""

    recipients: int
    reachable: int
    refused: dict[str, int]
    duplicates: int
    bad: int
    held: int
    segments: int
    most_segments: int
    cost: dict[str, str]
    unpriced: int
    checked_at: str


class _Counts:
    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self.reachable = self.held = self.segments = self.most_segments = self.unpriced = 0
        self.cost: dict[str, Decimal] = {}
        self.findings: set[tuple[str, ...]] = set()

    def add(self, draft: Draft) -> None:
        message = draft.message
        self.reachable += 1
        self.held += message.state == "scheduled"
        self.segments += message.segments
        self.most_segments = max(self.most_segments, message.segments)
        if message.price is None or message.currency is None:
            self.unpriced += 1
        else:
            self.cost[message.currency] = self.cost.get(message.currency, Decimal(0)) + Decimal(message.price)


async def check(ledger: Ledger, intake: Intake, clock: Clock, version: Callable[[], int], campaign: Campaign) -> None:
    """Check all rows of a draft; then it is ready."""
    audience = await audiences.of_id(ledger, campaign.audience)
    writer = Writer(intake, campaign, await register.variants(ledger, campaign.id), version)
    began = version()
    counts, line, pieces, spec = _Counts(), 0, 0, campaign.asked
    while rows := await audiences.rows_after(ledger, audience, line, _AT_ONCE):
        line, now = rows[-1].line, clock.now_ms()
        drafts: list[Draft] = []
        for row in rows:
            found = writer.one(variant_of(campaign.id, row.number, spec) or spec.texts[0].name, row, now)
            if isinstance(found, Draft):
                drafts.append(found)
                counts.findings.add(found.findings)
            else:
                counts.refused[found] += 1
        await _ask(intake, drafts, counts)
        pieces += 1
        if pieces % _LOOKS_AFTER == 0 and await _is_over(ledger, campaign):
            return
    looked = None
    if len(counts.findings) == 1 and "content_blocked" not in counts.refused and version() == began:
        looked = msgspec.json.encode(Looked(began, counts.findings.pop()))
    estimate = msgspec.json.encode(_estimate(audience, counts, clock.now_ms()))
    await register.checked(ledger, campaign, estimate, looked)


async def _ask(intake: Intake, drafts: list[Draft], counts: _Counts) -> None:
    """What the ledger says of these."""
    future: asyncio.Future[dict[int, str]] = asyncio.get_running_loop().create_future()

    def done(operation: Accept) -> None:
        # Not the operation itself: it knows this function, and would wait for the garbage collector with its messages.
        if future.done():
            return
        if operation.error is not None:
            future.set_exception(operation.error)
        else:
            future.set_result(operation.refused)

    intake.accept(drafts, done, asks_only=True)
    refused = await future
    for draft in drafts:
        code = refused.get(draft.message.id)
        if code is not None:
            counts.refused[code] += 1
        else:
            counts.add(draft)


async def _is_over(ledger: Ledger, campaign: Campaign) -> bool:
    now = await register.of_id(ledger, campaign.id)
    return now is None or now.state != campaign.state


def _estimate(audience: Audience, counts: _Counts, now: int) -> Estimate:
    return Estimate(
        recipients=audience.valid,
        reachable=counts.reachable,
        refused=dict(counts.refused.most_common()),
        duplicates=audience.duplicates,
        bad=audience.bad,
        held=counts.held,
        segments=counts.segments,
        most_segments=counts.most_segments,
        cost={currency: f"{amount:f}" for currency, amount in sorted(counts.cost.items())},
        unpriced=counts.unpriced,
        checked_at=moment(now),
    )
