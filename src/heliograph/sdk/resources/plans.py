"""Message plans: several channels to one person, one after the other, until one of them does."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks, lists
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.plans import Outcome, PlanRun
from heliograph.sdk.resources.messages import MessageFields, new_key


class PlanStep(TypedDict, total=False):
    """One way to reach the person."""

    channel: str
    to: str  # an address of their own; left out: the contact's
    via: list[str]
    text: str
    content: dict[str, object]
    sender: str
    until: str  # sent, delivered or read: what ends the plan
    within: str  # how soon, else the next step begins too: 20s, 10m
    kinds: list[str]
    in_quiet_hours: str  # wait or skip


class RunFilter(TypedDict, total=False):
    """What a list of runs is narrowed to."""

    plan: str
    status: str
    limit: int
    cursor: str


class Plans(Resource[D]):
    """Runs of plans."""

    @asks
    def begin(
        self,
        plan: str | Sequence[PlanStep],
        to: str,
        text: str | None = None,
        *,
        idempotency_key: str | None = None,
        **more: Unpack[MessageFields],
    ) -> Ask[PlanRun]:
        """Reach a person by a plan: its name, or its steps. Retries are safe, as with a message."""
        body = {"plan": plan, "to": to, **given(text=text), **more}
        return Ask("POST", at("messages"), PlanRun, body=body, key=idempotency_key or new_key())

    @asks
    def get(self, run_id: str) -> Ask[PlanRun]:
        """What became of a run."""
        return Ask("GET", at("plans", "runs", run_id), PlanRun)

    @asks
    def list(self, **narrowed: Unpack[RunFilter]) -> Ask[Page[PlanRun]]:
        """One page of runs, the newest first."""
        return Ask("GET", at("plans", "runs"), Page[PlanRun], query=narrowed)

    @lists
    def iterate(self, **narrowed: Unpack[RunFilter]) -> Ask[Page[PlanRun]]:
        """All runs, the newest first, page by page."""
        return Ask("GET", at("plans", "runs"), Page[PlanRun], query=narrowed)

    @asks
    def cancel(self, run_id: str) -> Ask[PlanRun]:
        """Begin no further step."""
        return Ask("POST", at("plans", "runs", run_id, "cancel"), PlanRun)

    @asks
    def outcomes(self, *, plan: str | None = None, since: datetime | str | None = None) -> Ask[Page[Outcome]]:
        """What came of each channel, the one that reaches most people first; by default in the last 30 days."""
        return Ask("GET", at("plans", "outcomes"), Page[Outcome], query=given(plan=plan, since=since))
