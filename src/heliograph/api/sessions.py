"""Logging in and out, and what people do with their own account. Pages of forms lead to the same engine: `entry`."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.api.visits import Visit
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine.users import account, register, sessions
from heliograph.engine.users.account import Enrolment
from heliograph.engine.users.logins import LoggedIn
from heliograph.engine.users.register import Doer
from heliograph.engine.users.sessions import Session, SessionView

Password = Annotated[str, Meta(max_length=1_024)]


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """Who wants in."""

    email: Annotated[str, Meta(max_length=254)]
    password: Password
    workspace: Annotated[str, Meta(max_length=64)] = "default"


class CodeRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A code of the authenticator app, or a recovery code."""

    code: Annotated[str, Meta(max_length=64)]


class Entered(msgspec.Struct):
    """How far the login has come. `is_whole`: False, the second factor is still to come (POST /v1/session/code)."""

    is_whole: bool


class SessionInView(msgspec.Struct):
    """Who is logged in, what they may do in the environment in view, and the token that changes need."""

    user_id: str
    email: str
    name: str
    workspace: str
    environment: str
    mode: str
    scopes: list[str]
    environments: dict[str, list[str]]
    csrf_token: str
    expires_at: str


class EnvironmentInView(msgspec.Struct, forbid_unknown_fields=True):
    """The environment to look at."""

    environment: str


class SessionList(msgspec.Struct):
    """Where one is logged in."""

    data: list[SessionView]


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """The present password, and the one to come."""

    old: Password
    password: Password


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """The present password, because a window may stand open."""

    password: Password


class RecoveryCodes(msgspec.Struct):
    """What lets one in when the phone is lost: each works once, and they are shown this once."""

    recovery_codes: list[str]


class Confirmed(msgspec.Struct):
    """It is done."""

    done: bool = True


def visit_of(request: Request) -> Visit:
    """An open route is always a visit."""
    assert request.call.visit is not None
    return request.call.visit


def person(request: Request) -> tuple[Session, Visit]:
    """Who is logged in. Raises `Refused` for keys."""
    visit = request.call.visit
    if visit is None or visit.session is None:
        raise refuse("not_a_person", "this is for people who are logged in; keys have no session", status=403)
    return visit.session, visit


# -- in and out


async def log_in(request: Request) -> Entered:
    asked, visit = request.body, visit_of(request)
    came = await request.context.logins.with_password(asked.workspace, asked.email, asked.password, visit.visitor)
    return _welcome(request, visit, came)


async def give_code(request: Request) -> Entered:
    visit = visit_of(request)
    came = await request.context.logins.with_code(request.body.code, visit.visitor)
    return _welcome(request, visit, came)


def _welcome(request: Request, visit: Visit, came: LoggedIn) -> Entered:
    request.call.headers += visit.welcome(came)
    return Entered(came.is_whole)


async def log_out(request: Request) -> Confirmed:
    session, visit = person(request)
    await request.context.logins.leave(session, visit.visitor)
    request.call.headers += visit.farewell()
    return Confirmed()


# -- one's own session


async def show(request: Request) -> SessionInView:
    session, _ = person(request)
    return _in_view(session)


async def look_at(request: Request) -> SessionInView:
    session, visit = person(request)
    ledger = request.context.ledger
    token = await sessions.look_at(ledger, session, request.body.environment)
    _new_token(request, visit, token)
    found = await sessions.find(ledger, token, request.context.logins.lifetimes, request.now)
    if isinstance(found, Refusal):
        raise Refused(found)
    return _in_view(found)


async def my_sessions(request: Request) -> SessionList:
    session, _ = person(request)
    found = await sessions.list_sessions(
        request.context.ledger,
        session.client.workspace,
        session.user,
        request.context.logins.lifetimes,
        request.now,
        session.id,
    )
    return SessionList(found)


async def revoke_mine(request: Request) -> Confirmed:
    session, visit = person(request)
    async with request.context.ledger.transaction() as transaction:
        await sessions.revoke(transaction, session.user, request.place["id"])
        doer = Doer(request.actor, request.now, visit.visitor.ip)
        await register.note(transaction, session.client.workspace, "session.revoked", session.email, doer)
    return Confirmed()


# -- one's own secrets


async def change_password(request: Request) -> Confirmed:
    session, visit = person(request)
    asked: PasswordChange = request.body
    token = await account.change_password(request.context.logins, session, asked.old, asked.password, visit.visitor)
    _new_token(request, visit, token)
    return Confirmed()


async def begin_second_factor(request: Request) -> Enrolment:
    session, _ = person(request)
    return await account.begin_second_factor(request.context.logins, session, request.body.password)


async def confirm_second_factor(request: Request) -> RecoveryCodes:
    session, visit = person(request)
    token, codes = await account.confirm_second_factor(
        request.context.logins, session, request.body.code, visit.visitor
    )
    _new_token(request, visit, token)
    return RecoveryCodes(codes)


async def end_second_factor(request: Request) -> Confirmed:
    session, visit = person(request)
    token = await account.end_second_factor(request.context.logins, session, request.body.password, visit.visitor)
    _new_token(request, visit, token)
    return Confirmed()


def _new_token(request: Request, visit: Visit, token: str) -> None:
    request.call.headers += visit.welcome(LoggedIn(token, True))


def _in_view(session: Session) -> SessionInView:
    c = session.client
    return SessionInView(
        c.key_id,
        session.email,
        c.name,
        c.workspace_name,
        c.environment_name,
        c.mode,
        sorted(c.scopes),
        session.environments,
        session.csrf_token,
        moment(session.expires_at),
    )


_SECOND: Final = "/v1/session/second-factor"
ROUTES: Final = (
    Route("POST", "/v1/session", log_in, None, body=Login, answer=Entered, summary="Log in", is_open=True),
    Route(
        *("POST", "/v1/session/code", give_code, None),
        body=CodeRequest,
        answer=Entered,
        summary="Log in: the second factor",
        is_open=True,
    ),
    Route("GET", "/v1/session", show, None, answer=SessionInView, summary="Who is logged in?"),
    Route(
        "PATCH",
        "/v1/session",
        look_at,
        None,
        body=EnvironmentInView,
        answer=SessionInView,
        summary="Look at an environment",
    ),
    Route("DELETE", "/v1/session", log_out, None, answer=Confirmed, summary="Log out"),
    Route("GET", "/v1/sessions", my_sessions, None, answer=SessionList, summary="Where am I logged in?"),
    Route("DELETE", "/v1/sessions/{id}", revoke_mine, None, answer=Confirmed, summary="Log out there"),
    Route(
        *("POST", "/v1/session/password", change_password, None),
        body=PasswordChange,
        answer=Confirmed,
        summary="Change one's password",
    ),
    Route("POST", _SECOND, begin_second_factor, None, body=Proof, answer=Enrolment, summary="A second factor"),
    Route(
        *("POST", f"{_SECOND}/confirm", confirm_second_factor, None),
        body=CodeRequest,
        answer=RecoveryCodes,
        summary="Its first code, from which on it counts",
    ),
    Route(
        "POST", f"{_SECOND}/end", end_second_factor, None, body=Proof, answer=Confirmed, summary="No second factor more"
    ),
)
