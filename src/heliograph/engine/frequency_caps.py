"""The frequency caps that a workspace declares, `[policies.frequency]`; those of the law hold beside them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.frequency import FrequencyCap
from heliograph.core.message import LANES
from heliograph.core.spans import read_span
from heliograph.engine.suggest import did_you_mean


class DeclaredCap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most so many messages to a person in any span of so long."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    max: Annotated[int, Meta(ge=1, le=1_000)]
    per: Annotated[str, Meta(description="1m, 15m, 1d: up to 7 days.")]
    kinds: Annotated[list[str], Meta(min_length=1, description="The kinds that it counts and holds back.")]
    tags: Annotated[list[str], Meta(description="Only messages with one of these tags; left out: all.")] = []
    action: Annotated[Literal["hold", "reject"], Meta(description="Hold until it may go, or refuse.")] = "hold"


class FrequencyCaps(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All caps of a workspace; every one of them must be kept."""

    caps: Annotated[list[DeclaredCap], Meta(max_length=20)] = []

    @property
    def all(self) -> tuple[FrequencyCap, ...]:
        """The caps themselves; their form has been checked."""
        return tuple(map(_cap, self.caps))

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        return [refusal for place, cap in enumerate(self.caps) for refusal in _check(cap, f"/caps/{place}")]


def _cap(cap: DeclaredCap) -> FrequencyCap:
    per = read_span(cap.per)
    assert isinstance(per, int)
    return FrequencyCap(cap.name, cap.max, per, frozenset(cap.kinds), frozenset(cap.tags), cap.action)


def _check(cap: DeclaredCap, pointer: str) -> list[Refusal]:
    span = read_span(cap.per)
    found = [msgspec.structs.replace(span, pointer=f"{pointer}/per")] if isinstance(span, Refusal) else []
    for index, kind in enumerate(cap.kinds):
        if kind not in LANES:
            detail = f"{kind[:40]!r} is not a kind; there are {', '.join(LANES)}.{did_you_mean(kind, LANES)}"
            found.append(Refusal("unknown_kind", detail, f"{pointer}/kinds/{index}"))
    return found
