"""One bind of an application: what it submits becomes messages, what it is owed is delivered, the rest is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, cast

import msgspec

from heliograph.api.context import Context
from heliograph.api.smpp import requests
from heliograph.api.smpp.operations import serve
from heliograph.api.smpp.parts import Key, Parts
from heliograph.api.smpp.requests import Unreadable, octets_of, request_of, status_of, text_of
from heliograph.core.failures import Refusal
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.engine import accounts
from heliograph.engine.clients import Client
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.sending import left_out
from heliograph.ports import Unavailable
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import (
    DATA_SM,
    SUBMIT_SM,
)
from heliograph.smpp.parts import payload
from heliograph.smpp.session import Answered, Asked, Binding, Event, Over, Session, Silent, Timers

_WINDOW: Final = 100  # of what we deliver
_UNANSWERED_MAX: Final = 1_000  # submits that wait for us: then nothing more is read
_TIMERS: Final = Timers(bind=10.0, response=30.0, enquire=30.0, enquire_response=30.0)
_VERSION_5: Final = 0x50
_SYSTEM_ERROR: Final = 0x08
_MAY_NOT_SEND: Final = Refusal("missing_scope", "this account may not send", status=403)
_TOO_FAST: Final = Refusal("rate_limited", "too many messages a second", status=429)
Done = Callable[[int | None], None]  # a command_status; None: no answer


class Host(Protocol):
    """What a connection asks of the door."""

    context: Context
    parts: Parts
    system_id: str

    async def enter(self, connection: "Connection", pdu: Pdu) -> Client | int:
        """Who binds; or the status that refuses it."""
        ...

    def bound(self, connection: "Connection") -> None: ...

    def gone(self, connection: "Connection") -> None: ...


class Connection(asyncio.Protocol):
    """A socket with a session on it."""

    def __init__(self, host: Host) -> None:
        self.client: Client | None = None
        self.address = ""
        self._host = host
        self.parts = host.parts
        self.context = host.context
        self._monotonic = host.context.clock.monotonic
        self.session = Session(self._monotonic(), is_server=True, window=_WINDOW, timers=_TIMERS)
        self._transport: asyncio.Transport
        self._tasks: set[asyncio.Task[None]] = set()
        self._unanswered = 0
        self._is_reading = True

    # -- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""

    def data_received(self, data: bytes) -> None:
        self._handle(self.session.receive(data, self._monotonic()))

    def connection_lost(self, error: Exception | None) -> None:
        self._over(self.session.lost(str(error or "closed")))

    def tick(self) -> None:
        self._handle(self.session.tick(self._monotonic()))

    def flush(self) -> None:
        if (octets := self.session.output()) and not self._transport.is_closing():
            self._transport.write(octets)

    def close(self) -> None:
        """In order: the client is told; what it owes us may still come."""
        self.session.unbind(self._monotonic())
        self.flush()

    def abort(self) -> None:
        self._transport.abort()

    def _handle(self, events: Sequence[Event]) -> None:
        submits: list[Pdu] = []
        for event in events:
            if type(event) is Asked:
                if event.pdu.command in (SUBMIT_SM, DATA_SM):
                    submits.append(event.pdu)
                else:
                    self._soon(serve(self, event.pdu))
            elif type(event) is Answered:
                event.token(event.pdu.status)
            elif type(event) is Silent:
                event.token(None)
            elif type(event) is Binding:
                self._soon(self._enter(event.pdu))
            elif type(event) is Over:
                self._over(event)
                return
        if submits:
            self._submit(submits)
        self.flush()

    def _over(self, over: Over) -> None:
        self.flush()
        self._transport.close()
        for done in over.unanswered:
            done(None)
        self._host.gone(self)

    def _soon(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception as error:  # the edge of a request: the session lives on, the watch raises the alarm
            self.context.defect(error)
        self.flush()

    async def _enter(self, pdu: Pdu) -> None:
        found = await self._host.enter(self, pdu)
        now = self._monotonic()
        if isinstance(found, int):
            self._over(self.session.refuse(found, now))
            return
        self.client = found
        self.session.accept(self._host.system_id, now)
        self.flush()
        self._host.bound(self)

    # -- messages in

    def _submit(self, pdus: Sequence[Pdu]) -> None:
        """Decide each, keep all that may go in one commit, answer each once it is on disk."""
        now = self.context.clock.now_ms()
        asked: list[tuple[Pdu, MessageRequest]] = []
        for pdu in pdus:
            request = self._read(pdu, now)
            if request is None:
                continue
            if payload(pdu).part is not None:
                self._waits(1)
                self._soon(self._submit_part(pdu, request, now))
                continue
            asked.append((pdu, request))
        if not asked:
            return
        self._waits(len(asked))
        assert self.client is not None
        if self.client.environment in self.context.intake.lookups.environments:
            self._soon(self._look_up_and_decide(asked, now))
        else:
            self._decide(asked, now)

    async def _look_up_and_decide(self, asked: Sequence[tuple[Pdu, MessageRequest]], now: int) -> None:
        await self._prepare([request for _, request in asked], now)
        self._decide(asked, now)
        self.flush()

    async def _prepare(self, requests: Sequence[MessageRequest], now: int) -> None:
        client = self.client
        assert client is not None
        await self.context.intake.lookups.prepare(client.environment, client.default_country, requests, now)

    def _decide(self, asked: Sequence[tuple[Pdu, MessageRequest]], now: int) -> None:
        kept: list[tuple[Pdu, Draft]] = []
        for pdu, request in asked:
            draft = self.draft(request, now)
            if isinstance(draft, Refusal):
                self.refuse(pdu, draft)
            else:
                kept.append((pdu, draft))
        self._waits(len(kept) - len(asked))
        if kept:
            self._keep(kept)

    def _read(self, pdu: Pdu, now: int) -> MessageRequest | None:
        """What it asks for; None when it was refused."""
        if refusal := self.barred(1, now):
            self.refuse(pdu, refusal)
            return None
        try:
            request = request_of(pdu, text_of(pdu), now)
        except Unreadable as error:
            self.session.respond(pdu, error.status, tlvs=self.info("unreadable", str(error)))
            return None
        return request

    def barred(self, count: int, now: int) -> Refusal | None:
        """Why this account may not submit so many now."""
        client = self.client
        assert client is not None
        if not {"messages:send", "admin"} & client.scopes:
            return _MAY_NOT_SEND
        return None if self.context.limits.take(client, count, now)[0] else _TOO_FAST

    def draft(self, request: MessageRequest, now: int) -> Draft | Refusal:
        client = self.client
        assert client is not None
        caller = Caller(client.id, client.workspace, client.environment, client.default_country)
        draft = self.context.intake.draft(caller, request, now)
        if isinstance(draft, Draft) and request.callback_events:
            draft.message.callback_url = accounts.address(client.account)
        return draft

    def _keep(self, kept: Sequence[tuple[Pdu, Draft]]) -> None:
        def done(operation: Any) -> None:
            self._waits(-len(kept))
            for (pdu, _), message in zip(kept, operation.messages, strict=True):
                if operation.error is not None:
                    self.session.respond(pdu, _SYSTEM_ERROR)
                elif refusal := left_out(operation, message):
                    self.refuse(pdu, refusal)
                else:
                    self.session.respond(pdu, 0, {"message_id": message_id(message)})
            self.flush()

        self.context.intake.accept([draft for _, draft in kept], done)

    def _waits(self, more: int) -> None:
        """Who submits faster than we keep is read no further."""
        self._unanswered += more
        if self._is_reading and self._unanswered > _UNANSWERED_MAX:
            self._is_reading = False
            self._transport.pause_reading()
        elif not self._is_reading and self._unanswered < _UNANSWERED_MAX // 2 and not self._transport.is_closing():
            self._is_reading = True
            self._transport.resume_reading()

    async def _submit_part(self, pdu: Pdu, request: MessageRequest, now: int) -> None:
        part, client = payload(pdu).part, self.client
        assert part is not None and client is not None
        try:
            carrier_id, key = await self.parts.keep(client.account, request, octets_of(pdu), part, now)
            whole = await self.parts.whole(key)
            refusal = await self.accept_whole(whole, key, now) if whole is not None else None
        except Unavailable:
            self.session.respond(pdu, _SYSTEM_ERROR)
        else:
            if refusal is not None:
                self.refuse(pdu, refusal)
            else:
                self.session.respond(pdu, 0, {"message_id": carrier_id})
        finally:
            self._waits(-1)

    async def accept_whole(self, request: MessageRequest, key: Key, now: int) -> Refusal | None:
        """Keep a message whose parts are all there; why not, if not."""
        await self._prepare((request,), now)
        draft = self.draft(request, now)
        if isinstance(draft, Refusal):
            return draft
        number = draft.message.id = self.context.ledger.next_id("message")
        if not await self.parts.claim(key, number):  # another connection was faster
            return None
        operation = await self.kept(draft)
        if operation.error is not None:
            await self.parts.release(number)
            raise Unavailable
        if refusal := left_out(operation, operation.messages[0]):
            await self.parts.release(number)
            return refusal
        await self.parts.became(number)
        return None

    async def kept(self, *drafts: Draft) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.context.intake.accept(drafts, future.set_result)
        return await future

    def refuse(self, pdu: Pdu, refusal: Refusal) -> None:
        self.context.refused(refusal.code)
        self.session.respond(pdu, status_of(refusal), tlvs=self.info(refusal.code, refusal.detail))

    def info(self, code: str, detail: str) -> Any:
        """Why, for peers of 5.0; clients of 3.4 are known that stumble over any body in an error."""
        return requests.info(code, detail) if self.session.peer_version >= _VERSION_5 else None

    # -- messages out

    @property
    def may_deliver(self) -> bool:
        return self.session.may_deliver and self.session.room > 0

    def deliver(self, pdu: Pdu, done: Done) -> None:
        self.session.request(pdu, done, self._monotonic())
        self.flush()


def decoded(body: bytes) -> list[dict[str, Any]]:
    """The events of a webhook's body."""
    found = msgspec.json.decode(body, type=dict[str, Any])
    events: list[dict[str, Any]] = found.get("events", [found])
    return events
