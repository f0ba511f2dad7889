"""Sums by minute, hour and day are what a count of the messages themselves gives, also after late receipts,
corrections, crashes and replays."""

import random
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from heliograph.core.message import DELIVERY_COLUMNS, Delivery
from heliograph.core.slots import slot_of
from heliograph.engine.insight import checking, outlook, rolling
from heliograph.engine.insight.reading import Ask, series, totals
from heliograph.engine.insight.rolling import DAY, GRAINS, HOUR, MINUTE
from heliograph.store.port import Deliveries, Move, Moves, NewEvent
from tests.store.making import NOW, accept, copied, do, message

pytestmark = pytest.mark.asyncio

WHO = {"workspace": 1, "environment": 1}


async def rolled(ledger: Any, now: int = NOW, limit: int = rolling.STRETCH) -> None:
    while await rolling.roll(ledger, now, limit):
        pass


async def sums(ledger: Any, grain: int = MINUTE) -> dict[Any, int]:
    rows = await ledger.fetch(
        "SELECT at, connector, state, code, CAST(SUM(messages) AS BIGINT) FROM rollups "
        "WHERE grain = $1 AND cut = 0 AND messages <> 0 GROUP BY at, connector, state, code",
        grain,
    )
    return {tuple(row[:4]): row[4] for row in rows}


def moved(was: Any, state: str, at: int, data: str | None = None, **changes: Any) -> Move:
    final = at if state not in ("sent", "queued") else None
    sent = {"sent_at": at} if state == "sent" else {}
    after = copied(was, state=state, updated_at=at, final_at=final, **sent, **changes)
    name = "attempt.failed" if state == "queued" else f"message.{state}"
    return Move(after, was.state, (NewEvent(name, at, data),))


def in_hand(ledger: Any, **changes: Any) -> Any:
    return message(ledger, **{"state": "sending", "owner": 1, "attempts": 1} | changes)


async def test_a_message_counts_once_as_what_it_is_now(ledger: Any) -> None:
    new = in_hand(ledger)
    minute = NOW - NOW % MINUTE
    await accept(ledger, new)
    await rolled(ledger)
    assert await sums(ledger) == {(minute, "telco", "waiting", ""): 1}
    sent = moved(new, "sent", NOW + 40)
    await do(ledger, Moves, moves=[sent])
    await rolled(ledger)
    assert await sums(ledger) == {(minute, "telco", "sent", ""): 1}
    failed = moved(sent.message, "undelivered", NOW + DAY, failure="unreachable", failure_code="absent", owner=None)
    await do(ledger, Moves, moves=[failed])
    await rolled(ledger)
    assert await sums(ledger) == {(minute, "telco", "undelivered", "absent"): 1}
    correction = moved(failed.message, "delivered", NOW + 2 * DAY, failure=None, failure_code=None)
    await do(ledger, Moves, moves=[correction])
    await rolled(ledger)
    for grain in GRAINS:
        assert await sums(ledger, grain) == {(NOW - NOW % grain, "telco", "delivered", ""): 1}
    times = await ledger.fetch(
        "SELECT what, slot, count FROM rollup_times WHERE grain = 60000 AND cut = 1 AND count <> 0"
    )
    assert sorted(times) == [("deliver", slot_of(2 * DAY - 40), 1), ("send", slot_of(40), 1)]


class Died(Exception):
    """Here the process would be gone."""


class Breaking:
    """A ledger whose cold transactions break off at a random statement, as if the process had died."""

    def __init__(self, ledger: Any, chance: random.Random) -> None:
        self._ledger, self._chance = ledger, chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    @asynccontextmanager
    async def transaction(self) -> Any:
        async with self._ledger.transaction() as transaction:
            execute, left = transaction.execute, self._chance.randrange(12)

            async def fragile(sql: str, *values: Any) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Died
                await execute(sql, *values)

            transaction.execute = fragile
            yield transaction


class Traffic:
    """Messages that go on at random: refused, tried again, delivered late, corrected, told to a webhook."""

    def __init__(self, ledger: Any, chance: random.Random) -> None:
        self.ledger, self.chance, self.now = ledger, chance, NOW
        self.messages: list[Any] = []
        ledger.subscribers = lambda environment, name, message: ((7, "endpoint:7"),) if name == "message.sent" else ()

    async def step(self) -> None:
        self.now += self.chance.randrange(20 * MINUTE)
        pick = self.chance.random()
        if pick < 0.4 or not self.messages:
            await self.accept()
        elif pick < 0.9:
            await self.go_on()
        else:
            await self.webhooks()

    async def accept(self) -> None:
        chance, new = self.chance, []
        for _ in range(chance.randrange(1, 6)):
            fields = {
                "accepted_at": self.now - chance.randrange(1_000),
                "due_at": self.now,
                "country": chance.choice(["DE", "GB"]),
                "network": chance.choice(["O2", "Vodafone", None]),
                "kind": chance.choice(["otp", "promotional"]),
                "connector": chance.choice(["telco", "spare"]),
                "sender": chance.choice(["Acme", None]),
                "segments": chance.randrange(1, 4),
                "price": chance.choice(["0.0075", "0.1", None]),
                "currency": "EUR",
                "client": chance.randrange(1, 3),
            }
            new.append(in_hand(self.ledger, **fields))
        await accept(self.ledger, *new)
        self.messages += new

    async def go_on(self) -> None:
        place = self.chance.randrange(len(self.messages))
        was = self.messages[place]
        states = {
            "sending": ["sent", "sent", "failed", "queued"],
            "queued": ["sent", "expired", "canceled"],
            "sent": ["delivered", "delivered", "undelivered", "expired"],
            "undelivered": ["delivered"],
            "expired": ["delivered"],
            "delivered": ["read"],
        }.get(was.state)
        if states is None:
            return
        state = self.chance.choice(states)
        bad = state in ("failed", "undelivered", "expired")
        changes: dict[str, Any] = {"failure": "unreachable" if bad else None, "failure_code": "absent" if bad else None}
        if state == "sent" and self.chance.random() < 0.3:
            changes |= {"price": "0.02", "currency": "USD", "billed_segments": 4}
        data = None
        if state == "queued":
            changes |= {"attempts": was.attempts + 1, "connector": "spare"}
            data = f'{{"attempt":1,"connector":"{was.connector}","failure":"transient","code":null}}'
        move = moved(was, state, self.now, data, **changes)
        await do(self.ledger, Moves, moves=[move])
        self.messages[place] = move.message

    async def webhooks(self) -> None:
        rows = await self.ledger.fetch(
            f"SELECT {', '.join(DELIVERY_COLUMNS)} FROM deliveries WHERE state = 'pending' ORDER BY id LIMIT 5"
        )
        results = [Delivery(*row) for row in rows]
        for result in results:
            result.tries, result.answered_at = result.tries + 1, self.now
            result.state = self.chance.choice(["done", "done", "failed", "pending"])
            result.next_at = self.now + 5_000
        if results:
            await do(self.ledger, Deliveries, results=results)


async def counted_by_hand(ledger: Any, grain: int) -> Counter[Any]:
    """The same from the messages, row by row."""
    rows = await ledger.fetch(
        "SELECT accepted_at, connector, state, failure_code, failure, price, currency, sent_at FROM messages"
    )
    found: Counter[Any] = Counter()
    for accepted_at, connector, state, code, failure, *_ in rows:
        shown = "waiting" if state in ("sending", "queued", "scheduled") else state
        found[accepted_at - accepted_at % grain, connector, shown, code or failure or ""] += 1
    return found


async def everything(ledger: Any) -> dict[str, list[Any]]:
    found = {}
    for table, column in (("rollups", "messages"), ("rollup_times", "count"), ("rollup_facts", "count")):
        found[table] = sorted(await ledger.fetch(f"SELECT * FROM {table} WHERE {column} <> 0"))
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_sums_are_what_a_count_gives(ledger: Any, seed: int) -> None:
    chance = random.Random(seed)
    traffic, breaking = Traffic(ledger, chance), Breaking(ledger, chance)
    for _ in range(120):
        await traffic.step()
        if chance.random() < 0.3:
            with suppress(Died):
                await rolling.roll(breaking, traffic.now, chance.choice([1, 3, 10, 4_000]))
    now = traffic.now + DAY
    await rolled(ledger, now)
    for grain in GRAINS:
        assert await sums(ledger, grain) == await counted_by_hand(ledger, grain)
    found = await checking.check(ledger, now)
    assert found.differences == []
    assert found.messages == len(traffic.messages)
    before = await everything(ledger)
    await checking.rebuild(ledger, now)
    assert await everything(ledger) == before


async def test_a_check_finds_what_is_wrong_and_a_rebuild_mends_it(ledger: Any) -> None:
    traffic = Traffic(ledger, random.Random(1))
    for _ in range(60):
        await traffic.step()
    now = traffic.now + DAY
    await rolled(ledger, now)
    right = await everything(ledger)
    for damage in (
        "UPDATE rollups SET messages = messages + 1 WHERE grain = 3600000 AND connector = 'telco'",
        "UPDATE rollup_times SET count = count + 1 WHERE grain = 86400000 AND what = 'send'",
        "UPDATE rollups SET cost = cost + 1 WHERE grain = 60000 AND cut = 2",
        "UPDATE counted SET state = 'read' WHERE state = 'delivered'",
        "DELETE FROM rollup_facts WHERE fact = 'attempt_failed'",
        "DELETE FROM rollup_facts WHERE fact = 'webhook_done'",
    ):
        async with ledger.transaction() as transaction:
            await transaction.execute(damage)
        assert (await checking.check(ledger, now)).differences, damage
        await checking.rebuild(ledger, now)
        assert (await checking.check(ledger, now)).differences == []
        assert await everything(ledger) == right


async def test_sums_by_minute_and_hour_are_forgotten_and_days_stay(ledger: Any) -> None:
    old = in_hand(ledger, accepted_at=NOW - 200 * DAY)
    await accept(ledger, old, in_hand(ledger))
    await rolled(ledger)
    await rolling.thin_out(ledger, NOW, 7, 100)
    assert {at for at, *_ in await sums(ledger)} == {NOW - NOW % MINUTE}
    assert len(await sums(ledger, DAY)) == 2
    late = moved(old, "sent", NOW)
    await do(ledger, Moves, moves=[late])
    await rolled(ledger)
    assert {at for at, *_ in await sums(ledger)} == {NOW - NOW % MINUTE}
    assert ((NOW - 200 * DAY) // DAY * DAY, "telco", "sent", "") in await sums(ledger, DAY)
    assert (await checking.check(ledger, NOW + DAY)).differences == []


async def test_measures_are_split_narrowed_and_told_over_time(ledger: Any) -> None:
    start = NOW // DAY * DAY
    made = [
        in_hand(ledger, accepted_at=start + HOUR * hour, due_at=start, country=country, price="0.05", currency="EUR")
        for hour, country in ((1, "DE"), (1, "DE"), (1, "GB"), (3, "DE"))
    ]
    await accept(ledger, *made)
    sent = [moved(one, "sent", one.accepted_at + 100) for one in made]
    await do(ledger, Moves, moves=sent)
    ends = ["delivered", "undelivered", "delivered", "delivered"]
    await do(
        ledger,
        Moves,
        moves=[moved(m.message, end, m.message.sent_at + 900) for m, end in zip(sent, ends, strict=True)],
    )
    await rolled(ledger)
    names = ("messages", "delivery_rate", "cost", "cost_per_delivered", "time_to_send_p50")
    ask = Ask(**WHO, measures=names, start=start, end=start + 4 * HOUR, by=("country",))
    found = await series(ledger, ask, HOUR)
    assert [line.group for line in found.lines] == [{"country": "DE"}, {"country": "GB"}]
    assert found.lines[0].values["messages"] == [0, 2, 0, 1]
    assert found.lines[0].values["delivery_rate"] == [None, 0.5, None, 1.0]
    assert found.lines[0].values["cost"] == [{}, {"EUR": "0.10"}, {}, {"EUR": "0.05"}]
    assert found.lines[0].values["cost_per_delivered"] == [{}, {"EUR": "0.10"}, {}, {"EUR": "0.05"}]
    assert found.lines[0].values["time_to_send_p50"] == [None, 125, None, 125]
    whole = await totals(ledger, Ask(**WHO, measures=names, start=start + 1, end=start + 4 * HOUR))
    assert [line.values["messages"] for line in whole.lines] == [[4]]
    narrowed = Ask(**WHO, measures=("messages",), start=start, end=start + DAY, where={"country": ("GB", "FR")})
    assert (await totals(ledger, narrowed)).lines[0].values == {"messages": [1]}
    other = Ask(workspace=2, environment=1, measures=("messages",), start=start, end=start + DAY)
    assert (await totals(ledger, other)).lines[0].values == {"messages": [0]}
    few = await totals(
        ledger, Ask(**WHO, measures=("messages",), start=start, end=start + DAY, by=("country",), groups=1)
    )
    assert [(line.group["country"], line.values["messages"][0]) for line in few.lines] == [("DE", 3), ("(others)", 1)]


async def test_networks_are_told_apart_in_counts_and_what_happened(ledger: Any) -> None:
    start = NOW // DAY * DAY
    made = [in_hand(ledger, accepted_at=start, due_at=start, country="GB", network=name) for name in ("O2", "O2", None)]
    await accept(ledger, *made)
    sent = [moved(one, "sent", start + 100) for one in made]
    await do(ledger, Moves, moves=sent)
    await do(ledger, Moves, moves=[moved(sent[0].message, "delivered", start + 900)])
    async with ledger.transaction() as transaction:
        number = NewEvent("inbound.received", start, '{"from":"+447712345678"}', told=False)
        await transaction.record(1, 1, [number])
    await rolled(ledger)
    names = ("messages", "delivered", "inbound")
    found = await totals(ledger, Ask(**WHO, measures=names, start=start, end=start + DAY, by=("country", "network")))
    assert [(line.group, *(line.values[name][0] for name in names)) for line in found.lines] == [
        ({"country": "GB", "network": "O2"}, 2, 1, 1),
        ({"country": "GB", "network": ""}, 1, 0, 0),
    ]
    only = Ask(**WHO, measures=("sent",), start=start, end=start + DAY, where={"network": ("O2",)})
    assert (await totals(ledger, only)).lines[0].values == {"sent": [1]}
    assert (await checking.check(ledger, start + DAY)).differences == []


async def test_carriers_are_compared_where_they_carried_the_same(ledger: Any) -> None:
    start = NOW // DAY * DAY
    for connector, price, ends in (("telco", "0.05", "delivered"), ("spare", "0.03", "delivered")):
        for country in ("DE", "GB") if connector == "telco" else ("DE",):
            fields = {"accepted_at": start, "sent_at": start + 50, "final_at": start + 900, "owner": None}
            fields |= {"state": ends, "connector": connector, "price": price, "currency": "EUR", "country": country}
            await accept(ledger, *(message(ledger, **fields) for _ in range(3)))
    await rolled(ledger)
    ask = Ask(**WHO, measures=(), start=start, end=start + DAY)
    (only,) = await outlook.compare(ledger, ask)
    assert (only.country, only.kind) == ("DE", "transactional")
    assert [one.connector for one in only.carriers] == ["spare", "telco"]
    assert only.carriers[0].values["cost_per_delivered"] == {"EUR": "0.03"}


async def test_a_month_is_told_by_what_it_was_and_what_is_usual(ledger: Any) -> None:
    today = 1_700_438_400_000  # a Monday, the 20th of November
    for days in range(1, 29):
        at = today - days * DAY
        fields = {"accepted_at": at, "sent_at": at, "final_at": at, "owner": None, "state": "delivered"}
        await accept(ledger, message(ledger, **fields, price="1", currency="EUR"))
    await rolled(ledger)
    found = await outlook.month(ledger, 1, 1, today + HOUR, is_live=True)
    (euro,) = found.data
    assert (found.since[:10], found.until[:10]) == ("2023-11-01", "2023-12-01")
    assert (euro.spent, euro.expected, euro.low, euro.rental, euro.total) == (
        "19.00",
        "30.00",
        "30.00",
        "0.00",
        "30.00",
    )
