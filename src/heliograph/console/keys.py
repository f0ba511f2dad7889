"""Keys: made with as little as they need, shown once, replaced with an overlap, ended at once; and a first message with
them in four languages.
"""

from datetime import timedelta
from typing import Any, Final

from heliograph.console.page import Entry, Page
from heliograph.console.snippets import quickstarts
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core.failures import Refused
from heliograph.core.request import read_time
from heliograph.engine.clients import (
    ADMIN,
    DEFAULT_SCOPES,
    SCOPES,
    CreatedKey,
    KeyView,
    create_key,
    get_key,
    list_keys,
    revoke_key,
    rotate_key,
)

_DAY_MS: Final = 86_400_000
_LIFETIMES: Final = (("", "never"), ("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"))
_OVERLAPS: Final = (("24", "24 hours"), ("0", "not at all"), ("1", "1 hour"), ("72", "3 days"), ("168", "7 days"))
_SHOWN_AT_MOST: Final = 500


async def show(visit: Visit) -> Answer:
    return await _list(visit, {})


async def _list(visit: Visit, problems: dict[str, str], status: int = 200) -> Answer:
    found = await list_keys(visit.means.ledger, workspace=visit.client.workspace_name, limit=_SHOWN_AT_MOST)
    working = [key for key in found if ends(visit, key) is None]
    return visit.show(
        "keys.html",
        status=status,
        working=working[::-1],
        ended=[key for key in reversed(found) if ends(visit, key) is not None],
        ends={key.id: ends(visit, key) for key in found},
        environments=[(name, name) for name, roles in visit.session.environments.items() if roles],
        scopes=SCOPES,
        usual=visit.form.all("scopes") or DEFAULT_SCOPES,
        lifetimes=_LIFETIMES,
        problems=problems,
        quickstarts=quickstarts(visit.our_url),
        moment=_moment,
    )


async def create(visit: Visit) -> Answer:
    form = visit.form
    rate, days = form.get("messages_per_second"), form.get("expires")
    if rate and not (rate.isdigit() and 0 < int(rate) <= 1_000_000):
        return await _list(visit, {"messages_per_second": "A whole number from 1 to 1,000,000, or nothing."}, 422)
    try:
        created = await create_key(
            visit.means.ledger,
            workspace=visit.client.workspace_name,
            environment=form.get("environment") or visit.client.environment_name,
            name=form.get("name"),
            scopes=form.all("scopes"),
            ip_allowlist=form.get("ip_allowlist").replace(",", " ").split(),
            messages_per_second=int(rate) if rate else None,
            expires_at=visit.now + int(days) * _DAY_MS if days in dict(_LIFETIMES) and days else None,
            actor=visit.actor,
            now=visit.now,
        )
    except Refused as refused:
        problems = {refusal.pointer.strip("/").split("/")[0]: refusal.detail for refusal in refused.refusals}
        return await _list(visit, problems, refused.refusals[0].status)
    return _shown_once(visit, created, "")


async def one(visit: Visit) -> Answer:
    key = await _find(visit)
    return visit.show("key.html", key=key, ended=ends(visit, key), overlaps=_OVERLAPS, scopes=SCOPES, moment=_moment)


async def rotate(visit: Visit) -> Answer:
    key, hours = await _find(visit), visit.form.get("overlap")
    created = await rotate_key(
        visit.means.ledger,
        key.id,
        workspace=visit.client.workspace_name,
        overlap=timedelta(hours=int(hours) if hours in dict(_OVERLAPS) else 24),
        actor=visit.actor,
        now=visit.now,
    )
    await visit.means.reload()
    return _shown_once(visit, created, key.id)


async def revoke(visit: Visit) -> Answer:
    key = await _find(visit)
    await revoke_key(
        visit.means.ledger, key.id, workspace=visit.client.workspace_name, actor=visit.actor, now=visit.now
    )
    visit.means.clients.changed()  # this process at once, the others within a second
    return visit.go("/console/keys", f"{key.name} works no more.")


def ends(visit: Visit, key: KeyView) -> str | None:
    """How it came to its end; None: it works."""
    if key.revoked_at is not None:
        return "revoked"
    expires = _moment(key.expires_at)
    return "expired" if expires is not None and expires <= visit.now else None


def _shown_once(visit: Visit, created: CreatedKey, replaces: str) -> Answer:
    return visit.show(
        "key_made.html",
        status=201,
        created=created,
        replaces=replaces,
        quickstarts=quickstarts(visit.our_url, created.key),
        may_send="messages:send" in created.scopes or ADMIN in created.scopes,
    )


async def _find(visit: Visit) -> KeyView:
    try:
        return await get_key(visit.means.ledger, visit.place["id"], workspace=visit.client.workspace_name)
    except Refused as refused:
        raise not_found("key", visit.place["id"]) from refused


def _moment(text: str | None) -> int | None:
    found: Any = None if text is None else read_time(text, "")
    return found if isinstance(found, int) else None


_ONE: Final = "/console/keys/{id}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/keys", show, ADMIN, entry=Entry("Keys", "key", "Build")),
    Page("POST", "/console/keys", create, ADMIN),
    Page("GET", _ONE, one, ADMIN),
    Page("POST", f"{_ONE}/rotate", rotate, ADMIN),
    Page("POST", f"{_ONE}/revoke", revoke, ADMIN),
)
