"""The request log: what applications asked, what they were answered, and what was wrong with it."""

import re
from typing import Final

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.engine.clients import list_keys
from heliograph.engine.requests import reading
from heliograph.engine.requests.reading import Narrowed

PLACE: Final = "/console/requests"
_PAGE: Final = 50
_KEYS_AT_MOST: Final = 200
_HOUR: Final = 3_600_000
_SINCE: Final = {"1h": _HOUR, "24h": 24 * _HOUR}
_SINCE_NAMES: Final = (("", "Any time"), ("1h", "Last hour"), ("24h", "Last 24 hours"))
_STATUSES: Final = (("", "Any answer"), ("2xx", "Went well (2xx)"), ("4xx", "Refused (4xx)"), ("5xx", "Broke (5xx)"))
_METHODS: Final = (("", "Any method"), *((name, name) for name in ("GET", "POST", "PUT", "PATCH", "DELETE")))
_CODE: Final = re.compile("[a-z]+(_[a-z]+)*")
_STATUS: Final = re.compile("[1-5]([0-9]{2}|xx)")


async def show(visit: Visit) -> Answer:
    found, following = await reading.entries(
        *(visit.means.ledger, visit.where.workspace, visit.where.environment, _narrowed(visit)),
        cursor=visit.query.get("cursor") or None,
        limit=_PAGE,
    )
    keys = await list_keys(
        visit.means.ledger,
        workspace=visit.client.workspace_name,
        environment=visit.client.environment_name,
        limit=_KEYS_AT_MOST,
    )
    return visit.show(
        "requests.html",
        found=found,
        next=following,
        keys=[("", "Any key"), *((key.id, key.name) for key in keys if key.revoked_at is None)],
        statuses=_STATUSES,
        methods=_METHODS,
        since=_SINCE_NAMES,
        is_narrowed=bool(visit.query.but(cursor=None)),
        retention=visit.means.retention,
    )


def _narrowed(visit: Visit) -> Narrowed:
    """The box takes what a developer has at hand: a path, a status, a code, a request id."""
    query = visit.query
    text, status, since = query.get("q"), query.get("status"), _SINCE.get(query.get("since"))
    is_path, is_status, is_code = text.startswith("/"), _STATUS.fullmatch(text), _CODE.fullmatch(text)
    status = text if is_status else status
    return Narrowed(
        client=query.get("client") or None,
        statuses=reading.read_statuses(status) if _STATUS.fullmatch(status) else None,
        method=query.get("method") or None,
        path=text if is_path else None,
        code=text if is_code else None,
        request_id=text if text and not (is_path or is_status or is_code) else None,
        since=None if since is None else visit.now - since,
    )


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, "webhooks:read", "webhooks:manage", entry=Entry("Requests", "arrow", "Build")),
)
