"""What pages ask for is led by an index: no question of theirs goes through all messages, however many there are.

SQLite chooses its ways by the schema alone, so a ledger with nothing in it tells.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from heliograph.console.figures import figures
from heliograph.engine.conversations import timeline
from heliograph.engine.conversations.timeline import Narrowed
from heliograph.engine.exports.exporting import Asked, pages
from heliograph.engine.exports.tables import TABLES
from heliograph.engine.insight import campaigns
from heliograph.products.campaigns.progress import progress
from heliograph.products.campaigns.register import of_id
from heliograph.products.verify import statistics
from heliograph.store import reads
from heliograph.store.reads import MessageFilter, Where
from heliograph.store.sqlite import SqliteLedger
from heliograph.store.sqlite.connection import dialect
from tests.store.making import NOW
from tests.store.test_campaigns import campaign

__all__ = ["campaign"]  # the fixture
pytestmark = pytest.mark.asyncio

LARGE = ("messages", "m", "events", "e", "verifications", "deliveries", "d", "attempts", "links", "stances", "s")
HERE = Where(1, 1)
SOME = (1, 1)


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest_asyncio.fixture
async def asked(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """The statements that were read with."""
    statements: list[tuple[str, tuple[Any, ...]]] = []
    fetch = ledger.fetch

    async def spied(sql: str, *values: Any) -> Any:
        statements.append((sql, values))
        return await fetch(sql, *values)

    monkeypatch.setattr(ledger, "fetch", spied)
    return statements


async def _progress(ledger: Any, number: int) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute(
            'UPDATE campaigns SET started_at = 1, spec = \'{"name":"c","audience":"a","text":"t"}\''
        )
        await transaction.execute("INSERT INTO campaign_variants VALUES ($1, 'only', 7)", number)
    found = await of_id(ledger, number)
    assert found is not None
    await progress(ledger, found, lambda name: None, NOW)


def _export(what: str, **filters: str) -> Callable[[Any, int], Awaitable[Any]]:
    asked = Asked(workspace=1, environment=1, what=what, format="csv", filters=filters)

    async def read(ledger: Any, _: int) -> None:
        async for _page in pages(ledger, TABLES[what], asked):
            raise AssertionError("there is nothing")

    return read


def _look(**narrowed: Any) -> Callable[[Any, int], Awaitable[Any]]:
    return lambda ledger, _: reads.look(ledger, HERE, MessageFilter(**narrowed), 50)


QUESTIONS: dict[str, Callable[[Any, int], Awaitable[Any]]] = {
    "how a campaign stands": _progress,
    "how messages of batches stand": lambda ledger, _: campaigns.standings(ledger, [7, 8]),
    "how verifications convert": lambda ledger, _: statistics.statistics(ledger, SOME, NOW),
    "how many codes arrived": lambda ledger, _: statistics.delivered(ledger, SOME, NOW),
    "what the guard kept back": lambda ledger, _: statistics.kept_back(ledger, SOME, None, 50),
    "verifications of a number": lambda ledger, _: statistics.listed(
        ledger, SOME, "+491700000001", None, None, 50, NOW
    ),
    "the overview": lambda ledger, _: figures(ledger, HERE, "30d", NOW),
    "conversations": lambda ledger, _: timeline.page(ledger, 1, 1, Narrowed(), None, 40),
    "deliveries of an endpoint": lambda ledger, _: reads.deliveries(ledger, HERE, endpoint=1, state="failed"),
    "messages by their ids": lambda ledger, _: reads.messages_by_id(ledger, HERE, list(range(1, 30))),
    "messages": _look(),
    "messages by state": _look(state=("expired",)),
    "messages by country": _look(country="PT", kind="otp", connector="telco"),
    "messages of a template": _look(template="code"),
    "messages with an error": _look(code="absent"),
    "messages to a number": _look(to="+491700000001"),
    "messages with a tag": _look(tag="spring"),
    "messages of a campaign": _look(batches=(7, 8)),
    "an export of messages": _export("messages"),
    "an export of messages to a number": _export("messages", to="+491700000001"),
    "an export of attempts": _export("attempts"),
    "the next page": _look(below_id=1_000_000),
}


async def test_no_question_goes_through_everything(
    ledger: Any, campaign: int, asked: list[tuple[str, tuple[Any, ...]]]
) -> None:
    for name, question in QUESTIONS.items():
        asked.clear()
        await question(ledger, campaign)
        assert asked, name
        for sql, values in asked[:]:
            plan = [row[3] for row in await ledger.fetch(f"EXPLAIN QUERY PLAN {dialect(sql)}", *values)]
            through = [line for line in plan if line.split()[0] == "SCAN" and line.split()[1] in LARGE]
            through += [line for line in plan if line.endswith("messages_recipient (workspace=?)")]
            if name == "verifications of a number":
                assert any("to_number=?" in line for line in plan), plan
            assert through == [], f"{name}: {sql}\n{plan}"
