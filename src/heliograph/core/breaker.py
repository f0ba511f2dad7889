"""A circuit breaker: when is a way no longer worth trying, and when is it worth a try again? Times come from outside.

It opens when enough of what was tried lately failed, stays open for a pause that doubles each time, then lets one probe
through each second, and closes after a few of them went well. So one failure in a thousand opens nothing, and a way
that comes back is not flooded.
"""

from typing import Final

CLOSED: Final = "closed"
OPEN: Final = "open"
HALF_OPEN: Final = "half_open"

SAMPLE_MIN: Final = 10
FAILED_PART: Final = 0.5
WINDOW_MS: Final = 30_000
PAUSE_FIRST_MS: Final = 5_000
PAUSE_LONGEST_MS: Final = 300_000
PROBE_EVERY_MS: Final = 1_000
PROBES_GOOD: Final = 3


class Breaker:
    """Of one way."""

    __slots__ = ("_bad", "_good", "_next_probe", "_pause", "_probes_good", "_until", "_window", "state")

    def __init__(self, now: int) -> None:
        self.state = CLOSED
        self._good = self._bad = 0
        self._window = now
        self._until = 0  # of the pause
        self._pause = PAUSE_FIRST_MS
        self._next_probe = 0
        self._probes_good = 0

    def heard(self, good: int, bad: int, now: int) -> bool:
        """Count what came of tries; True when the state has changed."""
        before = self.state
        if self.state == HALF_OPEN:
            self._judge_probes(good, bad, now)
        elif self.state == CLOSED:
            if now - self._window > WINDOW_MS:  # what lies long back counts half
                self._good, self._bad, self._window = self._good // 2, self._bad // 2, now
            self._good += good
            self._bad += bad
            count = self._good + self._bad
            if count >= SAMPLE_MIN and self._bad >= count * FAILED_PART and bad:
                self._open(now)
        return self.state != before

    def _judge_probes(self, good: int, bad: int, now: int) -> None:
        if bad:
            self._pause = min(self._pause * 2, PAUSE_LONGEST_MS)
            self._open(now)
            return
        self._probes_good += good
        if self._probes_good >= PROBES_GOOD:
            self.state, self._pause = CLOSED, PAUSE_FIRST_MS
            self._good = self._bad = 0
            self._window = now

    def _open(self, now: int) -> None:
        self.state, self._until = OPEN, now + self._pause
        self._good = self._bad = self._probes_good = 0

    def allows(self, now: int) -> bool:
        """May the next one go this way? When half open, each yes is a probe."""
        if self.state == CLOSED:
            return True
        if self.state == OPEN:
            if now < self._until:
                return False
            self.state, self._next_probe = HALF_OPEN, now
        if now < self._next_probe:
            return False
        self._next_probe = now + PROBE_EVERY_MS
        return True

    def is_quiet(self, now: int) -> bool:
        """Nothing to remember: closed, and nothing failed of late."""
        return self.state == CLOSED and (not self._bad or now - self._window > 2 * WINDOW_MS)
