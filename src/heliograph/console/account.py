"""One's own account: the password, the second factor, and where one is logged in. Open to whoever is logged in."""

from typing import Final

from heliograph.console.page import Page
from heliograph.console.qr_code import drawn
from heliograph.console.visit import Answer, Visit
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.users import account, register, sessions
from heliograph.engine.users.register import Doer

_PLACE: Final = "/console/account"
_GROUP: Final = 4  # letters of a secret that are read together


async def show(visit: Visit) -> Answer:
    return await _shown(visit, ())


async def change_password(visit: Visit) -> Answer:
    new = visit.form.raw("password")
    if new != visit.form.raw("again"):
        return await _shown(visit, (Refusal("bad_value", "the two passwords differ", "/again"),))
    try:
        token = await account.change_password(
            visit.means.logins, visit.session, visit.form.raw("old"), new, visit.visitor
        )
    except Refused as refused:
        return await _shown(visit, _at_field(refused, "old"))
    return visit.go(_PLACE, "Your password is changed. You are logged out everywhere else.", token=token)


async def begin_second_factor(visit: Visit) -> Answer:
    try:
        found = await account.begin_second_factor(visit.means.logins, visit.session, visit.form.raw("proof"))
    except Refused as refused:
        return await _shown(visit, _at_field(refused, "proof"))
    return visit.show(
        "account_factor.html", secret=_grouped(found.secret), address=found.address, picture=drawn(found.address)
    )


async def confirm_second_factor(visit: Visit) -> Answer:
    try:
        token, codes = await account.confirm_second_factor(
            visit.means.logins, visit.session, visit.form.get("code"), visit.visitor
        )
    except Refused as refused:
        return visit.wrong("account_factor.html", refused.refusals, secret="", address="", picture="")
    return visit.show_renewed("account_codes.html", token, codes=codes)


async def end_second_factor(visit: Visit) -> Answer:
    try:
        token = await account.end_second_factor(
            visit.means.logins, visit.session, visit.form.raw("proof"), visit.visitor
        )
    except Refused as refused:
        return await _shown(visit, _at_field(refused, "proof"))
    return visit.go(_PLACE, "You log in without a second factor from now on.", token=token)


async def log_out_there(visit: Visit) -> Answer:
    """End one of one's other sessions."""
    client = visit.client
    async with visit.means.ledger.transaction() as transaction:
        await sessions.revoke(transaction, visit.session.user, visit.form.get("session"))
        doer = Doer(client.actor, visit.now, visit.visitor.ip)
        await register.note(transaction, client.workspace, "session.revoked", visit.session.email, doer)
    return visit.go(_PLACE, "Logged out there.")


async def _shown(visit: Visit, refusals: tuple[Refusal, ...]) -> Answer:
    client, logins = visit.client, visit.means.logins
    user = await register.get_user(visit.means.ledger, client.workspace, client.key_id)
    found = await sessions.list_sessions(
        visit.means.ledger, client.workspace, visit.session.user, logins.lifetimes, visit.now, visit.session.id
    )
    if refusals:
        return visit.wrong("account.html", refusals, user=user, sessions=found)
    return visit.show("account.html", user=user, sessions=found)


def _at_field(refused: Refused, proof: str) -> tuple[Refusal, ...]:
    """The engine's own name for a wrong password is that of the new one: here the old one has a field of its own."""
    return tuple(
        Refusal(one.code, one.detail, f"/{proof}" if one.code == "wrong_login" else one.pointer, one.status)
        for one in refused.refusals
    )


def _grouped(secret: str) -> str:
    return " ".join(secret[start : start + _GROUP] for start in range(0, len(secret), _GROUP))


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _PLACE, show, None),
    Page("POST", f"{_PLACE}/password", change_password, None),
    Page("POST", f"{_PLACE}/second-factor", begin_second_factor, None),
    Page("POST", f"{_PLACE}/second-factor/confirm", confirm_second_factor, None),
    Page("POST", f"{_PLACE}/second-factor/end", end_second_factor, None),
    Page("POST", f"{_PLACE}/sessions", log_out_there, None),
)
