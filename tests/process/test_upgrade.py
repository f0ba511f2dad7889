"""A ledger that the first release has written, served by this one: everything in it can still be read and used."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import apsw
import pytest

from heliograph.core import ids
from heliograph.core.signing import secret_from
from heliograph.engine import secrets
from heliograph.engine.clients.keys import fingerprint, make_key
from heliograph.store import migrate
from heliograph.store.migrate import Migratable
from heliograph.store.postgres import PostgresMigratable
from heliograph.store.postgres.connection import connect
from heliograph.store.sqlite.connection import SqliteMigratable
from tests.process.database import database
from tests.process.server import Api, Server
from tests.process.sink import Sink

HOUR_MS = 3_600_000
MASTER_KEY = base64.b64encode(b"m" * 32).decode()
SAID_NO = "+447700900777"
OLD_ID = 1  # of the message that has arrived, and of the phone's answer to it


class Old:
    """What the first release left behind."""

    def __init__(self, sink: str) -> None:
        self.now = time.time_ns() // 1_000_000
        self.key = make_key("test")
        vault = secrets.load({secrets.VARIABLE: MASTER_KEY}, Path())
        self._secret = vault.seal(secret_from(b"s" * 32).encode())
        self._sink = sink

    async def write(self, target: Migratable, engine: str) -> None:
        await migrate.up(target, engine, to=1)
        then = self.now - HOUR_MS
        await self._insert(target, "workspaces", id=1, name="default", created_at=then)
        for number, name in ((1, "live"), (2, "test")):
            place = {"id": number, "workspace": 1, "name": name, "mode": name}
            await self._insert(target, "environments", **place, callback_secret=self._secret, created_at=then)
        await self._insert(
            *(target, "clients"),
            id=1,
            workspace=1,
            environment=2,
            name="old",
            key_id=self.key.id,
            secret_hash=fingerprint(self.key.text),
            scopes=json.dumps(["admin"]),
            created_at=then,
        )
        endpoint = {"url": self._sink, "environment": "test", "events": ["*"], "secret": self._secret}
        declared = {"workspace": 1, "position": 0, "created_at": then, "updated_at": then}
        for number, kind, name, spec in (
            (1, "connector", "play", {"kind": "sandbox", "answer_delay_ms": 1, "receipt_delay_ms": 1}),
            (2, "route", "all", {"match": {}, "via": ["play"]}),
            (3, "endpoint", "orders", endpoint),
        ):
            row = {"id": number, "kind": kind, "name": name, "spec": json.dumps(spec)}
            await self._insert(target, "declared", **row, **declared)
        await self._insert(target, "decisions", id=1, trace="[]")
        await self._message(target, OLD_ID, "Has arrived", state="delivered", sent_at=then, final_at=then)
        await self._message(target, 2, "Still waits", state="queued", attempts=0, owner=0)
        for kind in ("accepted", "queued", "sent", "delivered"):
            await self._event(target, OLD_ID, f"message.{kind}")
        await self._insert(
            *(target, "inbound"),
            id=1,
            workspace=1,
            environment=2,
            connector="play",
            from_number="+447700900123",
            to_number="60606",
            text="Thank you",
            at=then,
        )
        no = {"workspace": 1, "number": SAID_NO, "at": then}
        await self._insert(target, "consents", id=1, action="opt_out", source="sms", **no)
        await self._insert(target, "suppressions", consent=1, **no)
        await self._insert(
            *(target, "audit"),
            workspace=1,
            at=then,
            actor="cli:old",
            action="key.created",
            object="key:old",
        )
        if engine == "postgres":  # as the processes of then took their numbers
            for name in ("message_ids", "decision_ids", "inbound_ids"):
                await target.rows(f"SELECT nextval('{name}')")
            for table in ("workspaces", "environments", "clients", "declared", "consents"):
                await target.rows(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")

    async def _message(self, target: Migratable, number: int, text: str, **more: Any) -> None:
        then = self.now - HOUR_MS
        fixed = {
            "workspace": 1,
            "environment": 2,
            "client": 1,
            "to_number": "+447700900123",
            "country": "GB",
            "kind": "transactional",
            "lane": 1,
            "text": text,
            "encoding": "gsm7",
            "segments": 1,
            "accepted_at": then,
            "updated_at": then,
            "due_at": then,
            "valid_until": self.now + 24 * HOUR_MS,
            "connector": "play",
            "plan": '["play"]',
            "attempts": 1,
            "decision": 1,
            "correlation_id": "order 7",
        }
        await self._insert(target, "messages", id=number, **(fixed | more))

    async def _event(self, target: Migratable, message: int, kind: str) -> None:
        place = {"workspace": 1, "environment": 2, "message": message}
        await self._insert(target, "events", **place, type=kind, at=self.now - HOUR_MS)

    async def _insert(self, target: Migratable, table: str, **row: Any) -> None:
        places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        await target.rows(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


async def write_sqlite(old: Old, file: Path) -> None:
    file.parent.mkdir(mode=0o700)
    connection = apsw.Connection(str(file))
    await old.write(SqliteMigratable(connection), "sqlite")
    connection.close()


async def write_postgres(old: Old, url: str) -> None:
    connection = await connect(url)
    await old.write(PostgresMigratable(connection), "postgres")
    await connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Old, Server, Sink]]:
    """The old ledger, served."""
    engine: AbstractContextManager[str] = database() if request.param == "postgres" else nullcontext("")
    with engine as url, Sink() as sink:
        old = Old(sink.url)
        store = f'[store]\nurl = "{url}"\n' if url else ""
        environ = {secrets.VARIABLE: MASTER_KEY}
        server = Server(tmp_path, f'{store}[webhooks]\nallow_networks = ["127.0.0.0/8"]\n', environ=environ)
        work = write_postgres(old, url) if url else write_sqlite(old, server.data_dir / "heliograph.db")
        asyncio.run(work)
        with server:
            yield old, server, sink


def test_what_the_first_release_wrote_is_read_and_finished(upgraded: tuple[Old, Server, Sink]) -> None:
    old, server, sink = upgraded
    api = Api(server, old.key.text)
    arrived = ids.make("msg", old.now - HOUR_MS, OLD_ID)
    shown = api("GET", f"/v1/messages/{arrived}").json()
    assert (shown["status"], shown["text"], shown["correlation_id"]) == ("delivered", "Has arrived", "order 7")
    told = [event["type"] for event in api("GET", f"/v1/messages/{arrived}/events").json()["data"]]
    assert told == [f"message.{kind}" for kind in ("accepted", "queued", "sent", "delivered")]
    waits = ids.make("msg", old.now - HOUR_MS, 2)
    assert api.until(waits, "delivered")["text"] == "Still waits"
    heard = sink.until(lambda heard: any(one.event["type"] == "message.delivered" for one in heard))
    assert {one.event["data"]["id"] for one in heard} == {waits}
    (inbound,) = api("GET", "/v1/inbound").json()["data"]
    assert (inbound["from"], inbound["text"]) == ("+447700900123", "Thank you")
    refused = api("POST", "/v1/messages", {"to": SAID_NO, "text": "Hello"})
    assert (refused.status_code, refused.json()["code"]) == (422, "opted_out")
    new = api.send(text="New")
    assert api.until(new["id"], "delivered")["connector"] == "play"
    assert {one["id"] for one in api("GET", "/v1/messages").json()["data"]} == {arrived, waits, new["id"]}
    assert server.run("audit", "verify")["intact"] is True
    actions = [one["action"] for one in api("GET", "/v1/audit").json()["data"]]
    assert "key.created" in actions
