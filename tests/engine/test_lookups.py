"""Questions to providers: one for all who want to know, within a bound, kept for days; nobody waits too long."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from heliograph.core import numbers
from heliograph.core.lookups import Looked
from heliograph.core.prices import PriceBook
from heliograph.core.request import MessageRequest
from heliograph.engine import declared, lookups
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.lookups import DAY_MS, USUAL_KEEP_MS, Lookups
from heliograph.engine.policies import policies_of
from tests.postgres import postgres_server, postgres_url
from tests.store.conftest import engine, open_ledger, open_postgres, open_sqlite, reported, time
from tests.store.making import NOW, Time

__all__ = ["engine", "open_ledger", "open_postgres", "open_sqlite", "postgres_server", "postgres_url", "reported"]
__all__ += ["time"]
pytestmark = pytest.mark.asyncio

POLICY = {"before": ["otp"], "provider": "sandbox", "timeout_ms": 100}
BOOK = PriceBook(lookups={("sandbox", "", "", ""): ("0.004", "EUR")})


class Knowing:
    """A connector that is asked, and answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.said: Looked | None = Looked(True, "mobile")

    async def look_up(self, e164: str) -> Looked | None:
        self.asked.append(e164)
        await self.open.wait()
        return self.said


class Desk:
    """Lookups with all that they are given."""

    def __init__(self, ledger: Any, snapshot: Snapshot) -> None:
        realm = next(one for one in snapshot.realms.values() if one.mode == "live")
        self.realm = msgspec.structs.replace(realm, policies=policies_of({"lookup": POLICY}, rehearses=True))
        self.snapshot = msgspec.structs.replace(snapshot, prices=BOOK, realms=snapshot.realms | {realm.id: self.realm})
        self.ledger = ledger
        self.carrier = Knowing()
        self.lookups = self.another()

    def another(self) -> Lookups:
        """What another process has; it builds the connector that it does not hold."""
        made: Any = Lookups(self.ledger, Time(), {}, lambda: self.snapshot, lambda spec: self.carrier)  # type: ignore[arg-type,return-value]
        made.learn(self.snapshot)
        return made  # type: ignore[no-any-return]

    async def ask(self, last: int = 1, now: int = NOW, **more: Any) -> lookups.Answer:
        return await self.lookups.ask(self.realm, number(last), "sandbox", now, **more)

    async def prepare(self, *requests: MessageRequest) -> None:
        await self.lookups.prepare(self.realm.id, None, requests, NOW)


async def until(holds: Callable[[], bool]) -> None:
    """A loaded machine may need longer than messages wait."""
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.001)


def number(last: int) -> numbers.Number:
    found = numbers.parse(f"+4477009{last:05}", None)
    assert isinstance(found, numbers.Number)
    return found


def code(last: int, **more: Any) -> MessageRequest:
    return MessageRequest(to=number(last).e164, text="1234", **{"kind": "otp"} | more)


@pytest_asyncio.fixture
async def desk(ledger: Any) -> AsyncIterator[Desk]:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    made = Desk(ledger, await declared.load(ledger))
    yield made
    made.carrier.open.set()
    await asyncio.gather(*made.lookups._in_flight.values())


@pytest_asyncio.fixture
async def ledger(open_ledger: Any) -> Any:
    return await open_ledger()


async def test_an_answer_is_kept_with_its_price_and_good_for_days_in_every_process(desk: Desk) -> None:
    first = await desk.ask()
    assert (first.looked, first.price, first.currency) == (Looked(True, "mobile"), "0.004", "EUR")
    desk.lookups = desk.another()
    assert await desk.ask(now=NOW + USUAL_KEEP_MS - 1) == first
    assert len(desk.carrier.asked) == 1
    desk.lookups = desk.another()
    assert (await desk.ask(now=NOW + DAY_MS, keep_ms=DAY_MS)).at == NOW + DAY_MS
    assert len(desk.carrier.asked) == 2
    assert await desk.ledger.fetch("SELECT COUNT(*) FROM lookups") == [(2,)]


async def test_many_who_want_to_know_the_same_ask_once(desk: Desk) -> None:
    desk.carrier.open.clear()
    waiting = [asyncio.ensure_future(desk.ask()) for _ in range(20)]
    await asyncio.sleep(0)
    desk.carrier.open.set()
    assert len({answer.at for answer in await asyncio.gather(*waiting)}) == 1
    assert len(desk.carrier.asked) == 1


async def test_so_many_are_asked_at_once_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "_IN_FLIGHT_MAX", 3)
    desk.carrier.open.clear()
    await desk.prepare(*(code(last) for last in range(1, 8)))
    await until(lambda: len(desk.carrier.asked) == 3)
    notes = [desk.lookups.judge(desk.realm, number(last))[0]["why"] for last in range(1, 8)]
    assert notes.count("too many questions are under way") == 4


async def test_nobody_waits_longer_than_was_said_and_the_answer_is_kept_when_it_comes(desk: Desk) -> None:
    desk.carrier.open.clear()
    desk.carrier.said = Looked(False)
    await asyncio.wait_for(desk.prepare(code(1)), 5)
    step, refusal = desk.lookups.judge(desk.realm, number(1))
    assert (step["why"], refusal) == ("no answer in time, or not asked", None)
    desk.carrier.open.set()
    await asyncio.gather(*desk.lookups._in_flight.values())
    step, refusal = desk.lookups.judge(desk.realm, number(1))
    assert refusal is not None and (refusal.code, step["why"]) == ("number_not_reachable", "it is not in use")


async def test_only_what_is_declared_is_asked_before_messages(desk: Desk) -> None:
    await desk.prepare(
        code(1, kind="transactional"), code(2, dry_run=True), MessageRequest(to="nobody", text="1", kind="otp"), code(3)
    )
    await until(lambda: desk.carrier.asked == [number(3).e164])
    assert desk.lookups.environments == {desk.realm.id}


async def test_nothing_said_is_not_kept_and_soon_asked_again(desk: Desk) -> None:
    desk.carrier.said = None
    assert (await desk.ask()).note == "offers no lookup, or did not answer"
    assert await desk.ledger.fetch("SELECT COUNT(*) FROM lookups") == [(0,)]
    await desk.ask(now=NOW + 29_000)
    assert len(desk.carrier.asked) == 1
    desk.carrier.said = Looked(True, "mobile")
    assert (await desk.ask(now=NOW + 31_000)).looked is not None


async def test_a_connector_that_is_not_there_is_told_and_nobody_asked(desk: Desk) -> None:
    realm: Realm = desk.realm
    answer = await desk.lookups.ask(realm, number(1), "nobody", NOW)
    assert answer.note == "there is no connector 'nobody'"
    assert desk.carrier.asked == []
