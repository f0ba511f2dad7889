"""Users of the workspace: who gets in, with which roles where; links to set a password; and who is logged in."""

from typing import Any, Final

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.core.failures import Refusal, Refused
from heliograph.engine import environments
from heliograph.engine.clients import ADMIN
from heliograph.engine.users import register, sessions
from heliograph.engine.users.giving import may_give
from heliograph.engine.users.register import Doer, Invited, UserView
from heliograph.engine.users.roles import ROLES

PLACE: Final = "/console/users"
_PAGE: Final = 100


async def show(visit: Visit) -> Answer:
    return await _list(visit)


async def _list(visit: Visit, refused: Refused | None = None) -> Answer:
    after = visit.query.get("cursor") or None
    found = await register.list_users(visit.means.ledger, visit.client.workspace, after=after, limit=_PAGE + 1)
    values: dict[str, Any] = {
        "found": found[:_PAGE],
        "next": found[_PAGE - 1].id if len(found) > _PAGE else None,
        "roles": ROLES,
        "environments": await _environments(visit),
        "email": visit.form.get("email"),
        "name": visit.form.get("name"),
        "chosen": visit.form.all("roles"),
    }
    if refused is not None:
        return visit.wrong("users.html", _at_roles(refused), **values)
    return visit.show("users.html", **values)


async def invite(visit: Visit) -> Answer:
    """The link is shown once: it lets in whoever has it."""
    roles, form = _roles(visit), visit.form
    ledger, client = visit.means.ledger, visit.client
    try:
        await may_give(ledger, client, roles)
        made = await register.invite(ledger, client.workspace, form.get("email"), form.get("name"), roles, _doer(visit))
    except Refused as refused:
        return await _list(visit, refused)
    return _link(visit, made)


async def one(visit: Visit) -> Answer:
    return await _one(visit)


async def _one(visit: Visit, refused: Refused | None = None) -> Answer:
    user = await _find(visit)
    lifetimes = visit.means.logins.lifetimes
    values: dict[str, Any] = {
        "user": user,
        "roles": ROLES,
        "environments": await _environments(visit),
        "chosen": visit.form.all("roles") or [f"{at}:{role}" for at, names in user.roles.items() for role in names],
        "sessions": await sessions.list_sessions(
            visit.means.ledger, visit.client.workspace, register.number_of(user), lifetimes, visit.now
        ),
        "is_me": user.email == visit.session.email,
    }
    if refused is not None:
        return visit.wrong("user.html", _at_roles(refused), **values)
    return visit.show("user.html", **values)


async def change_roles(visit: Visit) -> Answer:
    roles = _roles(visit)
    try:
        user = await _touched(visit)
        await may_give(visit.means.ledger, visit.client, roles)
        await register.set_roles(visit.means.ledger, visit.client.workspace, user.id, roles, _doer(visit))
    except Refused as refused:
        return await _one(visit, refused)
    return visit.go(f"{PLACE}/{user.id}", "Changed. They have to log in again.")


async def disable(visit: Visit) -> Answer:
    user = await _touched(visit)
    await register.set_disabled(visit.means.ledger, visit.client.workspace, user.id, True, _doer(visit))
    return visit.go(f"{PLACE}/{user.id}", f"{user.email} is kept out, at once.")


async def enable(visit: Visit) -> Answer:
    user = await _touched(visit)
    await register.set_disabled(visit.means.ledger, visit.client.workspace, user.id, False, _doer(visit))
    return visit.go(f"{PLACE}/{user.id}", f"{user.email} may log in again.")


async def reset_password(visit: Visit) -> Answer:
    user = await _touched(visit)
    made = await register.reset_link(visit.means.ledger, visit.client.workspace, user.id, _doer(visit))
    return _link(visit, made)


async def reset_second_factor(visit: Visit) -> Answer:
    user = await _touched(visit)
    await register.reset_totp(visit.means.ledger, visit.client.workspace, user.id, _doer(visit))
    return visit.go(f"{PLACE}/{user.id}", "The second factor is gone. They should set up a new one.")


async def log_out(visit: Visit) -> Answer:
    user = await _touched(visit)
    await sessions.end_all(visit.means.ledger, visit.client.workspace, user, _doer(visit))
    return visit.go(f"{PLACE}/{user.id}", f"{user.email} is logged out everywhere.")


async def _find(visit: Visit) -> UserView:
    return await register.get_user(visit.means.ledger, visit.client.workspace, visit.place["id"])


async def _touched(visit: Visit) -> UserView:
    """The user, when the visitor may decide about them. Raises `Refused`."""
    user = await _find(visit)
    await may_give(visit.means.ledger, visit.client, user.roles)
    return user


def _link(visit: Visit, made: Invited) -> Answer:
    return visit.show(
        "user_link.html", user=made.user, link=f"{visit.our_url}/invite/{made.token}", until=made.expires_at
    )


async def _environments(visit: Visit) -> list[str]:
    return [one.name for one in await environments.list_environments(visit.means.ledger, visit.client.workspace)]


def _roles(visit: Visit) -> dict[str, list[str]]:
    """The boxes that are ticked: environment:role."""
    found: dict[str, list[str]] = {}
    for ticked in visit.form.all("roles"):
        environment, _, role = ticked.partition(":")
        found.setdefault(environment, []).append(role)
    return found


def _at_roles(refused: Refused) -> list[Refusal]:
    """Whatever role it was: the boxes stand together."""
    return [
        Refusal(one.code, one.detail, "/roles" if one.pointer.startswith("/roles") else one.pointer, one.status)
        for one in refused.refusals
    ]


def _doer(visit: Visit) -> Doer:
    return Doer(visit.client.actor, visit.now, visit.visitor.ip)


_ONE: Final = f"{PLACE}/{{id}}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, ADMIN, entry=Entry("Users and roles", "people", "Settings")),
    Page("POST", PLACE, invite, ADMIN),
    Page("GET", _ONE, one, ADMIN),
    Page("POST", f"{_ONE}/roles", change_roles, ADMIN),
    Page("POST", f"{_ONE}/disable", disable, ADMIN),
    Page("POST", f"{_ONE}/enable", enable, ADMIN),
    Page("POST", f"{_ONE}/password", reset_password, ADMIN),
    Page("POST", f"{_ONE}/second-factor", reset_second_factor, ADMIN),
    Page("POST", f"{_ONE}/sessions", log_out, ADMIN),
)
