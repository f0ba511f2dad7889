"""Who calls, on a real ledger: in the moments in which what is declared has just changed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from heliograph.core.failures import Refusal
from heliograph.engine import environments
from heliograph.engine.clients import Clients, create_key
from heliograph.engine.clients.authentication import TOO_MANY
from heliograph.store.sqlite import SqliteLedger

pytestmark = pytest.mark.asyncio

NOW = 1_800_000_000_000
HOST = "192.0.2.7"


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    opened = await SqliteLedger.open(tmp_path / "ledger.db", now_ms=lambda: NOW, report=print, serving=True)
    await environments.ensure_defaults(opened, str, now=NOW)
    yield opened
    await opened.close()


async def made(ledger: SqliteLedger, **fields: str) -> bytes:
    key = await create_key(ledger, name="app", actor="tests", **fields)
    return b"Bearer " + key.key.encode()


async def test_nobody_is_let_in_before_his_environment_is_known_here(ledger: SqliteLedger) -> None:
    await environments.create_workspace(ledger, "fresh", seal=str, actor="tests", now=NOW)
    met: list[int] = []

    async def meet(environment: int) -> None:
        met.append(environment)

    clients = Clients(ledger, lambda: NOW, meet=meet)
    client = await clients.authenticate_slow(await made(ledger, workspace="fresh"), HOST)
    assert not isinstance(client, Refusal) and met == [client.environment]


async def test_who_was_right_is_asked_about_while_others_guess_from_there(ledger: SqliteLedger) -> None:
    first, second = await made(ledger), await made(ledger)
    overtaken = True

    async def meet(environment: int) -> None:
        if overtaken:
            clients.changed()  # what is declared changes while we ask about the second

    clients = Clients(ledger, lambda: NOW, meet=meet)
    for right in (first, second):
        assert not isinstance(await clients.authenticate_slow(right, HOST), Refusal)
    overtaken = False
    for number in range(30):
        wrong = first[:-6] + f"{number:06}".encode()
        found = await clients.authenticate_slow(wrong, HOST)
    assert found is TOO_MANY
    for right in (first, second):
        assert not isinstance(await clients.authenticate_slow(right, HOST), Refusal)
        clients.changed()
