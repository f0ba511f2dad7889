"""One message: what happened to it, why, what one may say of it, and what can be done."""

from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.drawn import Part, parts_of
from heliograph.console.page import Page
from heliograph.console.snippets import as_request, curl
from heliograph.console.visit import Answer, Visit, not_found, refuse
from heliograph.core import ids, segments, telling
from heliograph.core.lifecycle import ENDS, WAITING_STATES
from heliograph.core.meanings import meaning
from heliograph.core.message import Delivery, Event, Message
from heliograph.core.views import has_code, message_id
from heliograph.engine import endpoints, sending
from heliograph.engine.accounts import address_in
from heliograph.engine.cancel import take_back
from heliograph.store import reads

_DELIVERIES_SHOWN: Final = 100
_INSIDE: Final = ("rule",)
_REPLAYS: Final = ("webhooks:replay", "webhooks:manage")


class Told(NamedTuple):
    """A webhook that was told of it."""

    id: str
    event: str
    to: str
    delivery: Delivery
    failures: list[tuple[Any, ...]]


async def show(visit: Visit) -> Answer:
    message = await find(visit)
    ledger, means = visit.means.ledger, meaning(message.state, message.failure, message.failure_code)
    events = await reads.events(ledger, message.id)
    trace = await reads.decision(ledger, message.decision)
    sees_webhooks = visit.may("webhooks:read", "webhooks:manage")
    return visit.show(
        "message.html",
        message=message,
        id=message_id(message),
        means=means,
        steps=telling.told(events),
        raw=[(event, facts.receipt) for event in events if (facts := telling.facts_of(event)).receipt],
        trace=[step_of(step) for step in msgspec.json.decode(trace or "[]")],
        attempts=await reads.attempts(ledger, message.id),
        webhooks=await _told(visit, message) if sees_webhooks else None,
        parts=_parts(message),
        has_code=has_code(message),
        tags=msgspec.json.decode(message.tags or "[]"),
        metadata=msgspec.json.decode(message.metadata or "{}"),
        batch=None if message.batch is None else ids.make("bat", message.accepted_at, message.batch),
        curl=curl(visit.our_url, as_request(message)),
        may_send=visit.may("messages:send"),
        may_replay=visit.may(*_REPLAYS),
        can_cancel=message.state in WAITING_STATES,
        can_resend=message.text is not None and not has_code(message),
        is_over=message.state in ENDS,
    )


async def cancel(visit: Visit) -> Answer:
    message = await find(visit)
    was = message.state
    if not await take_back(visit.means.ledger, visit.means.told, message, visit.now):
        raise refuse("too_late", f"The message is {was}; only what no carrier has can be canceled.", status=409)
    return visit.go(_place(visit), "The message is canceled.")


async def send_again(visit: Visit) -> Answer:
    message = await find(visit)
    again = await sending.send_again(
        visit.means.ledger,
        visit.means.intake,
        visit.caller,
        message,
        visit.now,
        actor=visit.actor,
        once=f"again {message.id} {visit.form.get('once')[:40]}",
    )
    return visit.go(f"/console/messages/{again}", "Sent once more: this is the new message.")


async def replay(visit: Visit) -> Answer:
    """Tell one webhook again, or all that were told."""
    message, wanted = await find(visit), visit.form.get("delivery")
    found = await reads.deliveries(visit.means.ledger, visit.where, message_number=message.id, limit=_DELIVERIES_SHOWN)
    told: dict[tuple[int, str], endpoints.Told] = {}
    for delivery, event in found:
        if wanted in ("", _delivery_id(delivery)):
            endpoint = visit.means.snapshot().endpoints.get(delivery.endpoint) if delivery.endpoint else None
            url = None if delivery.endpoint else address_in(delivery.target) or message.callback_url
            told.setdefault((event.seq, delivery.target), endpoints.Told(event, endpoint, url))
    if not told:
        raise not_found("delivery", wanted)
    count = await endpoints.replay_deliveries(
        visit.means.ledger, list(told.values()), of=message_id(message), actor=visit.actor, now=visit.now
    )
    visit.means.look()
    return visit.go(_place(visit), f"{count} told again, with the ids that the events had before.")


async def find(visit: Visit) -> Message:
    """The message of the address, if it is of the environment in view. Raises `Refused`."""
    public_id = visit.place["id"]
    place = ids.parse("msg", public_id)
    found = await reads.message(visit.means.ledger, visit.where, place[1]) if place is not None else None
    if found is None or message_id(found) != public_id:
        raise not_found("message", public_id)
    return found


def _parts(message: Message) -> list[Part]:
    """The text as it went over the air."""
    if message.text is None or has_code(message):
        return []
    return parts_of(segments.split_as(message.encoding, message.text))


async def _told(visit: Visit, message: Message) -> list[Told]:
    ledger = visit.means.ledger
    found: list[tuple[Delivery, Event]] = await reads.deliveries(
        ledger, visit.where, message_number=message.id, limit=_DELIVERIES_SHOWN
    )
    known = visit.means.snapshot().endpoints
    rows = []
    for delivery, event in reversed(found):
        endpoint = known.get(delivery.endpoint) if delivery.endpoint else None
        to = (
            endpoint.name
            if endpoint
            else address_in(delivery.target) or message.callback_url or "an endpoint that is gone"
        )
        failures = await reads.delivery_failures(ledger, delivery.id) if delivery.tries else []
        rows.append(Told(_delivery_id(delivery), event.type, to, delivery, failures))
    return rows


def _delivery_id(delivery: Delivery) -> str:
    return ids.make("dlv", delivery.created_at, delivery.id)


def step_of(step: dict[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """A step of the decision: its rule, and what it said."""
    return str(step.get("rule", "")), [(name, _said(value)) for name, value in step.items() if name not in _INSIDE]


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    return str(value)


def _place(visit: Visit) -> str:
    return f"/console/messages/{visit.place['id']}"


_ONE: Final = "/console/messages/{id}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", _ONE, show, "messages:read"),
    Page("POST", f"{_ONE}/cancel", cancel, "messages:send"),
    Page("POST", f"{_ONE}/again", send_again, "messages:send"),
    Page("POST", f"{_ONE}/replay", replay, *_REPLAYS),
)
