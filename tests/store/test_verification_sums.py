"""The figures of verifications are kept with what happens to them, and are what a count of them gives: after random
histories with processes that die in the middle, from any moment on, and made again."""

import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from heliograph.core.failures import Refused
from heliograph.engine.insight import checking, rolling, verified
from heliograph.products.verify import statistics
from heliograph.store import migrate
from heliograph.store.migrate import Migratable
from heliograph.store.port import Move, Moves, NewEvent
from heliograph.store.postgres import PostgresMigratable
from heliograph.store.sqlite.connection import SqliteMigratable
from tests.store.making import NOW, copied, do
from tests.store.test_insight import Breaking, Died
from tests.store.test_verifications import CALLER, HERE, desk, start

__all__ = ["desk"]  # the fixture
pytestmark = pytest.mark.asyncio

HOUR = verified.HOUR
PEOPLE = ["+491700000001", "+491700000002", "+447400000001", "+447400010001", "+33612345678"]


class Dying(Breaking):
    """Brief writes break off, too."""

    async def briefly(self, do: Any) -> Any:
        async def broken(transaction: Any) -> Any:
            execute, left = transaction.execute, self._chance.randrange(8)

            async def fragile(sql: str, *values: Any) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Died
                await execute(sql, *values)

            transaction.execute = fragile
            return await do(transaction)

        return await self._ledger.briefly(broken)


class History:
    """Verifications that begin, go on and arrive at random."""

    def __init__(self, ledger: Any, desk: Any, chance: random.Random) -> None:
        self.ledger, self.desk, self.chance, self.now = ledger, desk, chance, NOW
        self.begun: list[tuple[Any, str]] = []

    async def step(self) -> None:
        self.now += self.chance.randrange(20 * 60_000)
        pick = self.chance.random()
        if pick < 0.4 or not self.begun:
            self.begun.append(await start(self.desk, self.now, self.chance.choice(PEOPLE)))
            return
        row, code = self.chance.choice(self.begun[-4:])
        if pick < 0.6:
            await self.desk.check(
                HERE, row.public_id, code if self.chance.random() < 0.7 else "0000", row.started_at + 9
            )
        elif pick < 0.65:
            await self.desk.cancel(HERE, row.public_id, row.started_at + 10)
        elif pick < 0.75:
            await self.desk.send_again(CALLER, row, "asked for", row.started_at + 8)
        elif pick < 0.95:
            await self.arrive(row)
        else:
            await rolling.roll(self.desk._ledger, self.now, 7)

    async def arrive(self, row: Any) -> None:
        """A phone gets one of its messages."""
        for message in await self.desk._messages(row):
            if message.state in ("queued", "sending"):
                after = copied(message, state="delivered", owner=None, final_at=self.now, updated_at=self.now)
                told = (NewEvent("message.delivered", self.now),)
                await do(self.ledger, Moves, moves=[Move(after, message.state, told)])
                return


async def counted(ledger: Any, since: int) -> dict[str, Any]:
    """Afresh, without the sums."""
    rows = await ledger.fetch(
        "SELECT country, to_number, state, action, price, currency, is_delivered FROM verifications "
        "WHERE workspace = 1 AND environment = 1 AND started_at >= $1",
        since,
    )
    states = Counter(row[2] for row in rows)
    saved = [row for row in rows if row[2] == "blocked" and row[3] != "allow" and row[4]]
    return {
        "total": (len(rows), len(rows) - states["blocked"], states["approved"], states["blocked"]),
        "countries": Counter(row[0] for row in rows),
        "prefixes": Counter(row[1][:-4] for row in rows),
        "saved": len(saved) * 5,  # cents
        "delivered": sum(row[6] for row in rows),
    }


async def kept(ledger: Any, since: int) -> dict[str, Any]:
    found = await statistics.statistics(ledger, HERE, since)
    total = found.total
    return {
        "total": (total.started, total.sent, total.approved, total.blocked),
        "countries": Counter({line.name: line.started for line in found.countries}),
        "prefixes": Counter({line.name: line.started for line in found.prefixes}),
        "saved": sum(round(float(one.amount) * 100) for one in found.saved),
        "delivered": await statistics.delivered(ledger, HERE, since),
    }


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_kept_is_what_a_count_gives(desk: Any, ledger: Any, seed: int) -> None:
    chance = random.Random(seed)
    history, desk._ledger = History(ledger, desk, chance), Dying(ledger, chance)
    for _ in range(120):
        with suppress(Died, Refused):
            await history.step()
    desk._ledger = ledger
    while await rolling.roll(ledger, history.now):
        pass
    assert (await counted(ledger, 0))["delivered"] > 0
    for since in (0, NOW, NOW + HOUR, NOW // HOUR * HOUR, history.now - 90 * 60_000, history.now + HOUR):
        assert await kept(ledger, since) == await counted(ledger, since)
    assert await verified.differences(ledger) == []


async def test_a_phone_counts_once_however_many_codes_it_gets(desk: Any, ledger: Any) -> None:
    row, _ = await start(desk)
    history = History(ledger, desk, random.Random(1))
    await history.arrive(row)
    await rolling.roll(ledger, NOW)
    await desk.send_again(CALLER, row, "asked for", NOW + 60_000)
    assert await statistics.delivered(ledger, HERE, 0) == 1
    await history.arrive(row)
    await rolling.roll(ledger, NOW)
    assert await statistics.delivered(ledger, HERE, 0) == 1


async def test_sums_that_went_wrong_are_seen_and_made_again(desk: Any, ledger: Any) -> None:
    row, code = await start(desk)
    await desk.check(HERE, row.public_id, code, NOW + 1)
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE verification_sums SET approved = 5 WHERE what = 'country'")
    assert any("verifications by country" in found for found in (await checking.check(ledger, NOW)).differences)
    await checking.rebuild(ledger, NOW)
    assert (await checking.check(ledger, NOW)).differences == []
    assert (await statistics.statistics(ledger, HERE, 0)).total.approved == 1


async def test_what_retention_removed_stays_counted(desk: Any, ledger: Any) -> None:
    await start(desk)
    await start(desk, NOW + 3 * HOUR, PEOPLE[1])
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM verifications WHERE started_at = $1", NOW)
    await checking.rebuild(ledger, NOW)
    assert await verified.differences(ledger) == []
    assert (await statistics.statistics(ledger, HERE, 0)).total.started == 2


async def test_an_older_ledger_is_counted_when_it_is_migrated(
    desk: Any, ledger: Any, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(5)
    history = History(ledger, desk, chance)
    for _ in range(40):
        with suppress(Refused):
            await history.step()
    while await rolling.roll(ledger, history.now):
        pass
    before = await kept(ledger, 0)
    await migrated_again(25, engine, tmp_path, request)
    assert await verified.differences(ledger) == []
    after = await kept(ledger, 0)
    assert after.pop("delivered") <= before.pop("delivered"), "of each the last message is known"
    assert after == before


async def migrated_again(to: int, engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """As a ledger is that a program before this step has written."""

    async def step(target: Migratable) -> None:
        await migrate.down(target, engine, to)
        await migrate.up(target, engine)

    if engine == "sqlite":
        await step(SqliteMigratable(apsw.Connection(str(tmp_path / "heliograph.db"))))
    else:
        connection = await asyncpg.connect(request.getfixturevalue("postgres_url"))
        await step(PostgresMigratable(connection))
        await connection.close()
