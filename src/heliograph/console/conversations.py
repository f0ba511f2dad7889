"""The inbox: who wrote, who waits, who looks after whom."""

from typing import Final

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.core import ids
from heliograph.core.conversations import CLOSED, OPEN, WAITING
from heliograph.core.numbers import BadNumber, parse
from heliograph.engine.conversations import timeline
from heliograph.engine.conversations.timeline import Narrowed
from heliograph.engine.people import contacts

_PAGE: Final = 40
_FIRST: Final = "open"
_SHELVES: Final = (
    ("open", "To answer"),
    ("mine", "Mine"),
    ("unassigned", "Unassigned"),
    ("waiting", "Waiting for them"),
    ("closed", "Closed"),
    ("all", "All"),
)
_NOTHING: Final = {
    "open": ("Nobody waits for an answer", "Whoever writes next shows up here by themselves."),
    "mine": ("Nothing is yours", "Open a conversation of “Unassigned” and take it."),
    "unassigned": ("All have somebody who looks after them", "New conversations come here first."),
    "waiting": ("Nobody is waited for", "What was answered stands here until the person writes again."),
    "closed": ("None is closed", "What is settled is closed, and opens by itself when the person writes again."),
    "all": ("No conversation yet", "When a phone texts one of your senders, its conversation begins here."),
}


async def show(visit: Visit) -> Answer:
    shelf = visit.query.get("show", _FIRST)
    shelf = shelf if shelf in _NOTHING else _FIRST
    cursor = ids.parse("cur", visit.query.get("cursor"))
    number, problems = _number(visit)
    narrowed = Narrowed(
        state={"open": OPEN, "waiting": WAITING, "closed": CLOSED}.get(shelf),
        agent=visit.session.email if shelf == "mine" else None,
        team=visit.query.get("team") or None,
        number=number,
        is_unassigned=shelf == "unassigned",
        is_unfinished=shelf in ("mine", "unassigned"),
    )
    ledger, where = visit.means.ledger, visit.where
    found, following = await timeline.page(ledger, where.workspace, where.environment, narrowed, cursor, _PAGE)
    policy = visit.means.snapshot().realms[where.environment].policies.conversations
    known = [one.contact for one in found if one.contact is not None]
    return visit.show(
        "conversations.html",
        shelves=[(word, f"?{visit.query.but(show=name, cursor=None)}", name == shelf) for name, word in _SHELVES],
        shelf=shelf,
        found=found,
        next=following,
        nothing=_NOTHING[shelf],
        words=await timeline.last_heard(ledger, where.workspace, [one.id for one in found]),
        names=await contacts.names(ledger, where.workspace, known),
        teams=[("", "Any team"), *((name, name) for name in sorted(policy.teams))] if policy.teams else [],
        problems=problems,
        is_narrowed=bool(number or narrowed.team),
        rehearses=visit.means.snapshot().realms[where.environment].rehearses,
    )


def _number(visit: Visit) -> tuple[str | None, dict[str, str]]:
    """The number that is looked for, or what is wrong with it."""
    if not (text := visit.query.get("q")):
        return None, {}
    found = parse(f"+{text[2:]}" if text.startswith("00") else text, visit.client.default_country)
    if isinstance(found, BadNumber):
        return None, {"q": f"{found.detail[:1].upper()}{found.detail[1:]}."}
    return found.e164, {}


PLACE: Final = "/console/conversations"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", PLACE, show, "messages:read", entry=Entry("Conversations", "inbox", "Talk")),
)
