"""The door to the console: who comes, by which session, with which proofs; then the page. Files of pages go out here
too, and the one link that lets in without a password: that of a demonstration, once, on the machine itself.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from heliograph.api.asgi import read_body
from heliograph.api.context import Context
from heliograph.api.multipart import boundary_of, read_parts
from heliograph.api.visits import Visit
from heliograph.console import assets, site
from heliograph.console.self_service import THEME, THEMES
from heliograph.console.visit import Fields
from heliograph.console.visit import Visit as Look
from heliograph.core.failures import Refusal
from heliograph.engine.users.logins import LoggedIn
from heliograph.engine.users.sessions import Session

Header = tuple[bytes, bytes]

_LARGEST_FORM: Final = 2_000_000
_LARGEST_FILE: Final = 32_000_000  # of a form with a file; longer ones go to the API, which reads them as they arrive
_THEME_S: Final = 365 * 86_400
_ENTER: Final = "/console/enter/"
_TOO_LARGE: Final = Refusal("body_too_large", "This form is too long.", status=413)
_NOT_HERE: Final = "There is no page {path}."
_ONLY_GET: Final = "This page is only looked at."
_SECURITY: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_FOR_GOOD: Final = (b"cache-control", b"public, max-age=31536000, immutable")


class Sent(NamedTuple):
    """What the browser is sent."""

    status: int
    media_type: bytes
    body: bytes | AsyncIterator[bytes]
    headers: tuple[Header, ...] = ()


def is_here(path: str) -> bool:
    return site.is_here(path)


def asset(path: str, scope: Any) -> Sent | None:
    """A file of the pages: for everybody, and the same for everybody."""
    found = assets.at(path)
    if found is None:
        return None
    accepts = dict(scope["headers"]).get(b"accept-encoding", b"")
    headers: tuple[Header, ...] = (_FOR_GOOD, (b"vary", b"accept-encoding"))
    if b"gzip" in accepts:
        return Sent(200, found.media_type, found.packed, (*headers, (b"content-encoding", b"gzip")))
    return Sent(200, found.media_type, found.body, headers)


async def serve(context: Context, scope: Any, receive: Any, *, is_local: bool) -> Sent:
    """The page, or the way to it."""
    visit, path, method = Visit(context, scope), scope["path"].rstrip("/") or site.HOME, scope["method"]
    if path.startswith(_ENTER):
        return await _enter(context, visit, path.removeprefix(_ENTER), is_local)
    session = await visit.look()
    if isinstance(session, Refusal):
        return _to_login(scope, path, method)
    form, wrong = Fields(""), None
    if method == "POST":
        form, wrong = await _form(visit, receive, boundary_of(scope))
    page, place, is_known = site.find(method, path)
    look = Look(
        context,
        session,
        path,
        place,
        _fields(scope.get("query_string", b"").decode("latin-1")) or Fields(""),
        form,
        visitor=visit.visitor,
        our_url=visit.our_url,
        theme=_theme(visit),
    )
    if wrong is not None:
        context.refused(wrong.code)
        return _sent(visit, site.problem(look, wrong.status, wrong.detail))
    if page is None:
        detail = _ONLY_GET if is_known else _NOT_HERE.format(path=path[:80])
        return _sent(visit, site.problem(look, 405 if is_known else 404, detail))
    try:
        return _sent(visit, await site.serve(page, look))
    except Exception as error:  # the edge of a request: it gets a page, the log gets the rest
        request_id = context.defect(error)
        return _sent(visit, site.problem(look, 500, "We have noted it. Try again in a moment.", request_id))


async def _form(visit: Visit, receive: Any, boundary: bytes | None) -> tuple[Fields, Refusal | None]:
    """What was sent, and what is wrong with it: not ours, or not readable. `boundary`: it has files."""
    body = await read_body(receive, _LARGEST_FORM if boundary is None else _LARGEST_FILE)
    if body is None:
        return Fields(""), _TOO_LARGE
    form = _fields(body.decode("utf-8", "replace")) if boundary is None else _with_files(body, boundary)
    if form is None:
        return Fields(""), _TOO_LARGE
    entered = await visit.enter(form.get("csrf_token") or "-")
    return form, None if isinstance(entered, Session) else entered


def _fields(text: str) -> Fields | None:
    try:
        return Fields(text)
    except ValueError:
        return None


def _with_files(body: bytes, boundary: bytes) -> Fields | None:
    parts = read_parts(body, boundary)
    try:
        return Fields(urlencode(parts.fields), parts.files)
    except ValueError:
        return None


def _theme(visit: Visit) -> str:
    kept = visit.cookie(THEME) or ""
    return kept if kept in THEMES else ""


async def _enter(context: Context, visit: Visit, token: str, is_local: bool) -> Sent:
    came = await context.demo.enter(token, visit.visitor) if context.demo is not None and is_local else None
    if came is None:
        return _away("/login?notice=link_ended")
    return _away(site.HOME, tuple(visit.welcome(LoggedIn(came, True))))


def _to_login(scope: Any, path: str, method: str) -> Sent:
    if method not in ("GET", "HEAD") or path == site.HOME:
        return _away("/login")
    query = scope.get("query_string", b"").decode("latin-1")
    return _away(f"/login?next={quote(f'{path}?{query}' if query else path, safe='/')}")


def _away(place: str, headers: tuple[Header, ...] = ()) -> Sent:
    return Sent(303, b"text/html; charset=utf-8", b"", ((b"location", place.encode("ascii", "ignore")), *headers))


def _sent(visit: Visit, reply: site.Reply) -> Sent:
    headers: list[Header] = [*_SECURITY]
    if reply.to is not None:
        headers.append((b"location", quote(reply.to, safe="/?=&%+:,-_.~#").encode()))
    if reply.token is not None:
        headers += visit.welcome(LoggedIn(reply.token, True))
    headers += [visit.give(name, value, _THEME_S if value else 0) for name, value in reply.cookies]
    if reply.file_name is not None:
        headers.append((b"content-disposition", f'attachment; filename="{reply.file_name}"'.encode()))
    return Sent(reply.status, reply.media_type.encode(), reply.body, tuple(headers))
