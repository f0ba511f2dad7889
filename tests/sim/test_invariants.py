"""Many histories: crashes, full disks, lying networks, deaf customers; what must hold, holds in each.

A seed that fails is a history that can be looked at again: `python -m tests.sim.test_invariants SEED`; many more races
of opt-outs than there are here: `python -m tests.sim.test_invariants race 1 2000`.
"""

import sys

import pytest

from tests.sim.loop import simulate
from tests.sim.oracle import broken, broken_by_the_way
from tests.sim.world import Simulation


@pytest.mark.parametrize("seed", range(20))
def test_what_must_hold_holds(seed: int) -> None:
    simulation = Simulation(seed)
    record = simulate(simulation.run())
    assert broken(simulation) == []
    assert len(record.accepted) > 50 and record.submissions and record.heard
    assert record.deaths >= 1


@pytest.mark.parametrize("seed", range(40))
def test_nobody_is_texted_after_stop_however_many_wait(seed: int) -> None:
    """A few people to whom much is queued, and who say no again and again."""
    simulation = race(seed)
    record = simulate(simulation.run(to_the_end=False))
    assert broken_by_the_way(simulation) == []
    assert record.stopped and record.submissions


def race(seed: int) -> Simulation:
    simulation = Simulation(seed, messages=120, deaths=2, outages=1, people=6, opt_out_every=12)
    if seed % 2:
        simulation.disk.tells_in_order, simulation.disk.answer_s = False, 0.1
    return simulation


def test_the_same_seed_gives_the_same_history() -> None:
    first, second = Simulation(7), Simulation(7)
    assert simulate(first.run()).submissions == simulate(second.run()).submissions


def races(first: int, last: int) -> int:
    """Play races; answers how many seeds broke something."""
    bad = left = stopped = between = 0
    for seed in range(first, last + 1):
        history = race(seed)
        simulate(history.run(to_the_end=False))
        if found := broken_by_the_way(history):
            bad += 1
            sys.stdout.write("\n".join([f"seed {seed}:", *found, ""]))
        left += len(history.record.submissions)
        stopped += len(history.record.stopped)
        between += sum(
            told.on_disk >= commit
            for told in history.record.submissions
            for (_, number), commit in history.disk.opted_out.items()
            if told.number == number
        )
    counts = {"seeds": last + 1 - first, "bad": bad, "submissions": left, "opt-outs": stopped}
    sys.stdout.write(f"{counts}, left between commit and answer: {between}\n")
    return bad


if __name__ == "__main__":
    if sys.argv[1] == "race":
        raise SystemExit(races(*map(int, sys.argv[2:4])) > 0)
    for seed in map(int, sys.argv[1:]):
        history = Simulation(seed)
        simulate(history.run())
        sys.stdout.write("\n".join([f"seed {seed}:", *broken(history), ""]))
