"""How often a person may hear from a workspace: at most so many messages in any span of so long, several spans at once.

A cap looks at all messages to a person that it matches, whatever campaign they came from: those that went, and those
that wait for their time.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from heliograph.core.message import PROMOTIONAL
from heliograph.core.quiet import HOLD, rows
from heliograph.core.zones import Place

FREQUENCY_CAP: Final = "frequency_cap"
_HOUR_MS: Final = 3_600_000


class FrequencyCap(msgspec.Struct, frozen=True):
    """At most `most` messages in any `per_ms`."""

    name: str
    most: int
    per_ms: int
    kinds: frozenset[str]
    tags: frozenset[str] = frozenset()  # topics; empty: all messages of these kinds
    action: str = HOLD

    def counts(self, kind: str, tags: frozenset[str]) -> bool:
        return kind in self.kinds and (not self.tags or not self.tags.isdisjoint(tags))


class Past(NamedTuple):
    """Another message to the same person: when it went, or will go."""

    at: int
    kind: str
    tags: frozenset[str]


def topics_of(tags: Sequence[str] | None, topic: str | None) -> frozenset[str]:
    """What a message is about: its tags, and its topic."""
    named = frozenset(tags or ())
    return named if topic is None else named | {topic}


def legal(place: Place) -> FrequencyCap | None:
    """The cap of a US state for promotional messages. Subjects are not told apart: that is stricter than the law."""
    name = f"{place.country}-{place.region}"
    row = rows().get(name)
    if row is None or row.cap is None:
        return None
    return FrequencyCap(name, row.cap["max"], row.cap["hours"] * _HOUR_MS, frozenset({PROMOTIONAL}))


def next_free(at: int, past: Sequence[Past], caps: Sequence[FrequencyCap]) -> int:
    """The first time, not before `at`, at which one more message keeps all caps."""
    while (over := over_cap(at, past, caps)) is not None:
        times = _times(past, over)
        at = min(time + over.per_ms for time in times if time + over.per_ms > at)
    return at


def over_cap(at: int, past: Sequence[Past], caps: Sequence[FrequencyCap]) -> FrequencyCap | None:
    """The first cap that one more message at this time would break."""
    return next((cap for cap in caps if _is_over(at, _times(past, cap), cap)), None)


def _times(past: Sequence[Past], cap: FrequencyCap) -> list[int]:
    return [entry.at for entry in past if cap.counts(entry.kind, entry.tags)]


def _is_over(at: int, times: Sequence[int], cap: FrequencyCap) -> bool:
    """Is there a span with this message in it that would hold more than it may?"""
    near = sorted([at, *(time for time in times if abs(time - at) < cap.per_ms)])
    return any(last - first < cap.per_ms for first, last in zip(near, near[cap.most :], strict=False))
