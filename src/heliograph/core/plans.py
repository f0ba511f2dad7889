"""Message plans: several ways to reach one person, tried in order until one of them does.

A step is an ordinary message. What comes of it decides: it reached the person, the next step begins, or there is none.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.core.channels import CHANNELS, SMS
from heliograph.core.failures import Refusal
from heliograph.core.lifecycle import CANCELED, DELIVERED, ENDS, READ, SENT
from heliograph.core.message import LANES
from heliograph.core.spans import read_span

SKIPPED: Final = "skipped"  # a step of which no message came
PREFERENCE: Final = "preferred_channel"  # the attribute of a contact
_ENOUGH: Final = {SENT: (SENT, DELIVERED, READ), DELIVERED: (DELIVERED, READ), READ: (READ,)}

# States of a run.
RUNNING: Final = "running"
REACHED: Final = "reached"
EXHAUSTED: Final = "exhausted"  # no step reached the person
STOPPED: Final = "canceled"
STATES: Final = (RUNNING, REACHED, EXHAUSTED, STOPPED)

_Text = Annotated[str, Meta(min_length=1, max_length=100_000)]
_Name = Annotated[str, Meta(min_length=1, max_length=320)]


class PlanStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One way to reach the person."""

    channel: Annotated[str, Meta(description="By which channel.")] = SMS
    to: Annotated[_Name | None, Meta(description="An address of their own; left out: the contact's.")] = None
    via: Annotated[list[str], Meta(description="Only these connectors, in this order.")] = []
    text: Annotated[_Text | None, Meta(description="Other words than the message's.")] = None
    content: Annotated[dict[str, Any] | None, Meta(description="What the channel takes beside the text.")] = None
    sender: Annotated[_Name | None, Meta(description="Who it comes from.")] = None
    until: Annotated[Literal["sent", "delivered", "read"] | None, Meta(description="What ends the plan.")] = None
    within: Annotated[str | None, Meta(description="How soon, else the next step begins too: 20s, 10m.")] = None
    kinds: Annotated[list[str], Meta(description="Only for messages of these kinds.")] = []
    in_quiet_hours: Annotated[Literal["wait", "skip"], Meta(description="What becomes of it then.")] = "wait"

    @property
    def goal(self) -> str:
        """What counts as having reached the person: e-mail has no receipts."""
        return self.until or (SENT if self.channel == "email" else DELIVERED)

    @property
    def within_ms(self) -> int | None:
        span = None if self.within is None else read_span(self.within)
        return span if isinstance(span, int) else None


_Steps = Annotated[list[PlanStep], Meta(min_length=1, max_length=10)]


class PlanSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A declared plan: `[plans.NAME]`."""

    steps: _Steps
    by_preference: Annotated[bool, Meta(description="The channel that the person prefers goes first.")] = False
    cheapest_first: Annotated[list[str], Meta(description="For these kinds the cheapest way goes first.")] = []

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = [r for place, step in enumerate(self.steps) for r in _wrong(step, f"/steps/{place}")]
        return found + _kinds(self.cheapest_first, "/cheapest_first")


def _wrong(step: PlanStep, pointer: str) -> list[Refusal]:
    found = _kinds(step.kinds, f"{pointer}/kinds")
    if step.channel not in CHANNELS:
        detail = f"{step.channel[:40]!r} is not a channel: {', '.join(CHANNELS)}"
        found.append(Refusal("unknown_channel", detail, f"{pointer}/channel"))
    if step.within is not None and isinstance(span := read_span(step.within), Refusal):
        found.append(msgspec.structs.replace(span, pointer=f"{pointer}/within"))
    return found


def _kinds(kinds: Sequence[str], pointer: str) -> list[Refusal]:
    return [
        Refusal("unknown_kind", f"{kind[:40]!r} is not a kind; the kinds are {', '.join(LANES)}", f"{pointer}/{place}")
        for place, kind in enumerate(kinds)
        if kind not in LANES
    ]


def ordered(
    spec: PlanSpec, kind: str, preferred: str | None, prices: Mapping[int, tuple[str, str | None]]
) -> list[tuple[int, PlanStep]]:
    """The steps for messages of a kind, each with its place in the plan, in the order in which they are tried.

    `prices`: of the steps of which one is known, by their places. What can't be compared stays as it is listed.
    """
    steps = [(place, step) for place, step in enumerate(spec.steps) if not step.kinds or kind in step.kinds]
    if kind in spec.cheapest_first and len({currency for _, currency in prices.values()}) == 1:
        steps.sort(key=lambda one: (one[0] not in prices, Decimal(prices[one[0]][0]) if one[0] in prices else 0))
    if spec.by_preference and preferred is not None:
        steps.sort(key=lambda one: one[1].channel != preferred)
    return steps


class Tried(NamedTuple):
    """A step that was begun, and how its message stands."""

    goal: str
    within_ms: int | None
    begun_at: int
    state: str  # of its message; or skipped


class Look(NamedTuple):
    """What follows: `wait` (until `at`, or for news), `next`, or the end of the run."""

    what: str
    at: int | None = None
    step: int | None = None  # that reached the person


def look(tried: Sequence[Tried], steps: int, now: int) -> Look:
    """What follows from how the steps stand that were begun, in their order, of so many."""
    for place, one in enumerate(tried):
        if one.state in _ENOUGH[one.goal]:
            return Look(REACHED, step=place)
    if any(one.state == CANCELED for one in tried):  # by somebody: they want no other way either
        return Look(STOPPED)
    left = len(tried) < steps
    if not tried:
        return Look("next" if left else EXHAUSTED)
    last = tried[-1]
    if last.state == SKIPPED or last.state in ENDS - _HOPE[last.goal]:
        if left:
            return Look("next")
        return Look(EXHAUSTED if all(_is_over(one) for one in tried) else "wait", at=_deadline(tried, now))
    due = None if last.within_ms is None else last.begun_at + last.within_ms
    if due is not None and due <= now:
        if left:
            return Look("next")
        return Look(EXHAUSTED)
    return Look("wait", at=due)


# Ends after which what a step hopes for may still come.
_HOPE: Final = {SENT: frozenset({DELIVERED}), DELIVERED: frozenset({DELIVERED}), READ: frozenset({DELIVERED})}


def _is_over(one: Tried) -> bool:
    return one.state == SKIPPED or one.state in ENDS - _HOPE[one.goal]


def _deadline(tried: Sequence[Tried], now: int) -> int | None:
    """When those that are still open have had their time."""
    ends = [one.begun_at + one.within_ms for one in tried if not _is_over(one) and one.within_ms is not None]
    return max((end for end in ends if end > now), default=None)
