"""Deliveries: which event went where, what was sent and answered, and one of them told again."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.reading import where
from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.api.webhooks import Done, find_endpoint
from heliograph.core import ids
from heliograph.core.message import Delivery, Event, Message
from heliograph.core.views import event_id, event_view, message_id, moment
from heliograph.engine import endpoints
from heliograph.engine.accounts import address_in
from heliograph.engine.clients import ADMIN
from heliograph.engine.specs import EndpointSpec
from heliograph.store import reads


class DeliveryQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the delivery log is narrowed to."""

    status: str | None = None
    message_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class DeliveryView(msgspec.Struct):
    """One event on its way to one place."""

    id: str
    event_id: str
    event_type: str
    target: str
    status: str
    tries: int
    next_try_at: str | None
    answered_at: str | None
    http_status: int | None
    latency_ms: int | None
    error: str | None
    is_replay: bool


class DeliveryPage(msgspec.Struct):
    """Deliveries, the newest first."""

    data: list[DeliveryView]
    next_cursor: str | None


class FailedTry(msgspec.Struct):
    """A try that was not answered well."""

    number: int
    at: str
    http_status: int | None
    latency_ms: int | None
    error: str | None


class DeliveryDetail(DeliveryView):
    """One delivery with what is sent, to where, and every try that failed."""

    url: str | None
    format: str
    event: msgspec.Raw
    failed_tries: list[FailedTry]


async def log(request: Request) -> DeliveryPage:
    return await _log(request, find_endpoint(request).id)


async def log_of_all(request: Request) -> DeliveryPage:
    return await _log(request, None)


async def _log(request: Request, endpoint: int | None) -> DeliveryPage:
    query: DeliveryQuery = request.query
    cursor = ids.parse("dlv", query.cursor) if query.cursor else None
    message = ids.parse("msg", query.message_id) if query.message_id else None
    if query.cursor and cursor is None:
        raise refuse("bad_cursor", "cursor is none of ours: take next_cursor of the page before", "/cursor", 400)
    if query.message_id and message is None:
        raise refuse("not_found", "message_id is no id of a message", "/message_id", 404)
    found = await reads.deliveries(
        request.context.ledger,
        where(request),
        endpoint=endpoint,
        message_number=message[1] if message else None,
        state=query.status,
        below_id=cursor[1] if cursor else None,
        limit=query.limit + 1,
    )
    views = [_view(*pair) for pair in found[: query.limit]]
    return DeliveryPage(views, views[-1].id if len(found) > query.limit else None)


def _view(delivery: Delivery, event: Event) -> DeliveryView:
    pending = delivery.state == "pending"
    return DeliveryView(
        ids.make("dlv", delivery.created_at, delivery.id),
        event_id(event),
        event.type,
        delivery.target,
        delivery.state,
        delivery.tries,
        moment(delivery.next_at) if pending else None,
        None if delivery.answered_at is None else moment(delivery.answered_at),
        delivery.status,
        delivery.latency_ms,
        delivery.error,
        bool(delivery.replay),
    )


async def show(request: Request) -> DeliveryDetail:
    delivery, event, message, endpoint = await _find(request)
    failures = await reads.delivery_failures(request.context.ledger, delivery.id)
    return DeliveryDetail(
        **msgspec.structs.asdict(_view(delivery, event)),
        url=_url(delivery, message, endpoint),
        format=endpoint.format if endpoint else (message and message.callback_format) or "json",
        event=msgspec.Raw(msgspec.json.encode(event_view(event, message, event_id(event)))),
        failed_tries=[FailedTry(number, moment(at), *answer) for number, at, *answer in failures],
    )


async def replay(request: Request) -> Done:
    """Tell this one again: with the event's id, marked as told again."""
    delivery, event, message, endpoint = await _find(request)
    if message is None and request.client.scopes.isdisjoint({_MANAGE, ADMIN}):
        raise refuse("missing_scope", f"what is told of no message needs the scope {_MANAGE}", status=403)
    told = endpoints.Told(event, endpoint, _url(delivery, message, endpoint))
    of = message_id(message) if message else f"delivery:{request.place['id']}"
    count = await endpoints.replay_deliveries(
        request.context.ledger, [told], of=of, actor=request.actor, now=request.now
    )
    request.context.look()
    return Done(count)


def _url(delivery: Delivery, message: Message | None, endpoint: EndpointSpec | None) -> str | None:
    if delivery.endpoint is not None:
        return endpoint.url if endpoint is not None else None
    return address_in(delivery.target) or (message.callback_url if message else None)


async def _find(request: Request) -> tuple[Delivery, Event, Message | None, EndpointSpec | None]:
    public_id, ledger = request.place["id"], request.context.ledger
    place = ids.parse("dlv", public_id)
    found = await reads.delivery(ledger, where(request), place[1]) if place else None
    if found is None:
        raise not_found("delivery", public_id)
    delivery, event = found
    message = await reads.message(ledger, where(request), event.message) if event.message else None
    endpoint = request.context.snapshot().endpoints.get(delivery.endpoint) if delivery.endpoint else None
    return delivery, event, message, endpoint


_READ, _MANAGE, _AT = "webhooks:read", "webhooks:manage", "/v1/deliveries/{id}"
ROUTES: Final = (
    Route(
        *("GET", "/v1/endpoints/{name}/deliveries", log, _READ),
        query=DeliveryQuery,
        answer=DeliveryPage,
        summary="Delivery log",
    ),
    Route(
        "GET", "/v1/deliveries", log_of_all, _READ, query=DeliveryQuery, answer=DeliveryPage, summary="All deliveries"
    ),
    Route("GET", _AT, show, _READ, answer=DeliveryDetail, summary="What was sent and answered"),
    Route(
        *("POST", f"{_AT}/replay", replay, "webhooks:replay", _MANAGE),
        answer=Done,
        status=202,
        summary="Tell this one again",
    ),
)
