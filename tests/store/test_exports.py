"""Exports on both engines, and those that are made again and again: to a folder and to a bucket of a real S3 server."""

import asyncio
import csv
import io
import json
import os
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from heliograph.core.sigv4 import Credentials
from heliograph.engine import declare
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.exports.exporting import Asked, export
from heliograph.engine.exports.places import Bucket, Folder, NotKept
from heliograph.engine.exports.schedule import ExportDesk, scheduled
from heliograph.engine.form import Tools
from heliograph.engine.streams.progress import forget_gone
from heliograph.outgoing.pool import Pool
from heliograph.store.port import Move, Moves, NewEvent
from tests.store.making import NOW, Time, accept, do, message

pytestmark = pytest.mark.asyncio

HOUR, DAY = 3_600_000, 86_400_000
MIDNIGHT = NOW - NOW % DAY
TOOLS = Tools(lambda kind, spec: None, lambda url: None, lambda: "", lambda text: f"sealed:{text}", lambda text: text)
LIVE = "SELECT id FROM environments WHERE workspace = 1 AND name = 'live'"


class Watch:
    def __init__(self) -> None:
        self.notes: list[dict[str, object]] = []

    def note(self, what: str, **facts: object) -> None:
        self.notes.append({"what": what, **facts})

    def defect(self, error: BaseException) -> None:
        raise error


class Clock:
    def __init__(self, time: Time) -> None:
        self._time = time

    def now_ms(self) -> int:
        return self._time.ms


@pytest_asyncio.fixture
async def live(ledger: Any) -> int:
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    return int((await ledger.fetch(LIVE))[0][0])


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    """An S3 server that we did not write."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(storage: str) -> Any:
    made = boto3.resource(
        "s3", endpoint_url=storage, aws_access_key_id="key", aws_secret_access_key="secret", region_name="eu-west-1"
    ).Bucket("exports-of-ours")
    made.create(CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield made
    made.objects.all().delete()
    made.delete()


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[Pool]:
    import ipaddress

    made = Pool(asyncio.get_running_loop(), allow_networks=[ipaddress.ip_network("127.0.0.0/8")])
    yield made
    made.close()


def desk(ledger: Any, time: Time, folder: Path, watch: Watch | None = None, call: Any = None) -> ExportDesk:
    unsealed = lambda text: text.removeprefix("sealed:")  # noqa: E731
    return ExportDesk(ledger, Clock(time), watch or Watch(), call, unsealed, folder, lambda result: None)  # type: ignore[arg-type]


async def declared(ledger: Any, at: int, **spec: Any) -> None:
    await declare.apply(ledger, {"exports": {"daily": spec}}, TOOLS, actor="test", now=at)


async def work(desk: ExportDesk) -> None:
    await desk.renew()
    await desk.make()


def rows(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_text(), newline="")))


async def gathered(ledger: Any, asked: Asked) -> bytes:
    return b"".join([piece async for piece in export(ledger, asked)])


async def test_every_kind_of_row_can_be_written_in_every_format(ledger: Any, live: int) -> None:
    await accept(ledger, *(message(ledger, environment=live) for _ in range(3)))
    for what in ("messages", "attempts", "events", "inbound", "consents", "conversions", "deliveries"):
        for form in ("csv", "jsonl", "parquet"):
            asked = Asked(workspace=1, environment=live, what=what, format=form, since=0, until=NOW + 1)
            assert isinstance(await gathered(ledger, asked), bytes)
    asked = Asked(workspace=1, environment=live, what="messages", format="jsonl", filters={"status": "queued"})
    assert len((await gathered(ledger, asked)).splitlines()) == 3


async def test_a_period_is_written_once_it_is_over(ledger: Any, live: int, time: Time, tmp_path: Path) -> None:
    await declared(ledger, MIDNIGHT + HOUR, what="messages", folder="reports", wait_minutes=30)
    await accept(
        ledger,
        message(ledger, environment=live, accepted_at=MIDNIGHT),
        message(ledger, environment=live, accepted_at=MIDNIGHT + DAY - 1),
        message(ledger, environment=live, accepted_at=MIDNIGHT + DAY),
    )
    exports = desk(ledger, time, tmp_path)
    folder = tmp_path / "exports" / "default" / "reports" / "daily"
    time.ms = MIDNIGHT + DAY + 29 * 60_000
    await work(exports)
    assert not folder.exists()
    time.ms += 60_000
    await work(exports)
    assert [file.name for file in folder.iterdir()] == ["messages-2023-11-14.csv"]
    assert len(rows(folder / "messages-2023-11-14.csv")) == 2
    shown = (await scheduled(ledger, 1))[0]
    assert (shown.done_until, shown.last_object) == ("2023-11-15T00:00:00.000Z", "daily/messages-2023-11-14.csv")
    before = (folder / "messages-2023-11-14.csv").stat().st_mtime_ns
    await work(exports)
    assert (folder / "messages-2023-11-14.csv").stat().st_mtime_ns == before


async def test_what_was_missed_is_caught_up(ledger: Any, live: int, time: Time, tmp_path: Path) -> None:
    await declared(ledger, MIDNIGHT, what="messages", format="jsonl", every="hour", folder="h")
    await accept(ledger, message(ledger, environment=live, accepted_at=MIDNIGHT + 2 * HOUR))
    time.ms = MIDNIGHT + 5 * HOUR
    await work(desk(ledger, time, tmp_path))
    files = sorted((tmp_path / "exports/default/h/daily").iterdir())
    assert [file.name for file in files] == [f"messages-2023-11-14T0{hour}.jsonl" for hour in range(4)]
    assert [len(file.read_text().splitlines()) for file in files] == [0, 0, 1, 0]


async def test_only_one_process_makes_an_export(open_postgres: Any, time: Time, tmp_path: Path) -> None:
    ledger, other = await open_postgres(), await open_postgres()
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    ledger.process, other.process = 11, 12
    await declared(ledger, MIDNIGHT, what="messages", every="hour", folder="h")
    time.ms = MIDNIGHT + 2 * HOUR
    first, second = desk(ledger, time, tmp_path / "first"), desk(other, time, tmp_path / "second")
    await work(first)
    await work(second)
    assert (tmp_path / "first/exports").exists()
    assert not (tmp_path / "second/exports").exists()
    time.ms += 60_000  # the first is gone; its lease has ended
    await second.renew()
    time.ms += HOUR
    await work(second)
    assert [file.name for file in (tmp_path / "second/exports/default/h/daily").iterdir()] == [
        "messages-2023-11-14T01.csv",
    ]


async def test_events_that_tell_of_an_earlier_time_are_in_the_next_export(
    ledger: Any, live: int, time: Time, tmp_path: Path
) -> None:
    """A receipt may come days late, and says when the phone had it."""
    await declared(ledger, MIDNIGHT, what="events", format="jsonl", every="hour", folder="e")
    exports = desk(ledger, time, tmp_path)
    time.ms = MIDNIGHT + 1
    await work(exports)
    one = message(ledger, environment=live, state="sent")
    await accept(ledger, one)
    time.ms = MIDNIGHT + HOUR + 6 * 60_000
    await work(exports)
    one.state = "delivered"
    late = NewEvent("message.delivered", MIDNIGHT + 60_000)
    await do(ledger, Moves, moves=[Move(one, "sent", (late,))])
    time.ms += HOUR
    await work(exports)
    folder = tmp_path / "exports/default/e/daily"
    told = [[json.loads(line)["type"] for line in file.read_text().splitlines()] for file in sorted(folder.iterdir())]
    assert (told[0][0], told[1:]) == ("message.accepted", [["message.delivered"]])


async def test_a_failure_is_shown_and_tried_again(ledger: Any, live: int, time: Time, tmp_path: Path) -> None:
    await declared(ledger, MIDNIGHT, what="messages", every="hour", folder="h")
    (tmp_path / "exports").write_text("in the way")
    watch = Watch()
    exports = desk(ledger, time, tmp_path, watch)
    time.ms = MIDNIGHT + 2 * HOUR
    await work(exports)
    assert [note["what"] for note in watch.notes] == ["export_failed"]
    assert "exports" in str((await scheduled(ledger, 1))[0].error)
    (tmp_path / "exports").unlink()
    await work(exports)  # not at once again
    assert not (tmp_path / "exports").exists()
    time.ms += 60_001
    await work(exports)
    assert (tmp_path / "exports/default/h/daily/messages-2023-11-14T00.csv").exists()
    assert (await scheduled(ledger, 1))[0].error is None


async def test_one_that_is_gone_begins_anew_when_it_comes_back(
    ledger: Any, live: int, time: Time, tmp_path: Path
) -> None:
    await declared(ledger, MIDNIGHT, what="messages", every="hour", folder="h")
    time.ms = MIDNIGHT + 2 * HOUR
    await work(desk(ledger, time, tmp_path))
    await forget_gone(ledger)
    assert (await scheduled(ledger, 1))[0].done_until is not None
    await declare.remove(ledger, 1, "export", "daily", actor="test", now=1)
    await forget_gone(ledger)
    assert await ledger.fetch("SELECT 1 FROM export_progress") == []


async def test_a_bucket_gets_it_under_its_name(
    ledger: Any, live: int, time: Time, tmp_path: Path, storage: str, bucket: Any, pool: Pool
) -> None:
    await accept(ledger, message(ledger, environment=live, accepted_at=MIDNIGHT))
    to = {"bucket": bucket.name, "s3_url": storage, "region": "eu-west-1", "prefix": "sms/live"}
    await declared(ledger, MIDNIGHT, what="messages", format="parquet", **to, access_key_id="key", secret="secret")
    kept = await ledger.fetch("SELECT spec FROM declared WHERE kind = 'export'")
    assert '"secret":"sealed:secret"' in kept[0][0]
    time.ms = MIDNIGHT + DAY + HOUR
    await work(desk(ledger, time, tmp_path, call=pool.call))
    found = list(bucket.objects.all())
    assert [one.key for one in found] == ["sms/live/daily/messages-2023-11-14.parquet"]
    assert found[0].get()["Body"].read()[:4] == b"PAR1"
    assert list((tmp_path / "exports/.uploads").iterdir()) == []


async def pieces(count: int, size: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 251]) * size


def keeper(storage: str, pool: Pool, folder: Path, name: str = "exports-of-ours", key: str = "secret") -> Bucket:
    credentials = Credentials("key", key, "eu-west-1", "s3")
    return Bucket(pool.call, storage, name, credentials, lambda: NOW, folder, part_bytes=5 * 1_048_576)


@pytest.mark.parametrize("megabytes", [4, 5, 11])
async def test_a_large_object_goes_in_parts(
    storage: str, bucket: Any, pool: Pool, tmp_path: Path, megabytes: int
) -> None:
    await keeper(storage, pool, tmp_path).keep("a/large one.csv", pieces(megabytes, 1_048_576))
    whole = b"".join([piece async for piece in pieces(megabytes, 1_048_576)])
    assert bucket.Object("a/large one.csv").get()["Body"].read() == whole


async def test_a_bucket_that_is_not_there_is_told(storage: str, pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="the storage answered 404 NoSuchBucket"):
        await keeper(storage, pool, tmp_path, "no-such-bucket").keep("one.csv", pieces(1, 10))
    with pytest.raises(NotKept, match="no answer"):
        await keeper("http://127.0.0.1:9", pool, tmp_path).keep("one.csv", pieces(1, 10))
    assert os.listdir(tmp_path) == []


async def test_what_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise NotKept("the ledger is gone")

    place = Folder(tmp_path)
    await place.keep("a/one.csv", pieces(1, 10))
    with pytest.raises(NotKept):
        await place.keep("a/one.csv", broken())
    assert (tmp_path / "a/one.csv").read_bytes() == bytes(10)


async def test_a_large_export_takes_the_memory_of_a_page(ledger: Any, live: int, engine: str) -> None:
    await accept(ledger, *(message(ledger, environment=live) for _ in range(1_000)))
    columns = "workspace, environment, client, accepted_at, to_number, country, kind, lane, encoding, segments, state"
    columns += ", updated_at, due_at, valid_until, connector, plan, attempts, decision"
    async with ledger.transaction() as transaction:
        for power in range(3):
            await transaction.execute(
                f"INSERT INTO messages (id, {columns}) SELECT id + $1, {columns} FROM messages", 10_000_000 << power
            )

    async def peak(until_id: int) -> tuple[int, int]:
        asked = Asked(workspace=1, environment=live, what="messages", format="csv")
        tracemalloc.start()
        lines = 0
        async for piece in export(ledger, asked):
            lines += piece.count(b"\r\n")
            if lines >= until_id:
                break
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return lines, found

    few, little = await peak(1_000)
    many, much = await peak(1 << 40)
    assert (few < 2_000, many) == (True, 8_001)
    assert much < 1.5 * little
