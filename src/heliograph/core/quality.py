"""How well connectors do, for each country and kind: from four signals to one score, from scores to who goes first.

The signals: what the carrier refuses or leaves unanswered by its own fault; how much is reported as delivered, and how
soon; what follows of it (codes entered, links clicked, replies); and whether all of that can be true: a carrier that
reports everything at once, and of whose messages less comes than of others', reports what never was.

The laws: a score lies between 0 and 1; it never falls when a signal gets better; with too small a sample it is neutral.
"""

from collections.abc import Mapping, Sequence
from math import hypot, sqrt
from typing import Final, NamedTuple

import msgspec

SAMPLE_MIN: Final = 20.0  # attempts, weighed by their age
NEUTRAL: Final = 0.5
MARGIN: Final = 0.05  # by how much another must be better to go first …
_SURE: Final = 1.5  # … and by how many standard errors of the difference
INSTANT_MS: Final = 1_000  # phones are slower than this, nearly all of them
_PROMPT_MS: Final = {"otp": 10_000.0}  # a mean delay of so much is half of prompt
_PROMPT_OTHERS_MS: Final = 60_000.0
_PROMPT_PART: Final = 0.1  # how much of a score depends on it
_USUAL_ARRIVAL: Final = 0.9  # what a handful of receipts is measured by
_USUAL_WEIGHT: Final = 5.0
_PEERS_WEIGHT: Final = 20.0  # how many messages of one's own outweigh what is true of all


class Tally(msgspec.Struct, frozen=True):
    """What became of attempts; weighed, so not whole numbers."""

    submitted: float = 0.0
    faults: float = 0.0  # of these: refused or left unanswered by the carrier's own fault
    ripe: float = 0.0  # taken, and long enough ago that a receipt could be there
    delivered: float = 0.0  # of these
    timed: float = 0.0  # of these: with the moment of their delivery
    delay_ms: float = 0.0  # of those together
    instant: float = 0.0  # of those: reported within INSTANT_MS
    convertible: float = 0.0  # of the delivered: of workspaces that tell what follows
    converted: float = 0.0  # of these

    def plus(self, other: "Tally", weight: float = 1.0) -> "Tally":
        """Both together, the other one weighed."""
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Tally(*(a + b * weight for a, b in zip(mine, theirs, strict=True)))


class Score(msgspec.Struct, frozen=True):
    """What a tally is worth, and of what that is made: each between 0 and 1."""

    value: float = NEUTRAL
    doubt: float = 0.0  # the standard error of the value, roughly
    enough: bool = False  # False: too few messages to tell
    submits: float = 1.0
    arrivals: float = 1.0
    promptness: float = 1.0
    conversions: float | None = None  # beside the best of the others; None: nobody tells what follows
    plausibility: float = 1.0


class _Usual(NamedTuple):
    """What part of the messages to a country, of a kind, something follows of: over all, and with the best."""

    all: float
    best: float


def scores(tallies: Mapping[str, Tally], kind: str) -> dict[str, Score]:
    """Of the connectors to one country, for one kind: how much follows of messages is only known beside each other."""
    convertible = sum(tally.convertible for tally in tallies.values())
    of_all = sum(tally.converted for tally in tallies.values()) / convertible if convertible else 0.0
    best = max((_conversion(tally, of_all) for tally in tallies.values()), default=0.0)
    usual = _Usual(of_all, best)
    return {name: _score(tally, usual, _PROMPT_MS.get(kind, _PROMPT_OTHERS_MS)) for name, tally in tallies.items()}


def _conversion(tally: Tally, of_all: float) -> float:
    """Of a handful nothing can be told yet: it counts as what is true of all."""
    return (tally.converted + _PEERS_WEIGHT * of_all) / (tally.convertible + _PEERS_WEIGHT)


def _score(tally: Tally, usual: _Usual, prompt_ms: float) -> Score:
    if tally.submitted < SAMPLE_MIN:
        return Score()
    submits = 1.0 - tally.faults / tally.submitted
    arrivals = (tally.delivered + _USUAL_WEIGHT * _USUAL_ARRIVAL) / (tally.ripe + _USUAL_WEIGHT)
    promptness = prompt_ms / (prompt_ms + tally.delay_ms / tally.timed) if tally.timed else 1.0
    told = usual.best > 0.0 and tally.convertible > 0.0
    conversions = min(1.0, _conversion(tally, usual.all) / usual.best) if told else 1.0
    instant = tally.instant / tally.timed if tally.timed else 0.0
    plausibility = 1.0 - instant * (1.0 - conversions)
    # Of conversions the root: they are few, and depend on more than the carrier.
    value = submits * arrivals * sqrt(conversions) * plausibility * (1.0 - _PROMPT_PART + _PROMPT_PART * promptness)
    doubt = hypot(
        _error(tally.faults, tally.submitted),
        _error(tally.delivered, tally.ripe),
        _error(tally.converted, tally.convertible) / usual.best / 2.0 if told else 0.0,
    )
    value = min(1.0, max(0.0, value))  # roundings
    return Score(
        value, doubt, True, submits, arrivals, promptness, conversions if told else None, max(0.0, plausibility)
    )


def _error(count: float, of: float) -> float:
    """The standard error of a part, never quite none."""
    part = (count + 1.0) / (of + 2.0)
    return sqrt(max(0.0, part * (1.0 - part)) / (of + 2.0))


def lead(via: Sequence[str], scored: Mapping[str, Score], before: str | None) -> str:
    """Who goes first: who did before (the first in `via`, at the beginning), until another is better for certain."""
    leader = before if before is not None and before in via else via[0]
    best = max(via, key=lambda name: _known(scored, name))
    mine, theirs = scored.get(leader, _NOBODY), scored.get(best, _NOBODY)
    if not mine.enough or not theirs.enough:
        return leader
    needed = max(MARGIN, _SURE * hypot(mine.doubt, theirs.doubt))
    return best if theirs.value - mine.value > needed else leader


def _known(scored: Mapping[str, Score], name: str) -> float:
    score = scored.get(name, _NOBODY)
    return score.value if score.enough else -1.0


_NOBODY: Final = Score()
Ways = Mapping[tuple[str, str], Mapping[str, Score]]  # (country, kind) → connector → score
LeaderKey = tuple[int, str, str, str]  # a route's workspace (0: the operator's) and name, country, kind


class Quality(msgspec.Struct, frozen=True):
    """How well all connectors do, as of one moment."""

    ways: Ways = {}
    leaders: Mapping[LeaderKey, str] = {}

    def of(self, country: str, kind: str) -> Mapping[str, Score]:
        return self.ways.get((country, kind), {})


NO_QUALITY: Final = Quality()
