"""The way to live traffic: what should be in place first, looked up by the system where it can."""

from typing import Final, NamedTuple

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.engine import golive
from heliograph.engine.golive import BY_HAND, Check, Readiness


class About(NamedTuple):
    """What a point is for, and where it is done."""

    title: str
    why: str
    place: str
    word: str


class Point(NamedTuple):
    """A point of the list."""

    check: Check
    about: About
    by_hand: bool


_ABOUT: Final = {
    "carrier": About(
        "A carrier, and a route to it",
        "Until then messages reach the sandbox alone.",
        "/console/carriers",
        "Carriers",
    ),
    "sender": About(
        "A sender identity",
        "Who messages come from. Many countries want it registered first, which takes days to weeks.",
        "/console/carriers/senders",
        "Senders",
    ),
    "consent": About(
        "A source of consent",
        "Where people say yes, and how that gets here. Without it, marketing is not lawful in most countries.",
        "/console/configuration/policy/consent",
        "Policy",
    ),
    "webhook": About(
        "A webhook endpoint that answers",
        "Your application hears what was delivered, what failed, and what people answer.",
        "/console/webhooks",
        "Webhooks",
    ),
    "keys": About(
        "Keys by environment",
        "One for test and one for live, so that a test can never text a person.",
        "/console/keys",
        "Keys",
    ),
    "test_message": About(
        "A test to a number of your own",
        "Through the real carrier, in live. It arrives, the sender is right, and STOP works.",
        "/console/messages",
        "Messages",
    ),
    "alarms": About(
        "Somebody whom alarms reach",
        "By webhook, e-mail or SMS: before your customers tell you.",
        "/console/alarms/rules",
        "Alarms",
    ),
    "rollback": About(
        "A plan for the way back",
        "Who pauses sending, and how the configuration goes back. Going back shows first what it would do.",
        "/console/configuration/history",
        "History",
    ),
}


async def show(visit: Visit) -> Answer:
    found = await look(visit)
    return visit.show(
        "checklist.html",
        points=[Point(check, _ABOUT[check.name], check.name in BY_HAND) for check in found.checks],
        found=found,
        may_confirm=visit.may("routing:manage"),
    )


async def confirm(visit: Visit) -> Answer:
    name = visit.form.get("name")
    await golive.confirm(visit.means.ledger, visit.client.workspace, name, actor=visit.actor, now=visit.now)
    return visit.go("/console/checklist", "Noted, with your name." if name != "done" else "The list is put away.")


async def look(visit: Visit) -> Readiness:
    return await golive.readiness(visit.means.ledger, visit.means.snapshot(), visit.client.workspace, visit.now)


_MANAGE: Final = "routing:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/checklist", show, "analytics:read", entry=Entry("Going live", "flag", "Build")),
    Page("POST", "/console/checklist", confirm, _MANAGE),
)
