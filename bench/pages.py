"""How long the console's pages and the API's lists take with a million messages stored, and how much they send.

`python -m bench.pages [--messages 1000000] [--keep FOLDER] [--store sqlite|postgres|URL]`. A ledger with a quarter of
a year is filled and its sums are made; then an owner walks through the console: every entry of the navigation, and by
the links found there one page of each kind and one of each filter. Each is asked for several times; what counts is the
time in the middle, from the request to the last byte. Ends with 1 when something takes longer, or sends more, than it
may.
"""

import argparse
import asyncio
import itertools
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from html import unescape
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from bench import history, ledger
from bench.gateway import Gateway, cpu_s, descendants
from heliograph import process, settings
from heliograph.api.site import ROUTES
from heliograph.console import site
from heliograph.engine.insight import rolling

MOST_MS: Final = 200
MOST_BYTES: Final = 250_000
_TIMES: Final = 5
_LINKS: Final = 12  # of one page that differ in what they ask for
_STRETCH: Final = 50_000
_EMAIL, _PASSWORD = "owner@example.com", "seven lamps of brass"
_LINK: Final = re.compile(r'(?:href|data-src|data-live)="([^"]+)"')
_ASSET: Final = re.compile(r'(?:src|href)="(/[^"]+\.(?:js|css|svg|png|woff2)[^"]*)"')
_FORMS: Final = (  # what is typed, not linked
    "/console/messages?q=%2B447400000001",
    "/console/messages?q=00000001",
    "/console/messages?q=blocked",
    "/console/messages?q=parcel",
    "/console/messages?q=spring",
    "/console/messages?q=nowhere",
    "/console/messages?state=expired&country=PT&since=30d",
    "/console/contacts?q=%2B447400000001",
    "/console/contacts?q=nowhere",
    "/console/conversations?q=%2B447400000001",
    "/console/verify/list?q=%2B447400000001",
)
_QUESTIONS: Final = (  # beside the routes as they are, without a question
    "/v1/messages?status=failed",
    "/v1/messages?status=expired",
    "/v1/messages?country=PT",
    "/v1/messages?to=%2B447400000001",
    "/v1/messages?tag=spring",
    "/v1/verifications?status=failed",
    "/v1/verifications?to=%2B447400000001",
    "/v1/verify/statistics?since={quarter}",
    f"/v1/campaigns/{history.CAMPAIGN}/progress",
    "/v1/insights?measures=messages,delivery_rate&by=country&from={quarter}",
    "/v1/insights?measures=messages,delivery_rate&by=country&step=1d&from={quarter}",
    "/v1/insights?measures=time_to_deliver_p95&by=country,kind&step=1d&from={quarter}",
    "/v1/insights?measures=time_to_deliver_p95&by=country,kind&step=1h&from={week}",
    "/v1/insights?measures=messages,cost&by=sender&step=1h&from={week}",
    "/v1/costs?from={quarter}",
    "/v1/costs/comparison?from={quarter}",
)


class Took(NamedTuple):
    """One place: the shortest time, the one in the middle and the longest, in ms, and the CPU that one request takes of
    the gateway and of a database that was started for it; and the bytes on the wire."""

    place: str
    status: int
    shortest_ms: float
    middle_ms: float
    longest_ms: float
    cpu_ms: float
    sent: int

    @property
    def is_over(self) -> bool:
        return self.status >= 500 or self.middle_ms > MOST_MS or self.sent > MOST_BYTES

    def __str__(self) -> str:
        times = " ".join(f"{ms:7.0f}" for ms in (self.shortest_ms, self.middle_ms, self.longest_ms, self.cpu_ms))
        return f"{times} {self.sent / 1000:7.1f} {self.status:4} {'OVER ' if self.is_over else ''}{self.place}"


class Visitor:
    """Somebody with a browser's cookies, or an application with a key."""

    def __init__(self, url: str, cpu: Callable[[], float]) -> None:
        self._url = url
        self._cpu = cpu  # seconds
        self._assets: dict[str, int] = {}
        self.session = requests.Session()

    def log_in(self) -> None:
        found = self.session.post(
            f"{self._url}/v1/session", json={"email": _EMAIL, "password": _PASSWORD, "workspace": "default"}
        )
        found.raise_for_status()

    def ask(self, place: str) -> requests.Response:
        return self.session.get(self._url + place, allow_redirects=False, timeout=120)

    def time(self, place: str) -> tuple[Took, str]:
        took, cpu = [], self._cpu()
        for _ in range(_TIMES):
            began = time.perf_counter()
            answer = self.ask(place)
            took.append((time.perf_counter() - began) * 1000)
        cpu = (self._cpu() - cpu) * 1000 / _TIMES
        text = answer.text if answer.headers.get("content-type", "").startswith("text/html") else ""
        sent = self._wire(answer) + sum(map(self._asset, set(_ASSET.findall(text))))
        times = min(took), statistics.median(took), max(took)
        return Took(place, answer.status_code, *times, cpu, sent), text

    def _wire(self, answer: requests.Response) -> int:
        return int(answer.headers.get("content-length") or len(answer.content))

    def _asset(self, place: str) -> int:
        if place not in self._assets:
            self._assets[place] = self._wire(self.ask(unescape(place)))
        return self._assets[place]


def _kind(place: str) -> tuple[str, str, frozenset[str]] | None:
    """Which page it is, and what it is asked for beside that: one of each is enough."""
    parts = urlsplit(place)
    if not site.is_here(parts.path):
        return None
    page, _, _ = site.find("GET", parts.path)
    if page is None or page.path.endswith(".csv"):
        return None
    asked = parse_qsl(parts.query)
    return (
        page.path,
        "",
        frozenset(f"{name}={value}" if len(value) < 12 and name != "cursor" else name for name, value in asked),
    )


def _walk(visitor: Visitor) -> Iterator[Took]:
    entries = [page.path for page in site.PAGES if page.entry is not None]
    waiting, seen = [*entries, *_FORMS], set[Any]()
    number: dict[str, int] = {}
    while waiting:
        place = waiting.pop(0)
        kind = _kind(place)
        if kind is None or kind in seen or number.get(kind[0], 0) >= _LINKS + 1:
            continue
        seen.add(kind)
        number[kind[0]] = number.get(kind[0], 0) + 1
        took, text = visitor.time(place)
        yield took
        waiting += [
            urlsplit(urljoin(place, unescape(link)))._replace(fragment="").geturl() for link in _LINK.findall(text)
        ]


def _api(visitor: Visitor) -> Iterator[Took]:
    now = int(time.time())
    times = {"quarter": _moment(now - 89 * 86_400), "week": _moment(now - 7 * 86_400)}
    plain = sorted({route.path for route in ROUTES if route.method == "GET" and "{" not in route.path})
    for place in (*plain, *_QUESTIONS):
        yield visitor.time(place.format(**times))[0]


def _moment(at: int) -> str:
    return time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(at))


async def _sum(folder: Path) -> None:
    opened = await process.open_ledger(settings.load(folder / "heliograph.toml", os.environ, folder / "data"))
    now = int(time.time() * 1000)
    while await rolling.roll(opened, now, _STRETCH):
        pass
    await opened.close()


def prepare(gateway: Gateway, count: int) -> None:
    """The ledger, an owner who may see everything, a key that may, too."""
    began = time.monotonic()
    with gateway.running():
        gateway.run("keys", "create", "--name", "shop", "--environment", "live", "--scope", "messages:send")
        link = gateway.run(
            "users", "invite", _EMAIL, "--name", "Owner", "--role", "live:owner", "--role", "test:owner"
        )["link"]
        requests.post(link, {"password": _PASSWORD, "again": _PASSWORD}, timeout=20).raise_for_status()
    with ledger.opened(gateway.store) as opened:
        history.fill(opened, count, int(time.time() * 1000))
    print(f"filled after {time.monotonic() - began:.0f} s", file=sys.stderr)
    asyncio.run(_sum(gateway.folder))
    with ledger.opened(gateway.store):  # the sums are big now, and the engine knows it
        pass
    print(f"summed after {time.monotonic() - began:.0f} s", file=sys.stderr)


def measure(gateway: Gateway, database: int | None) -> list[Took]:
    with gateway.running() as pid:

        def cpu() -> float:
            return cpu_s([pid, *(descendants(database) if database else ())])

        url = f"http://127.0.0.1:{gateway.port}"
        owner, shop = Visitor(url, cpu), Visitor(url, cpu)
        owner.log_in()
        key = gateway.run("keys", "create", "--name", "look", "--environment", "live", "--scope", "admin")["key"]
        shop.session.headers["Authorization"] = f"Bearer {key}"
        time.sleep(2)  # what every start does at once is over
        found = []
        for one in itertools.chain(_walk(owner), _api(shop)):
            print(one, flush=True)
            found.append(one)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder that keeps the ledger, and is used again when it has one")
    parser.add_argument("--store", default="sqlite", help="sqlite, postgres (started for it), or an empty one's URL")
    asked = parser.parse_args()
    with nullcontext(asked.keep) if asked.keep else tempfile.TemporaryDirectory(prefix="hg-bench-") as name:
        folder = Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        with _store(asked.store, folder) as (url, database):
            is_new = not (folder / "data").exists()
            gateway = Gateway(folder, store=url, bundle=1)
            if is_new:
                prepare(gateway, asked.messages)
            print(f"{'least':>7} {'middle':>7} {'most':>7} {'CPU':>7} {'kB':>7}")
            over = [one for one in measure(gateway, database) if one.is_over]
    print(f"{len(over)} over {MOST_MS} ms, {MOST_BYTES // 1000} kB, or refused")
    sys.exit(1 if over else 0)


@contextmanager
def _store(asked: str, folder: Path) -> Iterator[tuple[str, int | None]]:
    """The URL of the ledger, empty for the folder's own SQLite; and the process of a database of our own."""
    if asked != "postgres":
        yield "" if asked == "sqlite" else asked, None
        return
    is_new = not (folder / "postgres").exists()
    with ledger.server(folder / "postgres", cleanup="stop") as server:
        if is_new:
            server.psql("CREATE DATABASE heliograph;")
        yield server.get_uri("heliograph"), server.get_pid()


if __name__ == "__main__":
    main()
