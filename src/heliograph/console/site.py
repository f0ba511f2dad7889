"""The console as a whole: which page is where, who may open it, and what is answered.

The door in front has seen to sessions, cookies and the proofs that a form is ours; from here on it is known who asks.
To add a page: write its module (a handler or two, and `PAGES`), its template, and name it below.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final, NamedTuple

from heliograph.console import (
    account,
    alarms,
    audiences,
    audit_log,
    budgets,
    campaign,
    campaign_builder,
    campaigns,
    carriers,
    checklist,
    configuration,
    contacts,
    conversation,
    conversations,
    history,
    keys,
    links,
    message,
    messages,
    overview,
    people_lists,
    person,
    phone,
    rendering,
    requests,
    self_service,
    template,
    template_editor,
    template_list,
    users,
    verify,
    ways,
    webhooks,
)
from heliograph.console.page import GROUPS, Page
from heliograph.console.visit import Answer, Gone, Shown, Streamed, Visit
from heliograph.core.failures import Refusal, Refused

HOME: Final = "/console"
PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *alarms.PAGES,
    *messages.PAGES,
    *message.PAGES,
    *carriers.PAGES,
    *ways.PAGES,
    *conversations.PAGES,
    *conversation.PAGES,
    *contacts.PAGES,
    *people_lists.PAGES,
    *person.PAGES,
    *phone.PAGES,
    *campaigns.PAGES,
    *campaign_builder.PAGES,
    *campaign.PAGES,
    *audiences.PAGES,
    *template_list.PAGES,
    *template_editor.PAGES,
    *template.PAGES,
    *links.PAGES,
    *verify.PAGES,
    *keys.PAGES,
    *webhooks.PAGES,
    *requests.PAGES,
    *budgets.PAGES,
    *history.PAGES,
    *configuration.PAGES,
    *checklist.PAGES,
    *users.PAGES,
    *audit_log.PAGES,
    *account.PAGES,
    *self_service.PAGES,
)
_ENTRIES: Final = tuple(page for page in PAGES if page.entry is not None)
_TITLES: Final = {403: "Not for you", 404: "Nothing here", 405: "Not in this way", 500: "That went wrong"}
_FORBIDDEN: Final = "Your role in this environment does not open this page. An owner of the workspace can change that."


class Reply(NamedTuple):
    """What the door sends. `to`: send the browser there; `token`: the session's, from now on."""

    status: int
    body: bytes | AsyncIterator[bytes]
    media_type: str = "text/html; charset=utf-8"
    to: str | None = None
    token: str | None = None
    cookies: tuple[tuple[str, str], ...] = ()
    file_name: str | None = None


def is_here(path: str) -> bool:
    return path == HOME or path.startswith(f"{HOME}/")


def find(method: str, path: str) -> tuple[Page | None, Mapping[str, str], bool]:
    """The page at a place, the names in it, and whether the place is there for another method."""
    steps, is_known = tuple(path.strip("/").split("/")), False
    for page in PAGES:
        place = _match(page.steps, steps)
        if place is None:
            continue
        if page.method == ("GET" if method == "HEAD" else method):
            return page, place, True
        is_known = True
    return None, {}, is_known


async def serve(page: Page, visit: Visit) -> Reply:
    """Raises what the handler raised beyond refusals."""
    if not page.opens_to(visit):
        home = _home(visit)
        if visit.path == HOME and home is not None:
            return Reply(303, b"", to=home)
        return problem(visit, 403, _FORBIDDEN)
    try:
        return _reply(visit, await page.handler(visit))
    except Refused as refused:
        first: Refusal = refused.refusals[0]
        return problem(visit, first.status, first.detail)


def problem(visit: Visit, status: int, detail: str, request_id: str = "") -> Reply:
    """A page that says what is wrong and leaves the way out open."""
    values = {"title": _TITLES.get(status, "That did not work"), "detail": detail, "request_id": request_id}
    return _reply(visit, Shown("problem.html", values, status))


def _reply(visit: Visit, answer: Answer) -> Reply:
    if isinstance(answer, Gone):
        return Reply(303, b"", to=answer.place, token=answer.token, cookies=answer.cookies)
    if isinstance(answer, Streamed):
        return Reply(200, answer.pieces, answer.media_type, file_name=answer.name)
    here = _here(visit)
    frame = {
        "visit": visit,
        "now": visit.now,
        "problems": {},
        "navigation": _navigation(visit, here),
        "place_of_entry": here.path if here is not None else HOME,
    }
    return Reply(answer.status, rendering.page(answer.template, {**frame, **answer.values}), token=answer.token)


def _here(visit: Visit) -> Page | None:
    """The place in the navigation to which the page belongs."""
    within = [page for page in _ENTRIES if _is_within(visit.path, page.path)]
    return max(within, key=lambda page: len(page.path), default=None)


def _navigation(visit: Visit, here: Page | None) -> list[tuple[str, list[tuple[Page, bool]]]]:
    """By group: what the visitor may open, and where they are."""
    allowed = [page for page in _ENTRIES if page.opens_to(visit)]
    groups = [
        (group, [(page, page is here) for page in allowed if page.entry is not None and page.entry.group == group])
        for group in GROUPS
    ]
    return [(group, pages) for group, pages in groups if pages]


def _is_within(path: str, place: str) -> bool:
    return path == place or (place != HOME and path.startswith(f"{place}/"))


def _home(visit: Visit) -> str | None:
    """The first page that the visitor may open."""
    return next((page.path for page in _ENTRIES if page.opens_to(visit)), None)


def _match(wanted: tuple[str, ...], steps: tuple[str, ...]) -> Mapping[str, str] | None:
    if len(wanted) != len(steps):
        return None
    place: dict[str, str] = {}
    for want, step in zip(wanted, steps, strict=True):
        if want.startswith("{"):
            place[want[1:-1]] = step
        elif want != step:
            return None
    return place
