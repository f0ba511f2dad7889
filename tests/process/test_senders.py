"""The rates of senders, in every window of one second at the message centre, whatever carries them."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from heliograph.engine.secrets import new_key
from tests.postgres import postgres_server, postgres_url
from tests.process.links import connector, number_of
from tests.process.server import Api, Server
from tests.process.smsc import Line, Smsc, most_in_a_second

__all__ = ["postgres_server", "postgres_url"]

RATE = 15
CONFIG = """
{store}
[[routes]]
name = "all"
via = ["one", "two"]
weights = [1, 1]
[senders."+447400123001"]
max_segments_per_second = 15
[senders."+447400123002"]
[senders."+447400123003"]
max_segments_per_day = 30
[policies.consent]
promotional = "no_opt_out"
[policies.quiet_hours]
kinds = []
"""
SLOW, FREE, SCARCE = "+447400123001", "+447400123002", "+447400123003"


def config(port: int, store: str = "") -> str:
    return CONFIG.format(store=store) + connector("one", port) + connector("two", port)


def send(api: Api, sender: str, count: int, kind: str, first: int) -> None:
    """Texts that name their sender, for that is what the message centre writes down."""
    messages = [
        {"to": number_of(first + place), "text": f"{sender} {kind}", "sender": sender, "kind": kind}
        for place in range(count)
    ]
    answer = api("POST", "/v1/messages/batch", {"messages": messages})
    assert answer.status_code == 202 and all("id" in one for one in answer.json()["data"]), answer.text


def of(lines: Sequence[Line], *words: str) -> list[float]:
    return sorted(line.at for line in lines if all(word in line.text for word in words))


def until(count: Callable[[], int], wanted: int, within_s: float) -> None:
    """Until so many have been taken by the carriers."""
    end = time.monotonic() + within_s
    while (found := count()) < wanted:
        assert time.monotonic() < end, f"{found} of {wanted} have gone"
        time.sleep(0.2)


_TAKEN = "SELECT count(*) FROM messages WHERE sent_at IS NOT NULL AND sender = "


def taken(server: Server, sender: str) -> Callable[[], int]:
    def count() -> int:
        ledger = sqlite3.connect(f"file:{server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
        try:
            return int(ledger.execute(f"{_TAKEN}?", (sender,)).fetchone()[0])
        finally:
            ledger.close()

    return count


def test_a_senders_rate_holds_over_connectors_and_nobody_waits_behind_it(tmp_path: Path) -> None:
    with Smsc(tmp_path) as centre, Server(tmp_path, config(centre.port)) as server:
        api = Api(server, server.key("messages:send", environment="live"))
        time.sleep(1.5)
        send(api, SLOW, 150, "promotional", 0)
        send(api, FREE, 50, "promotional", 1_000)
        send(api, SCARCE, 40, "promotional", 3_000)
        until(taken(server, FREE), 50, 5)
        assert taken(server, SLOW)() < 120, "bulk of the slow sender was not in their way"
        send(api, SLOW, 5, "otp", 2_000)
        until(taken(server, SLOW), 155, 40)
        until(taken(server, SCARCE), 30, 10)
        server.stop()
        server.start()
        time.sleep(5)
        server.stop()
        centre.stop()
        lines = centre.lines()
    slow = of(lines, SLOW)
    assert most_in_a_second(slow) <= RATE
    assert of(lines, SLOW, "otp")[-1] < of(lines, SLOW, "promotional")[-20], "codes go before bulk"
    assert slow[-1] - slow[0] < 2 * 155 / RATE, "and the rate is made use of"
    assert len({line.bind for line in lines if SLOW in line.text}) > 1
    assert len(of(lines, SCARCE)) == 30, "a day is a day, also after a restart"


def test_a_senders_rate_holds_over_processes(tmp_path: Path, postgres_url: str) -> None:
    servers: list[Server] = []
    with Smsc(tmp_path) as centre:
        text = config(centre.port, f'[store]\nurl = "{postgres_url}"')
        key = {"HELIOGRAPH_MASTER_KEY": new_key()}
        try:
            for place in range(3):
                home = tmp_path / str(place)
                home.mkdir()
                servers.append(Server(home, text, environ=key).start())
            asyncio.run(_give_away(postgres_url, "connector:two"))
            time.sleep(10)  # the new owner opens it at its next beat
            api = Api(servers[0], servers[0].key("messages:send", environment="live"))
            send(api, SLOW, 100, "promotional", 0)
            until(lambda: _fetch(postgres_url, f"{_TAKEN}$1", SLOW)[0], 100, 90)
            owners = _fetch(postgres_url, "SELECT owner FROM leases WHERE name IN ($1, $2)", *_LEASES)
        finally:
            for server in servers:
                server.stop()
        centre.stop()
        lines = centre.lines()
    assert len(set(owners)) == 2, "each connector has a process of its own"
    assert len({line.bind for line in lines}) > 1
    assert most_in_a_second(of(lines, SLOW)) <= RATE


async def _give_away(url: str, lease: str) -> None:
    """To the youngest process; its present owner finds it gone."""
    database = await asyncpg.connect(url)
    until_ms = int(time.time() * 1000) + 15_000
    await database.execute(
        "UPDATE leases SET owner = (SELECT max(id) FROM processes), until = $2 WHERE name = $1", lease, until_ms
    )
    await database.close()


def _fetch(url: str, sql: str, *values: object) -> list[Any]:
    async def fetch() -> list[Any]:
        database = await asyncpg.connect(url)
        rows = await database.fetch(sql, *values)
        await database.close()
        return [row[0] for row in rows]

    return asyncio.run(fetch())


_LEASES = ("connector:one", "connector:two")
