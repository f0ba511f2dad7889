"""The whole of HTTP as one ASGI application: hot doors, routes, open pages. Whatever goes wrong is a problem+json."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import resources
from ipaddress import ip_address, ip_network
from typing import Any, Final

import msgspec

from heliograph.api import (
    administration,
    alarms,
    audiences,
    auditing,
    budgets,
    callbacks,
    campaigns,
    cancelling,
    consents,
    console,
    contacts,
    conversations,
    cooldowns,
    costs,
    declaring,
    deliveries,
    doors,
    drift,
    entry,
    errors,
    exports,
    guide,
    inbound,
    insights,
    leaving,
    links,
    lookup,
    oauth,
    openapi,
    outages,
    people,
    plans,
    prices,
    pushes,
    quality,
    reading,
    recordings,
    replacing,
    requests,
    samples,
    sandbox_phone,
    segments,
    sessions,
    streams,
    templates,
    users,
    verifications,
    verify_guard,
    webhooks,
    workspaces,
)
from heliograph.api.asgi import Receive, Send, read_body, through_asgi
from heliograph.api.batch import send_batch
from heliograph.api.call import Door, Heading, Scope
from heliograph.api.context import Context
from heliograph.api.dropin import send_or_form, sms_send
from heliograph.api.fast import Hot
from heliograph.api.finding import Finder
from heliograph.api.problems import defect, problem
from heliograph.api.routes import Route, door
from heliograph.core.failures import Refusal
from heliograph.engine.requests.log import Asked

App = Callable[[Scope, Receive, Send], Awaitable[None]]

HOT: Final[dict[str, Door]] = {
    "/v1/messages": send_or_form,
    "/v1/messages/batch": send_batch,
    "/sms/send": sms_send,
}
FAST_DOORS: Final = {path.encode(): Hot(hot, Asked("POST", path, path)) for path, hot in HOT.items()}
ROUTES: Final[tuple[Route, ...]] = (
    *openapi.HOT_ROUTES,
    *reading.ROUTES,
    *links.ROUTES,
    *cancelling.ROUTES,
    *replacing.ROUTES,
    *segments.ROUTES,
    *lookup.ROUTES,
    *templates.ROUTES,
    *samples.ROUTES,
    *webhooks.ROUTES,
    *deliveries.ROUTES,
    *requests.ROUTES,
    *consents.ROUTES,
    *contacts.ROUTES,
    *drift.ROUTES,
    *inbound.ROUTES,
    *conversations.ROUTES,
    *audiences.ROUTES,
    *campaigns.ROUTES,
    *cooldowns.ROUTES,
    *people.ROUTES,
    *declaring.ROUTES,
    *prices.ROUTES,
    *budgets.ROUTES,
    *costs.ROUTES,
    *insights.ROUTES,
    *alarms.ROUTES,
    *outages.ROUTES,
    *quality.ROUTES,
    *sandbox_phone.ROUTES,
    *administration.ROUTES,
    *auditing.ROUTES,
    *workspaces.ROUTES,
    *users.ROUTES,
    *sessions.ROUTES,
    *recordings.ROUTES,
    *verifications.ROUTES,
    *verify_guard.ROUTES,
    *plans.ROUTES,
    *pushes.ROUTES,
    *doors.ROUTES,
    *exports.ROUTES,
    *streams.ROUTES,
)
_PAGES: Final = {  # path → (package, file, media type)
    "/docs": ("heliograph.api", "docs.html", b"text/html; charset=utf-8"),
    "/docs/docs.js": ("heliograph.api", "docs.js", b"text/javascript"),
    "/docs/docs.css": ("heliograph.api", "docs.css", b"text/css"),
}
_SECURITY: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_PAGE_SECURITY: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)
# Forms go to ourselves; without a referrer a browser would not say of them where they come from.
_FORM_SECURITY: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"same-origin"),
)
FIXED_LINES: Final = b"".join(b"%b: %b\r\n" % line for line in _SECURITY)
_JSON: Final = b"application/json"
_HTML: Final = b"text/html; charset=utf-8"
_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-real-ip")
_TEXT: Final = b"text/plain; version=0.0.4; charset=utf-8"
_encode: Final = msgspec.json.Encoder().encode
_Found = tuple[Door | None, Route | None, list[str]]


def build(context: Context) -> App:
    """The application."""
    site = _Site(context)
    return site.serve


@cache
def _document() -> bytes:
    """Made when somebody asks for it: that takes a while, and a start should not."""
    return _encode(openapi.document(ROUTES))


class _Site:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # no lifespan, no websockets
            return
        try:
            await self._serve(scope, receive, _secured(send))
        except Exception as error:  # the edge of a request: it gets an answer, the log gets the rest
            status, media_type, body = defect(self._context.defect(error))
            await _answer(send, status, media_type, body)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if method in ("GET", "HEAD") and (page := self._open_page(path, scope)) is not None:
            await _answer(send, *(page if not asyncio.iscoroutine(page) else await page))
            return
        if self._context.serves_api and (token := links.token_at(self._context, scope)) is not None:
            await self._link(scope, send, token)
            return
        if self._context.serves_api and (token := leaving.token_at(path)) is not None:
            await self._leave(scope, send, token)
            return
        if path == "/oauth/token" and method == "POST" and self._context.serves_api:
            await self._token(scope, receive, send)
            return
        if self._context.serves_api and (connector := callbacks.connector_of(path)) is not None:
            await self._callback(scope, receive, send, connector)
            return
        if entry.is_here(path) and (self._context.serves_api or self._context.serves_console):
            page = await entry.serve(self._context, scope, receive)
            if page is None:
                await self._nowhere(scope, send, path, method, ["GET", "POST"])
            else:
                await _answer(send, page.status, _HTML, page.body, [*page.headers, *_FORM_SECURITY])
            return
        if self._context.serves_console and (path == "/" or console.is_here(path)):
            await self._console(scope, receive, send)
            return
        found, route, allowed = self._find(method, path, scope.get("query_string", b""))
        if found is not None:
            manners: dict[str, Any] = {}
            if route is not None:
                manners = {"is_open": route.is_open, "is_stream": route.is_stream, "shape": route.shape}
            asked = Asked(method, path if route is None else route.path, path, scope.get("query_string", b""))
            await through_asgi(self._context, scope, receive, send, found, asked, **manners)
            return
        await self._nowhere(scope, send, path, method, allowed)

    # -- routes

    def _find(self, method: str, path: str, query_string: bytes) -> _Found:
        """The door at a place, its route unless it is a hot one, and the methods that there are."""
        if not self._context.serves_api:
            return None, None, []
        if method == "POST" and path in HOT:
            return HOT[path], None, []
        allowed = ["POST"] if path in HOT else []
        for route, place in _FINDER.at(path):
            if route.method == method:
                return door(route, place, query_string, self._tasks), route, []
            allowed.append(route.method)
        return None, None, allowed

    async def _nowhere(self, scope: Scope, send: Send, path: str, method: str, allowed: list[str]) -> None:
        heading = Heading(scope["headers"])
        request_id = (heading.request_id or self._context.new_request_id()).decode("latin-1")
        if allowed:
            detail = f"{method} is not possible at {path[:80]}; there is {', '.join(sorted(set(allowed)))}"
            refusal = Refusal("method_not_allowed", detail, status=405)
            more = [(b"allow", ", ".join(sorted(set(allowed))).encode())]
        else:
            refusal, more = Refusal("not_found", f"there is nothing at {path[:80]}; see /docs", status=404), []
        self._context.refused(refusal.code)
        await requests.note_lost(self._context, scope, heading, refusal, request_id)
        await _answer(send, *problem([refusal], request_id), [*more, (b"x-request-id", request_id.encode("latin-1"))])

    async def _link(self, scope: Scope, send: Send, token: str) -> None:
        """Somebody follows a short link."""
        if scope["method"] not in links.METHODS:
            await self._nowhere(scope, send, scope["path"], scope["method"], list(links.METHODS))
            return
        answer = await links.follow(self._context, scope, token, _address(scope))
        self._context.replied(answer.status)
        await _answer(send, answer.status, _HTML, answer.body, list(answer.headers))

    async def _console(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = console.asset(scope["path"], scope)
        if sent is None:
            sent = await console.serve(self._context, scope, receive, is_local=self._is_local(scope))
        self._context.replied(sent.status)
        if isinstance(sent.body, bytes):
            await _answer(send, sent.status, sent.media_type, sent.body, list(sent.headers))
            return
        headers = [(b"content-type", sent.media_type), *sent.headers]
        await send({"type": "http.response.start", "status": sent.status, "headers": headers})
        async for piece in sent.body:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _leave(self, scope: Scope, send: Send, token: str) -> None:
        """Somebody wants no more e-mails."""
        if scope["method"] not in leaving.METHODS:
            await self._nowhere(scope, send, scope["path"], scope["method"], list(leaving.METHODS))
            return
        answer = await leaving.serve(self._context, scope["method"], token, _address(scope))
        self._context.replied(answer.status)
        await _answer(send, answer.status, _HTML, answer.body, list(_FORM_SECURITY))

    async def _callback(self, scope: Scope, receive: Receive, send: Send, connector: str) -> None:
        """A provider calls."""
        if scope["method"] not in callbacks.METHODS:
            await self._nowhere(scope, send, scope["path"], scope["method"], list(callbacks.METHODS))
            return
        body = await read_body(receive, _CALLBACK_BYTES)
        if body is None:
            answer: callbacks.Answer | Refusal = Refusal("body_too_large", "no report is so long", status=413)
        else:
            answer = await callbacks.take(self._context, connector, scope, body, _address(scope))
        if isinstance(answer, Refusal):
            self._context.refused(answer.code)
            answer = problem([answer], self._context.new_request_id().decode())
        self._context.replied(answer[0])
        await _answer(send, *answer)

    # -- pages without a key

    def _open_page(self, path: str, scope: Scope) -> Any:
        if path == "/healthz":
            return 200, _JSON, b'{"status":"ok"}'
        if path == "/readyz":
            return self._ready()
        if path == "/openapi.json":
            return 200, _JSON, _document()
        if path == "/metrics":
            return self._metrics(scope)
        if (found := guide.at(path)) is not None:
            return found
        if path == errors.PLACE:
            return 200, _HTML, errors.page()
        if path in _PAGES:
            package, name, media_type = _PAGES[path]
            return 200, media_type, (resources.files(package) / "static" / name).read_bytes()
        return None

    def _ready(self) -> tuple[int, bytes, bytes]:
        why = self._context.ready()
        if why is None:
            return 200, _JSON, b'{"status":"ready"}'
        return 503, _JSON, _encode({"status": "not ready", "why": why})

    def _metrics(self, scope: Scope) -> tuple[int, bytes, bytes]:
        if self._is_near(scope):
            return 200, _TEXT, self._context.metrics_text()
        heading = Heading(scope["headers"])
        client = self._context.clients.authenticate(heading.authorization, _address(scope))
        if client is not None and not isinstance(client, Refusal) and "admin" in client.scopes:
            return 200, _TEXT, self._context.metrics_text()
        detail = "metrics are open to the networks of server.metrics_networks; others need a key with the scope admin"
        return problem([Refusal("missing_scope", detail, status=403)], "")

    def _is_near(self, scope: Scope) -> bool:
        address = _address(scope)
        return bool(address) and any(ip_address(address) in network for network in self._context.metrics_networks)

    def _is_local(self, scope: Scope) -> bool:
        """A proxy on this machine is local too, but whom it speaks for is not."""
        address = _address(scope)
        if any(name in _FORWARDED for name, _ in scope["headers"]):
            return False
        return bool(address) and any(ip_address(address) in network for network in _LOOPBACK)

    async def _token(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 10_000)
        authorization = Heading(scope["headers"]).authorization
        status, answer = await oauth.token(self._context, authorization, body or b"", _address(scope))
        await _answer(send, status, _JSON, answer)


_FINDER: Final = Finder(ROUTES)
_CALLBACK_BYTES: Final = 1_000_000
_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""


def _secured(send: Send) -> Send:
    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(line for line in _SECURITY if line[0] not in given)]
        await send(message)

    return sent


async def _answer(
    send: Send, status: int, media_type: bytes, body: bytes, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body)), *(more or ())]
    if media_type.startswith(b"text/html") and not any(name == b"content-security-policy" for name, _ in headers):
        headers += _PAGE_SECURITY
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
