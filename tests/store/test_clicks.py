"""Clicks and usual rates on both engines, sealed and plain."""

import asyncio
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from heliograph.core.charges import Charge, Limit
from heliograph.core.links import ShortLink
from heliograph.core.message import Message
from heliograph.engine import clicks, datakeys, declared, disclosing, environments, erasing, sweep
from heliograph.engine.budgets import Budgets, Runaway
from heliograph.engine.clicks import ClickDesk, Followed
from heliograph.engine.policies import Policies
from heliograph.engine.secrets import Vault
from heliograph.engine.short_links import LinkPolicy
from heliograph.engine.spending import BudgetDesk
from heliograph.store.port import Accept, Moves
from tests.store.making import LATER, NOW, Time, count, do, in_hand, message, taken

pytestmark = pytest.mark.asyncio

ANNA, URL, TOKEN = "+447700900123", "https://shop.example/?anna", "0123456789A"
ANDROID = "Mozilla/5.0 (Linux; Android 15) Chrome/130.0 Mobile"
DAY = 86_400_000


class Clock:
    def __init__(self, time: Time) -> None:
        self.now_ms = time


@pytest_asyncio.fixture(params=[False, True], ids=["plain", "sealed"])
async def ours(request: pytest.FixtureRequest, ledger: Any, time: Time) -> Any:
    await datakeys.load(ledger, Vault([b"m" * 32]), time, encrypt=request.param)
    await environments.ensure_defaults(ledger, lambda text: text, now=NOW)
    return ledger


async def linked(ledger: Any) -> Message:
    sent = in_hand(ledger, to=ANNA)
    link = ShortLink(TOKEN, 1, 1, sent.id, URL, NOW, LATER)
    await do(ledger, Accept, messages=[sent], links=[link])
    await do(ledger, Moves, moves=[taken(sent)])
    return sent


async def desk_of(ledger: Any, time: Time) -> ClickDesk:
    snapshot = await declared.load(ledger)
    return ClickDesk(ledger, Clock(time), lambda work: None, lambda: snapshot)  # type: ignore[arg-type]


def followed(at: int = NOW + 60_000, agent: str = ANDROID) -> Followed:
    return Followed(TOKEN, at, "GET", agent, "")


async def follow(desk: ClickDesk, *visits: Followed) -> list[str | None]:
    found = [await desk.follow(visit.token, "", "192.0.2.1", visit) for visit in visits]
    await desk.write()
    return found


async def test_people_and_programs_are_counted_and_people_told(ours: Any, time: Time) -> None:
    sent = await linked(ours)
    desk = await desk_of(ours, time)
    assert await follow(desk, followed(), followed(), followed(agent="curl/8")) == [URL] * 3
    [link] = await clicks.links_of(ours, sent)
    assert (link.url, link.clicks, link.bot_clicks, len(link.last_clicks)) == (URL, 2, 1, 3)
    rows = await ours.fetch("SELECT message, kind FROM conversions")
    assert [tuple(row) for row in rows] == [(sent.id, "clicked")]
    events = await ours.fetch("SELECT 1 FROM events WHERE type = 'link.clicked'")
    assert len(events) == 2


async def test_a_flood_of_clicks_is_counted_but_not_told_one_by_one(ours: Any, time: Time) -> None:
    sent = await linked(ours)
    desk = await desk_of(ours, time)
    await follow(desk, *[followed()] * 250)
    [link] = await clicks.links_of(ours, sent)
    assert (link.clicks, await count(ours, "clicks")) == (250, 100)
    assert len(await ours.fetch("SELECT 1 FROM events WHERE type = 'link.clicked'")) == 100


async def test_no_address_is_kept_in_the_clear_where_texts_are_sealed(ours: Any, time: Time) -> None:
    await linked(ours)
    await follow(await desk_of(ours, time), followed())
    is_sealed = ours.protection.seal is not None
    kept = [
        *await ours.fetch("SELECT url FROM links"),
        *await ours.fetch("SELECT data FROM events WHERE message IS NULL"),
    ]
    assert len(kept) == 2 and all((URL in row[0]) != is_sealed for row in kept)


async def test_a_link_ends_and_is_removed(ours: Any, time: Time) -> None:
    await linked(ours)
    desk = await desk_of(ours, time)
    await follow(desk, followed())
    time.ms = LATER
    assert await follow(desk, followed()) == [None]
    await sweep.tidy(ours, LATER + 1)
    assert (await count(ours, "links"), await count(ours, "clicks")) == (0, 0)


async def test_who_is_erased_has_no_links_left(ours: Any, time: Time) -> None:
    sent = await linked(ours)
    desk = await desk_of(ours, time)
    await follow(desk, followed())
    known = await disclosing.disclose(ours, 1, ANNA, actor="test", now=NOW)
    assert [(link.url, link.clicks) for link in known.links] == [(URL, 1)]
    sent.state, sent.owner = "delivered", None
    async with ours.transaction() as transaction:
        await transaction.execute("UPDATE messages SET state = 'delivered', owner = NULL")
    await erasing.erase(ours, 1, ANNA, reason="asked", actor="test", now=NOW)
    assert (await count(ours, "links"), await count(ours, "clicks")) == (0, 0)
    rows = await ours.fetch("SELECT data FROM events WHERE type = 'link.clicked'")
    assert [row[0] for row in rows] == ['{"erased":true}']


async def test_two_processes_write_clicks_of_the_same_links(open_postgres: Any, time: Time) -> None:
    ledgers = [await open_postgres(), await open_postgres()]
    await environments.ensure_defaults(ledgers[0], lambda text: text, now=NOW)
    sent = await linked(ledgers[0])
    desks = [await desk_of(ledger, time) for ledger in ledgers]
    await asyncio.gather(*(follow(desk, *[followed()] * 40) for desk in desks))
    [link] = await clicks.links_of(ledgers[0], sent)
    assert link.clicks == 80


async def budget_desk(ledger: Any, time: Time, rule: Runaway) -> tuple[BudgetDesk, Any]:
    await environments.ensure_defaults(ledger, lambda text: text, now=NOW)
    snapshot = await declared.load(ledger)
    realm = snapshot.realms[1]
    policies = Policies(budgets=Budgets(runaway=rule), has_budgets=True, links=LinkPolicy())
    realm = msgspec.structs.replace(realm, policies=policies)
    snapshot = msgspec.structs.replace(snapshot, realms={1: realm})
    return BudgetDesk(ledger, Clock(time), lambda: snapshot), realm  # type: ignore[arg-type]


async def test_the_usual_rate_is_that_of_the_busiest_span_that_was_not_stopped(ledger: Any, time: Time) -> None:
    desk, realm = await budget_desk(ledger, time, Runaway(times=3, within="10m", at_least=5))

    async def spent(days_ago: int, used: int, most: int) -> None:
        begins = NOW - days_ago * DAY
        limit = Limit((1, "runaway", "1", begins), 1, begins + 600_000, most, "messages", warn_at=(100,))
        one = message(ledger)
        await do(ledger, Accept, messages=[one], charges={one.id: (Charge(limit, used),)})

    def allowed() -> int:
        [charge] = desk.charges(realm, message(ledger))
        return charge.limit.most

    await desk.refresh()
    assert allowed() == 5, "a client without a past has the least"
    await spent(1, 40, 1_000)
    await spent(2, 30, 1_000)
    await spent(3, 700, 700)  # it was stopped there
    await spent(20, 800, 1_000)  # too long ago
    await spent(0, 600, 1_000)  # today's own loop is nobody's habit
    await desk.refresh()
    assert allowed() == 3 * 40
