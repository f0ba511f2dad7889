"""Servers that take events, which we did not write: NATS, RabbitMQ, and librdkafka's Kafka.

Each runs as a plain process on ports of its own, and keeps what it has over a restart. The Kafka here is the cluster
that librdkafka brings to test clients: its own code of the whole protocol, in memory, but no broker of Apache; it can't
be stopped and started.
"""

import asyncio
import glob
import json
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import aio_pika
import nats
from standardwebhooks import Webhook

from tests.process.server import free_port
from tests.process.sink import Heard, Sink

BATCH_SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_RABBIT = (glob.glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server") or [None])[0]
_NATS = shutil.which("nats-server") or shutil.which("nats-server", path=_SBIN)


class Got(NamedTuple):
    id: str
    key: str
    type: str
    body: dict[str, Any]


class Broker(ABC):
    """One server; `spec` is how a stream is declared that goes to it."""

    missing: str | None = None  # why it can't run here
    can_stop = True
    spec: dict[str, Any]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.got: list[Got] = []

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def read(self) -> list[Got]:
        """What has come since the last time."""

    def until(self, ids: set[str], within_s: float = 30.0) -> list[Got]:
        """All that came, once these did."""
        end = time.monotonic() + within_s
        while not ids <= {one.id for one in self.got}:
            assert time.monotonic() < end, f"{len(ids - {one.id for one in self.got})} events did not come"
            self.got += self.read()
            time.sleep(0.05)
        return self.got


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path, within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < end, log.read_text(errors="replace")[-3_000:]
            time.sleep(0.05)


class Nats(Broker):
    missing = None if _NATS else "nats-server is missing: apt install nats-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self.spec = {
            "kind": "nats",
            "servers": [f"127.0.0.1:{self._port}"],
            "subject": "sms",
            "token": "env:NATS_TOKEN",
        }
        self._last = 0

    def start(self) -> None:
        log = self.folder / "nats.log"
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self._port}"\nauthorization {{ token: "secret" }}\n'
            f'jetstream {{ store_dir: "{self.folder}/js" }}\n'
        )
        with log.open("ab") as out:
            self._process = subprocess.Popen([str(_NATS), "-c", str(config)], stdout=out, stderr=out)
        _wait_for_port(self._port, self._process, log)
        asyncio.run(self._make())

    async def _connected(self) -> Any:
        return await nats.connect(f"nats://secret@127.0.0.1:{self._port}")

    async def _make(self) -> None:
        client = await self._connected()
        await client.jetstream().add_stream(name="SMS", subjects=["sms.>"])
        await client.close()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)

    def read(self) -> list[Got]:
        return asyncio.run(self._read())

    async def _read(self) -> list[Got]:
        client = await self._connected()
        stream, found = client.jetstream(), []
        last = (await stream.stream_info("SMS")).state.last_seq
        while self._last < last:
            self._last += 1
            one = await stream.get_msg("SMS", self._last)
            assert one.headers and one.data is not None and one.subject
            headers = one.headers
            kind = one.subject.removeprefix("sms.")
            found.append(Got(headers["Nats-Msg-Id"], headers["Heliograph-Key"], kind, json.loads(one.data)))
        await client.close()
        return found


class Rabbit(Broker):
    missing = None if _RABBIT else "rabbitmq-server is missing: apt install rabbitmq-server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port, self._distribution, self._epmd = free_port(), free_port(), free_port()
        self.spec = {
            "kind": "rabbitmq",
            "servers": [f"127.0.0.1:{self._port}"],
            "exchange": "events",
            "username": "guest",
            "password": "guest",
        }
        self._made = False
        self._environ = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"heliograph{self._port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }

    def start(self) -> None:
        log = self.folder / "rabbit.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen([str(_RABBIT)], stdout=out, stderr=out, env=self._environ)
        _wait_for_port(self._port, self._process, log)
        asyncio.run(self._make())

    async def _connected(self) -> Any:
        return await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{self._port}/")

    async def _make(self) -> None:
        connection = await self._connected()
        channel = await connection.channel()
        exchange = await channel.declare_exchange("events", "topic", durable=True)
        queue = await channel.declare_queue("sms", durable=True)
        await queue.bind(exchange, "message.#")
        await connection.close()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        subprocess.run(["epmd", "-port", str(self._epmd), "-kill"], capture_output=True, env=self._environ, check=False)

    def read(self) -> list[Got]:
        return asyncio.run(self._read())

    async def _read(self) -> list[Got]:
        connection = await self._connected()
        queue = await (await connection.channel()).get_queue("sms")
        found = []
        while (one := await queue.get(fail=False, no_ack=True)) is not None:
            assert one.message_id and one.type and one.delivery_mode == 2
            found.append(Got(one.message_id, str(one.headers["key"]), one.type, json.loads(one.body)))
        await connection.close()
        return found


class Kafka(Broker):
    missing = None if find_spec("confluent_kafka") else "confluent-kafka is missing: pip install confluent-kafka"
    can_stop = False

    def start(self) -> None:
        client = import_module("confluent_kafka")
        # A client that is asked for it holds a cluster of its own.
        self._cluster = client.Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "unused:1", "log_level": 0})
        servers = [f"{one.host}:{one.port}" for one in self._cluster.list_topics(timeout=20).brokers.values()]
        self.spec = {"kind": "kafka", "servers": servers, "topic": "sms.events"}
        self._consumer = client.Consumer(
            {
                "bootstrap.servers": ",".join(servers),
                "group.id": "test",
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        self._consumer.subscribe(["sms.events"])

    def stop(self) -> None:
        self._consumer.close()
        del self._cluster

    def read(self) -> list[Got]:
        found = []
        while (one := self._consumer.poll(0.5)) is not None:
            if one.error() is None:
                headers = dict(one.headers())
                key = one.key().decode()
                found.append(Got(headers["id"].decode(), key, headers["type"].decode(), json.loads(one.value())))
        return found


class Webhooks(Broker):
    """Our own receiver of batches; each is checked by a library that knows the convention."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.status = 500
        self.sink = Sink(self._answer)
        self.sink.__enter__()
        self.spec = {"kind": "webhook_batch", "url": f"{self.sink.url}/batches", "secret": "env:BATCH_SECRET"}
        self._seen = 0

    def _answer(self, heard: Heard) -> int:
        return self.status

    def start(self) -> None:
        self.status = 200

    def stop(self) -> None:
        self.status = 500

    def read(self) -> list[Got]:
        """What was posted while it answered 200 and, as servers do, also some of what it refused."""
        heard, self._seen = self.sink.heard[self._seen :], len(self.sink.heard)
        for one in heard:
            Webhook(BATCH_SECRET).verify(one.body, one.headers)
        return [_posted(event) for one in heard for event in one.event["events"]]


def _posted(event: dict[str, Any]) -> Got:
    return Got(event["id"], event["data"].get("id", event["id"]), event["type"], event)


BROKERS: dict[str, type[Broker]] = {"nats": Nats, "rabbitmq": Rabbit, "kafka": Kafka, "webhook_batch": Webhooks}
