"""What pages ask of PostgreSQL goes through few rows, by the figures that the planner has of a ledger with a past.

Unlike SQLite it chooses its ways by what is in the tables. So there are messages, a quarter of a year of them, and each
question is asked with its steps and rows counted.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from bench import history
from bench.ledger import opened
from heliograph.engine import clicks, quality
from heliograph.engine.costs import Span, costs
from heliograph.engine.environments import ensure_defaults
from heliograph.store import reads
from heliograph.store.reads import MessageFilter, Where
from tests.store.making import NOW

pytestmark = pytest.mark.asyncio

COUNT = 20_000
FEW = 2_000
FAR = 1_000
LARGE = ("messages", "events", "deliveries", "attempts")
HERE = Where(1, 1)
DAY = 86_400_000


@pytest.fixture
def engine() -> str:
    return "postgres"


@pytest_asyncio.fixture
async def filled(ledger: Any, postgres_url: str) -> Any:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO clients (id, workspace, environment, name, key_id, secret_hash, scopes, created_at) "
            "VALUES (1, 1, 1, 'shop', 'k', '', '[]', 1)"
        )
        await transaction.execute(
            "INSERT INTO declared (id, workspace, kind, name, spec, created_at, updated_at) "
            "VALUES (1, 1, 'endpoint', 'shop', '{}', 1, 1)"
        )
    await asyncio.to_thread(_fill, postgres_url)
    async with ledger.transaction() as transaction:  # as if all were in the sums
        await transaction.execute("UPDATE rolled SET value = $1 WHERE name = 'position'", await ledger.events_end())
    return ledger


def _fill(url: str) -> None:
    with opened(url) as filling:
        history.fill(filling, COUNT, NOW)


def _look(**narrowed: Any) -> Callable[[Any], Awaitable[Any]]:
    return lambda ledger: reads.look(ledger, HERE, MessageFilter(**narrowed), 50, FAR)


def _spent(by: str) -> Callable[[Any], Awaitable[Any]]:
    # From noon to noon: both edges are summed of their messages.
    since = NOW // DAY * DAY - 20 * DAY - DAY // 2
    return lambda ledger: costs(ledger, Span(1, "live", False, since, since + 7 * DAY), by)


QUESTIONS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "messages": _look(),
    "messages by state": _look(state=("expired",)),
    "messages by country": _look(country="PT", kind="otp", connector="rig"),
    "messages to a number": _look(to="+447400000001"),
    "messages with a tag": _look(tag="spring"),
    "messages of a campaign": _look(batches=(COUNT + 1, COUNT + 2)),
    "messages with an error": _look(code="absent"),
    "messages by their ids": lambda ledger: reads.messages_by_id(ledger, HERE, list(range(1, 30))),
    "deliveries that failed": lambda ledger: reads.deliveries(ledger, HERE, endpoint=1, state="failed"),
    "deliveries": lambda ledger: reads.deliveries(ledger, HERE, endpoint=1),
    "short links": lambda ledger: clicks.newest_links(ledger, 1, 1, 50, clicked=False),
    "costs": _spent("connector"),
    "since when": lambda ledger: quality.first_since(ledger, NOW - DAY),
}


def _gone_through(node: dict[str, Any], of: str = "") -> Iterator[tuple[str, int]]:
    """(what was read, how many rows or entries) of each step of a plan that reads one of the large tables."""
    of = node.get("Relation Name", of)
    if of in LARGE and "Scan" in node["Node Type"]:
        rows = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter"))
        rows += node.get("Rows Removed by Index Recheck", 0)
        yield f"{node['Node Type']} {node.get('Index Name', of)}", int(rows * node["Actual Loops"])
    for below in node.get("Plans", ()):
        yield from _gone_through(below, of)


async def _plan(ledger: Any, mode: str, sql: str, values: tuple[Any, ...]) -> dict[str, Any]:
    given = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
    async with ledger.transaction() as transaction:
        await transaction.execute(f"SET LOCAL plan_cache_mode = {mode}")
        await transaction.execute(f"PREPARE asked AS {sql}")
        rows = await transaction.fetch(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE asked{f'({given})' if given else ''}"
        )
        await transaction.execute("DEALLOCATE asked")
    plan: dict[str, Any] = json.loads(rows[0][0])[0]["Plan"]
    return plan


async def test_no_question_goes_through_many(filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a plan for what is asked, nor by one for anything that may be, which an often asked question gets."""
    fetch, asked = filled.fetch, list[tuple[str, tuple[Any, ...]]]()

    async def spied(sql: str, *values: Any) -> Any:
        asked.append((sql, values))
        return await fetch(sql, *values)

    monkeypatch.setattr(filled, "fetch", spied)
    for name, question in QUESTIONS.items():
        asked.clear()
        await question(filled)
        assert asked, name
        for mode, (sql, values) in itertools.product(("force_custom_plan", "force_generic_plan"), asked):
            through = list(_gone_through(await _plan(filled, mode, sql, values)))
            assert max((rows for _, rows in through), default=0) <= FEW, f"{name}, {mode}: {through}\n{sql}"
