"""The audit log: who changed what, from where; narrowed, exported, and checked that nobody has meddled with it."""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, refuse
from heliograph.core.failures import Refused
from heliograph.core.views import moment
from heliograph.engine import auditing
from heliograph.engine.auditing import FORMATS, AuditEntry, Narrowed, Verification
from heliograph.engine.declared import OPERATOR

PLACE: Final = "/console/audit"
_PAGE: Final = 50
_MEDIA_TYPES: Final = {"jsonl": "application/jsonl", "csv": "text/csv; charset=utf-8"}
_DAY: Final = 86_400_000
_SINCE: Final = {"24h": _DAY, "7d": 7 * _DAY, "30d": 30 * _DAY, "365d": 365 * _DAY}
_SINCE_NAMES: Final = (
    ("", "Any time"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("365d", "Last year"),
)
_KINDS: Final = (
    ("", "Any change"),
    ("key.*", "Keys"),
    ("user.*", "Users"),
    ("session.*", "Sessions"),
    ("login.*", "Logins"),
    ("consent.*", "Consent"),
    ("contact.*", "Contacts"),
    ("person.*", "Erasures and disclosures"),
    ("conversation.*", "Conversations"),
    ("connector.*", "Connectors"),
    ("route.*", "Routes"),
    ("sender.*", "Senders"),
    ("endpoint.*", "Endpoints"),
    ("policy.*", "Policies"),
    ("template.*", "Templates"),
    ("campaign.*", "Campaigns"),
    ("audit.*", "The audit log itself"),
)


async def show(visit: Visit) -> Answer:
    return await _shown(visit, None)


async def verify(visit: Visit) -> Answer:
    """The chain runs through all workspaces: only the operator may have it walked."""
    if not _is_operator(visit):
        raise refuse("foreign_workspace", f"Only users of the workspace {OPERATOR} may check the chain.", status=403)
    text = visit.form.get("anchor")
    try:
        anchors = [auditing.read_anchor(text)] if text else []
    except Refused as refused:
        return await _shown(visit, None, refused)
    return await _shown(visit, await auditing.verify(visit.means.ledger, anchors))


async def export(visit: Visit) -> Answer:
    form = visit.query.get("format", "csv")
    form = form if form in FORMATS else "csv"
    narrowed = _narrowed(visit)
    asked = {"format": form} | {name: visit.query.get(name) for name in _ASKED if visit.query.get(name)}
    if narrowed.since is not None:
        asked["since"] = moment(narrowed.since)
    body = await auditing.hand_out(
        *(visit.means.ledger, narrowed, form, asked),
        workspace=visit.client.workspace,
        actor=visit.actor,
        now=visit.now,
    )
    return visit.stream(f"audit.{form}", _MEDIA_TYPES[form], _whole(body))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _shown(visit: Visit, check: Verification | None, refused: Refused | None = None) -> Answer:
    cursor = visit.query.get("cursor") or None
    found, following = await auditing.entries(visit.means.ledger, _narrowed(visit), cursor=cursor, limit=_PAGE)
    values: dict[str, Any] = {
        "found": found,
        "next": following,
        "kinds": _kinds(visit.query.get("action")),
        "since": _SINCE_NAMES,
        "details": details,
        "check": check,
        "may_check": _is_operator(visit),
        "may_export": visit.may("exports:read"),
        "is_narrowed": any(visit.query.get(name) for name in (*_ASKED, "since")),
        "anchor": visit.form.get("anchor"),
    }
    if refused is not None:
        return visit.wrong("audit.html", refused.refusals, **values)
    return visit.show("audit.html", **values)


def _kinds(asked: str) -> tuple[tuple[str, str], ...]:
    """Those to choose from; a link may ask for another."""
    return _KINDS if asked in dict(_KINDS) else (*_KINDS, (asked, asked))


def details(entry: AuditEntry) -> list[tuple[str, str]]:
    """What an entry says beside itself, line by line."""
    found = msgspec.json.decode(entry.detail)
    return [
        (name, value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=1).decode())
        for name, value in found.items()
    ]


_ASKED: Final = ("actor", "action", "object")


def _narrowed(visit: Visit) -> Narrowed:
    query = visit.query
    since = _SINCE.get(query.get("since"))
    return Narrowed(
        workspace=visit.client.workspace,
        everyones=_is_operator(visit),
        actor=query.get("actor") or None,
        action=query.get("action") or None,
        object=query.get("object") or None,
        since=None if since is None else visit.now - since,
    )


def _is_operator(visit: Visit) -> bool:
    return visit.client.workspace_name == OPERATOR


_READ: Final = "audit:read"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, _READ, entry=Entry("Audit log", "list", "Settings")),
    Page("POST", f"{PLACE}/check", verify, _READ),
    Page("GET", f"{PLACE}/export", export, "exports:read"),
)
