"""A target that fails is left alone for growing pauses, none of which can be told beforehand."""

from types import SimpleNamespace
from typing import Any

import pytest

from heliograph.engine.notify.desk import NotifyDesk, Target
from heliograph.engine.notify.settings import Settings, Unsendable


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000
        self.timers: list[float] = []

    def now_ms(self) -> int:
        return self.now

    def later(self, seconds: float, do: Any) -> None:
        self.timers.append(seconds)


def pauses(chance: float) -> list[int]:
    """Of a target that fails whenever it is tried again."""
    clock, target = Clock(), Target("callback:http://a.example", 16)
    watch: Any = SimpleNamespace(delivery=None, defect=None)
    others: Any = (SimpleNamespace(random=lambda: chance), None, None, None, Settings(), watch, None)
    desk = NotifyDesk(SimpleNamespace(), clock, *others)  # type: ignore[arg-type]
    found = []
    for _ in range(14):
        desk._failed(target, None, Unsendable("503"), clock.now)
        if target.closed_until > clock.now:
            found.append(target.closed_until - clock.now)
            assert clock.timers[-1] == (found[-1] + 1) / 1000, "it is tried again when the pause is over"
            clock.now = target.closed_until
    return found


@pytest.mark.parametrize(("chance", "part"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_pauses_grow_and_chance_takes_up_to_half_of_each(chance: float, part: float) -> None:
    longest = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]
    assert pauses(chance) == [int(pause * part) for pause in longest]
