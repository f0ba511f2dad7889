"""How a campaign stands, by the counts that are kept of its messages: each variant, costs, when it will be over."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from heliograph.core.campaigns import REST, RUNNING, gap_of, share_in_time
from heliograph.core.measures import UNIT, written
from heliograph.core.views import moment
from heliograph.engine.dispatch import Link
from heliograph.engine.insight.campaigns import WAITING, Standing, standings
from heliograph.products.campaigns import audiences, register
from heliograph.products.campaigns.checking import Estimate
from heliograph.products.campaigns.register import Campaign
from heliograph.store.port import Ledger

_SENT: Final = ("sent", "delivered", "read", "undelivered")
_DELIVERED: Final = ("delivered", "read")
_FAILED: Final = ("undelivered", "failed", "expired", "rejected")


class Counts(msgspec.Struct):
    """Messages by what became of them. `sent` includes what was delivered since, or could not be."""

    accepted: int = 0
    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    canceled: int = 0
    segments: int = 0
    opted_out: int = 0
    refused: dict[str, int] = {}
    cost: dict[str, str] = {}


class Progress(msgspec.Struct):
    """How far it is. `in_time_percent`: how much will have left before `ends_at`, as things go now."""

    recipients: int
    handled: int
    total: Counts
    variants: dict[str, Counts]
    estimated_end: str | None
    in_time_percent: float | None


class CampaignView(msgspec.Struct):
    """A campaign as the API shows it."""

    name: str
    status: str
    audience: str
    spec: msgspec.Raw
    estimate: Estimate | None
    winner: str | None
    author: str
    approved_by: str | None
    created_at: str
    starts_at: str | None
    started_at: str | None
    finished_at: str | None


def view(campaign: Campaign) -> CampaignView:
    estimate = None if campaign.estimate is None else msgspec.json.decode(campaign.estimate, type=Estimate)
    times = (campaign.starts_at, campaign.started_at, campaign.finished_at)
    return CampaignView(
        campaign.name,
        campaign.state,
        campaign.asked.audience,
        msgspec.Raw(campaign.spec.encode()),
        estimate,
        campaign.winner,
        campaign.author,
        campaign.approved_by,
        moment(campaign.created_at),
        *(None if at is None else moment(at) for at in times),
    )


async def progress(ledger: Ledger, campaign: Campaign, link: Callable[[str], Link | None], now: int) -> Progress:
    """As it is at this moment."""
    batches = await register.variants(ledger, campaign.id)
    counts = {name: Counts(refused={}, cost={}) for name in batches}
    names = {batch: name for name, batch in batches.items()}
    waiting: Counter[str] = Counter()
    for one in await standings(ledger, list(names)):
        _count(counts[names[one.batch]], one)
        if one.state == WAITING:
            waiting[one.connector] += one.messages
    await _refused(ledger, campaign, names, counts)
    await _opted_out(ledger, campaign, names, counts)
    total = _sum(counts.values())
    return await _told(ledger, campaign, total, counts, waiting, link, now)


async def _told(
    ledger: Ledger,
    campaign: Campaign,
    total: Counts,
    counts: dict[str, Counts],
    waiting: Counter[str],
    link: Callable[[str], Link | None],
    now: int,
) -> Progress:
    """With what is still to come, and when that will be over."""
    recipients = (await audiences.of_id(ledger, campaign.audience)).valid
    handled = min(recipients, total.accepted + sum(total.refused.values()))
    end = _end(campaign, recipients - handled, waiting, link, now)
    deadline = campaign.asked.ends
    share = None
    if deadline is not None and end is not None:
        ahead = recipients - handled + total.waiting
        share = round(100 * share_in_time(now, deadline, end, behind=recipients - ahead, ahead=ahead), 1)
    return Progress(recipients, handled, total, counts, None if end is None else moment(end), share)


def _count(counts: Counts, one: Standing) -> None:
    counts.accepted += one.messages
    counts.segments += one.segments
    counts.waiting += one.messages if one.state == WAITING else 0
    counts.sent += one.messages if one.state in _SENT else 0
    counts.delivered += one.messages if one.state in _DELIVERED else 0
    counts.failed += one.messages if one.state in _FAILED else 0
    counts.canceled += one.messages if one.state == "canceled" else 0
    if one.cost:
        _add_cost(counts, one.currency, Decimal(one.cost) / UNIT)


def _add_cost(counts: Counts, currency: str, amount: Decimal) -> None:
    counts.cost[currency] = written(Decimal(counts.cost.get(currency, "0")) + amount, whole=True)


async def _refused(ledger: Ledger, campaign: Campaign, names: Mapping[int, str], counts: Mapping[str, Counts]) -> None:
    for batch, code, count in await ledger.fetch(
        "SELECT batch, code, count FROM campaign_refusals WHERE campaign = $1 ORDER BY batch, code", campaign.id
    ):
        counts[names[batch]].refused[code] = count


async def _opted_out(
    ledger: Ledger, campaign: Campaign, names: Mapping[int, str], counts: Mapping[str, Counts]
) -> None:
    """Those who said no after they had got it: from the few who did to their messages, not the other way round."""
    if campaign.started_at is None:
        return
    marks = ", ".join(f"${place}" for place in range(3, len(names) + 3))
    for batch, count in await ledger.fetch(
        "SELECT m.batch, count(DISTINCT m.id) FROM stances s CROSS JOIN messages m WHERE s.workspace = $1 "
        "AND s.out_at >= $2 AND m.workspace = s.workspace AND m.to_number = s.number AND m.sent_at <= s.out_at "
        f"AND +m.batch IN ({marks}) GROUP BY m.batch",
        *(campaign.workspace, campaign.started_at, *names),
    ):
        counts[names[batch]].opted_out = int(count)


def _sum(counts: Iterable[Counts]) -> Counts:
    total = Counts(refused={}, cost={})
    for one in counts:
        for field in ("accepted", "waiting", "sent", "delivered", "failed", "canceled", "segments", "opted_out"):
            setattr(total, field, getattr(total, field) + getattr(one, field))
        for code, count in one.refused.items():
            total.refused[code] = total.refused.get(code, 0) + count
        for currency, amount in one.cost.items():
            _add_cost(total, currency, Decimal(amount))
    return total


def _end(
    campaign: Campaign,
    left: int,
    waiting: Mapping[str, int],
    link: Callable[[str], Link | None],
    now: int,
) -> int | None:
    """When the last has probably left; None: nobody can tell, for it does not run."""
    if campaign.finished_at is not None:
        return campaign.finished_at
    if campaign.state != RUNNING:
        return None
    spec = campaign.asked
    end = now + round(left * gap_of(spec, left + sum(waiting.values())))
    busiest = max(waiting, key=lambda name: waiting[name], default=None)
    for name in waiting:
        found = link(name)
        if found is not None:
            more = left if name == busiest else 0  # what is still to come goes where most of it went
            end = max(end, now + round(found.seconds_for(more, more) * 1000))
    if spec.winner is not None and campaign.position < REST:
        end = max(end, (campaign.enqueued_at or now) + spec.winner_after_ms)
    return end
