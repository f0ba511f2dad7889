"""Users of the workspace, as its owners look after them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.administration import PageQuery
from heliograph.api.routes import Request, Route
from heliograph.api.sessions import Confirmed, SessionList
from heliograph.engine.clients import ADMIN
from heliograph.engine.users import register, sessions
from heliograph.engine.users.giving import may_give
from heliograph.engine.users.register import Doer, Invited, UserView

Roles = dict[str, list[str]]


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to let in, and their roles by environment."""

    email: Annotated[str, Meta(max_length=254)]
    name: Annotated[str, Meta(max_length=100)]
    roles: Roles


class RolesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """All roles, by environment; what is left out is taken away."""

    roles: Roles


class Link(msgspec.Struct):
    """A user, and the link by which they set their password: to be handed over, shown this once, good for once."""

    user: UserView
    link: str
    expires_at: str


class UserPage(msgspec.Struct):
    """Users, in the order of their making."""

    data: list[UserView]
    next_cursor: str | None


async def all_users(request: Request) -> UserPage:
    query: PageQuery = request.query
    found = await register.list_users(
        request.context.ledger, request.client.workspace, after=query.cursor, limit=query.limit + 1
    )
    page = found[: query.limit]
    return UserPage(page, page[-1].id if len(found) > query.limit else None)


async def new_user(request: Request) -> Link:
    asked: NewUser = request.body
    await _may_give(request, asked.roles)
    ledger, workspace = request.context.ledger, request.client.workspace
    return _link(
        request, await register.invite(ledger, workspace, asked.email, asked.name, asked.roles, _doer(request))
    )


async def one_user(request: Request) -> UserView:
    return await register.get_user(request.context.ledger, request.client.workspace, request.place["id"])


async def change_roles(request: Request) -> UserView:
    user = await _may_touch(request)
    roles = request.body.roles
    await _may_give(request, roles)
    return await register.set_roles(request.context.ledger, request.client.workspace, user.id, roles, _doer(request))


async def disable(request: Request) -> UserView:
    return await _set_disabled(request, True)


async def enable(request: Request) -> UserView:
    return await _set_disabled(request, False)


async def _set_disabled(request: Request, disabled: bool) -> UserView:
    user = await _may_touch(request)
    ledger, workspace = request.context.ledger, request.client.workspace
    return await register.set_disabled(ledger, workspace, user.id, disabled, _doer(request))


async def reset_password(request: Request) -> Link:
    user = await _may_touch(request)
    ledger, workspace = request.context.ledger, request.client.workspace
    return _link(request, await register.reset_link(ledger, workspace, user.id, _doer(request)))


async def reset_second_factor(request: Request) -> UserView:
    user = await _may_touch(request)
    return await register.reset_totp(request.context.ledger, request.client.workspace, user.id, _doer(request))


async def their_sessions(request: Request) -> SessionList:
    user = await one_user(request)
    lifetimes = request.context.logins.lifetimes
    found = await sessions.list_sessions(
        request.context.ledger, request.client.workspace, register.number_of(user), lifetimes, request.now
    )
    return SessionList(found)


async def revoke_theirs(request: Request) -> Confirmed:
    user = await _may_touch(request)
    await sessions.end_all(request.context.ledger, request.client.workspace, user, _doer(request))
    return Confirmed()


# -- who may touch whom


async def _may_touch(request: Request) -> UserView:
    user = await one_user(request)
    await _may_give(request, user.roles)
    return user


async def _may_give(request: Request, roles: Mapping[str, Sequence[str]]) -> None:
    await may_give(request.context.ledger, request.client, roles)


def _doer(request: Request) -> Doer:
    return Doer(request.actor, request.now, request.call.address or None)


def _link(request: Request, made: Invited) -> Link:
    visit = request.call.visit
    base = visit.our_url if visit is not None else (request.context.public_url or "").rstrip("/")
    return Link(made.user, f"{base}/invite/{made.token}", made.expires_at)


_AT: Final = "/v1/users/{id}"
ROUTES: Final = (
    Route("GET", "/v1/users", all_users, ADMIN, query=PageQuery, answer=UserPage, summary="List users"),
    Route("POST", "/v1/users", new_user, ADMIN, body=NewUser, answer=Link, status=201, summary="Invite a user"),
    Route("GET", _AT, one_user, ADMIN, answer=UserView, summary="Show a user"),
    Route("PUT", f"{_AT}/roles", change_roles, ADMIN, body=RolesRequest, answer=UserView, summary="Change roles"),
    Route("POST", f"{_AT}/disable", disable, ADMIN, answer=UserView, summary="Keep a user out, at once"),
    Route("POST", f"{_AT}/enable", enable, ADMIN, answer=UserView, summary="Let a user in again"),
    Route("POST", f"{_AT}/reset-password", reset_password, ADMIN, answer=Link, summary="A link to set a password"),
    Route(
        *("POST", f"{_AT}/reset-second-factor", reset_second_factor, ADMIN),
        answer=UserView,
        summary="Take away a lost second factor",
    ),
    Route("GET", f"{_AT}/sessions", their_sessions, ADMIN, answer=SessionList, summary="Where is a user logged in?"),
    Route("DELETE", f"{_AT}/sessions", revoke_theirs, ADMIN, answer=Confirmed, summary="Log a user out everywhere"),
)
