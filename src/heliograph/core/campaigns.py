"""What a campaign is asked to do, and how it goes through its audience: who gets which variant, how fast, until when.

A campaign stands at a position: the line of its audience whose message was accepted or refused last. With a winner to
be found it goes through the audience twice: once for those on whom the variants are tried, once for the rest.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.message import LANES, PROMOTIONAL
from heliograph.core.quiet import BadHours, windows
from heliograph.core.request import read_time
from heliograph.core.spans import read_span

DRAFT, READY, SCHEDULED, RUNNING, PAUSED, STOPPING, STOPPED, DONE = (
    *("draft", "ready", "scheduled", "running", "paused", "stopping", "stopped", "done"),
)
ONLY: Final = "only"  # the name of the variant of a campaign that has one text
REST: Final = 1 << 40  # added to the position when the rest is gone through
LONGEST_WAIT_MS: Final = 366 * 86_400_000
_BUCKETS: Final = 10_000
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_CATCH_UP_MS: Final = 1_000  # what a campaign fell behind by is made up for so far

_Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
_Text = Annotated[str, Meta(min_length=1, max_length=4_000)]
_Rate = Annotated[int, Meta(ge=1, le=10_000_000)]


class Step(NamedTuple):
    """A campaign goes on in its audience, in the commit that accepts these messages."""

    campaign: int
    was: int  # the position where it stood
    now: int  # where it stands then
    next_at: int  # when the next step may be
    refusals: Mapping[tuple[int, str], int]  # (batch of the variant, code) → how many were left out before the ledger


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of several texts that are tried."""

    name: _Name
    text: _Text
    share: Annotated[int, Meta(ge=1, le=1_000, description="Its weight among the variants.")] = 1


class Winner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Try the variants on a part of the audience, then give the rest the one that did best."""

    after: Annotated[int | str, Meta(description="How long after the last trial: seconds, or as in 4h.")]
    by: Annotated[Literal["clicks", "replies"], Meta(description="What counts.")] = "clicks"
    tried_percent: Annotated[int, Meta(ge=1, le=90, description="On how many of the audience.")] = 20


class CampaignSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to tell whom, how fast and when."""

    name: _Name
    audience: _Name
    text: Annotated[_Text | None, Meta(description="With {{variables}} of the audience; or give variants.")] = None
    variants: Annotated[list[Variant], Meta(max_length=10)] = []
    winner: Winner | None = None
    kind: Annotated[str, Meta(description="promotional, transactional or support.")] = PROMOTIONAL
    sender: str | None = None
    topic: str | None = None
    tags: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=18)] = []
    max_segments: Annotated[int, Meta(ge=1, le=255)] | None = None
    per_minute: Annotated[_Rate | None, Meta(description="At most so many a minute.")] = None
    per_hour: Annotated[_Rate | None, Meta(description="At most so many an hour.")] = None
    spread: Annotated[int | str | None, Meta(description="Evenly over so long: seconds, or as in 6h.")] = None
    window: Annotated[
        dict[str, str] | None, Meta(description='In the recipient\'s local time: {"mon-sun": "09:00-20:00"}.')
    ] = None
    ends_at: Annotated[str | None, Meta(description="Nothing is sent later: RFC 3339 with an offset.")] = None

    @property
    def texts(self) -> Sequence[Variant]:
        """All its variants; a campaign with one text has one."""
        return self.variants or [Variant(ONLY, self.text or "")]

    @property
    def gap_ms(self) -> float:
        """How long one message takes by the rates; 0: there are none."""
        minute = _MINUTE_MS / self.per_minute if self.per_minute else 0.0
        return max(minute, _HOUR_MS / self.per_hour if self.per_hour else 0.0)

    @property
    def spread_ms(self) -> int:
        return _span(self.spread)

    @property
    def winner_after_ms(self) -> int:
        return _span(self.winner.after) if self.winner is not None else 0

    @property
    def ends(self) -> int | None:
        at = read_time(self.ends_at, "/ends_at") if self.ends_at is not None else None
        return at if isinstance(at, int) else None

    def wrong(self, now: int) -> list[Refusal]:
        """What the types can't say."""
        return [*_wrong_texts(self), *_wrong_times(self, now)]


def _span(value: int | str | None) -> int:
    found = read_span(value) if value is not None else 0
    return found if isinstance(found, int) else 0


def _wrong_texts(spec: CampaignSpec) -> list[Refusal]:
    found = []
    if bool(spec.text) == bool(spec.variants):
        found.append(Refusal("missing_field", "give text, or variants; one of them", "/text"))
    names = [variant.name for variant in spec.variants]
    if len(set(names)) < len(names):
        found.append(Refusal("already_exists", "each variant needs a name of its own", "/variants"))
    if spec.winner is not None and len(spec.variants) < 2:
        found.append(Refusal("missing_field", "a winner is found among at least two variants", "/variants"))
    if spec.kind not in LANES or spec.kind == "otp":
        kinds = ", ".join(kind for kind in LANES if kind != "otp")
        found.append(Refusal("unknown_kind", f"a campaign is of one of the kinds {kinds}", "/kind"))
    return found


def _wrong_times(spec: CampaignSpec, now: int) -> list[Refusal]:
    found = []
    spans = (("/spread", spec.spread), ("/winner/after", spec.winner.after if spec.winner else None))
    for pointer, value in spans:
        span = read_span(value) if value is not None else 0
        if isinstance(span, Refusal):
            found.append(msgspec.structs.replace(span, pointer=pointer))
    if spec.window is not None:
        try:
            windows(spec.window)
        except BadHours as bad:
            found.append(Refusal("bad_hours", str(bad), "/window"))
    if spec.ends_at is not None:
        ends = read_time(spec.ends_at, "/ends_at")
        if isinstance(ends, Refusal):
            found.append(ends)
        elif ends <= now:
            found.append(Refusal("already_over", "ends_at is over; give a time to come", "/ends_at"))
    return found


# -- who gets what


def variant_of(campaign: int, number: str, spec: CampaignSpec) -> str | None:
    """The variant of a recipient, always the same; None: one of the rest, who get the winner."""
    texts = spec.texts
    if len(texts) == 1:
        return texts[0].name
    bucket = zlib.crc32(b"%d:%b" % (campaign, number.encode())) % _BUCKETS
    if spec.winner is not None:
        tried = spec.winner.tried_percent * _BUCKETS // 100
        if bucket >= tried:
            return None
        bucket = bucket * _BUCKETS // tried
    total, upto = sum(variant.share for variant in texts), 0
    for variant in texts:
        upto += variant.share
        if bucket * total < upto * _BUCKETS:
            return variant.name
    return texts[-1].name


class Tried(NamedTuple):
    """What came of a variant."""

    name: str
    sent: int
    successes: int


def winner_of(tried: Sequence[Tried]) -> str:
    """The variant with the best rate; of equals the one that stands first."""
    return max(tried, key=lambda one: one.successes / one.sent if one.sent else 0.0).name


# -- how fast


def gap_of(spec: CampaignSpec, recipients: int) -> float:
    """Milliseconds for each message: by the rates, and by the span over which they are spread."""
    return max(spec.gap_ms, spec.spread_ms / max(1, recipients))


def chunk_of(gap_ms: float, most: int) -> int:
    """How many to take at once: about a second's worth."""
    return most if gap_ms <= 0 else max(1, min(most, int(1_000 / gap_ms)))


def next_at(before: int, now: int, gap_ms: float, count: int) -> int:
    """When the next may go after so many were taken."""
    return round(max(before, now - _CATCH_UP_MS) + gap_ms * count) if gap_ms else 0


def share_in_time(now: int, deadline: int, end: int, *, behind: int, ahead: int) -> float:
    """The part of all recipients that will have been reached at the deadline, when the last is at `end`."""
    everything = behind + ahead
    if not everything or end <= deadline:
        return 1.0
    reached = ahead * max(0, deadline - now) / max(1, end - now)
    return min(1.0, (behind + reached) / everything)
