"""The SMPP door: who is bound, and how events reach accounts.

An account's receipts and messages are deliveries like those of webhooks, to the address `smpp://<account>`: kept in the
ledger, tried again, replayable, and due at once when the account binds. Here such a delivery becomes deliver_sm.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from heliograph.api.context import Context
from heliograph.api.smpp import reports
from heliograph.api.smpp.connection import Connection, Done, decoded
from heliograph.api.smpp.parts import Parts
from heliograph.core import ids
from heliograph.core.failures import Refusal
from heliograph.engine import accounts
from heliograph.engine.clients import Client
from heliograph.ports import NOT_HERE, Answer, Unavailable, WebClient, WebTarget
from heliograph.smpp.codec import Pdu
from heliograph.store.port import HIDDEN_MS

_TICK_S: Final = 0.5
_LOOK_EVERY: Final = 20  # ticks between looks at who may still be here
_BINDS_MAX: Final = 20  # of one account
_CONNECTIONS_MAX: Final = 2_000
_BIND_FAILED: Final = 0x0D
_ALREADY_BOUND: Final = 0x05


@dataclass
class Place:
    """An account as a place where events go."""

    origin: str
    account: int


@dataclass
class Delivered:
    """What an account said to a delivery, in the form of a web server's answer."""

    status: int
    reason: str
    detail: str = ""
    body: bytes = b""
    latency_ms: int = 0
    retry_after: float | None = None


class SmppDoor:
    """Listens, and knows who is bound."""

    def __init__(self, context: Context, reopen: Callable[[str], None], *, system_id: str = "heliograph") -> None:
        self.context = context
        self.parts = Parts(context.ledger)
        self.system_id = system_id
        self._reopen = reopen
        self._connections: set[Connection] = set()
        self._bound: dict[int, list[Connection]] = {}  # by account
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- life

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, host, port, ssl=tls)
        self._soon(self._run())

    async def stop(self, grace_s: float) -> None:
        """Nobody new; unbind everybody, and give them a moment to answer."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.close()
        end = self.context.clock.monotonic() + min(grace_s, 5.0)
        while self._connections and self.context.clock.monotonic() < end:
            await asyncio.sleep(0.02)
        for connection in list(self._connections):
            connection.abort()
        for task in list(self._tasks):
            task.cancel()

    def _connect(self) -> Connection:
        connection = Connection(self)
        self._connections.add(connection)
        if len(self._connections) > _CONNECTIONS_MAX:
            asyncio.get_running_loop().call_soon(connection.abort)
        return connection

    async def _run(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(_TICK_S)
            ticks += 1
            for connection in list(self._connections):
                connection.tick()
            if ticks % _LOOK_EVERY == 0:
                with suppress(Unavailable):
                    await self._look()

    async def _look(self) -> None:
        """Keys that ended end their binds; long messages that will not become whole go as they are."""
        bound = [one for connections in self._bound.values() for one in connections]
        for client in {one.client.id: one.client for one in bound if one.client is not None}.values():
            if not await self.context.clients.still(client):
                for connection in bound:
                    if connection.client == client:
                        connection.close()
        now = self.context.clock.now_ms()
        for key, request in await self.parts.overdue(now):
            for connection in self._bound.get(key[0], ())[:1]:
                if await connection.accept_whole(request, key, now) is not None:
                    await self.parts.forget(key)

    def _soon(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- who is there

    async def enter(self, connection: Connection, pdu: Pdu) -> Client | int:
        fields = pdu.fields
        try:
            found = await self.context.clients.authenticate_smpp(
                fields["system_id"], fields["password"], connection.address
            )
        except Unavailable:
            return 0x08
        if isinstance(found, Refusal):
            self.context.refused(found.code)
            self.context.log.info("smpp_bind_refused", system_id=fields["system_id"][:15], code=found.code)
            return _BIND_FAILED
        if found.smpp is None or len(self._bound.get(found.account, ())) >= _BINDS_MAX:
            return _ALREADY_BOUND
        return found

    def bound(self, connection: Connection) -> None:
        client = connection.client
        assert client is not None
        self._bound.setdefault(client.account, []).append(connection)
        if connection.session.may_deliver:
            self._soon(self._catch_up(client))
            if not self._is_known(client):
                self._soon(self._read_again())  # a key that was made a moment ago

    def gone(self, connection: Connection) -> None:
        self._connections.discard(connection)
        client = connection.client
        if client is not None and connection in self._bound.get(client.account, ()):
            self._bound[client.account].remove(connection)
            if not self._bound[client.account]:
                del self._bound[client.account]

    def _is_known(self, client: Client) -> bool:
        """Does whoever takes messages from phones know of all that this account hears?"""
        if client.smpp is None or not accounts.may_hear(client.smpp, client.scopes):
            return True
        realm = self.context.snapshot().realms.get(client.environment)
        return realm is not None and any(one.account == client.account for one in realm.hearers)

    async def _read_again(self) -> None:
        with suppress(Unavailable):
            await self.context.reload()

    async def _catch_up(self, client: Client) -> None:
        """What waited for this account is due now; what is just on its way by another bind is left to that."""
        target = accounts.target(client.environment, client.account)
        now = self.context.clock.now_ms()
        with suppress(Unavailable):
            async with self.context.ledger.transaction() as transaction:
                await transaction.execute(
                    "UPDATE deliveries SET next_at = $2 WHERE target = $1 AND state = 'pending' AND next_at > $3",
                    *(target, now, now + HIDDEN_MS),
                )
        self._reopen(target)
        self.context.look()

    # -- events out

    def is_bound(self, account: int) -> bool:
        """May something be delivered to it here and now?"""
        return any(one.may_deliver for one in self._bound.get(account, ()))

    def deliver(self, account: int, body: bytes, done: Callable[[Answer], None]) -> None:
        """Bring events to an account; `done` once it has taken all of them, or did not."""
        self._soon(self._deliver(account, body, done))

    async def _deliver(self, account: int, body: bytes, done: Callable[[Answer], None]) -> None:
        began = self.context.clock.monotonic()
        try:
            bad = await self._bring(account, body)
        except Unavailable:
            done(Delivered(0, "ledger_unavailable"))
        except ValueError as error:  # such as an address that SMPP has no room for
            done(Delivered(0, "unwritable", str(error)))
        except _Gone:
            done(Delivered(0, NOT_HERE, "the account is not bound to receive"))
        else:
            latency = round((self.context.clock.monotonic() - began) * 1000)
            if bad == 0:
                done(Delivered(200, "ok", latency_ms=latency))
            elif bad is None:
                done(Delivered(0, "timeout", "no deliver_sm_resp in time", latency_ms=latency))
            else:
                done(Delivered(503, "ok", f"the account answered with status 0x{bad:08X}", latency_ms=latency))

    async def _bring(self, account: int, body: bytes) -> int | None:
        """The first answer that was not good, or 0; None: there was none in time."""
        events = decoded(body)
        places = [ids.parse("msg", event["data"]["id"]) for event in events]
        of_parts = await self.parts.asking([place[1] for place in places if place is not None])
        for event, place in zip(events, places, strict=True):
            connection = min(
                (one for one in self._bound.get(account, ()) if one.may_deliver),
                key=lambda one: one.session.in_flight,
                default=None,
            )
            if connection is None:
                raise _Gone
            for pdu in _pdus(connection, event, of_parts.get(place[1]) if place is not None else None):
                if not connection.may_deliver:
                    raise _Gone
                status = await self._asked(connection, pdu)
                if status != 0:
                    return status
        return 0

    async def _asked(self, connection: Connection, pdu: Pdu) -> int | None:
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        done: Done = lambda status: None if future.done() else future.set_result(status)  # noqa: E731
        connection.deliver(pdu, done)
        return await future


class _Gone(Exception):
    """The account is no longer bound here."""


def _pdus(
    connection: Connection, event: dict[str, Any], parts: Sequence[tuple[str, frozenset[str]]] | None
) -> list[Pdu]:
    """What an event is to an account: a receipt for each part that asked for it, or a message from a phone."""
    client, data, takes_tlvs = connection.client, event["data"], connection.session.takes_tlvs
    assert client is not None and client.smpp is not None
    if event["type"] == "inbound.received":
        return reports.message(data, client.smpp.long_messages if takes_tlvs else "udh")
    names = [data["id"]] if parts is None else [name for name, asked in parts if event["type"] in asked]
    return [reports.receipt(data, name, event["created_at"], with_tlvs=takes_tlvs) for name in names]


class WithAccounts:
    """Customers' web servers, and accounts that are bound here: where events go."""

    def __init__(self, web: WebClient) -> None:
        self._web = web
        self.door: SmppDoor | None = None

    def target(self, url: str) -> WebTarget | None:
        account = accounts.account_at(url)
        return self._web.target(url) if account is None else Place(url, account)

    def is_here(self, url: str) -> bool:
        account = accounts.account_at(url)
        return self._web.is_here(url) if account is None else self.door is not None and self.door.is_bound(account)

    def post(
        self, target: WebTarget, headers: bytes, body: bytes, timeout_s: float, done: Callable[[Answer], None]
    ) -> None:
        if not isinstance(target, Place):
            self._web.post(target, headers, body, timeout_s, done)
        elif self.door is not None:
            self.door.deliver(target.account, body, done)
        else:
            answer = Delivered(0, NOT_HERE, "no SMPP server runs in this process")
            asyncio.get_running_loop().call_soon(done, answer)

    def get(self, target: WebTarget, headers: bytes, timeout_s: float, done: Callable[[Answer], None]) -> None:
        self._web.get(target, headers, timeout_s, done)
