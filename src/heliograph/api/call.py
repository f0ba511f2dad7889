"""One request to a hot door: who calls, what was sent, how to answer.

A door is a plain function of a call: it answers once, at once or from the commit that carries its messages. So the same
door serves ASGI (`asgi`) and the short way past it (`fast`).
"""

import hashlib
from collections.abc import AsyncIterator, Callable, MutableMapping, Sequence
from typing import Any, Final

from heliograph.api.context import Context
from heliograph.api.problems import broken, problem
from heliograph.api.shape import Tell
from heliograph.api.visits import Visit
from heliograph.core.failures import Refusal
from heliograph.engine.clients import ADMIN, Client, TurnedAway
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.requests.log import Asked
from heliograph.store.port import Accept, Idempotency

Scope = MutableMapping[str, Any]
Header = tuple[bytes, bytes]
Content = bytes | AsyncIterator[bytes]  # an answer, whole or as it comes
Reply = Callable[[int, list[Header], Content], None]
Door = Callable[["Call"], None]

_IDEMPOTENCY_MS: Final = 86_400_000
_CHALLENGE: Final = (b"www-authenticate", b'Bearer realm="heliograph", Basic realm="heliograph"')
_NO_DIALOGUE: Final = (b"www-authenticate", b'Bearer realm="heliograph"')  # Basic makes a browser ask for a password
_WAIT: Final = {"ledger_unavailable": b"1", "not_ready": b"1", "too_many_failures": b"60"}  # Retry-After, seconds


class Heading:
    """What the headers of a request say to a hot door."""

    __slots__ = ("authorization", "content_type", "key", "request_id", "traceparent", "user_agent")

    def __init__(self, headers: Sequence[Header]) -> None:
        self.authorization: bytes | None = None
        self.content_type: bytes | None = None
        self.key: bytes | None = None
        self.request_id: bytes | None = None
        self.traceparent: bytes | None = None
        self.user_agent: bytes | None = None
        for name, value in headers:
            if name == b"authorization":
                self.authorization = value
            elif name == b"content-type":
                self.content_type = value
            elif name == b"idempotency-key":
                self.key = value
            elif name == b"x-request-id":
                self.request_id = value
            elif name == b"traceparent":
                self.traceparent = value
            elif name == b"user-agent":
                self.user_agent = value


class Call:
    """A request whose caller is known."""

    __slots__ = (
        *("_reply", "address", "asked", "body", "client", "content_type", "context", "headers", "key", "logged_as"),
        *("authorization", "now", "pieces", "refusals", "request_id", "size", "tell", "traceparent", "user_agent"),
        "visit",
    )

    def __init__(
        self,
        context: Context,
        asked: Asked,
        heading: Heading,
        client: Client | None,
        body: bytes,
        reply: Reply,
        *,
        address: str = "",
        visit: Visit | None = None,
    ) -> None:
        """`visit`: the caller comes without a key, with or without a session."""
        self.context = context
        self.asked = asked
        self.client = client
        self.logged_as = client  # in the request log
        self.body = body
        self.size = len(body)  # as it came
        self.address = address
        self.visit = visit
        self.pieces: AsyncIterator[bytes] | None = None  # of a body that is read as it arrives
        self.tell: Tell = problem  # how what is wrong is said
        self.refusals: Sequence[Refusal] = ()  # what is told so
        self.authorization = heading.authorization
        self.content_type = heading.content_type
        self.key = heading.key
        self.traceparent = heading.traceparent
        self.user_agent = heading.user_agent
        self.now = context.clock.now_ms()
        self.request_id = heading.request_id or context.new_request_id()
        self.headers: list[Header] = [(b"content-type", b"application/json"), (b"x-request-id", self.request_id)]
        self._reply = reply

    # -- what doors ask

    def barred(self, scope: str) -> Refusal | None:
        """Why this caller may not come through this door, or not like this."""
        return self.lacks(scope) or self.unreadable()

    def lacks(self, scope: str | None) -> Refusal | None:
        """The scope that the caller's key would need."""
        client = self.client
        assert client is not None
        if scope is None or scope in client.scopes or ADMIN in client.scopes:
            return None
        who = "this key" if client.person is None else f"your role in {client.environment_name}"
        return Refusal("missing_scope", f"{who} may not do that; it needs the scope {scope}", status=403)

    def unreadable(self, media_type: bytes = b"application/json") -> Refusal | None:
        """Why the body will not be read."""
        if self.content_type is not None and not self.content_type.startswith(media_type):
            detail = f"{self.content_type.decode('latin-1')[:60]!r} is not read here; send {media_type.decode()}"
            return Refusal("unsupported_media_type", detail, status=415)
        if self.key is not None and not 0 < len(self.key) <= 255:
            return Refusal("bad_idempotency_key", "Idempotency-Key takes 1 to 255 characters", status=400)
        return None

    def over_rate(self, count: int) -> Refusal | None:
        """Count messages against the client's and the workspace's rate."""
        assert self.client is not None
        allowed, headers = self.context.limits.take(self.client, count, self.now)
        self.headers += headers
        return None if allowed else Refusal("rate_limited", "too many messages a second; see Retry-After", status=429)

    @property
    def caller(self) -> Caller:
        client = self.client
        assert client is not None
        return Caller(client.id, client.workspace, client.environment, client.default_country)

    @property
    def asks_first(self) -> bool:
        """Does its workspace have providers asked about numbers before some messages?"""
        assert self.client is not None
        return self.client.environment in self.context.intake.lookups.environments

    def keep(
        self,
        drafts: Sequence[Draft],
        done: Callable[[Accept], None],
        *,
        reply: Callable[[Accept], bytes],
        all_or_none: bool,
        batch: bool = False,
    ) -> None:
        """Hand drafts to intake; `done` when they are on disk. What keeps them from it is answered here."""

        def kept(operation: Accept) -> None:
            if (refusal := not_kept(operation)) is not None:
                self.refuse(refusal)
            elif operation.replayed is not None:
                self.headers.append((b"idempotent-replayed", b"true"))
                self.answer(202, operation.replayed)
            else:
                if traced is not None:
                    traced(self.traceparent, self.now, handed, operation.messages)
                done(operation)

        traced = self.context.traced
        handed = self.now if traced is None else self.context.clock.now_ms()
        self.context.intake.accept(
            drafts, kept, idempotency=self.idempotency(), reply=reply, all_or_none=all_or_none, batch=batch
        )

    def idempotency(self, place: str = "") -> Idempotency | None:
        """The caller's key for this request; `place` tells requests apart whose bodies may be equal."""
        if self.key is None:
            return None
        assert self.client is not None
        digest = hashlib.sha256(place.encode() + self.body).digest()
        return Idempotency(self.client.id, self.key.decode("latin-1"), digest, self.now + _IDEMPOTENCY_MS)

    # -- answers

    def broke(self, error: BaseException) -> None:
        """Something of ours broke: an answer that tells nothing but where to look."""
        request_id = self.context.defect(error)
        self.refusals = [broken(request_id)]
        status, content_type, body = self.tell(self.refusals, request_id)
        self.headers[0] = (b"content-type", content_type)
        self.answer(status, body)

    def answer(self, status: int, body: Content) -> None:
        context, client = self.context, self.logged_as
        took = context.clock.now_ms() - self.now
        context.replied(status, took)
        self._reply(status, self.headers, body)
        if client is not None:
            context.requests.note(client, self, status, len(body) if isinstance(body, bytes) else None, took)

    def turn_away(self, refusal: Refusal) -> None:
        """Who calls does not get in; whose key it was, where it is proven, finds it in the log."""
        if isinstance(refusal, TurnedAway):
            self.logged_as = refusal.client
        self.refuse(refusal)

    def refuse(self, *refusals: Refusal) -> None:
        self.refusals = refusals
        for refusal in refusals:
            self.context.refused(refusal.code)
        status, content_type, body = self.tell(refusals, self.request_id.decode("latin-1"))
        if self.tell is not problem:  # whatever the answer looks like: our own code, by which one finds what to do
            self.headers.append((b"x-heliograph-code", refusals[0].code.encode()))
        self.headers[0] = (b"content-type", content_type)
        if status == 401:
            self.headers.append(_CHALLENGE if self.visit is None else _NO_DIALOGUE)
        elif wait := _WAIT.get(refusals[0].code):
            self.headers.append((b"retry-after", wait))
        self.answer(status, body)


def not_kept(operation: Accept) -> Refusal | None:
    """Why nothing of a request was kept, or None."""
    if operation.error is not None:
        detail = "the message could not be kept; nothing was stored: try again in a moment"
        return Refusal("ledger_unavailable", detail, status=503)
    if operation.conflict:
        detail = "this Idempotency-Key was used with another body; a new request needs a new key"
        return Refusal("idempotency_conflict", detail, status=409)
    return None


def body_too_large(context: Context) -> Refusal:
    return Refusal("body_too_large", f"the body may take {context.max_body_bytes} bytes", status=413)
