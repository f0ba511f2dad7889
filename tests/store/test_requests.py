"""The request log on both engines: written in batches behind the answers, bounded, gone in its time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio

from heliograph.core.failures import Refusal
from heliograph.engine import retention
from heliograph.engine.clients import Client, Clients, create_key
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.requests import reading
from heliograph.engine.requests.log import Asked, RequestLog
from heliograph.engine.requests.reading import LoggedRequest, Narrowed
from heliograph.engine.retention import Retention
from heliograph.ports import Unavailable
from tests.store.making import NOW, count

pytestmark = pytest.mark.asyncio

DAY = 86_400_000
SEND = Asked("POST", "/v1/messages", "/v1/messages")
WRONG = [Refusal("missing_field", "text is missing", "/text")]


class Came(NamedTuple):
    """A request, answered."""

    asked: Asked = SEND
    now: int = NOW
    refusals: Sequence[Refusal] = ()
    request_id: bytes = b"req_1"
    user_agent: bytes | None = b"shop/1"
    size: int = 10
    key: bytes | None = None


@pytest_asyncio.fixture
async def ledger(open_ledger: Callable[[], Awaitable[Any]]) -> Any:
    opened = await open_ledger()
    await ensure_defaults(opened, lambda secret: secret, now=NOW)
    return opened


async def client(ledger: Any, name: str = "shop", environment: str = "test") -> Client:
    made = await create_key(ledger, environment=environment, name=name, actor="tests")
    found = await Clients(ledger, lambda: NOW).authenticate_slow(f"Bearer {made.key}".encode(), "127.0.0.1")
    assert isinstance(found, Client)
    return found


def log_of(ledger: Any, keep: int = 100) -> tuple[RequestLog, list[int]]:
    """A log, and what it told of being dropped."""
    dropped: list[int] = []
    return RequestLog(ledger, keep, dropped.append), dropped


async def read(ledger: Any, who: Client, limit: int = 200, **narrowed: Any) -> list[LoggedRequest]:
    found = await reading.entries(
        ledger, who.workspace, who.environment, Narrowed(**narrowed), cursor=None, limit=limit
    )
    return found[0]


async def test_what_is_noted_is_read_and_narrowed(ledger: Any) -> None:
    shop, other = await client(ledger), await client(ledger, "other")
    requests, _ = log_of(ledger)
    requests.note(shop, Came(), 202, 55, 3)
    requests.note(shop, Came(now=NOW + 1, refusals=WRONG, key=b"k"), 422, 99, 1)
    one = "msg_01m7zh2srye00bp55rfwv4x3ea"
    its = Asked("GET", "/v1/messages/{id}", f"/v1/messages/{one}", b"to=1")
    requests.note(other, Came(its, NOW + 2, request_id=b"trace-9", user_agent=None), 200, None, 2)
    assert await count(ledger, "requests") == 0, "nothing is written before its time"
    await requests.write()
    third, second, first = await read(ledger, shop)
    assert (first.key_name, first.status, first.bytes_in, first.bytes_out, first.took_ms) == ("shop", 202, 10, 55, 3)
    assert (second.code, second.errors, second.has_idempotency_key) == (
        *("missing_field", [reading.RequestError("/text", "missing_field")], True),
    )
    assert (third.path, third.query, third.bytes_out, third.user_agent) == (f"/v1/messages/{one}", ["to"], None, None)
    for narrowed, found in (
        ({"client": "shop"}, [second, first]),
        ({"client": other.key_id}, [third]),
        ({"statuses": (400, 499)}, [second]),
        ({"method": "GET"}, [third]),
        ({"path": "/v1/messages/msg"}, [third]),
        ({"path": "/v1/messages/{id}"}, [third]),
        ({"code": "missing_field"}, [second]),
        ({"request_id": "trace-9"}, [third]),
        ({"since": NOW + 1, "until": NOW + 2}, [second]),
    ):
        assert await read(ledger, shop, **narrowed) == found, narrowed


async def test_it_is_read_page_by_page_within_its_walls(ledger: Any) -> None:
    shop, live = await client(ledger), await client(ledger, environment="live")
    requests, _ = log_of(ledger)
    for number in range(5):
        requests.note(shop, Came(now=NOW + number), 202, 1, 1)
    requests.note(live, Came(), 202, 1, 1)
    await requests.write()
    assert len(await read(ledger, live)) == 1
    seen: list[LoggedRequest] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page, cursor = await reading.entries(
            *(ledger, shop.workspace, shop.environment, Narrowed()), cursor=cursor, limit=2
        )
        seen, pages = [*seen, *page], pages + 1
    assert (pages, seen) == (3, await read(ledger, shop))
    elsewhere = await reading.entries(ledger, shop.workspace + 1, shop.environment, Narrowed(), cursor=None, limit=9)
    assert elsewhere == ([], None)


async def test_good_answers_of_a_kind_are_a_few_rows_and_every_refusal_is_one(ledger: Any) -> None:
    shop = await client(ledger)
    requests, _ = log_of(ledger)
    for number in range(1_000):
        requests.note(shop, Came(now=NOW + number), 202, 1, number)
    for _ in range(50):
        requests.note(shop, Came(refusals=WRONG), 422, 1, 1)
    await requests.write()
    good, bad = await read(ledger, shop, statuses=(200, 299)), await read(ledger, shop, statuses=(422, 422))
    assert (len(good), sum(one.times for one in good), good[0].took_ms) == (5, 1_000, 999)
    assert [one.times for one in bad] == [1] * 50
    requests.note(shop, Came(), 202, 1, 1)
    await requests.write()
    assert len(await read(ledger, shop, statuses=(200, 299))) == 6, "another second, another row"


async def test_refusals_without_end_are_counted_too(ledger: Any) -> None:
    shop = await client(ledger)
    requests, _ = log_of(ledger, keep=500)
    for _ in range(1_000):
        requests.note(shop, Came(refusals=WRONG), 422, 1, 1)
    await requests.write()
    found = await read(ledger, shop)
    assert (len(found), sum(one.times for one in found)) == (100, 1_000)


async def test_an_environment_keeps_so_many_and_the_newest(ledger: Any) -> None:
    shop, live = await client(ledger), await client(ledger, environment="live")
    requests, _ = log_of(ledger, keep=7)
    requests.note(live, Came(), 202, 1, 1)
    for number in range(20):
        requests.note(shop, Came(now=NOW + number, refusals=WRONG), 422, 1, 1)
    await requests.write()
    kept = await ledger.fetch("SELECT at FROM requests WHERE environment = $1 ORDER BY id", shop.environment)
    assert [row[0] for row in kept] == [NOW + number for number in range(13, 20)]
    assert len(await read(ledger, live)) == 1


async def test_without_room_the_oldest_are_dropped_and_counted(ledger: Any) -> None:
    shop = await client(ledger)
    requests, dropped = log_of(ledger, keep=10_000)
    for number in range(2_005):
        requests.note(shop, Came(now=NOW + number, refusals=WRONG), 400 + number // 100, 1, 1)
    await requests.write()
    assert sum(dropped) == 5
    oldest = await ledger.fetch("SELECT min(at), count(*) FROM requests")
    assert oldest == [(NOW + 5, 2_000)]


class Sick:
    """A ledger that is away, or breaks, until it is `well`."""

    def __init__(self, ledger: Any, error: Exception) -> None:
        self.ledger, self.error, self.well = ledger, error, False

    async def briefly(self, do: Callable[[Any], Any]) -> Any:
        if not self.well:
            raise self.error
        return await self.ledger.briefly(do)


@pytest.mark.parametrize(("error", "kept", "lost"), [(Unavailable("gone"), 1, []), (ValueError("broken"), 0, [1])])
async def test_a_ledger_that_is_away_is_waited_for_and_what_breaks_it_is_let_go(
    ledger: Any, error: Exception, kept: int, lost: list[int]
) -> None:
    shop, sick = await client(ledger), Sick(ledger, error)
    requests, dropped = log_of(sick)
    requests.note(shop, Came(), 202, 1, 1)
    with pytest.raises(type(error)):
        await requests.write()
    sick.well = True
    await requests.write()
    assert (await count(ledger, "requests"), dropped) == (kept, lost)


async def test_who_stops_leaves_nothing_behind_and_writes_nothing_twice(ledger: Any) -> None:
    shop = await client(ledger)
    requests, _ = log_of(ledger)
    requests.note(shop, Came(), 202, 1, 1)
    running = asyncio.create_task(requests.run(raises))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await count(ledger, "requests") == 1


def raises(error: BaseException) -> None:
    raise error


async def test_people_and_a_log_that_is_off_note_nothing(ledger: Any) -> None:
    shop = await client(ledger)
    (on, _), (off, _) = log_of(ledger), log_of(ledger, keep=0)
    on.note(msgspec.structs.replace(shop, id=-1), Came(), 202, 1, 1)
    off.note(shop, Came(), 202, 1, 1)
    await on.write()
    await off.write()
    assert await count(ledger, "requests") == 0


async def test_it_goes_in_its_time_and_with_its_workspace(ledger: Any) -> None:
    shop = await client(ledger)
    requests, _ = log_of(ledger, keep=10_000)
    for number in range(701):
        at = NOW if number else NOW + 5 * DAY
        requests.note(shop, Came(now=at, refusals=WRONG), 400 + number // 100, 1, 1)
    await requests.write()
    await retention.clear(ledger, NOW + 8 * DAY, Retention(request_days=0))
    assert await count(ledger, "requests") == 701
    await retention.clear(ledger, NOW + 8 * DAY, Retention())
    assert await count(ledger, "requests") == 1
    async with ledger.transaction() as transaction:
        for table in ("clients", "environments"):
            await transaction.execute(f"DELETE FROM {table} WHERE workspace = $1", shop.workspace)
        await transaction.execute("DELETE FROM workspaces WHERE id = $1", shop.workspace)
    assert await count(ledger, "requests") == 0
