"""The default alarms stay quiet through a normal week, and each rings for its fault in that week: see
`tests.sim.week`, `tests.sim.traffic` and `tests.sim.faults`."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import MINUTE
from tests.sim.faults import FAULTS, Fault
from tests.sim.traffic import DAY, HOUR, MONDAY
from tests.sim.week import Fired, Saved, Week, past

WEDNESDAY = MONDAY + 2 * DAY + 10 * HOUR
BEGINS = WEDNESDAY + MINUTE  # after a look at which all is well
LOOSELY = 30  # minutes between looks while nothing is wrong: what lasts is seen


@pytest.fixture(scope="module")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return asyncio.run(past(tmp_path_factory.mktemp("monday") / "heliograph.db", 1, MONDAY))


@pytest.fixture(scope="module")
def wednesday(tmp_path_factory: pytest.TempPathFactory, monday: Saved) -> Iterator[Saved]:
    yield asyncio.run(_wednesday(tmp_path_factory.mktemp("wednesday"), monday))


async def _wednesday(folder: Path, monday: Saved) -> Saved:
    week = await monday.open(folder)
    while week.clock.ms < WEDNESDAY:
        await week.advance(min(WEDNESDAY, week.clock.ms + 6 * HOUR))
    await week.ledger.close()
    return Saved(folder / "heliograph.db", week)


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
    assert FAULTS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_rings_its_rule_in_time_names_what_it_is_about_and_is_over_by_itself(
    tmp_path: Path, wednesday: Saved, rule: str
) -> None:
    fault = FAULTS[rule]
    fired = asyncio.run(_faulty(tmp_path, wednesday, fault))
    said = "\n".join(map(str, fired))
    its = [one for one in fired if one.rule == rule and fault.about.items() <= json.loads(one.subject).items()]
    assert its, said
    assert its[0].at <= BEGINS + fault.fires * MINUTE, said
    assert {one.rule for one in fired} <= {rule} | fault.related, said
    assert all(one.over is not None for one in fired if one.rule == rule), said


async def _faulty(folder: Path, wednesday: Saved, fault: Fault) -> list[Fired]:
    week = await wednesday.open(folder)
    await week.live(BEGINS)
    assert await week.fired() == []
    await fault.begin(week)
    await _closely(week, BEGINS + fault.lasts * MINUTE)
    week.mend()
    if fault.end is not None:
        await fault.end(week)
    await _closely(week, BEGINS + (fault.lasts + fault.over) * MINUTE)
    fired = await week.fired()
    await week.ledger.close()
    assert week.watch.defects == []
    return fired


async def _closely(week: Week, until: int) -> None:
    await week.live(min(until, week.clock.ms + 12 * MINUTE))
    await week.live(until, calm=5)
