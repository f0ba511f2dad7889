"""People of the fake: contacts, what they agreed to, and what their phones say."""

from typing import Final

from heliograph.sdk.testing import texts
from heliograph.sdk.testing.memory import Memory, Shown
from heliograph.sdk.testing.problems import Wrong, not_found

_ACTIONS: Final = ("confirmed", "dismissed", "doubt", "help", "opt_in", "opt_out")
_KINDS: Final = ("otp", "transactional", "support", "promotional")
_STOP: Final = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_START: Final = frozenset({"START", "UNSTOP"})
_FIELDS: Final = ("external_id", "name", "locale", "time_zone")


def record(memory: Memory, asked: Shown) -> Shown:
    """Note what a person said. Raises `Wrong`."""
    to = texts.number(asked.get("to", ""), "/to")
    if asked["action"] not in _ACTIONS:
        raise Wrong("wrong_value", f"action is one of {', '.join(_ACTIONS)}", "/action")
    note(memory, to, asked["action"], source=asked.get("source", "api"))
    return standing(memory, to)


def note(memory: Memory, to: str, action: str, *, source: str) -> None:
    at = memory.moment()
    nothing: Shown = dict.fromkeys(
        ("contact", "channel", "language", "text", "text_version", "ip", "user_agent", "message", "until")
    )
    entry: Shown = {
        "id": memory.new_id("con"),
        "address": to,
        "action": action,
        "scope": "*",
        "source": source,
        "at": at,
    }
    entry |= {"recorded_at": at, "detail": {}, "actor": "fake", "is_test": False}
    memory.records.setdefault(to, []).append(nothing | entry)


def standing(memory: Memory, to: str) -> Shown:
    """What holds for a person."""
    entries, is_out = memory.records.get(to, []), memory.is_opted_out(to)
    last = {one["action"]: one["at"] for one in entries}
    stance: Shown = dict.fromkeys(("opted_in_at", "confirmed_at", "until", "opted_out_at", "in_review_since"))
    stance |= {"scope": "*", "firm": False, "confirmed_at": last.get("confirmed")}
    stance |= {"opted_out_at": last["opt_out"]} if is_out else {"opted_in_at": last.get("opt_in")}
    may_send = dict.fromkeys(_KINDS, "opted_out" if is_out else "yes")
    return {"to": to, "may_send": may_send, "stances": [stance] if entries else [], "data": entries}


def suppressed(memory: Memory) -> list[Shown]:
    found = sorted(to for to in memory.records if memory.is_opted_out(to))
    return [{"to": to, "scope": "*", "since": memory.records[to][-1]["at"], "firm": False} for to in found]


def hear(memory: Memory, phone: str, to: str, text: str) -> Shown:
    """A phone texts; what it says may be an opt-out or an opt-in."""
    word = text.strip().upper()
    if word in _STOP:
        note(memory, phone, "opt_out", source="keyword")
    elif word in _START:
        note(memory, phone, "opt_in", source="keyword")
    at = memory.moment()
    shown: Shown = {"id": memory.new_id("inb"), "from": phone, "to": to, "text": text, "connector": "sandbox"}
    shown |= {"received_at": at, "settled_at": at, "opt_out": word in _STOP}
    memory.inbound[shown["id"]] = shown
    event = {"id": memory.new_id("evt"), "type": "inbound.received", "created_at": at, "data": shown}
    memory.events.append(event)
    return event


def add(memory: Memory, asked: Shown) -> Shown:
    """A new contact. Raises `Wrong`."""
    _refuse_double(memory, asked, None)
    addresses = _addresses(memory, asked)
    at = memory.moment()
    contact: Shown = {name: asked.get(name) for name in _FIELDS}
    contact |= {"id": memory.new_id("cnt"), "attributes": asked.get("attributes", {}), "addresses": addresses}
    contact |= {"created_at": at, "updated_at": at}
    memory.contacts[contact["id"]] = contact
    return contact


def contact_of(memory: Memory, contact_id: str) -> Shown:
    if contact_id not in memory.contacts:
        raise not_found("contact", contact_id)
    return memory.contacts[contact_id]


def change(memory: Memory, contact_id: str, asked: Shown) -> Shown:
    """A contact with some fields changed. Raises `Wrong`."""
    contact = contact_of(memory, contact_id)
    _refuse_double(memory, asked, contact_id)
    if "addresses" in asked:
        contact["addresses"] = _addresses(memory, asked)
    contact |= {name: asked[name] for name in (*_FIELDS, "attributes") if name in asked}
    contact["updated_at"] = memory.moment()
    return contact


def _refuse_double(memory: Memory, asked: Shown, but: str | None) -> None:
    external_id = asked.get("external_id")
    others = [one for one in memory.contacts.values() if one["id"] != but]
    if external_id is not None and any(one["external_id"] == external_id for one in others):
        detail = f"another contact has the external_id {external_id!r}"
        raise Wrong("already_exists", detail, "/external_id", 409)


def _addresses(memory: Memory, asked: Shown) -> list[Shown]:
    given = [
        text if "@" in text else texts.number(text, f"/addresses/{index}")
        for index, text in enumerate(asked.get("addresses", []))
    ]
    return [{"address": one, "since": memory.moment(), "until": None} for one in given]
