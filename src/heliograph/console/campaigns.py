"""Campaigns: what there is, in which state, and how many each could reach."""

from typing import Any, Final

import msgspec

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.products.campaigns import register
from heliograph.products.campaigns.checking import Estimate

PLACE: Final = "/console/campaigns"
READ: Final = ("campaigns:manage", "campaigns:approve")
_SHOWN: Final = 50
_NEWEST: Final = 1 << 62


async def show(visit: Visit) -> Answer:
    cursor = visit.query.get("cursor")
    below = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else _NEWEST
    found, following = await register.page(visit.means.ledger, visit.client.environment, below, _SHOWN)
    listed: list[tuple[Any, Any, Estimate | None]] = [
        (one, one.asked, None if one.estimate is None else msgspec.json.decode(one.estimate, type=Estimate))
        for one in found
    ]
    return visit.show("campaigns.html", listed=listed, following=following, may_manage=visit.may("campaigns:manage"))


PAGES: Final[tuple[Page, ...]] = (Page("GET", PLACE, show, *READ, entry=Entry("Campaigns", "campaign", "Reach")),)
