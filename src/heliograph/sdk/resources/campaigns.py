"""Audiences, and campaigns to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Required, TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.campaigns import Audience, Campaign, CampaignProgress, Tested

Condition = TypedDict(
    "Condition",
    {"field": Required[str], "is": str, "in": list[str], "is_not": str, "begins": str},
    total=False,
)
"""One thing that must be so of a contact. Without a comparison: the field must be there."""


class VariantFields(TypedDict, total=False):
    """One of several texts that are tried."""

    name: Required[str]
    text: Required[str]
    share: int


class WinnerFields(TypedDict, total=False):
    """Try the variants on a part of the audience, then give the rest the one that did best."""

    after: Required[int | str]
    by: str  # clicks or replies
    tried_percent: int


class CampaignFields(TypedDict, total=False):
    """What to tell, how fast and when."""

    text: str
    variants: list[VariantFields]
    winner: WinnerFields
    kind: str
    sender: str
    topic: str
    tags: list[str]
    max_segments: int
    per_minute: int
    per_hour: int
    spread: int | str
    window: dict[str, str]
    ends_at: datetime | str


class Audiences(Resource[D]):
    """Lists of recipients."""

    @asks
    def create(self, name: str, filters: Sequence[Condition]) -> Ask[Audience]:
        """Take an audience from the contacts that fit all filters, as they are now."""
        return Ask("POST", at("audiences"), Audience, body={"name": name, "filters": filters})

    @asks
    def upload(
        self, name: str, csv: bytes, *, variables: str | None = None, default_country: str | None = None
    ) -> Ask[Audience]:
        """Read an audience from CSV: its first line names the columns, one of them `to`."""
        query = {"name": name, **given(variables=variables, default_country=default_country)}
        return Ask("POST", at("audiences", "upload"), Audience, query=query, body=csv, media_type="text/csv")

    @asks
    def get(self, name: str) -> Ask[Audience]:
        """An audience, and what became of its lines."""
        return Ask("GET", at("audiences", name), Audience)

    @asks
    def list(self, cursor: str = "", *, limit: int = 100) -> Ask[Page[Audience]]:
        """One page of audiences, by name."""
        return Ask("GET", at("audiences"), Page[Audience], query={"cursor": cursor, "limit": limit})

    @asks
    def delete(self, name: str) -> Ask[Audience]:
        """Delete an audience."""
        return Ask("DELETE", at("audiences", name), Audience)


class Campaigns(Resource[D]):
    """One campaign each, by its name."""

    @asks
    def create(self, name: str, audience: str, **more: Unpack[CampaignFields]) -> Ask[Campaign]:
        """Make a campaign. All its rows are checked; nothing is sent before `start`."""
        return Ask("POST", at("campaigns"), Campaign, body={"name": name, "audience": audience, **more})

    @asks
    def get(self, name: str) -> Ask[Campaign]:
        """A campaign with its estimate."""
        return Ask("GET", at("campaigns", name), Campaign)

    @asks
    def list(self, cursor: str | None = None, *, limit: int = 50) -> Ask[Page[Campaign]]:
        """One page of campaigns, the newest first."""
        return Ask("GET", at("campaigns"), Page[Campaign], query=given(cursor=cursor, limit=limit))

    @lists
    def iterate(self, *, limit: int = 50) -> Ask[Page[Campaign]]:
        """All campaigns, page by page."""
        return Ask("GET", at("campaigns"), Page[Campaign], query={"limit": limit})

    @asks
    def delete(self, name: str) -> Ask[Campaign]:
        """Forget a campaign that never began."""
        return Ask("DELETE", at("campaigns", name), Campaign)

    @asks
    def progress(self, name: str) -> Ask[CampaignProgress]:
        """How far it is."""
        return Ask("GET", at("campaigns", name, "progress"), CampaignProgress)

    @asks
    def test(self, name: str, to: Sequence[str], variables: Mapping[str, str] | None = None) -> Ask[Page[Tested]]:
        """Send every variant to some numbers."""
        body = {"to": to, **given(variables=variables)}
        return Ask("POST", at("campaigns", name, "test"), Page[Tested], body=body)

    @asks
    def approve(self, name: str) -> Ask[Campaign]:
        """Approve it: another person than its author."""
        return Ask("POST", at("campaigns", name, "approve"), Campaign)

    @asks
    def start(self, name: str, at_time: datetime | str | None = None) -> Ask[Campaign]:
        """Start it, now or later."""
        return Ask("POST", at("campaigns", name, "start"), Campaign, body=given(at=at_time))

    @asks
    def pause(self, name: str) -> Ask[Campaign]:
        """Hold all of it."""
        return Ask("POST", at("campaigns", name, "pause"), Campaign)

    @asks
    def resume(self, name: str) -> Ask[Campaign]:
        """Let it go on."""
        return Ask("POST", at("campaigns", name, "resume"), Campaign)

    @asks
    def stop(self, name: str) -> Ask[Campaign]:
        """Stop it for good."""
        return Ask("POST", at("campaigns", name, "stop"), Campaign)
