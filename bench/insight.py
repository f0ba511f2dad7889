"""What keeping the sums costs: CPU for each message in the writer, with states, receipts and a webhook each.

python -m bench.insight
"""

import asyncio
import itertools
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

from heliograph.core.message import Message
from heliograph.engine.insight import rolling
from heliograph.engine.insight.reading import Ask, series
from heliograph.store.port import Accept, AttemptRow, Move, Moves, NewEvent
from heliograph.store.sqlite import SqliteLedger

_MESSAGES = 40_000
_AT_ONCE = 200
_NOW = 1_700_000_000_000
_TODAY = _NOW // rolling.DAY * rolling.DAY
_STORED = 10_000_000
_TOLD = ("message.delivered", "message.undelivered")


async def _do(ledger: SqliteLedger, cls: Any, **fields: Any) -> None:
    future = asyncio.get_running_loop().create_future()
    ledger.add(cls(done=future.set_result, **fields))
    await future


def _message(number: int) -> Message:
    fields: dict[str, Any] = dict.fromkeys(Message.__struct_fields__)
    at = _NOW + number * 2
    return Message(
        **fields
        | {
            "id": number,
            "workspace": 1,
            "environment": 1,
            "client": 1 + number % 3,
            "accepted_at": at,
            "to": f"+4917{number:08}",
            "country": ("DE", "GB", "FR", "US")[number % 4],
            "network": ("Vodafone", "Telco One", "O2", "")[number // 4 % 4] or None,
            "kind": ("otp", "transactional", "promotional")[number % 3],
            "lane": 1,
            "sender": "Acme",
            "text": "Your parcel is on its way and will be with you tomorrow.",
            "encoding": "GSM-7",
            "segments": 1,
            "state": "sending",
            "updated_at": at,
            "due_at": at,
            "valid_until": at + 86_400_000,
            "connector": ("telco", "spare")[number % 2],
            "plan": '["telco","spare"]',
            "attempts": 1,
            "owner": 1,
            "decision": 1,
            "possible_duplicate": 0,
            "price": "0.0075",
            "currency": "EUR",
        }
    )


async def _fill(ledger: SqliteLedger) -> None:
    for start in range(0, _MESSAGES, _AT_ONCE):
        messages = [_message(ledger.next_id("message")) for _ in range(start, start + _AT_ONCE)]
        await _do(ledger, Accept, messages=messages)
        sent = []
        for m in messages:
            m.state, m.sent_at = "sent", m.accepted_at + 40 + m.id % 300
            part = AttemptRow(
                *(m.id, 1, 1, m.connector, "accepted", f"c{m.id}", None, None, None, m.sent_at, m.sent_at, None)
            )
            facts = f'{{"attempt":1,"connector":"{m.connector}"}}'
            sent.append(Move(m, "sending", (NewEvent("message.sent", m.sent_at, facts),), (part,)))
        await _do(ledger, Moves, moves=sent)
        ends = []
        for m in messages:
            m.state = "delivered" if m.id % 10 else "undelivered"
            m.final_at, m.owner = (m.sent_at or 0) + 900 + m.id % 5_000, None
            m.failure, m.failure_code = (None, None) if m.id % 10 else ("unreachable", "absent")
            ends.append(Move(m, "sent", (NewEvent(f"message.{m.state}", m.final_at),)))
        await _do(ledger, Moves, moves=ends)


async def _write(folder: Path) -> None:
    ledger = await _opened(folder / "heliograph.db")
    ledger.subscribers = lambda environment, name, message: ((7, "endpoint:7"),) if name in _TOLD else ()
    await _fill(ledger)
    held: list[float] = []
    spent, in_thread = 0.0, ledger._in_thread

    async def timed(do: Callable[[], Any]) -> Any:
        def job() -> Any:
            nonlocal spent
            began = time.thread_time()
            try:
                return do()
            finally:
                spent += time.thread_time() - began

        return await in_thread(job)

    ledger._in_thread = timed  # type: ignore[method-assign, assignment]
    await rolling.roll(ledger, _NOW, 1_000)
    for size in (1_000, 2_000, 3_000, 4_000):
        held.clear()
        cpu, rounds = time.process_time(), 24_000 // size
        for _ in range(rounds):
            spent = 0.0
            await rolling.roll(ledger, _NOW, size)
            held.append(spent)
        cpu = time.process_time() - cpu
        print(
            f"stretches of {size} events: {cpu / rounds / size * 4e6:.1f} µs CPU a message; "
            f"the writer's thread works {statistics.median(held) * 1000:.1f} ms on one, at most {max(held) * 1000:.1f}"
        )
    await ledger.close()


# -- reading


def _places() -> list[tuple[tuple[Any, ...], float]]:
    countries = {"DE": 30, "GB": 20, "FR": 15, "US": 15, "ES": 8, "IT": 6, "PL": 3, "NL": 3}
    kinds = {"otp": 30, "transactional": 40, "support": 5, "promotional": 25}
    networks = {"Vodafone": 4, "Telco One": 3, "O2": 2, "": 1}
    ways = itertools.product(countries, networks, kinds, {"telco": 4, "spare": 1}.items(), (1, 2, 3))
    return [
        (
            (country, network, kind, connector, "Acme", "", 0, client),
            countries[country] * networks[network] * kinds[kind] * share,
        )
        for country, network, kind, (connector, share), client in ways
    ]


def _rows(grain: int, days: int, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    places = _places()
    whole = sum(weight for _, weight in places)
    a_bucket = _STORED / 100 * grain / rolling.DAY
    for at in range(_TODAY - days * rolling.DAY, _TODAY, grain):
        for place, weight in places:
            count = a_bucket * weight / whole
            some = int(count) + (chance.random() < count % 1)
            for state, code, number in (("delivered", "", some - some // 20), ("undelivered", "absent", some // 20)):
                if number:
                    values = (number, number, 0, 0, 0, number, number, number * 750_000, 0)
                    yield (grain, rolling.FULL, 1, 1, at, *place, state, code, "EUR", *values)


def _cut(connection: apsw.Connection) -> None:
    sums = ", ".join(f"SUM({name})" for name in rolling.SUMS)
    for cut, ways in ((rolling.WAYS, "country, '', kind, connector"), (rolling.WHOLE, "'', '', '', ''")):
        connection.execute(
            f"INSERT INTO rollups SELECT grain, {cut}, workspace, environment, at, {ways}, '', '', 0, 0, state, code, "
            f"currency, {sums} FROM rollups WHERE cut = 0 GROUP BY grain, workspace, environment, at, {ways}, state, "
            "code, currency"
        )
    for what, slots in (("send", range(6, 14)), ("deliver", range(10, 20))):
        for slot in slots:
            connection.execute(
                "INSERT INTO rollup_times SELECT DISTINCT grain, cut, workspace, environment, at, country, kind, "
                f"connector, '{what}', {slot}, 3 FROM rollups WHERE cut > 0 AND (grain > 60000 OR cut = 2)"
            )


async def _read(folder: Path) -> None:
    path = folder / "heliograph.db"
    await (await _opened(path)).close()
    connection, chance = apsw.Connection(str(path)), random.Random(1)
    with connection:
        for grain, days in ((rolling.DAY, 100), (rolling.HOUR, 100), (rolling.MINUTE, 7)):
            connection.executemany(f"INSERT INTO rollups VALUES ({', '.join('?' * 25)})", _rows(grain, days, chance))
        _cut(connection)
    connection.close()
    ledger = await _opened(path)
    rates, times = ("messages", "delivered", "delivery_rate"), ("time_to_send_p95", "time_to_deliver_p95")
    for name, measures, by, days, step in (
        ("24 hours by 5 minutes", rates, (), 1, 300_000),
        ("7 days by hour and country", rates, ("country",), 7, rolling.HOUR),
        ("7 days by hour and network", rates, ("network",), 7, rolling.HOUR),
        ("7 days by hour and sender", rates, ("sender",), 7, rolling.HOUR),
        ("30 days by hour", rates, (), 30, rolling.HOUR),
        ("100 days by day and country", rates, ("country",), 100, rolling.DAY),
        ("cost of 30 days by day and connector", ("cost", "cost_per_delivered"), ("connector",), 30, rolling.DAY),
        ("times of 24 hours by 5 minutes", times, (), 1, 300_000),
        ("times of 7 days by hour", times, (), 7, rolling.HOUR),
        ("times of 30 days by day and connector", times, ("connector",), 30, rolling.DAY),
    ):
        ask = Ask(workspace=1, environment=1, measures=measures, by=by, start=_TODAY - days * rolling.DAY, end=_TODAY)
        took = []
        for _ in range(6):
            began = time.perf_counter()
            await series(ledger, ask, step)
            took.append(time.perf_counter() - began)
        print(f"{name}: {statistics.median(took[1:]) * 1000:.0f} ms (the first time {took[0] * 1000:.0f})")
    await ledger.close()


async def _opened(path: Path) -> SqliteLedger:
    return await SqliteLedger.open(path, now_ms=lambda: _NOW, report=print, serving=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run((_read if "--read" in sys.argv else _write)(Path(made)))
