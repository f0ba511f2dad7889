"""Short links: where phones follow them, and what became of those of a message."""

from typing import Final, NamedTuple

import msgspec

from heliograph.api.call import Header, Scope
from heliograph.api.context import Context
from heliograph.api.reading import find
from heliograph.api.routes import Request, Route
from heliograph.engine.clicks import Followed, LinkView, links_of

METHODS: Final = ("GET", "HEAD")
_PURPOSES: Final = (b"purpose", b"sec-purpose", b"x-purpose", b"x-moz")
_AGENT: Final = 400  # letters of what a program calls itself

_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><h1>{title}</h1><p>{words}</p></html>"
)
_GONE: Final = _PAGE.format(title="This link leads nowhere", words="It is not, or no longer, valid.").encode()
_TOO_MANY: Final = _PAGE.format(title="Too many links", words="Try again in a minute.").encode()


class Answer(NamedTuple):
    """What a phone gets."""

    status: int
    body: bytes = b""
    headers: tuple[Header, ...] = ()


class LinkList(msgspec.Struct):
    """The short links of a message."""

    data: list[LinkView]


def token_at(context: Context, scope: Scope) -> str | None:
    """The token that is asked for, if this is a place of short links."""
    return context.clicks.token_at(_host(scope), scope["path"])


async def follow(context: Context, scope: Scope, token: str, address: str) -> Answer:
    """Lead on. The answer is the same for links that never were and for those whose time is over."""
    if context.clicks.has_guessed(address):
        return Answer(429, _TOO_MANY, ((b"retry-after", b"60"),))
    headers = dict(scope["headers"])
    agent = headers.get(b"user-agent", b"").decode("latin-1")[:_AGENT]
    purpose = b" ".join(headers.get(name, b"") for name in _PURPOSES).decode("latin-1")
    followed = Followed(token, context.clock.now_ms(), scope["method"], agent, purpose)
    url = await context.clicks.follow(token, _host(scope), address, followed)
    if url is None:
        return Answer(404, _GONE)
    return Answer(302, b"", ((b"location", _ascii(url)),))


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"), "")


def _ascii(url: str) -> bytes:
    """As a header takes it: other letters as browsers would write them."""
    return "".join(c if "!" <= c <= "~" else "".join(f"%{byte:02X}" for byte in c.encode()) for c in url).encode()


async def list_links(request: Request) -> LinkList:
    message = await find(request, request.place["id"])
    return LinkList(await links_of(request.context.ledger, message))


ROUTES: Final = (
    Route(
        "GET",
        "/v1/messages/{id}/links",
        list_links,
        "messages:read",
        answer=LinkList,
        summary="The short links of a message and their clicks",
    ),
)
