"""The entrance for people with a browser: forms that lead to the same engine as `sessions`, and the way to and from an
OpenID provider. A form is answered with a page or a redirect, never with JSON.
"""

from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, quote

from heliograph.api.asgi import read_body
from heliograph.api.context import Context
from heliograph.api.visits import CROSS_SITE, OPENID, Visit
from heliograph.console import entry as pages
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.users import account
from heliograph.engine.users.logins import LoggedIn
from heliograph.engine.users.throttle import TooSoon

Header = tuple[bytes, bytes]

_LARGEST_FORM: Final = 10_000
_INSIDE: Final = "/console"
_OPENID_S: Final = 600
_INVITE: Final = "/invite/"
_NOTICES: Final = {"link_ended": "This link has ended. Log in, or start the demo again for another one."}


class Page(NamedTuple):
    """What the browser is shown, or where it is sent."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()


def is_here(path: str) -> bool:
    return path in ("/login", "/login/code", "/login/oidc", "/login/oidc/callback", "/logout") or (
        path.startswith(_INVITE) and path.count("/") == 2
    )


async def serve(context: Context, scope: Any, receive: Any) -> Page | None:
    """The page; None when this place knows no such method."""
    visit, method, path = Visit(context, scope), scope["method"], scope["path"]
    if method not in ("GET", "HEAD", "POST") or (method == "POST" and path.startswith("/login/oidc")):
        return None
    form: dict[str, str] = {}
    if method == "POST" and visit.is_foreign():
        return Page(403, pages.refused("Not from here", CROSS_SITE.detail))
    try:
        if method == "POST":
            form = _form(await read_body(receive, _LARGEST_FORM))
        return await _page(context, visit, path, form, scope)
    except Refused as refused:
        first = refused.refusals[0]
        context.refused(first.code)
        return Page(first.status, pages.refused("That did not work", first.detail))


async def _page(context: Context, visit: Visit, path: str, form: dict[str, str], scope: Any) -> Page:
    is_post = visit.method == "POST"
    query = {name: values[0] for name, values in parse_qs(scope.get("query_string", b"").decode("latin-1")).items()}
    if path == "/login/oidc":
        return await _to_provider(context, visit)
    if path == "/login/oidc/callback":
        return await _from_provider(context, visit, query)
    if path == "/logout":
        return await _log_out(context, visit, form)
    if path.startswith(_INVITE):
        return await _invite(context, visit, path.removeprefix(_INVITE), form)
    if path == "/login/code":
        if is_post:
            return await _give_code(context, visit, form)
        return Page(200, pages.give_code(then=_inside(query.get("next", ""))))
    if is_post:
        return await _log_in(context, visit, form)
    page = pages.log_in(
        workspace=query.get("workspace", "default"),
        openid=context.openid is not None,
        notice=_NOTICES.get(query.get("notice", ""), ""),
        then=_inside(query.get("next", "")),
    )
    return Page(200, page)


async def _log_in(context: Context, visit: Visit, form: dict[str, str]) -> Page:
    email, workspace = form.get("email", ""), form.get("workspace", "default")
    then = _inside(form.get("next", ""))
    try:
        came = await context.logins.with_password(workspace, email, form.get("password", ""), visit.visitor)
    except Refused as refused:
        page = pages.log_in(
            workspace=workspace,
            email=email,
            wrong=refused.refusals[0].detail,
            openid=context.openid is not None,
            then=then,
        )
        return _wrong(context, refused, page)
    return _enter(visit, came, then)


async def _give_code(context: Context, visit: Visit, form: dict[str, str]) -> Page:
    then = _inside(form.get("next", ""))
    try:
        came = await context.logins.with_code(form.get("code", ""), visit.visitor)
    except Refused as refused:
        if refused.refusals[0].code == "no_session":
            return _go("/login")
        return _wrong(context, refused, pages.give_code(wrong=refused.refusals[0].detail, then=then))
    return _enter(visit, came, then)


async def _invite(context: Context, visit: Visit, token: str, form: dict[str, str]) -> Page:
    link = await account.open_link(context.logins, token)
    wrong = ""
    if visit.method == "POST":
        if form.get("password", "") != form.get("again", ""):
            wrong = "the two passwords differ"
        else:
            try:
                await account.use_link(context.logins, token, form.get("password", ""), visit.visitor)
            except Refused as refused:
                wrong = refused.refusals[0].detail
            else:
                notice = "Your password is set. Log in with it."
                page = pages.log_in(workspace=link.workspace_name, email=link.email, notice=notice)
                return Page(200, page)
    page = pages.set_password(email=link.email, workspace=link.workspace_name, wrong=wrong)
    return Page(422 if wrong else 200, page)


async def _log_out(context: Context, visit: Visit, form: dict[str, str]) -> Page:
    session = await visit.enter(form.get("csrf_token"))
    if isinstance(session, Refusal):
        if session.status == 403:
            raise Refused(session)
        return _go("/login", visit.farewell())
    if visit.method != "POST":
        return Page(200, pages.log_out(email=session.email, csrf_token=session.csrf_token))
    await context.logins.leave(session, visit.visitor)
    return _go("/login", visit.farewell())


async def _to_provider(context: Context, visit: Visit) -> Page:
    if context.openid is None:
        raise Refused(Refusal("not_found", "no OpenID provider is set up; see [oidc] in the settings", status=404))
    going = await context.openid.begin(f"{visit.our_url}/login/oidc/callback")
    return _go(going.url, [visit.give(OPENID, going.memory, _OPENID_S)])


async def _from_provider(context: Context, visit: Visit, query: dict[str, str]) -> Page:
    if context.openid is None:
        raise Refused(Refusal("not_found", "no OpenID provider is set up; see [oidc] in the settings", status=404))
    came = await context.openid.finish(
        query, visit.cookie(OPENID) or "", f"{visit.our_url}/login/oidc/callback", visit.visitor
    )
    page = _enter(visit, came)
    return page._replace(headers=(*page.headers, visit.take(OPENID)))


def _enter(visit: Visit, came: LoggedIn, then: str = "") -> Page:
    if came.is_whole:
        return _go(then or _INSIDE, visit.welcome(came))
    return _go(f"/login/code?next={quote(then)}" if then else "/login/code", visit.welcome(came))


def _inside(place: str) -> str:
    """Where somebody wanted to go, if that is a page of the console; nobody is sent elsewhere."""
    is_ours = place.startswith(f"{_INSIDE}/") and place.isascii() and place.isprintable() and "\\" not in place
    return place if is_ours else ""


def _go(place: str, headers: list[Header] | None = None) -> Page:
    return Page(303, b"", ((b"location", place.encode()), *(headers or ())))


def _wrong(context: Context, refused: Refused, page: bytes) -> Page:
    first = refused.refusals[0]
    context.refused(first.code)
    wait = ((b"retry-after", b"%d" % refused.wait_s),) if isinstance(refused, TooSoon) else ()
    return Page(first.status, page, wait)


def _form(body: bytes | None) -> dict[str, str]:
    if body is None:
        raise Refused(Refusal("body_too_large", "no form is so long", status=413))
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0].replace("\0", "") for name, values in found.items()}
