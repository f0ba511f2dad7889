"""Webhooks: where applications are told of events, how well they answer, what was sent, and what is told again."""

import re
import secrets
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit, not_found, refuse
from heliograph.core import ids
from heliograph.core.failures import Refused
from heliograph.core.message import Delivery, Event
from heliograph.core.signing import secret_from
from heliograph.core.views import event_id, event_view
from heliograph.engine import declare, endpoints
from heliograph.engine.accounts import address_in
from heliograph.engine.endpoints import Health
from heliograph.engine.notify.formats import ENDPOINT_FORMATS
from heliograph.engine.notify.subscriptions import wants
from heliograph.engine.specs import EndpointSpec
from heliograph.products import samples
from heliograph.store import reads

_PAGE: Final = 40
_READ_AT_ONCE: Final = 1_000
_LOOKED_AT: Final = 500  # of the newest deliveries, for how well an endpoint answers
_LOOKED_BACK: Final = 100_000  # one that is told seldom would else be looked for among all deliveries
_STATES: Final = (("", "Any state"), ("pending", "pending"), ("done", "done"), ("failed", "failed"))
_HOUR: Final = 3_600_000
_SPANS: Final = {"1h": _HOUR, "24h": 24 * _HOUR, "7d": 7 * 24 * _HOUR}
_SPAN_NAMES: Final = (("1h", "the last hour"), ("24h", "the last 24 hours"), ("7d", "the last 7 days"))


class Place(NamedTuple):
    """An endpoint and how it does. `answers`: of the newest deliveries, by state."""

    spec: EndpointSpec
    state: str
    health: Health
    answers: dict[str, int]
    latency_ms: int | None


class Told(NamedTuple):
    """A delivery with its event."""

    id: str
    delivery: Delivery
    event: Event


async def show(visit: Visit) -> Answer:
    return await _list(visit, {})


async def _list(visit: Visit, problems: dict[str, str], status: int = 200) -> Answer:
    specs = [spec for spec in visit.means.snapshot().endpoints.values() if spec.environment == visit.where.environment]
    return visit.show(
        "webhooks.html",
        status=status,
        places=[await _standing(visit, spec) for spec in sorted(specs, key=lambda one: one.name)],
        formats=[(name, name) for name in ENDPOINT_FORMATS],
        may_manage=visit.may("webhooks:manage"),
        problems=problems,
    )


async def create(visit: Visit) -> Answer:
    """Declared as a file would; its secret is shown this once."""
    form, name = visit.form, visit.form.get("name")
    if re.match(endpoints.NAME, name) is None:
        return await _list(visit, {"name": "Small letters, digits and dashes, a letter first: orders-2."}, 422)
    if any(spec.name == name for spec in visit.means.snapshot().endpoints.values() if spec.workspace == _own(visit)):
        return await _list(visit, {"name": "There is one of that name already; its page can change it."}, 409)
    spec = {
        "url": form.get("url"),
        "events": form.get("events").replace(",", " ").split() or ["*"],
        "format": form.get("format") or "json",
        "environment": visit.client.environment_name,
    }
    try:
        changes = await declare.apply(
            visit.means.ledger,
            {"endpoints": {name: spec}},
            visit.means.tools,
            actor=visit.actor,
            now=visit.now,
            workspace=visit.client.workspace_name,
        )
    except Refused as refused:
        place = f"/endpoints/{name}"
        problems: dict[str, str] = {}
        for refusal in refused.refusals:
            field = refusal.pointer.removeprefix(place).strip("/").split("/")[0] or "name"
            problems.setdefault(field, refusal.detail)
        return await _list(visit, problems, refused.refusals[0].status)
    await visit.means.reload()
    return visit.show("webhook_secret.html", status=201, name=name, secret=changes[0].secret, is_new=True)


async def one(visit: Visit) -> Answer:
    spec, state = _find(visit), visit.query.get("state")
    cursor = ids.parse("dlv", visit.query.get("cursor"))
    below = cursor[1] if cursor else None
    floor = await reads.floor_of(visit.means.ledger, "deliveries", _LOOKED_BACK, below)
    found = await reads.deliveries(
        visit.means.ledger,
        visit.where,
        endpoint=spec.id,
        state=state if state in dict(_STATES) and state else None,
        below_id=below,
        above_id=None if state == "failed" else floor,  # those that failed have an index
        limit=_PAGE + 1,
    )
    told = [Told(_id(delivery), delivery, event) for delivery, event in found]
    return visit.show(
        "webhook.html",
        place=await _standing(visit, spec),
        told=told[:_PAGE],
        next=told[_PAGE - 1].id if len(told) > _PAGE else None,
        states=_STATES,
        spans=_SPAN_NAMES,
        samples=[(name, name) for name in _samples(visit, spec)],
        may_manage=visit.may("webhooks:manage"),
    )


async def delivery(visit: Visit) -> Answer:
    """What was sent, to where, and every try that failed."""
    ledger, spec = visit.means.ledger, _find(visit)
    told = await _delivery(visit, spec)
    its = told.event.message
    message = await reads.message(ledger, visit.where, its) if its else None
    body = msgspec.json.encode(event_view(told.event, message, event_id(told.event)))
    return visit.show(
        "delivery.html",
        spec=spec,
        told=told,
        url=address_in(told.delivery.target) or spec.url,
        body=msgspec.json.format(body, indent=2).decode(),
        failures=await reads.delivery_failures(ledger, told.delivery.id),
        may_manage=visit.may("webhooks:manage"),
    )


async def again(visit: Visit) -> Answer:
    """One delivery once more, with the id that its event had."""
    spec = _find(visit)
    told = await _delivery(visit, spec)
    await endpoints.replay_deliveries(
        visit.means.ledger,
        [endpoints.Told(told.event, spec, None)],
        of=f"delivery:{told.id}",
        actor=visit.actor,
        now=visit.now,
    )
    visit.means.look()
    return visit.go(_at(spec), "Told again, with the id that the event had before.")


async def replay(visit: Visit) -> Answer:
    """All of a span of time once more."""
    spec, span = _find(visit), visit.form.get("span")
    since = visit.now - _SPANS.get(span, _HOUR)

    async def some(above: int) -> list[Event]:
        return await reads.events_to_replay(
            visit.means.ledger, visit.where, after_ms=since, above_seq=above, limit=_READ_AT_ONCE
        )

    count = await endpoints.replay_some(visit.means.ledger, spec, some, visit.now)
    visit.means.look()
    return visit.go(_at(spec), f"{count} events are told again.")


async def test(visit: Visit) -> Answer:
    spec = _find(visit)
    await endpoints.send_test(visit.means.ledger, spec, visit.now)
    visit.means.look()
    return visit.go(_at(spec), "A test event is on its way.")


async def sample(visit: Visit) -> Answer:
    """An event made up, in the shape of the real one; all endpoints that want its type hear of it."""
    spec, wanted, client = _find(visit), visit.form.get("type"), visit.client
    if wanted not in _samples(visit, spec):
        raise refuse("unknown_event", "Choose one of the samples; there are some in environments for tests alone.")
    await samples.tell(
        visit.means.ledger, client.workspace, client.environment, wanted, actor=visit.actor, now=visit.now
    )
    visit.means.look()
    return visit.go(_at(spec), f"A sample of {wanted} is on its way.")


async def enable(visit: Visit) -> Answer:
    spec = _find(visit)
    await endpoints.enable(visit.means.ledger, spec, actor=visit.actor, now=visit.now)
    await visit.means.reload()
    return visit.go(_at(spec), "It hears again from now on. What it missed can be told again.")


async def rotate(visit: Visit) -> Answer:
    """A new secret signs beside the old one."""
    spec, made = _find(visit), secret_from(secrets.token_bytes(32))
    await endpoints.rotate_secret(visit.means.ledger, spec, made, visit.means.seal, actor=visit.actor, now=visit.now)
    await visit.means.reload()
    return visit.show("webhook_secret.html", status=201, name=spec.name, secret=made, is_new=False)


async def retire(visit: Visit) -> Answer:
    spec = _find(visit)
    await endpoints.retire_secret(visit.means.ledger, spec, actor=visit.actor, now=visit.now)
    await visit.means.reload()
    return visit.go(_at(spec), "Only the newest secret signs from now on.")


async def remove(visit: Visit) -> Answer:
    spec = _find(visit)
    await declare.remove(visit.means.ledger, spec.workspace, "endpoint", spec.name, actor=visit.actor, now=visit.now)
    await visit.means.reload()
    return visit.go("/console/webhooks", f"{spec.name} is gone; it is told nothing any more.")


def _samples(visit: Visit, spec: EndpointSpec) -> list[str]:
    """The types of made-up events that it would hear; none where real events are told."""
    return [name for name in samples.TYPES if visit.client.mode == "test" and wants(spec.events, name)]


async def _standing(visit: Visit, spec: EndpointSpec) -> Place:
    ledger = visit.means.ledger
    health = await endpoints.health(ledger, spec.id)
    floor = await reads.floor_of(ledger, "deliveries", _LOOKED_BACK)
    rows: list[Any] = await ledger.fetch(
        "SELECT state, count(*), avg(latency_ms) FROM (SELECT state, latency_ms FROM deliveries WHERE endpoint = $1 "
        "AND workspace = $2 AND environment = $3 AND id > $5 ORDER BY id DESC LIMIT $4) AS newest GROUP BY state",
        *(spec.id, visit.where.workspace, visit.where.environment, _LOOKED_AT, floor),
    )
    latency = next((row[2] for row in rows if row[0] == "done"), None)
    state = "disabled" if health.disabled_at or spec.disabled else "failing" if health.failing_since else "healthy"
    answers = {row[0]: row[1] for row in rows}
    return Place(spec, state, health, answers, None if latency is None else round(latency))


async def _delivery(visit: Visit, spec: EndpointSpec) -> Told:
    public_id = visit.place["delivery"]
    place = ids.parse("dlv", public_id)
    found = await reads.delivery(visit.means.ledger, visit.where, place[1]) if place else None
    if found is None or found[0].endpoint != spec.id or _id(found[0]) != public_id:
        raise not_found("delivery", public_id)
    return Told(public_id, *found)


def _find(visit: Visit) -> EndpointSpec:
    name = visit.place["name"]
    for spec in visit.means.snapshot().endpoints.values():
        if spec.name == name and spec.environment == visit.where.environment:
            return spec
    raise not_found("webhook", name)


def _own(visit: Visit) -> int:
    return visit.client.workspace


def _id(delivery: Delivery) -> str:
    return ids.make("dlv", delivery.created_at, delivery.id)


def _at(spec: EndpointSpec) -> str:
    return f"/console/webhooks/{spec.name}"


_READ, _MANAGE, _ONE = "webhooks:read", "webhooks:manage", "/console/webhooks/{name}"
PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/webhooks", show, _READ, _MANAGE, entry=Entry("Webhooks", "webhook", "Build")),
    Page("POST", "/console/webhooks", create, _MANAGE),
    Page("GET", _ONE, one, _READ, _MANAGE),
    Page("GET", f"{_ONE}/deliveries/{{delivery}}", delivery, _READ, _MANAGE),
    Page("POST", f"{_ONE}/deliveries/{{delivery}}/again", again, _MANAGE),
    Page("POST", f"{_ONE}/replay", replay, _MANAGE),
    Page("POST", f"{_ONE}/test", test, _MANAGE),
    Page("POST", f"{_ONE}/sample", sample, _MANAGE),
    Page("POST", f"{_ONE}/enable", enable, _MANAGE),
    Page("POST", f"{_ONE}/rotate", rotate, _MANAGE),
    Page("POST", f"{_ONE}/retire", retire, _MANAGE),
    Page("POST", f"{_ONE}/remove", remove, _MANAGE),
)
