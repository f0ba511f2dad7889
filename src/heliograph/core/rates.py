"""Caps on what goes out: exact in every one-second window, never on average only, and spread evenly over it."""

from collections import deque
from typing import Final

_NO_CAP: Final = 1 << 30
# A little more than a second: what leaves us a second apart may arrive a little closer.
_SECOND_S: Final = 1.03
_BURST_S: Final = 0.05  # what goes evenly may run ahead of its pace, or catch up with it, by so much


class Cap:
    """At most `per_second` units in any one second. 0: no cap.

    A reservation counts until it is used or given back, and for one second after its use: so no window of one second,
    wherever it begins, ever holds more. Who spends a second's worth at its beginning lets the next caller wait for its
    end, however urgent that one is; so what is not urgent asks for `even` and goes at a steady pace.
    """

    def __init__(self, per_second: int, now: float) -> None:
        """Nobody knows what a process that died sent in its last second: the first second counts as spent."""
        self.per_second = per_second
        self._reserved = 0
        self._used: deque[tuple[float, int]] = deque([(now, per_second)])
        self._used_sum = per_second
        self._spent_until = 0.0  # at a steady pace, what was spent lasts until then

    def learn(self, per_second: int) -> None:
        """Keep to another cap from now on: a carrier has shown what it takes, or has shown that it takes more."""
        if not self.per_second or not per_second:  # without a cap nothing was counted
            self._reserved = self._used_sum = 0
            self._used.clear()
        self.per_second = per_second

    def reserve(self, units: int, now: float) -> bool:
        """Set `units` aside if they fit. A message larger than the whole cap may go when nothing else does."""
        if not self.per_second:
            return True
        self._forget(now)
        taken = self._reserved + self._used_sum
        if taken and taken + units > self.per_second:
            return False
        self.hold(units, now)
        return True

    def hold(self, units: int, now: float) -> None:
        """Set `units` aside, of which the caller knows that they fit."""
        if self.per_second:
            self._reserved += units
            self._spent_until = max(self._spent_until, now - _BURST_S) + units / self.per_second

    def use(self, units: int, now: float) -> None:
        if self.per_second:
            self._reserved = max(0, self._reserved - units)  # what was set aside before there was a cap is not in it
            self._used.append((now, units))
            self._used_sum += units

    def give_back(self, units: int) -> None:
        if self.per_second:
            self._reserved = max(0, self._reserved - units)
            self._spent_until -= units / self.per_second

    def free(self, now: float) -> int:
        """How many units would fit now."""
        if not self.per_second:
            return _NO_CAP
        self._forget(now)
        return self.per_second - self._reserved - self._used_sum

    def even(self, now: float) -> int:
        """How many units may go now at a steady pace; when none was spent lately, at least one."""
        if not self.per_second:
            return _NO_CAP
        spent_until = max(self._spent_until, now - _BURST_S)
        return max(int((now + _BURST_S - spent_until) * self.per_second), int(spent_until <= now))

    def wait(self, now: float, units: int = 1) -> float:
        """Seconds until so many units come free, or until the steady pace allows the next."""
        if not self.per_second:
            return 0.0
        lacking = min(units, self.per_second) - self.free(now)
        if lacking <= 0:
            return max(0.0, self._spent_until - now)
        for at, used in self._used:
            lacking -= used
            if lacking <= 0:
                return max(0.0, at + _SECOND_S - now)
        return 0.0  # what lacks is reserved, not used: nobody can say

    def _forget(self, now: float) -> None:
        while self._used and self._used[0][0] <= now - _SECOND_S:
            self._used_sum -= self._used.popleft()[1]
