"""Sums from before networks were told apart, and sums that go back to a program that does not know them."""

import random
from pathlib import Path
from typing import Any

import pytest

from heliograph.engine.insight import checking
from heliograph.engine.insight.rolling import DAY
from tests.store.test_insight import Traffic, rolled, sums
from tests.store.test_verification_sums import migrated_again

pytestmark = pytest.mark.asyncio


async def test_sums_are_the_same_after_a_way_back_and_forth_but_for_networks(
    ledger: Any, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    traffic = Traffic(ledger, random.Random(5))
    for _ in range(60):
        await traffic.step()
    await rolled(ledger, traffic.now)
    before = await sums(ledger)
    times, told = await _times(ledger), await _facts(ledger)
    assert await _networks(ledger) == {"", "O2", "Vodafone"}
    await migrated_again(27, engine, tmp_path, request)
    assert await sums(ledger) == before
    assert (await _times(ledger), await _facts(ledger)) == (times, told)
    assert await _networks(ledger) == {""}
    await traffic.go_on()
    await rolled(ledger, traffic.now)
    assert (await checking.check(ledger, traffic.now + DAY)).differences == []


async def _networks(ledger: Any) -> set[str]:
    return {row[0] for row in await ledger.fetch("SELECT DISTINCT network FROM rollups WHERE cut = 0")}


async def _times(ledger: Any) -> list[Any]:
    return sorted(
        await ledger.fetch(
            "SELECT grain, cut, at, connector, what, slot, CAST(SUM(count) AS BIGINT) FROM rollup_times "
            "GROUP BY grain, cut, at, connector, what, slot HAVING SUM(count) <> 0"
        )
    )


async def _facts(ledger: Any) -> list[Any]:
    return sorted(
        await ledger.fetch(
            "SELECT grain, at, fact, detail, CAST(SUM(count) AS BIGINT) FROM rollup_facts "
            "GROUP BY grain, at, fact, detail"
        )
    )
