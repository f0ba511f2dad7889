"""Heeds a carrier that says "too fast", or that it is nearly full: stops, goes slower, and finds its way back.

What it took in a second in which much was offered is what it can take: we keep to a little less, then try more each
second, in growing steps, up to what is configured or until it has not complained for a minute. A lone complaint says
nothing of its rate, only that it wants a moment's peace.
"""

from typing import Final

from heliograph.core.rates import Cap

_SLOWER: Final = 0.9
_FASTER: Final = 0.1  # in the first quiet second, then twice as much in each
_FASTER_MAX: Final = 1.0
_TAKEN_ENOUGH: Final = 10  # segments in a second: from so many on they tell what it can take
_COMPLAINTS_ENOUGH: Final = 3  # or so many complaints beside what it took
_SECOND_MS: Final = 1_000
_FORGIVEN_MS: Final = 60_000
# How full a carrier says that it is (congestion_state of SMPP 5.0).
_BEST: Final = 80
_BEST_MAX: Final = 90
_FULL: Final = 100


class Heed:
    """What one connector does about what its carrier says of itself."""

    def __init__(self, cap: Cap, configured: int) -> None:
        self._cap = cap
        self._configured = configured
        self._blocked_until = 0
        self.blocks = False  # has it ever? Then it is worth asking for the time
        self._throttled = 0
        self._taken = self._taken_before = 0  # segments in this second, and in the one before
        self._complaints = 0  # in this second
        self._slowed_at = 0  # when the carrier said "too fast" the last time
        self._eased_at = 0  # when we went slower because it was nearly full

    def is_blocked(self, now: int) -> bool:
        return self._blocked_until > now

    def took(self, segments: int, congestion: int, now: int) -> int:
        """The carrier took so many segments, and says how full it is. Answers a pause in milliseconds, or 0."""
        self._taken += segments
        if congestion < _BEST:
            self._throttled = 0
        elif congestion >= _FULL:
            return self.hold_back(None, now)
        elif congestion > _BEST_MAX:
            if now - self._eased_at > _SECOND_MS:  # it says so with every answer
                self._eased_at = now
                self._slow_down()
            self._slowed_at = now
        elif self._slowed_at:  # at its best we go no faster
            self._slowed_at = now
        return 0

    def hold_back(self, retry_after_ms: int | None, now: int) -> int:
        """It says "too fast": stop for as long as it asks, or a little longer each time; then keep to what it took in
        this second, if that tells anything. Answers the pause in milliseconds."""
        self._throttled += now >= self._blocked_until  # what was under way when it began is no further complaint
        self._complaints += 1
        if self._slowed_at and now - self._slowed_at <= _SECOND_MS:
            self._slowed_at = now
        elif self._is_telling():
            self._slow_down()
            self._slowed_at = now
        pause = retry_after_ms or min(100 * 2 ** min(self._throttled, 10), 30_000)
        self._blocked_until = max(self._blocked_until, now + pause)
        self.blocks = True
        return pause

    def tick(self, now: int) -> None:
        """Once a second."""
        self._faster(now)
        self._taken, self._taken_before, self._complaints = 0, self._taken, 0

    def _faster(self, now: int) -> None:
        if not self._slowed_at or now - self._slowed_at <= _SECOND_MS:
            return
        quiet_s = (now - self._slowed_at) // _SECOND_MS
        step = min(_FASTER * 2 ** (quiet_s - 1), _FASTER_MAX)
        rate = self._cap.per_second + max(1, int(self._cap.per_second * step))
        over = now - self._slowed_at > _FORGIVEN_MS
        if over or (self._configured and rate >= self._configured):
            self._slowed_at, rate = 0, self._configured
        self._cap.learn(rate)

    def _is_telling(self) -> bool:
        return self._complaints >= _COMPLAINTS_ENOUGH or max(self._taken, self._taken_before) >= _TAKEN_ENOUGH

    def _slow_down(self) -> None:
        rate = max(1, int(max(self._taken, self._taken_before) * _SLOWER))
        # What was answered in one second may have left in two: never faster than we may.
        self._cap.learn(min(rate, self._configured) if self._configured else rate)
