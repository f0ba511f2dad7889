"""What is counted of connectors, in a real ledger; and that all processes settle on the same leader."""

from typing import Any

import pytest
import pytest_asyncio

from heliograph.core.order import BEST
from heliograph.core.routing import Route
from heliograph.engine import conversions, quality
from heliograph.engine.declared import Snapshot
from heliograph.engine.dispatching import Paused
from heliograph.engine.quality import Counted, QualityDesk, Span, first_since, leaders, scored, settle, tallies
from heliograph.engine.standings import standings
from heliograph.store.port import Accept, Arrivals, Move, Moves
from tests.postgres import postgres_server, postgres_url
from tests.store.conftest import engine, open_ledger, open_postgres, open_sqlite, reported, time
from tests.store.making import NOW, arrival, do, in_hand, message, row

__all__ = [
    "engine",
    "open_ledger",
    "open_postgres",
    "open_sqlite",
    "postgres_server",
    "postgres_url",
    "reported",
    "time",
]
pytestmark = pytest.mark.asyncio

MINUTE = 60_000
TEN_AGO = NOW - 10 * MINUTE


@pytest_asyncio.fixture
async def ledger(open_ledger: Any) -> Any:
    return await open_ledger()


async def tried(ledger: Any, count: int = 1, at: int = TEN_AGO, changes: Any = None, **attempt: Any) -> list[Any]:
    """Messages whose first attempt came to this; one part, handed over when they were accepted."""
    plain = {"connector": "telco", "country": "GB", "kind": "otp", "accepted_at": at, "segments": 1}
    sent = [in_hand(ledger, **plain | (changes or {})) for _ in range(count)]
    await do(ledger, Accept, messages=sent)
    moves = [Move(one, "sending", (), (row(one, handed_at=at, connector=one.connector, **attempt),)) for one in sent]
    await do(ledger, Moves, moves=moves)
    return sent


async def delivered(ledger: Any, count: int = 1, at: int = TEN_AGO, after: int = 3_000, **changes: Any) -> list[Any]:
    return await tried(ledger, count, at, changes, state="delivered", receipt_at=at + after)


async def counted(ledger: Any, now: int = NOW) -> list[Counted]:
    return await Span().count(ledger, now)


async def one(ledger: Any, now: int = NOW) -> Counted:
    (found,) = await counted(ledger, now)
    return found


REFUSED = {"state": "refused", "carrier_id": None}


@pytest.mark.parametrize(
    ("attempt", "faults", "ripe", "done"),
    [
        ({"state": "accepted"}, 0, 1, 0),
        ({"state": "delivered", "receipt_at": TEN_AGO + 3_000}, 0, 1, 1),
        ({"state": "read", "receipt_at": TEN_AGO + 3_000}, 0, 1, 1),
        ({"state": "undelivered", "receipt_at": TEN_AGO + 3_000, "failure": "unreachable"}, 0, 1, 0),
        ({"state": "refused", "receipt_at": TEN_AGO + 3_000, "failure": "unknown"}, 0, 1, 0),  # by a receipt
        (REFUSED | {"failure": "transient"}, 1, 0, 0),
        (REFUSED | {"failure": "unauthorised"}, 1, 0, 0),
        (REFUSED | {"failure": "unknown"}, 1, 0, 0),
        (REFUSED | {"failure": "permanent"}, 0, 0, 0),  # the number's fault
        (REFUSED | {"failure": "content"}, 0, 0, 0),
        ({"state": "unknown", "carrier_id": None, "answered_at": None}, 1, 0, 0),
    ],
)
async def test_each_attempt_counts_as_what_it_was(
    ledger: Any, attempt: dict[str, Any], faults: int, ripe: int, done: int
) -> None:
    await tried(ledger, **attempt)
    found = await one(ledger)
    assert (found.submitted, found.faults, found.ripe, found.delivered) == (1, faults, ripe, done)
    assert found[:4] == (1, "telco", "GB", "otp")


async def test_what_has_just_left_is_not_yet_missed(ledger: Any) -> None:
    await tried(ledger, at=NOW - 30_000, state="accepted")
    assert (await one(ledger)).ripe == 0
    assert (await one(ledger, NOW + MINUTE)).ripe == 1


async def test_delays_are_summed_and_what_comes_at_once_is_seen(ledger: Any) -> None:
    await delivered(ledger, 2, after=4_000)
    await delivered(ledger, 3, after=200)
    await delivered(ledger, 1, after=-50)  # a carrier's clock is behind ours
    found = await one(ledger)
    assert (found.timed, found.delay_ms, found.instant) == (6, 8_600, 4)


async def test_long_ago_is_not_counted_and_older_weighs_less(ledger: Any) -> None:
    await delivered(ledger, at=NOW - 5 * 60 * MINUTE)
    assert await counted(ledger) == []
    await delivered(ledger, 8, at=NOW - 30 * MINUTE)
    await delivered(ledger, 2)
    found = await counted(ledger)
    assert sorted((part.age, part.submitted) for part in found) == [(1, 2), (3, 8)]
    (tally,) = tallies(found, quality._weight).values()
    assert tally.submitted == pytest.approx(2 / 2 ** (1 / 3) + 8 / 2)


async def test_the_first_message_of_a_span_is_found_among_many(open_sqlite: Any) -> None:
    ledger = await open_sqlite()
    sent = [message(ledger, accepted_at=NOW + place * 1_000) for place in range(500)]
    await do(ledger, Accept, messages=sent)
    for place in (0, 1, 250, 499):
        first = await first_since(ledger, sent[place].accepted_at)
        assert first - 1 < sent[place].id <= max(first, 1)
    assert await first_since(ledger, NOW + 500_000) > sent[-1].id


# -- what followed


async def test_conversions_count_once_for_each_message_and_kind(ledger: Any) -> None:
    first, second, _ = await delivered(ledger, 3)
    for kind in ("verified", "clicked"):
        assert await conversions.note(ledger, first, kind, TEN_AGO + 5_000, NOW) == TEN_AGO + 5_000
    assert await conversions.note(ledger, first, "clicked", TEN_AGO + 9_000, NOW) == TEN_AGO + 5_000
    await conversions.note(ledger, second, "other", TEN_AGO + 5_000, NOW)
    assert (await one(ledger)).converted == 2


@pytest.mark.parametrize(
    ("changes", "converted"),
    [
        ({"at": TEN_AGO + 5_000}, 1),
        ({"at": TEN_AGO - 5_000}, 0),  # before we texted
        ({"at": TEN_AGO + 25 * 60 * MINUTE}, 0),  # a day later
        ({"at": TEN_AGO + 5_000, "sender": "+491700000002"}, 0),
    ],
)
async def test_an_answer_within_a_day_counts_without_being_told_of(
    ledger: Any, changes: dict[str, Any], converted: int
) -> None:
    await delivered(ledger)
    await do(ledger, Arrivals, arrivals=[arrival(ledger, **changes)])
    assert (await one(ledger)).converted == converted


async def test_where_a_workspace_tells_of_nothing_nothing_is_expected(ledger: Any) -> None:
    told, *_ = await delivered(ledger, 40)
    await conversions.note(ledger, told, "verified", NOW, NOW)
    await delivered(ledger, 40, workspace=2)
    (tally,) = tallies(await counted(ledger), lambda age: 1.0).values()
    assert (tally.delivered, tally.convertible, tally.converted) == (80, 40, 1)


async def test_receipts_that_are_made_up_lose_against_honest_ones(ledger: Any) -> None:
    honest = await delivered(ledger, 90, after=5_000, connector="honest")
    await tried(ledger, 10, state="accepted", changes={"connector": "honest"})
    for sent in honest[:30]:
        await conversions.note(ledger, sent, "verified", NOW, NOW)
    await delivered(ledger, 100, after=100, connector="liar")
    scores = scored(await counted(ledger))["GB", "otp"]
    assert scores["liar"].arrivals > scores["honest"].arrivals
    assert scores["liar"].plausibility < 0.3 and scores["honest"].plausibility > 0.95
    assert scores["honest"].value > 0.8 > 0.1 > scores["liar"].value


# -- what people see


async def test_a_workspace_sees_what_became_of_its_own_messages(ledger: Any) -> None:
    await delivered(ledger, 30, after=2_000)
    await delivered(ledger, 12, workspace=2, connector="other")
    everything = await standings(ledger, NOW, workspace=1, everyones=True)
    assert [(way.connector, way.submitted) for way in everything.data] == [("other", 12), ("telco", 30)]
    mine = await standings(ledger, NOW, workspace=2, everyones=False)
    assert [(way.connector, way.submitted, way.score) for way in mine.data] == [("other", 12, None)]
    (telco,) = (await standings(ledger, NOW, workspace=1, everyones=False)).data
    assert (telco.delivered_part, telco.mean_delay_ms, telco.instant_part, telco.converted_part) == (
        1.0,
        2_000,
        0,
        None,
    )
    assert telco.score is not None and telco.score > 0.9


# -- who leads

ROUTE = Route("all", ("first", "second"), order=BEST)


def desk(ledger: Any, clock: Any, notes: list[Any]) -> QualityDesk:
    """Of a process whose operator has this one route."""
    rules: Any = type("Rules", (), {"routes": (ROUTE,)})
    realm: Any = type("Realm", (), {"rules": rules})
    snapshot = Snapshot(1, {1: realm}, {}, {}, Paused(), {})
    return QualityDesk(ledger, clock, lambda: snapshot, lambda what, **facts: notes.append((what, facts)))


class Clock:
    """As an engine's clock."""

    def __init__(self) -> None:
        self.now = NOW

    def now_ms(self) -> int:
        return self.now


async def worse_then_better(ledger: Any) -> None:
    await delivered(ledger, 60, connector="second")
    await tried(ledger, 60, state="accepted", changes={"connector": "first"})


async def test_the_leader_is_kept_and_every_process_goes_on_from_it(ledger: Any) -> None:
    clock: Any = Clock()
    notes: list[Any] = []
    one, other = desk(ledger, clock, notes), desk(ledger, clock, notes)
    await worse_then_better(ledger)
    await one.refresh()
    await other.refresh()
    key = (0, "all", "GB", "otp")
    assert one.current.leaders == other.current.leaders == {key: "second"}
    assert [(what, facts["before"], facts["connector"]) for what, facts in notes] == [
        ("leader_changed", "first", "second")
    ]
    # Now the first is as good: who leads stays, here and after a restart.
    await delivered(ledger, 3_000, connector="first")
    await one.refresh()
    again = desk(ledger, clock, notes)
    await again.refresh()
    scores = again.current.of("GB", "otp")
    assert abs(scores["first"].value - scores["second"].value) < 0.05
    assert again.current.leaders == one.current.leaders == {key: "second"} and len(notes) == 1
    assert {key: leader.connector for key, leader in (await leaders(ledger)).items()} == {key: "second"}


async def test_two_processes_that_settle_at_once_write_one_leader(ledger: Any) -> None:
    clock: Any = Clock()
    one = desk(ledger, clock, [])
    await worse_then_better(ledger)
    ways = scored(await counted(ledger))
    settled = settle({(0, "all"): ROUTE}, ways, {})
    for at in (NOW, NOW + 5):  # the second has not seen what the first wrote
        await one._keep({(0, "all"): ROUTE}, {}, settled, at)
    assert [leader.at for leader in (await leaders(ledger)).values()] == [NOW]


async def test_a_route_that_is_gone_has_no_leader(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO leaders (workspace, route, country, kind, connector, at) "
            "VALUES (0, 'old', 'GB', 'otp', 'x', 1)"
        )
    clock: Any = Clock()
    await desk(ledger, clock, []).refresh()
    assert await leaders(ledger) == {}


async def test_where_no_route_asks_nothing_is_counted() -> None:
    class Silent:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"the ledger was asked: {name}")

    snapshot = Snapshot(1, {}, {}, {}, Paused(), {})
    ledger: Any = Silent()
    clock: Any = Clock()
    asks = QualityDesk(ledger, clock, lambda: snapshot, lambda what, **facts: None)
    await asks.refresh()
    assert asks.current is quality.NO_QUALITY
