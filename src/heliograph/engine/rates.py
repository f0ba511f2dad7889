"""Caps on what goes out: exact in every one-second window, never on average only."""

from collections import deque


class Cap:
    """At most `per_second` units in any one second. 0: no cap.

    A reservation counts until it is used or given back, and for one second after its use: so no window of one second,
    wherever it begins, ever holds more.
    """

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._reserved = 0
        self._used: deque[tuple[float, int]] = deque()
        self._used_sum = 0

    def reserve(self, units: int, now: float) -> bool:
        """Set `units` aside if they fit. A message larger than the whole cap may go when nothing else does."""
        if not self.per_second:
            return True
        self._forget(now)
        taken = self._reserved + self._used_sum
        if taken and taken + units > self.per_second:
            return False
        self._reserved += units
        return True

    def use(self, units: int, now: float) -> None:
        if self.per_second:
            self._reserved -= units
            self._used.append((now, units))
            self._used_sum += units

    def give_back(self, units: int) -> None:
        if self.per_second:
            self._reserved -= units

    def free(self, now: float) -> int | None:
        """How many units would fit now; None without a cap."""
        if not self.per_second:
            return None
        self._forget(now)
        taken = self._reserved + self._used_sum
        return self.per_second - taken if taken else max(self.per_second, 255)

    def wait(self, now: float) -> float:
        """Seconds until some units come free, if all are taken by use."""
        return max(0.0, self._used[0][0] + 1.0 - now) if self._used else 0.0

    def _forget(self, now: float) -> None:
        while self._used and self._used[0][0] <= now - 1.0:
            self._used_sum -= self._used.popleft()[1]
