"""What happens to messages while every way to their recipients is shut: a plan for each kind, and when it holds.

Another route comes first always, and by itself: an outage is when all connectors that a message could take are of no
use. It begins and ends with patience, so that a link that comes and goes doesn't throw messages to and fro.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.core.channels import CHANNELS, SMS
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES

QUEUE: Final = "queue"
FAIL: Final = "fail"
PAUSE: Final = "pause"
PROVIDER_OUTAGE: Final = "provider_outage"  # the code of a message that its plan let fail
DRILL_TAG: Final = "drill"  # of probes; a route for this tag alone serves test environments only
ALL: Final = ""  # countries: the link itself is down
TEXT: Final = "{{text}}"
_DAY_S: Final = 86_400


class KindPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to messages of a kind: they wait so long, then take another channel if one is named, then this."""

    wait_s: Annotated[int, Meta(ge=0, le=_DAY_S, description="So long they wait for their provider.")] = 0
    channel: Annotated[str | None, Meta(description="After that another channel, to the same number.")] = None
    content: Annotated[dict[str, Any], Meta(description="Its content; {{text}} stands for the message's words.")] = {}
    then: Annotated[Literal["queue", "fail", "pause"], Meta(description="What no channel takes.")] = QUEUE

    @property
    def acts(self) -> bool:
        """Is there anything to do with a message but to wait?"""
        return self.channel is not None or self.then == FAIL

    @property
    def says(self) -> str:
        """In words."""
        wait = f"wait {self.wait_s} s, then " if self.wait_s else ""
        if self.then == PAUSE:
            return "nothing leaves until the outage is over"
        if self.channel:
            other = {QUEUE: "else they wait", FAIL: f"else they fail as {PROVIDER_OUTAGE}"}[self.then]
            return f"{wait}by {self.channel}; {other}"
        return f"{wait}they fail as {PROVIDER_OUTAGE}" if self.then == FAIL else "they wait until it is over"


class OutagePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an outage begins and ends, and what each kind of message does meanwhile."""

    begins_after_s: Annotated[int, Meta(ge=1, le=3_600, description="All ways shut for so long: it begins.")] = 10
    ends_after_s: Annotated[int, Meta(ge=1, le=3_600, description="One of them fine for so long: it is over.")] = 30
    kinds: Annotated[dict[str, KindPlan], Meta(description="By kind; a kind that is not named waits.")] = {}

    def of(self, kind: str) -> KindPlan:
        return self.kinds.get(kind, KindPlan())

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = []
        for kind, plan in self.kinds.items():
            pointer = f"/kinds/{kind}"
            if kind not in LANES:
                found.append(Refusal("unknown_kind", f"{kind[:40]!r} is not a kind; there are {', '.join(LANES)}"))
            if plan.then == PAUSE and (plan.channel or plan.wait_s):
                detail = "a kind that pauses takes no other channel and waits for nothing else; leave both out"
                found.append(Refusal("bad_value", detail, f"{pointer}/then"))
            if plan.channel is not None:
                found += _bad_channel(plan, pointer)
        return found


def _bad_channel(plan: KindPlan, pointer: str) -> list[Refusal]:
    channel = CHANNELS.get(plan.channel or "")
    usable = [name for name, one in CHANNELS.items() if one.by_number and name != SMS]
    if channel is None or channel.name not in usable:
        detail = f"{(plan.channel or '')[:40]!r} can't stand in for a text; by the same number there are "
        return [Refusal("unknown_channel", detail + ", ".join(usable), f"{pointer}/channel")]
    try:
        msgspec.convert(plan.content, channel.content)
    except msgspec.ValidationError as error:
        return [Refusal("bad_content", str(error), f"{pointer}/content")]
    return []


def filled(content: object, text: str) -> Any:
    """A plan's content with a message's words in it."""
    if isinstance(content, str):
        return content.replace(TEXT, text)
    if isinstance(content, Mapping):
        return {key: filled(value, text) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [filled(value, text) for value in content]
    return content


class Shut(NamedTuple):
    """Since when something is of no use, and why."""

    since: int
    why: str


def shut_ways(
    ways: Iterable[Sequence[str]], shut: Mapping[tuple[str, str], Shut]
) -> dict[tuple[tuple[str, ...], str], Shut]:
    """Which of these ways are shut as a whole, for which country. `shut`: (connector, country) → since when.

    A way is shut from when the last of its connectors was.
    """
    found: dict[tuple[tuple[str, ...], str], Shut] = {}
    for way in {tuple(sorted(way)) for way in ways}:
        countries = {country for name, country in shut if name in way}
        for country in sorted(countries):  # '' is the first
            if (way, ALL) in found:
                break
            reasons = [shut.get((name, ALL)) or shut.get((name, country)) for name in way]
            if all(reasons):
                last = max((one for one in reasons if one is not None), key=lambda one: one.since)
                found[way, country] = last
    return found


def is_over(fine_since: int | None, now: int, policy: OutagePolicy) -> bool:
    return fine_since is not None and now - fine_since >= policy.ends_after_s * 1_000


def begins(shut: Shut, now: int, policy: OutagePolicy) -> bool:
    return now - shut.since >= policy.begins_after_s * 1_000
