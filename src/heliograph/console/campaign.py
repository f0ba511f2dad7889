"""One campaign: what it would reach, how it stands, what came of its variants; and the handles to steer it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from heliograph.console.campaign_builder import in_utc
from heliograph.console.campaigns import PLACE, READ
from heliograph.console.drawn import Part, parts_of
from heliograph.console.page import Page
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core.campaigns import DRAFT, READY, RUNNING, SCHEDULED, STOPPING, Tried
from heliograph.core.charges import written
from heliograph.core.failures import Refusal, Refused
from heliograph.core.meanings import CODES
from heliograph.core.request import read_time
from heliograph.core.segments import normalise, split
from heliograph.engine.policies import CampaignPolicy
from heliograph.engine.usage import Usage, usages
from heliograph.products.campaigns import audiences, register, sampling, starting, trials
from heliograph.products.campaigns.checking import Estimate
from heliograph.products.campaigns.progress import Progress, progress
from heliograph.products.campaigns.register import Campaign
from heliograph.products.campaigns.sampling import Tested

_MANAGE: Final = READ[0]
_APPROVE: Final = READ[1]
_COUNTED: Final = 20_000  # recipients: clicks and answers of more would be too much to count at every look
_BUSY: Final = (DRAFT, SCHEDULED, RUNNING, STOPPING)
_OWN: Final = {  # what keeps a row from being written, beside the codes of messages
    "missing_variable": "A variable of the text has no value in this row, and no fallback.",
    "bad_variable": "A value does not fit the place where the text wants it.",
    "too_late": "Its local hours open only after the campaign has ended.",
    "no_window": "The campaign's hours never open where this person lives.",
    "opted_out": "They said that they want no such messages.",
    "no_consent": "There is no record of their consent.",
    "over_budget": "A budget of the workspace has no room for it.",
    "frequency_capped": "They would get more messages than the workspace allows itself.",
}


async def show(visit: Visit) -> Answer:
    return visit.show("campaign.html", **await _values(visit))


async def find(visit: Visit) -> Campaign:
    """Raises `Refused`."""
    found = await register.find(visit.means.ledger, visit.client.environment, visit.place["name"])
    if found is None:
        raise not_found("campaign", visit.place["name"])
    return found


async def _values(visit: Visit, tested: list[Tested] | None = None) -> dict[str, Any]:
    campaign, ledger = await find(visit), visit.means.ledger
    spec, audience = campaign.asked, await audiences.of_id(ledger, campaign.audience)
    estimate = None if campaign.estimate is None else msgspec.json.decode(campaign.estimate, type=Estimate)
    stands = None
    if campaign.started_at is not None:
        stands = await progress(ledger, campaign, visit.means.link, visit.now)
    return {
        "campaign": campaign,
        "spec": spec,
        "audience": audience,
        "estimate": estimate,
        "stands": stands,
        "late": _late(stands),
        "tried": await _tried(visit, campaign, audience.valid) if stands is not None else {},
        "texts": [(one, [_whole(one.text)]) for one in spec.texts],
        "reasons": _reason,
        "wants_approval": starting.wants_approval(_policy(visit), campaign, audience),
        "budgets": await _budgets(visit, campaign),
        "live": 0 if campaign.state not in _BUSY else 2,
        "tested": tested,
        "variables": msgspec.json.decode(audience.variables, type=list[str]),
        "may_manage": visit.may(_MANAGE),
        "may_approve": visit.may(_APPROVE),
        "is_ready": campaign.state == READY,
    }


def _whole(text: str) -> Part:
    """A text with its placeholders: nobody cuts it before values are in it."""
    found = parts_of(split(normalise(text)))
    return Part([piece for part in found for piece in part.pieces], 0, 0)


def _late(stands: Progress | None) -> int:
    """How many would slip past the end, as things go now."""
    if stands is None or stands.in_time_percent is None:
        return 0
    return round(stands.recipients * (100 - stands.in_time_percent) / 100)


async def _tried(visit: Visit, campaign: Campaign, recipients: int) -> dict[str, tuple[Tried, Tried]]:
    """By variant: clicks and answers. Too much to count at every look for large ones, whose sums are elsewhere."""
    if recipients > _COUNTED:
        return {}
    clicks = await trials.tried(visit.means.ledger, campaign, "clicks")
    replies = await trials.tried(visit.means.ledger, campaign, "replies")
    return {one.name: (one, other) for one, other in zip(clicks, replies, strict=True)}


async def _budgets(visit: Visit, campaign: Campaign) -> list[tuple[Usage, str | int, str | int]]:
    """Those that its messages belong to, with what is used of how much."""
    spec = campaign.asked
    tags = {f"campaign:{spec.name}", *spec.tags}
    found = await usages(visit.means.ledger, visit.realm, visit.means.budgets, visit.now)
    return [
        (one, written(one.measure, one.used), written(one.measure, one.most))
        for one in found
        if (not one.budget.kinds or spec.kind in one.budget.kinds)
        and (not one.budget.tags or tags.intersection(one.budget.tags))
        and not one.budget.clients
        and one.budget.each == "workspace"
    ]


def _reason(code: str) -> str:
    if code in _OWN:
        return _OWN[code]
    return CODES[code].means if code in CODES else ""


def _policy(visit: Visit) -> CampaignPolicy:
    return visit.realm.policies.campaigns


# -- steering


async def _turned(visit: Visit, turn: Callable[[Campaign], Awaitable[Any]], said: str) -> Answer:
    """One change of its state; or the page again, with what stands against it."""
    campaign = await find(visit)
    try:
        await turn(campaign)
    except Refused as refused:
        return visit.wrong("campaign.html", refused.refusals, **await _values(visit))
    visit.means.campaigns_changed()
    return visit.go(f"{PLACE}/{campaign.name}", said)


async def start(visit: Visit) -> Answer:
    text = visit.form.get("at")
    at = visit.now if not text else read_time(in_utc(text), "/at")

    async def turn(campaign: Campaign) -> None:
        if isinstance(at, Refusal):
            raise Refused(at)
        await starting.start(visit.means.ledger, campaign, _policy(visit), at, actor=visit.actor, now=visit.now)

    return await _turned(visit, turn, "It starts at the time that you set." if text else "It starts now.")


async def approve(visit: Visit) -> Answer:
    async def turn(campaign: Campaign) -> None:
        four_eyes = _policy(visit).approval == "four_eyes"
        where = (visit.means.ledger, campaign)
        await register.approve(*where, four_eyes=four_eyes, actor=visit.actor, now=visit.now)

    return await _turned(visit, turn, "Approved. It may be started.")


async def pause(visit: Visit) -> Answer:
    return await _turned(visit, _simply(visit, register.pause), "Paused: nothing more of it leaves.")


async def resume(visit: Visit) -> Answer:
    return await _turned(visit, _simply(visit, register.resume), "It goes on where it stood.")


async def stop(visit: Visit) -> Answer:
    return await _turned(visit, _simply(visit, register.stop), "It stops: what waits is taken back.")


def _simply(visit: Visit, change: Callable[..., Awaitable[Campaign]]) -> Callable[[Campaign], Awaitable[Any]]:
    return lambda campaign: change(visit.means.ledger, campaign, actor=visit.actor, now=visit.now)


async def delete(visit: Visit) -> Answer:
    campaign = await find(visit)
    try:
        await register.delete(visit.means.ledger, campaign, actor=visit.actor, now=visit.now)
    except Refused as refused:
        return visit.wrong("campaign.html", refused.refusals, **await _values(visit))
    return visit.go(PLACE, f"The campaign {campaign.name} is forgotten; its messages stay.")


async def sample(visit: Visit) -> Answer:
    """Test messages, each variant to each number."""
    campaign, means = await find(visit), visit.means
    to = [one for one in visit.form.get("to").replace(",", "\n").split("\n") if one.strip()]
    names = msgspec.json.decode((await audiences.of_id(means.ledger, campaign.audience)).variables, type=list[str])
    variables = {name: visit.form.get(f"value-{name}") for name in names if visit.form.get(f"value-{name}")}
    try:
        if not 1 <= len(to) <= 20:
            raise Refused(Refusal("missing_field", "give 1 to 20 numbers, one in each line", "/to"))
        tested = await sampling.test(
            *(means.ledger, means.intake, lambda: means.snapshot().version, campaign),
            *([one.strip() for one in to], variables, visit.client.default_country, visit.now),
        )
    except Refused as refused:
        found = [Refusal(one.code, one.detail, "/to", one.status) for one in refused.refusals]
        return visit.wrong("campaign.html", found, **await _values(visit))
    return visit.show("campaign.html", **await _values(visit, tested))


_ONE: Final = f"{PLACE}/{{name}}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _ONE, show, *READ),
    Page("POST", f"{_ONE}/start", start, _MANAGE),
    Page("POST", f"{_ONE}/approve", approve, _APPROVE),
    Page("POST", f"{_ONE}/pause", pause, _MANAGE),
    Page("POST", f"{_ONE}/resume", resume, _MANAGE),
    Page("POST", f"{_ONE}/stop", stop, _MANAGE),
    Page("POST", f"{_ONE}/delete", delete, _MANAGE),
    Page("POST", f"{_ONE}/test", sample, _MANAGE),
)
