"""The default alarms stay quiet through a normal week, and each rings for its fault in that week: see
`tests.sim.week`, `tests.sim.traffic` and `tests.sim.faults`."""

import asyncio
from pathlib import Path

import pytest

from heliograph.core.alarm_rules import RULES
from tests.sim.faults import FAULTS, WEDNESDAY, broken, wrong
from tests.sim.traffic import DAY, MONDAY
from tests.sim.week import Fired, Saved, past

LOOSELY = 30  # minutes between looks while nothing is wrong: what lasts is seen


@pytest.fixture(scope="module")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return asyncio.run(past(tmp_path_factory.mktemp("monday") / "heliograph.db", 1, MONDAY))


@pytest.fixture(scope="module")
def wednesday(tmp_path_factory: pytest.TempPathFactory, monday: Saved) -> Saved:
    return asyncio.run(monday.later(tmp_path_factory.mktemp("wednesday"), WEDNESDAY))


def test_a_normal_week_with_its_nights_peaks_campaigns_and_weekend_rings_nothing(tmp_path: Path, monday: Saved) -> None:
    async def live() -> list[Fired]:
        week = await monday.open(tmp_path)
        await week.live(MONDAY + 7 * DAY, LOOSELY)
        fired = await week.fired()
        await week.ledger.close()
        assert week.watch.defects == []
        return fired

    assert list(map(str, asyncio.run(live()))) == []


def test_each_default_rule_has_a_fault() -> None:
    assert {fault.rule or name for name, fault in FAULTS.items()} == RULES.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_rings_its_rule_in_time_names_what_it_is_about_and_is_over_by_itself(
    tmp_path: Path, wednesday: Saved, name: str
) -> None:
    fired = asyncio.run(broken(tmp_path, wednesday, FAULTS[name]))
    assert wrong(name, fired) == [], "\n".join(map(str, fired))
