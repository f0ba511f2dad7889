"""Many histories: crashes, full disks, lying networks, deaf customers; what must hold, holds in each.

A seed that fails is a history that can be looked at again: `python -m tests.sim.test_invariants SEED`.
"""

import sys

import pytest

from tests.sim.loop import simulate
from tests.sim.oracle import broken
from tests.sim.world import Simulation


@pytest.mark.parametrize("seed", range(20))
def test_what_must_hold_holds(seed: int) -> None:
    simulation = Simulation(seed)
    record = simulate(simulation.run())
    assert broken(simulation) == []
    assert len(record.accepted) > 50 and record.submissions and record.heard
    assert record.deaths >= 1


def test_the_same_seed_gives_the_same_history() -> None:
    first, second = Simulation(7), Simulation(7)
    assert simulate(first.run()).submissions == simulate(second.run()).submissions


if __name__ == "__main__":
    for seed in map(int, sys.argv[1:]):
        history = Simulation(seed)
        simulate(history.run())
        sys.stdout.write("\n".join([f"seed {seed}:", *broken(history), ""]))
