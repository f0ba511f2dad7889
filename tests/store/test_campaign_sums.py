"""How a campaign stands is kept, and is what a count of its messages gives at every moment: while the sums are behind,
after processes that died, after late receipts, and made again."""

import random
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from heliograph.core.measures import UNIT
from heliograph.engine.insight import checking, rolling
from heliograph.engine.insight.campaigns import standings
from heliograph.products.campaigns import register
from heliograph.store.port import Moves
from tests.store.making import NOW, accept, do
from tests.store.test_campaigns import campaign
from tests.store.test_insight import DAY, Breaking, Died, Traffic, in_hand, moved, rolled
from tests.store.test_verification_sums import migrated_again

__all__ = ["campaign"]  # the fixture
pytestmark = pytest.mark.asyncio

BATCHES = [7, 8]
_TAKEN = ("sent", "delivered", "read", "undelivered")


@pytest_asyncio.fixture
async def running(ledger: Any, campaign: int) -> int:
    """A campaign with two variants, that has begun."""
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE campaigns SET started_at = $1", NOW)
        for name, batch in zip("ab", BATCHES, strict=True):
            await transaction.execute("INSERT INTO campaign_variants VALUES ($1, $2, $3)", campaign, name, batch)
    return campaign


async def counted(ledger: Any) -> Counter[Any]:
    """Afresh: messages, parts and money by batch, state, connector and currency."""
    found: Counter[Any] = Counter()
    for batch, state, connector, price, currency, segments, sent_at in await ledger.fetch(
        "SELECT batch, state, connector, price, currency, segments, sent_at FROM messages WHERE batch IN (7, 8)"
    ):
        shown = "waiting" if state in ("sending", "queued", "scheduled") else state
        key = batch, shown, connector, currency if price is not None else ""
        found[key, "messages"] += 1
        found[key, "segments"] += segments
        if price is not None and (sent_at is not None or state in _TAKEN):
            found[key, "cost"] += int(Decimal(price) * UNIT)
    return found


async def kept(ledger: Any) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for one in await standings(ledger, BATCHES):
        key = one.batch, one.state, one.connector, one.currency
        found[key, "messages"], found[key, "segments"] = one.messages, one.segments
        if one.cost:
            found[key, "cost"] = one.cost
    return found


async def batched(ledger: Any, chance: random.Random) -> None:
    """Some of the messages that have just come belong to the campaign."""
    for number, *_ in await ledger.fetch("SELECT id FROM messages WHERE batch IS NULL"):
        async with ledger.transaction() as transaction:
            batch = chance.choice([7, 8, 9])
            await transaction.execute("UPDATE messages SET batch = $2 WHERE id = $1", number, batch)


class Sending(Traffic):
    """The same traffic, most of it of the campaign."""

    async def accept(self) -> None:
        await super().accept()
        await batched(self.ledger, self.chance)


@pytest.mark.parametrize("seed", range(2))
async def test_at_every_moment_it_stands_as_its_messages_do(ledger: Any, running: int, seed: int) -> None:
    chance = random.Random(seed)
    traffic, breaking = Sending(ledger, chance), Breaking(ledger, chance)
    for _ in range(60):
        await traffic.step()
        if chance.random() < 0.3:
            with suppress(Died):
                await rolling.roll(breaking, traffic.now, chance.choice([1, 3, 10, 4_000]))
        assert await kept(ledger) == await counted(ledger)
    now = traffic.now + DAY
    await rolled(ledger, now)
    assert await kept(ledger) == await counted(ledger)
    assert (await checking.check(ledger, now)).differences == []
    await checking.rebuild(ledger, now)
    assert await kept(ledger) == await counted(ledger)
    assert (await checking.check(ledger, now)).differences == []


async def test_a_damaged_sum_is_seen_and_mended(ledger: Any, running: int) -> None:
    await accept(ledger, in_hand(ledger, batch=7))
    await rolled(ledger)
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE campaign_sums SET messages = 9")
    assert any("campaigns" in one for one in (await checking.check(ledger, NOW)).differences)
    await checking.rebuild(ledger, NOW)
    assert await kept(ledger) == await counted(ledger)


async def test_what_retention_removed_stays_counted_also_when_all_is_made_again(ledger: Any, running: int) -> None:
    old, new = in_hand(ledger, batch=7), in_hand(ledger, batch=7, accepted_at=NOW + 3 * DAY)
    await accept(ledger, old, new)
    await do(ledger, Moves, moves=[moved(old, "failed", NOW + 5, owner=None)])
    await rolled(ledger)
    before = await kept(ledger)
    async with ledger.transaction() as transaction:
        for table, column in (("events", "message"), ("counted", "message"), ("messages", "id")):
            await transaction.execute(f"DELETE FROM {table} WHERE {column} = $1", old.id)
    assert await kept(ledger) == before
    await checking.rebuild(ledger, NOW + 4 * DAY)
    assert await kept(ledger) == before


async def test_a_campaign_that_is_forgotten_leaves_no_sums(ledger: Any, running: int) -> None:
    await accept(ledger, in_hand(ledger, batch=7))
    await rolled(ledger)
    async with ledger.transaction() as transaction:
        await transaction.execute('UPDATE campaigns SET state = \'done\', spec = \'{"name":"c","audience":"a"}\'')
    found = await register.of_id(ledger, running)
    assert found is not None
    await register.delete(ledger, found, actor="me", now=NOW)
    assert await ledger.fetch("SELECT * FROM campaign_sums") == []


async def test_an_older_ledger_is_counted_when_it_is_migrated(
    ledger: Any, running: int, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    traffic = Sending(ledger, random.Random(3))
    for _ in range(30):
        await traffic.step()
    await rolled(ledger, traffic.now)
    for _ in range(10):
        await traffic.step()
    await migrated_again(26, engine, tmp_path, request)
    assert await kept(ledger) == await counted(ledger)
