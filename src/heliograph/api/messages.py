"""POST /v1/messages and /v1/messages/batch: the doors that most traffic takes, as bare ASGI.

They read the request, ask who is calling, hand it to intake and answer when the commit is on disk. Everything else of
the API stands behind them in `http`.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.api.context import Context
from heliograph.api.problems import decode, problem
from heliograph.core.failures import Refusal
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.engine.clients import Client
from heliograph.engine.intake import Caller, Draft
from heliograph.store.port import Accept, Idempotency

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BATCH_LIMIT: Final = 10_000
_IDEMPOTENCY_MS: Final = 86_400_000
_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = (b"content-type", b"application/json")


class Accepted(msgspec.Struct, gc=False):
    """The answer to an accepted message."""

    id: str
    status: str
    to: str
    segments: int
    encoding: str
    country: str
    kind: str


class ItemProblem(msgspec.Struct, gc=False):
    """Why one item of a batch was not accepted."""

    status: str
    code: str
    detail: str
    pointer: str


class BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of POST /v1/messages/batch. `defaults` fills what an item leaves out."""

    messages: list[msgspec.Raw]
    defaults: msgspec.Raw | None = None
    all_or_none: bool = False


class Defaults(MessageRequest, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A message request in which nothing need be given."""

    to: str = ""


class BatchAnswer(msgspec.Struct, gc=False):
    """What became of a batch: an outcome for each item, in order, and when the last will probably be sent."""

    batch_id: str | None
    estimated_end: str | None
    data: list[Accepted | ItemProblem]


class Call:
    """One request on its way through a hot door: who calls, with which body, and how to answer."""

    __slots__ = ("_send", "body", "client", "context", "headers", "key", "now", "request_id")

    def __init__(self, context: Context, send: Send) -> None:
        self.context = context
        self._send = send
        self.now = context.clock.now_ms()
        self.headers: list[tuple[bytes, bytes]] = [_JSON]
        self.key: str | None = None
        self.request_id = b""
        self.body = b""
        self.client: Client

    async def open(self, scope: Scope, receive: Receive, permission: str) -> Refusal | None:
        """Read headers and body, find out who calls and whether he may."""
        authorization = content_type = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"idempotency-key":
                self.key = value.decode("latin-1")
            elif name == b"x-request-id":
                self.request_id = value
            elif name == b"content-type":
                content_type = value
        if not self.request_id:
            self.request_id = self.context.new_request_id()
        self.headers.append((b"x-request-id", self.request_id))
        refusal = await self._authenticate(authorization, scope, permission)
        if refusal is not None:
            return refusal
        if content_type is not None and not content_type.startswith(b"application/json"):
            shown = content_type.decode("latin-1")[:60]
            return Refusal("unsupported_media_type", f"{shown!r} is not read here; send application/json", status=415)
        if self.key is not None and not 0 < len(self.key) <= 255:
            return Refusal("bad_idempotency_key", "Idempotency-Key takes 1 to 255 characters", status=400)
        return await self._read(receive)

    async def _authenticate(self, authorization: bytes | None, scope: Scope, permission: str) -> Refusal | None:
        clients = self.context.clients
        address = scope["client"][0] if scope.get("client") else ""
        client = clients.authenticate(authorization, address)
        if client is None:
            client = await clients.authenticate_slow(authorization, address)
        if isinstance(client, Refusal):
            return client
        self.client = client
        if permission not in client.scopes and "admin" not in client.scopes:
            return Refusal("missing_scope", f"this key may not do that; it needs the scope {permission}", status=403)
        return None

    async def _read(self, receive: Receive) -> Refusal | None:
        message = await receive()
        body: bytes = message.get("body", b"")
        limit = self.context.max_body_bytes
        while message.get("more_body") and len(body) <= limit:
            message = await receive()
            body += message.get("body", b"")
        if len(body) > limit:
            return Refusal("body_too_large", f"the body may take {limit} bytes", status=413)
        self.body = body
        return None

    def limit(self, count: int) -> Refusal | None:
        """Count messages against the client's and the workspace's rate."""
        allowed, headers = self.context.limits.take(self.client, count, self.now)
        self.headers += headers
        return None if allowed else Refusal("rate_limited", "too many messages a second; see Retry-After", status=429)

    @property
    def caller(self) -> Caller:
        client = self.client
        return Caller(client.id, client.workspace, client.environment, client.default_country)

    def idempotency(self) -> Idempotency | None:
        if self.key is None:
            return None
        digest = hashlib.sha256(self.body).digest()
        return Idempotency(self.client.id, self.key, digest, self.now + _IDEMPOTENCY_MS)

    async def answer(self, status: int, body: bytes) -> None:
        self.headers.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.start", "status": status, "headers": self.headers})
        await self._send({"type": "http.response.body", "body": body})

    async def refuse(self, *refusals: Refusal) -> None:
        for refusal in refusals:
            self.context.refused(refusal.code)
        status, content_type, body = problem(refusals, self.request_id.decode("latin-1"))
        self.headers[0] = (b"content-type", content_type)
        if status == 401:
            self.headers.append((b"www-authenticate", b'Bearer realm="heliograph", Basic realm="heliograph"'))
        await self.answer(status, body)

    async def keep(self, drafts: Sequence[Draft], **options: Any) -> Accept:
        """Hand drafts to intake and wait for the commit."""
        future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()

        def done(operation: Accept) -> None:
            if not future.done():  # the caller may have hung up
                future.set_result(operation)

        self.context.intake.accept(drafts, done, idempotency=self.idempotency(), **options)
        return await future


def accepted(message: Message) -> Accepted:
    """The answer to a message. What is already on its way is still `queued` to the caller: no carrier has it yet."""
    return Accepted(
        message_id(message),
        "queued" if message.state == "sending" else message.state,
        message.to,
        message.segments,
        message.encoding,
        message.country,
        message.kind,
    )


def not_kept(operation: Accept) -> Refusal | None:
    """Why a request was not kept, if it was not."""
    if operation.error is not None:
        return Refusal(
            "ledger_unavailable", "the message could not be kept; nothing was stored: try again in a moment", status=503
        )
    if operation.conflict:
        return Refusal(
            "idempotency_conflict",
            "this Idempotency-Key was used with another body; a new request needs a new key",
            status=409,
        )
    return None


OPTED_OUT: Final = Refusal("opted_out", "the recipient has opted out; no message may go to this number", "/to")


async def send_one(context: Context, scope: Scope, receive: Receive, send: Send) -> None:
    """POST /v1/messages."""
    call = Call(context, send)
    refusal = await call.open(scope, receive, "messages:send")
    if refusal is not None:
        return await call.refuse(refusal)
    request = decode(call.body, MessageRequest)
    if isinstance(request, Refusal):
        return await call.refuse(request)
    if refusal := call.limit(1):
        return await call.refuse(refusal)
    draft = context.intake.draft(call.caller, request, call.now)
    if isinstance(draft, Refusal):
        return await call.refuse(draft)
    if request.dry_run:
        return await call.answer(200, dry_run(draft))
    operation = await call.keep((draft,), reply=lambda kept: _encode(accepted(kept.messages[0])), all_or_none=True)
    if refusal := not_kept(operation):
        return await call.refuse(refusal)
    if operation.suppressed:
        return await call.refuse(OPTED_OUT)
    if operation.replayed is not None:
        call.headers.append((b"idempotent-replayed", b"true"))
        return await call.answer(202, operation.replayed)
    await call.answer(202, _encode(accepted(draft.message)))


def dry_run(draft: Draft) -> bytes:
    """What would happen, with the trace of the decision; nothing is kept or sent."""
    message = draft.message
    return _encode(
        {
            "dry_run": True,
            "to": message.to,
            "country": message.country,
            "kind": message.kind,
            "sender": message.sender,
            "text": message.text,
            "encoding": message.encoding,
            "segments": message.segments,
            "price": message.price,
            "currency": message.currency,
            "route": list(draft.verdict.connectors),
            "decision": draft.verdict.trace,
        }
    )
