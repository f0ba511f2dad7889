"""One person: what holds for them and how it came about, recorded, proven, handed out, erased. By the contact, or by an
address that belongs to nobody who is named.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.contacts import PLACE, find, place_of
from heliograph.console.page import Page
from heliograph.console.visit import Answer, Visit, refuse
from heliograph.core import consent
from heliograph.core.consent import Stance
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES
from heliograph.core.views import message_id
from heliograph.engine import disclosing, erasing
from heliograph.engine.conversations import timeline
from heliograph.engine.conversations.timeline import Narrowed
from heliograph.engine.people import contacts, proof, record, rulings, saying
from heliograph.engine.people.contacts import Contact
from heliograph.engine.people.record import Said
from heliograph.engine.people.scopes import address_of, scope_of
from heliograph.store import reads
from heliograph.store.reads import MessageFilter

_MESSAGES: Final = 8
_TALKS: Final = 5
_LONGEST: Final = 1_000
_SURE: Final = "erase"  # to be typed by whoever means it
_ACTIONS: Final = (
    (consent.OPT_OUT, "They said no"),
    (consent.OPT_IN, "They said yes"),
    (consent.CONFIRMED, "They confirmed their yes"),
    (consent.DISMISSED, "It was no opt-out (after a review)"),
)
_SOURCES: Final = (
    ("verbal", "by word of mouth"),
    ("paper", "on paper"),
    ("web_form", "by a form"),
    ("email", "by e-mail"),
    ("complaint", "by a complaint: only they can lift it, and not by text"),
)
_WORDS: Final = {
    consent.OPT_IN: ("said yes to", "good", "check"),
    consent.CONFIRMED: ("confirmed", "good", "check"),
    consent.OPT_OUT: ("said no to", "bad", "stop"),
    consent.HELP: ("asked for help about", "info", "info"),
    consent.DOUBT: ("may have said no to", "warn", "warning"),
    consent.DISMISSED: ("did not mean a no to", "wait", "check"),
}


class Channel(NamedTuple):
    """Addresses, and what holds for all of them alike."""

    addresses: list[str]
    may_send: dict[str, str]
    stances: Sequence[Stance]


async def show(visit: Visit) -> Answer:
    found = await find(visit)
    return await _shown(visit, _addresses(found), found)


async def show_address(visit: Visit) -> Answer:
    """Whose it is, or the same page without a name."""
    address = _address(visit)
    found = await contacts.of_address(visit.means.ledger, visit.client.workspace, address)
    if found is not None:
        return visit.go(f"{PLACE}/{found.id}", visit.said)
    return await _shown(visit, [address], None)


async def say(visit: Visit) -> Answer:
    """Record what they want: the record is only ever added to."""
    form, address = visit.form, _address(visit)
    action, reason, source = form.get("action"), form.get("reason"), form.get("source")
    refusals = [
        Refusal("bad_value", "Choose what they said.", "/action") if action not in dict(_ACTIONS) else None,
        Refusal("bad_value", "Choose how you know.", "/source") if source not in dict(_SOURCES) else None,
        Refusal("bad_value", "Say how it came about, for whoever asks later.", "/reason") if not reason else None,
    ]
    scope = scope_of(form.get("purpose") or None, None)
    if isinstance(scope, Refusal):
        refusals.append(scope)
    if wrong := [one for one in refusals if one is not None]:
        return await _again(visit, address, wrong)
    assert isinstance(scope, str)
    said = Said(
        address=address,
        action=action,
        scope=scope,
        source=source,
        at=visit.now,
        text=form.get("text")[:_LONGEST] or None,
        detail={"reason": reason[:_LONGEST]},
    )
    client, means = visit.client, visit.means
    await saying.say(
        *(means.ledger, means.clock, client.workspace, client.environment, said, [client.workspace]),
        actor=visit.actor,
        now=visit.now,
    )
    done = "Recorded. Nothing that it covers leaves any more." if action == consent.OPT_OUT else "Recorded."
    return visit.go(place_of(address), done)


async def prove(visit: Visit) -> Answer:
    """The proof for a lawyer: a page to print, or JSON."""
    address, client = _address(visit), visit.client
    made = await proof.hand_out(
        *(visit.means.ledger, client.workspace, client.workspace_name, address, await _may_send(visit, address)),
        actor=visit.actor,
        now=visit.now,
    )
    if visit.query.get("format") == "json":
        return visit.stream("consent.json", "application/json", _whole(msgspec.json.encode(made)))
    return visit.stream("consent.html", "text/html; charset=utf-8", _whole(proof.page(made)))


async def disclose(visit: Visit) -> Answer:
    """All that is known of them, for them."""
    known = await disclosing.disclose(
        *(visit.means.ledger, visit.client.workspace, _address(visit)), actor=visit.actor, now=visit.now
    )
    return visit.stream("person.json", "application/json", _whole(msgspec.json.encode(known)))


async def erase(visit: Visit) -> Answer:
    address, reason = _address(visit), visit.form.get("erase_reason")
    refusals = [
        Refusal("bad_value", "Say who asked for it, and why.", "/erase_reason") if not reason else None,
        Refusal("bad_value", f"Type “{_SURE}” to mean it.", "/sure") if visit.form.get("sure") != _SURE else None,
    ]
    if wrong := [one for one in refusals if one is not None]:
        return await _again(visit, address, wrong)
    done = await erasing.erase(
        visit.means.ledger,
        visit.client.workspace,
        address,
        reason=reason[:200],
        actor=visit.actor,
        now=visit.now,
        carriers=[visit.means.carrier(name) for name in visit.means.snapshot().connectors],
    )
    kept = " Their no goes on to hold." if done.is_suppressed else ""
    out = f" Not reached: {', '.join(f'{one.kind} {one.name}' for one in done.outside)}." if done.outside else ""
    said = f"Erased: {done.messages} messages, {done.inbound} received, {done.consents} entries of the record."
    return visit.go(PLACE, said + kept + out)


async def _again(visit: Visit, address: str, refusals: Sequence[Refusal]) -> Answer:
    """The page with what was wrong; nothing has changed."""
    found = await contacts.of_address(visit.means.ledger, visit.client.workspace, address)
    return await _shown(visit, [address] if found is None else _addresses(found), found, refusals)


async def _shown(
    visit: Visit, addresses: Sequence[str], contact: Contact | None, refusals: Sequence[Refusal] = ()
) -> Answer:
    ledger, where = visit.means.ledger, visit.where
    channels: list[Channel] = []
    for one in addresses:
        may_send, stances = await _may_send(visit, one), await record.stances_of(ledger, where.workspace, one)
        alike = next((each for each in channels if (each.may_send, each.stances) == (may_send, stances)), None)
        if alike is not None:
            alike.addresses.append(one)
        else:
            channels.append(Channel([one], may_send, stances))
    known = {entry.id: entry for one in addresses for entry in await record.history(ledger, where.workspace, one)}
    sees_messages = visit.may("messages:read")
    values: dict[str, Any] = {
        "contact": contact,
        "channels": channels,
        "addresses": addresses,
        "record": sorted(known.values(), key=lambda entry: (entry.at, entry.id), reverse=True),
        "words": _WORDS,
        "reason_of": lambda entry: msgspec.json.decode(entry.detail),
        "scope_words": scope_words,
        "actions": _ACTIONS,
        "sources": _SOURCES,
        "purposes": [("all", "everything"), *((kind, kind) for kind in LANES)],
        "talks": await _talks(visit, addresses) if sees_messages else [],
        "messages": await _messages(visit, addresses) if sees_messages else [],
        "message_id": message_id,
        "may_export": visit.may("exports:read"),
        "sure": _SURE,
        "filled": visit.form,
    }
    if refusals:
        return visit.wrong("contact.html", refusals, **values)
    return visit.show("contact.html", **values)


async def _talks(visit: Visit, addresses: Sequence[str]) -> list[Any]:
    where, found = visit.where, []
    for address in addresses:
        page, _ = await timeline.page(
            visit.means.ledger, where.workspace, where.environment, Narrowed(number=address), None, _TALKS
        )
        found += page
    return found[:_TALKS]


async def _messages(visit: Visit, addresses: Sequence[str]) -> list[Any]:
    found = []
    for address in addresses:
        found += await reads.list_messages(visit.means.ledger, visit.where, MessageFilter(to=address), _MESSAGES)
    return sorted(found, key=lambda message: -message.id)[:_MESSAGES]


async def _may_send(visit: Visit, address: str) -> dict[str, str]:
    client, rules = visit.client, visit.means.snapshot().consent
    return await rulings.may_send(visit.means.ledger, rules, client.workspace, client.environment, address, visit.now)


def scope_words(scope: str) -> str:
    """What was spoken of, in words."""
    kind, _, name = scope.partition(":")
    return {"*": "everything", "topic": f"the topic {name}", "sender": f"messages from {name}"}.get(kind, scope)


def _addresses(contact: Contact) -> list[str]:
    return [one.address for one in contact.addresses if one.until is None]


def _address(visit: Visit) -> str:
    """The number or e-mail address of the place. Raises `Refused`."""
    found = address_of(visit.place["address"], visit.client.default_country)
    if isinstance(found, Refusal):
        raise refuse(found.code, found.detail, status=404)
    return found


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


_OF: Final = f"{PLACE}/of/{{address}}"
_MANAGE: Final = "consent:manage"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _OF, show_address, _MANAGE),
    Page("POST", f"{_OF}/consent", say, _MANAGE),
    Page("GET", f"{_OF}/proof", prove, _MANAGE),
    Page("GET", f"{_OF}/export", disclose, "exports:read"),
    Page("POST", f"{_OF}/erase", erase, _MANAGE),
    Page("GET", f"{PLACE}/{{id}}", show, _MANAGE),
)
