"""What was counted lately, for the guard to judge by: per subject (a phone, a prefix, a country …) and five minutes.

A subject is a word: its kind, a colon, its value. What is counted of it: how many were asked for, how many of them
were sent, how many of those were verified; and of phones the wrong codes. `verified` counts where its start counted,
so that the two make a share. Tallies are sums over the last day; what began in the present five minutes is not old
enough to tell anything of shares.

`Books` does in memory what the ledger does with rows, for simulations and for trying out a policy on the past.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

BUCKET_MS: Final = 300_000
HOUR: Final = 12  # buckets
DAY: Final = 288
HISTORY: Final = 14 * DAY  # of countries, a row for each day
MOMENT: Final = 2  # the present bucket and the one before: five to ten minutes

PHONE: Final = "phone"
NEAR: Final = "near"
PREFIX: Final = "prefix"
RANGE: Final = "range"
WIDE: Final = "wide"
IP: Final = "ip"
DEVICE: Final = "device"
COUNTRY: Final = "country"
CLIENT: Final = "client"
EVERYTHING: Final = "all"
DAYS: Final = "days"  # of a country, a row for each day
_CUT: Final = {NEAR: 3, PREFIX: 4, RANGE: 5, WIDE: 6}  # digits that are left away


class Tally(msgspec.Struct, gc=False):
    """The sums of one subject."""

    moment: int = 0  # asked for in the last five to ten minutes
    hour: int = 0
    day: int = 0
    held_hour: int = 0  # of those of the last hour, not sent
    open_moment: int = 0  # sent in the last five to ten minutes, and not verified yet
    sent: int = 0  # of the last day but the present five minutes
    verified: int = 0  # of those
    failed_hour: int = 0
    failed_day: int = 0
    best_day: int = 0  # the most that were verified in a day


NOTHING: Final = Tally()


class Place(msgspec.Struct, frozen=True):
    """Where a request comes from and goes to, as far as it is counted. Phone, IP and device are keyed hashes."""

    number: str
    country: str
    client: int
    phone: str
    ip: str | None = None
    device: str | None = None

    def subjects(self, *, again: bool = False) -> list[str]:
        """What it counts for, in one order for all. `again`: a code is sent once more; to that person, in that
        place, it is no new request."""
        found = [f"{kind}:{self.number[:-cut]}" for kind, cut in _CUT.items()]
        found += [f"{COUNTRY}:{self.country}", f"{CLIENT}:{self.client}", f"{EVERYTHING}:"]
        if not again:
            found.append(f"{PHONE}:{self.phone}")
            found += [f"{IP}:{self.ip}"] if self.ip is not None else []
            found += [f"{DEVICE}:{self.device}"] if self.device is not None else []
        return sorted(found)

    @property
    def days(self) -> str:
        return f"{DAYS}:{self.country}"


def bucket_of(at_ms: int) -> int:
    return at_ms // BUCKET_MS


def day_of(at_ms: int) -> int:
    """The first bucket of its day."""
    return at_ms // BUCKET_MS // DAY * DAY


class _Book:
    """The buckets of one subject, the oldest first, with the sums of a day."""

    __slots__ = ("buckets", "rows", "sums")

    def __init__(self) -> None:
        self.buckets: deque[int] = deque()
        self.rows: dict[int, list[int]] = {}  # asked, sent, verified
        self.sums = [0, 0, 0]

    def add(self, bucket: int, *counts: int) -> None:
        row = self.rows.get(bucket)
        if row is None:
            row = self.rows[bucket] = [0, 0, 0]
            self.buckets.append(bucket)
        for place, count in enumerate(counts):
            row[place] += count
            self.sums[place] += count

    def tally(self, bucket: int) -> Tally:
        while self.buckets and self.buckets[0] <= bucket - DAY:
            for place, count in enumerate(self.rows.pop(self.buckets.popleft())):
                self.sums[place] -= count
        day, sent, verified = self.sums
        found = Tally(day=day)
        for place in reversed(self.buckets):
            if place <= bucket - HOUR:
                break
            asked, went, entered = self.rows[place]
            if place > bucket - MOMENT:
                found.moment += asked
                found.open_moment += went - entered
            found.hour += asked
            found.held_hour += asked - went
        now = self.rows.get(bucket, (0, 0, 0))
        found.sent, found.verified = sent - now[1], verified - now[2]
        return found


class Books:
    """All subjects of one environment."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}
        self._days: dict[str, dict[int, int]] = {}

    def tallies(self, subjects: Iterable[str], days: str, at_ms: int) -> Mapping[str, Tally]:
        bucket = bucket_of(at_ms)
        found: dict[str, Tally] = {}
        for subject in subjects:
            if (book := self._books.get(subject)) is not None:
                found[subject] = book.tally(bucket)
        history = self._days.get(days, {})
        recent = [count for day, count in history.items() if day > day_of(at_ms) - HISTORY]
        found[days] = Tally(best_day=max(recent, default=0))
        return found

    def asked(self, subjects: Sequence[str], at_ms: int, *, sent: bool) -> None:
        for subject in subjects:
            self._books.setdefault(subject, _Book()).add(bucket_of(at_ms), 1, int(sent), 0)

    def verified(self, subjects: Sequence[str], days: str, started_ms: int, at_ms: int) -> None:
        for subject in subjects:
            if (book := self._books.get(subject)) is not None and bucket_of(started_ms) in book.rows:
                book.add(bucket_of(started_ms), 0, 0, 1)
        history = self._days.setdefault(days, {})
        history[day_of(at_ms)] = history.get(day_of(at_ms), 0) + 1
