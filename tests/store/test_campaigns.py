"""A campaign's step: its position and its messages are one commit, on both engines."""

from typing import Any

import pytest
import pytest_asyncio

from heliograph.core.campaigns import Step
from heliograph.core.consent import ConsentPolicy, rulebook
from heliograph.store.port import Accept
from tests.store.making import NOW, begin, do, message

pytestmark = pytest.mark.asyncio

_NEED_OPT_IN = rulebook({1: ConsentPolicy()}, frozenset())


@pytest_asyncio.fixture
async def campaign(ledger: Any) -> int:
    """One that runs, at the beginning."""
    async with ledger.transaction() as transaction:
        await transaction.execute("INSERT INTO workspaces (id, name, created_at) VALUES (1, 'w', 0)")
        await transaction.execute(
            "INSERT INTO environments (id, workspace, name, mode, callback_secret, created_at) "
            "VALUES (1, 1, 'live', 'live', '', 0)"
        )
        await transaction.execute(
            "INSERT INTO audiences (id, workspace, environment, name, state, created_at) "
            "VALUES (1, 1, 1, 'a', 'ready', 0)"
        )
        rows = await transaction.fetch(
            "INSERT INTO campaigns (workspace, environment, client, name, audience, spec, state, author, created_at) "
            "VALUES (1, 1, 1, 'c', 1, '{}', 'running', 'me', 0) RETURNING id"
        )
    return int(rows[0][0])


def step(campaign: int, was: int, now: int, **refusals: int) -> Step:
    return Step(campaign, was, now, NOW + now, {(7, code): count for code, count in refusals.items()})


async def stands(ledger: Any) -> tuple[int, int, int]:
    """The position, when the next step may be, and how many messages there are."""
    rows = await ledger.fetch("SELECT position, next_at, (SELECT count(*) FROM messages) FROM campaigns")
    return rows[0]


async def test_a_step_is_taken_with_its_messages(ledger: Any, campaign: int) -> None:
    await do(ledger, Accept, messages=[message(ledger), message(ledger)], step=step(campaign, 0, 2))
    assert await stands(ledger) == (2, NOW + 2, 2)


async def test_a_step_from_elsewhere_keeps_nothing(ledger: Any, campaign: int) -> None:
    first = await do(ledger, Accept, messages=[message(ledger)], step=step(campaign, 0, 2))
    again = await do(ledger, Accept, messages=[message(ledger)], step=step(campaign, 0, 2))
    assert (first.conflict, again.conflict) == (False, True)
    assert await stands(ledger) == (2, NOW + 2, 1)


async def test_two_at_once_take_a_step_once(ledger: Any, campaign: int) -> None:
    both = [begin(ledger, Accept, messages=[message(ledger)], step=step(campaign, 0, 5)) for _ in range(2)]
    assert sorted([(await one).conflict for one in both]) == [False, True]
    assert await stands(ledger) == (5, NOW + 5, 1)


@pytest.mark.parametrize("state", ["paused", "stopping", "stopped", "done"])
async def test_what_does_not_run_goes_no_step_further(ledger: Any, campaign: int, state: str) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE campaigns SET state = $1", state)
    operation = await do(ledger, Accept, messages=[message(ledger)], step=step(campaign, 0, 1))
    assert operation.conflict
    assert await stands(ledger) == (0, 0, 0)


async def test_whoever_is_left_out_is_counted_by_reason(ledger: Any, campaign: int) -> None:
    for was in (0, 1):
        wanted = message(ledger, batch=7)
        unwanted = message(ledger, batch=7, kind="promotional")
        operation = await do(
            ledger,
            Accept,
            messages=[wanted, unwanted],
            rules=_NEED_OPT_IN,
            step=step(campaign, was, was + 1, missing_variable=3),
        )
        assert operation.refused == {unwanted.id: "no_consent"}
    rows = await ledger.fetch("SELECT code, count FROM campaign_refusals ORDER BY code")
    assert [tuple(row) for row in rows] == [("missing_variable", 6), ("no_consent", 2)]
    assert (await stands(ledger))[2] == 2


async def test_who_only_asks_changes_nothing(ledger: Any) -> None:
    messages = [message(ledger), message(ledger, kind="promotional")]
    operation = await do(ledger, Accept, messages=messages, rules=_NEED_OPT_IN, asks_only=True)
    assert operation.refused == {messages[1].id: "no_consent"}
    assert await ledger.fetch("SELECT id FROM messages") == []
    assert await ledger.fetch("SELECT seq FROM events") == []


async def test_the_batches_of_variants_are_nobody_elses(
    open_ledger: Any, ledger: Any, campaign: int, engine: str
) -> None:
    number = ledger.next_id("batch")
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO campaign_variants (campaign, name, batch) VALUES ($1, 'only', $2)", campaign, number
        )
    if engine == "sqlite":
        await ledger.close()
    assert (await open_ledger()).next_id("batch") != number
