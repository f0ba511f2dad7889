"""One conversation: what was said and done, what may be said next and when it would go, and who looks after it."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from heliograph.console.conversations import PLACE
from heliograph.console.page import Page
from heliograph.console.visit import Answer, Visit, not_found
from heliograph.core import ids, segments
from heliograph.core.conversations import CLOSED, OPEN, WAITING
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import SUPPORT, Message
from heliograph.core.numbers import BadNumber, parse
from heliograph.engine import sending
from heliograph.engine.conversations import answers, timeline
from heliograph.engine.conversations.threads import Change, ConversationView, Thread
from heliograph.engine.conversations.timeline import Entry
from heliograph.engine.declared import Realm
from heliograph.engine.people import contacts, rulings
from heliograph.engine.users import register

_SHOWN: Final = 60
_LONGEST: Final = 2_000
_LONGEST_NOTE: Final = 5_000
_LONGEST_NAME: Final = 64
_OPEN_PLACE: Final = re.compile(r"\{\{[^{}]*\}\}")  # of a prepared text: still to be filled in
_STATES: Final = {OPEN: "opened it again", WAITING: "answered", CLOSED: "closed it"}
_PREPARED: Final = "canned:"
_TEMPLATE: Final = "template:"


class Outlook(msgspec.Struct, frozen=True):
    """What would become of an answer if it went now. `refusal`: why it would not."""

    units: int
    left: int
    parts: int
    encoding: str
    forced: list[str]
    due_at: int | None = None  # it would wait until then
    refusal: str = ""
    price: str = ""


async def show(visit: Visit) -> Answer:
    return await _shown(visit, "")


async def draft(visit: Visit) -> Answer:
    """The page again, with what would become of the text; with the prepared one in its place when one was chosen."""
    text = visit.form.raw("text")
    if chosen := visit.form.get("prepared"):
        thread, _ = await _find(visit)
        text = (await _prepared(visit, thread)).get(chosen, text)
    return await _shown(visit, text[:_LONGEST])


async def reply(visit: Visit) -> Answer:
    """Through intake, like any message: routes, consent and budget are asked."""
    thread, view = await _find(visit)
    text = visit.form.raw("text").strip()
    if not text or len(text) > _LONGEST:
        detail = "Write something first." if not text else f"An answer takes {_LONGEST:,} characters."
        return await _shown(visit, text, Refusal("bad_value", detail, "/text"))
    if unfilled := _OPEN_PLACE.search(text):
        return await _shown(visit, text, Refusal("bad_value", f"Fill in {unfilled[0]} first.", "/text"))
    once = f"answer {view.id} {visit.form.get('once')[:40]}"
    try:
        message = await sending.send(
            visit.means.intake, visit.caller, answers.request_of(thread, text), visit.now, once=once
        )
    except Refused as refused:
        return await _shown(visit, text, msgspec.structs.replace(refused.refusals[0], pointer="/text"))
    place = ids.parse("msg", message)
    assert place is not None
    await _change(visit).replied(view.id, place[1], message, visit.session.email)
    return visit.go(f"{PLACE}/{view.id}", "Your answer is on its way.")


async def assign(visit: Visit) -> Answer:
    _, view = await _find(visit)
    team, agent = visit.form.get("team") or None, visit.form.get("agent") or None
    for name, value in (("team", team), ("agent", agent)):
        if value is not None and len(value) > _LONGEST_NAME:
            return await _shown(visit, "", Refusal("too_long", f"At most {_LONGEST_NAME} characters.", f"/{name}"))
    await _change(visit).assign(view.id, team, agent)
    return visit.go(f"{PLACE}/{view.id}", f"{agent or 'Nobody'} looks after it now.")


async def note(visit: Visit) -> Answer:
    _, view = await _find(visit)
    text = visit.form.raw("note").strip()
    if not 0 < len(text) <= _LONGEST_NOTE:
        detail = "Write something first." if not text else f"A note takes {_LONGEST_NOTE:,} characters."
        return await _shown(visit, "", Refusal("bad_value", detail, "/note"))
    await _change(visit).note(view.id, text, visit.session.email)
    return visit.go(f"{PLACE}/{view.id}", "Noted. Only your side sees it.")


async def close(visit: Visit) -> Answer:
    _, view = await _find(visit)
    await _change(visit).move(view.id, CLOSED)
    return visit.go(f"{PLACE}/{view.id}", "Closed. It opens by itself when they write again.")


async def reopen(visit: Visit) -> Answer:
    _, view = await _find(visit)
    await _change(visit).move(view.id, OPEN)
    return visit.go(f"{PLACE}/{view.id}", "Open again.")


async def _shown(visit: Visit, text: str, refusal: Refusal | None = None) -> Answer:
    thread, view = await _find(visit)
    ledger, client, realm = visit.means.ledger, visit.client, _realm(visit)
    before = timeline.place_of(visit.query.get("before"))
    entries, older = await timeline.entries(ledger, thread, before, _SHOWN)
    contact = await contacts.find(ledger, client.workspace, view.contact) if view.contact is not None else None
    teams = {*realm.policies.conversations.teams, *([view.team] if view.team else [])}
    values: dict[str, Any] = {
        "thread": view,
        "entries": entries,
        "older": older,
        "contact": contact,
        "may_send": await rulings.may_send(
            *(ledger, visit.means.snapshot().consent, client.workspace, client.environment, thread.number, visit.now),
            sender=thread.sender,
        ),
        "may_manage": visit.may("conversations:manage"),
        "sees_contacts": visit.may("consent:manage"),
        "text": text,
        "outlook": _outlook(visit, thread, text),
        "prepared": list(await _prepared(visit, thread)),
        "colleagues": await register.colleagues(ledger, client.environment),
        "teams": [(name, name) for name in sorted(teams)],
        "told": told,
        "longest": _LONGEST,
    }
    if refusal is not None:
        return visit.wrong("conversation.html", [refusal], **values)
    return visit.show("conversation.html", **values)


def told(entry: Entry) -> str:
    """What was done, in a line."""
    after = (entry.detail or {}).get("after", {})
    by = (entry.by or "").removeprefix("user:")
    if entry.kind == "assigned":
        whom = ", ".join(filter(None, (after.get("agent"), after.get("team")))) or "nobody"
        return f"Given to {whom} by default" if by == "default_team" else f"{by} gave it to {whom}"
    if entry.kind == "state":
        if by == "person":
            return "Waits for an answer"
        return f"{by}: {_STATES.get(after.get('state'), 'changed')}"
    if entry.kind == "tags":
        return f"{by}: tags {', '.join(after.get('tags', [])) or 'taken away'}"
    if entry.kind == "escalated":
        return "Waited longer than was promised"
    return "An automatic answer was held back" if entry.kind == "held" else entry.kind


def _outlook(visit: Visit, thread: Thread, text: str) -> Outlook:
    """Counted as it would be sent; decided as it would be now, and nothing is kept of it."""
    split = segments.split(text)
    last = split.segments[-1] if split.segments else None
    units, limit = (last.units, last.limit) if last is not None else (0, 160)
    forced = list(dict.fromkeys(one.name for one in split.forced_by))
    seen = Outlook(units, limit - units, len(split.segments), split.encoding, forced)
    wanted = answers.request_of(thread, text.strip() or "…")
    decided = visit.means.intake.draft(visit.caller, msgspec.structs.replace(wanted, dry_run=True), visit.now)
    if isinstance(decided, Refusal):
        return msgspec.structs.replace(seen, refusal=decided.detail)
    message: Message = decided.message
    price = f"{message.price} {message.currency or ''}".strip() if message.price is not None and text.strip() else ""
    return msgspec.structs.replace(seen, due_at=message.due_at if message.due_at > visit.now else None, price=price)


async def _prepared(visit: Visit, thread: Thread) -> Mapping[str, str]:
    """Texts that stand ready, by name: those of the workspace's policy, and templates of kind support, with what is
    known of the person filled in."""
    realm = _realm(visit)
    found = {f"{_PREPARED}{name}": text for name, text in realm.policies.conversations.canned.items()}
    contact = await contacts.of_address(visit.means.ledger, visit.client.workspace, thread.number)
    number = parse(thread.number, None)
    country = "" if isinstance(number, BadNumber) else number.country
    known = {} if contact is None else {**contact.attributes, **({"name": contact.name} if contact.name else {})}
    for name, version in realm.templates.versions.items():
        template = version.template
        if "@" in name or template.spec.kind != SUPPORT:
            continue
        place = template.place(contact.locale if contact is not None else None, country)
        values = {one: value for one, value in known.items() if one in template.spec.variables}
        rendered = template.render(place, values)
        found[f"{_TEMPLATE}{name}"] = rendered if isinstance(rendered, str) else template.source(place)
    return found


async def _find(visit: Visit) -> tuple[Thread, ConversationView]:
    """The conversation of the address, if it is of the environment in view. Raises `Refused`."""
    where, public = visit.where, visit.place["id"]
    found = await timeline.find(visit.means.ledger, where.workspace, where.environment, public)
    if found is None:
        raise not_found("conversation", public)
    return found


def _realm(visit: Visit) -> Realm:
    return visit.means.snapshot().realms[visit.client.environment]


def _change(visit: Visit) -> Change:
    return Change(visit.means.ledger, _realm(visit), visit.actor, visit.now)


_ONE: Final = f"{PLACE}/{{id}}"
_MANAGE: Final = "conversations:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _ONE, show, "messages:read"),
    Page("POST", f"{_ONE}/draft", draft, _MANAGE),
    Page("POST", f"{_ONE}/reply", reply, _MANAGE),
    Page("POST", f"{_ONE}/assign", assign, _MANAGE),
    Page("POST", f"{_ONE}/notes", note, _MANAGE),
    Page("POST", f"{_ONE}/close", close, _MANAGE),
    Page("POST", f"{_ONE}/open", reopen, _MANAGE),
)
