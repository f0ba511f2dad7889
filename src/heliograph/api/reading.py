"""What became of messages: one, many, their events, states by id, batches."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core import ids, telling
from heliograph.core.channels import CHANNELS
from heliograph.core.failures import Refusal
from heliograph.core.lifecycle import STATES
from heliograph.core.message import Message
from heliograph.core.request import read_time
from heliograph.core.shown import EventView, MessageView
from heliograph.core.views import event_id, event_view, message_id, message_view, moment
from heliograph.engine.people.scopes import address_of
from heliograph.store import reads
from heliograph.store.port import AttemptRow

_HISTORY_ONLY: Final = ("attempt.", "receipt.")  # of use with their message alone
_IDS_AT_MOST: Final = 1_000
_Limit = Annotated[int, Meta(ge=1, le=200)]


class AttemptView(msgspec.Struct):
    """One part of one attempt."""

    attempt: int
    part: int
    connector: str
    status: str
    carrier_id: str | None
    failure: str | None
    code: str | None
    carrier_code: str | None
    handed_at: str
    answered_at: str | None
    receipt_at: str | None


class MessageDetail(MessageView):
    """A message with its attempts and the decision that sent it its way."""

    network: str | None  # to which the range of its number was given out
    surcharge: str | None  # of its price
    billed_segments: int | None  # how many the carrier says that it made of the text
    attempts: list[AttemptView]
    decision: msgspec.Raw


class MessageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a list is narrowed to."""

    to: str | None = None
    channel: str | None = None
    status: str | None = None  # several with commas
    kind: str | None = None
    country: str | None = None
    network: str | None = None  # as `heliograph lookup` calls it
    sender: str | None = None
    tag: str | None = None
    batch_id: str | None = None
    correlation_id: str | None = None
    created_after: str | None = None
    created_before: str | None = None
    limit: _Limit = 50
    cursor: str | None = None


class MessagePage(msgspec.Struct):
    """Messages, the newest first. One look goes over 200,000 at most: read on as long as there is a next_cursor, also
    when a page is empty."""

    data: list[MessageView]
    next_cursor: str | None


class TimelineEvent(EventView):
    """An event of a message, with what it means: as people would say it, and what a carrier or a rule said of it."""

    says: str
    detail: str | None


class Timeline(msgspec.Struct):
    """What happened to a message, the oldest first; all of it is on one page."""

    data: list[TimelineEvent]
    next_cursor: str | None = None


class EventPage(msgspec.Struct):
    """Events, the oldest first."""

    data: list[EventView]
    next_cursor: str | None


class StatesRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Ids to look up."""

    ids: list[str]


class State(msgspec.Struct):
    """Where a message stands."""

    id: str
    status: str
    final: bool
    updated_at: str


class States(msgspec.Struct):
    """States of the messages that exist; ids that are none of yours."""

    data: list[State]
    unknown: list[str]


class BatchView(msgspec.Struct):
    """A batch: how many messages are in which state."""

    id: str
    total: int
    states: dict[str, int]
    is_done: bool


class StreamQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


def where(request: Request) -> reads.Where:
    return reads.Where(request.client.workspace, request.client.environment)


async def find(request: Request, public_id: str) -> Message:
    """The message with this id, if it is the caller's."""
    place = ids.parse("msg", public_id)
    found = await reads.message(request.context.ledger, where(request), place[1]) if place else None
    if found is None or message_id(found) != public_id:
        raise not_found("message", public_id)
    return found


async def show(request: Request) -> MessageDetail:
    ledger, message = request.context.ledger, await find(request, request.place["id"])
    attempts = [_attempt(row) for row in await reads.attempts(ledger, message.id)]
    trace = await reads.decision(ledger, message.decision)
    fields = msgspec.structs.asdict(message_view(message))
    return MessageDetail(
        **fields,
        network=message.network,
        surcharge=message.surcharge,
        billed_segments=message.billed_segments,
        attempts=attempts,
        decision=msgspec.Raw((trace or "[]").encode()),
    )


def _attempt(row: AttemptRow) -> AttemptView:
    times = [None if at is None else moment(at) for at in (row.answered_at, row.receipt_at)]
    about = (row.carrier_id, row.failure, row.code, row.carrier_code)
    return AttemptView(row.attempt, row.part, row.connector, row.state, *about, moment(row.handed_at), *times)


async def list_messages(request: Request) -> MessagePage:
    query: MessageQuery = request.query
    narrowed = _narrowed(request, query)
    found = await reads.look(request.context.ledger, where(request), narrowed, query.limit)
    return MessagePage([message_view(message) for message in found.messages], found.next)


def _narrowed(request: Request, query: MessageQuery) -> reads.MessageFilter:
    states = tuple(query.status.split(",")) if query.status else ()
    for state in states:
        if state not in STATES:
            raise refuse(
                "unknown_state", f"{state[:40]!r} is no state; there are {', '.join(sorted(STATES))}", "/status", 400
            )
    return reads.MessageFilter(
        to=_address(request, query.to),
        channel=_channel(query.channel),
        state=states,
        kind=query.kind,
        country=query.country,
        network=query.network,
        sender=query.sender,
        tag=query.tag,
        batch=_number("bat", query.batch_id, "/batch_id"),
        correlation_id=query.correlation_id,
        after_ms=_time(query.created_after, "/created_after"),
        before_ms=_time(query.created_before, "/created_before"),
        below_id=_number("msg", query.cursor, "/cursor"),
    )


def _address(request: Request, number: str | None) -> str | None:
    if number is None:
        return None
    found = address_of(number, request.client.default_country)
    if isinstance(found, Refusal):
        raise refuse(found.code, found.detail, "/to", 400)
    return found


def _channel(channel: str | None) -> str | None:
    if channel is not None and channel not in CHANNELS:
        detail = f"{channel[:40]!r} is not a channel; there are {', '.join(CHANNELS)}"
        raise refuse("unknown_channel", detail, "/channel", 400)
    return channel


def _number(prefix: str, public_id: str | None, pointer: str) -> int | None:
    if public_id is None:
        return None
    place = ids.parse(prefix, public_id)
    if place is None:
        raise refuse("bad_cursor", f"{public_id[:60]!r} is not an id that begins with {prefix}_", pointer, 400)
    return place[1]


def _time(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    found = read_time(text, pointer)
    if not isinstance(found, int):
        raise refuse(found.code, found.detail, pointer, 400)
    return found


async def message_events(request: Request) -> Timeline:
    message = await find(request, request.place["id"])
    events = await reads.events(request.context.ledger, message.id)
    views = [event_view(event, message, event_id(event)) for event in events]
    return Timeline(
        [
            TimelineEvent(view.id, view.type, view.created_at, view.data, step.words, step.detail or None)
            for view, step in zip(views, telling.told(events), strict=True)
        ]
    )


async def states(request: Request) -> States:
    asked: list[str] = request.body.ids
    if len(asked) > _IDS_AT_MOST:
        raise refuse("too_many_ids", f"ask for at most {_IDS_AT_MOST} ids at once", "/ids")
    places = [place[1] for public_id in asked if (place := ids.parse("msg", public_id))]
    found = await reads.messages_by_id(request.context.ledger, where(request), places)
    known = {message_id(message): message for message in found}
    data = [
        State(public_id, m.state, m.final_at is not None, moment(m.updated_at))
        for public_id in dict.fromkeys(asked)
        if (m := known.get(public_id)) is not None
    ]
    return States(data, [public_id for public_id in dict.fromkeys(asked) if public_id not in known])


async def batch(request: Request) -> BatchView:
    public_id = request.place["id"]
    place = ids.parse("bat", public_id)
    counts = await reads.batch_states(request.context.ledger, where(request), place[1]) if place else {}
    if not counts:
        raise not_found("batch", public_id)
    is_done = not counts.keys() & {"accepted", "scheduled", "queued", "sending", "sent"}
    return BatchView(public_id, sum(counts.values()), counts, is_done)


async def stream(request: Request) -> EventPage:
    """Events of the caller's environment, in an order in which none can be missed; `cursor=end`: from now on."""
    ledger, query = request.context.ledger, request.query
    if query.cursor == _END:
        return EventPage([], await ledger.events_end())
    if query.cursor and not query.cursor.replace(":", "").isdigit():
        raise refuse("bad_cursor", "give next_cursor of the page before, unchanged", "/cursor", 400)
    events, position = await ledger.events_after(query.cursor, query.limit)
    ours = [e for e in events if (e.workspace, e.environment) == (request.client.workspace, request.client.environment)]
    told = [e for e in ours if not e.type.startswith(_HISTORY_ONLY)]
    numbers = sorted({event.message for event in told if event.message is not None})
    messages = {m.id: m for m in await reads.messages_by_id(ledger, where(request), numbers)}
    data = [event_view(event, messages.get(event.message or 0), event_id(event)) for event in told]
    return EventPage(data, position or None)


_END: Final = "end"
_READ: Final = "messages:read"
ROUTES: Final = (
    Route("GET", "/v1/messages", list_messages, _READ, query=MessageQuery, answer=MessagePage, summary="List messages"),
    Route("POST", "/v1/messages/states", states, _READ, body=StatesRequest, answer=States, summary="Look up states"),
    Route("GET", "/v1/messages/{id}", show, _READ, answer=MessageDetail, summary="Show a message"),
    Route("GET", "/v1/messages/{id}/events", message_events, _READ, answer=Timeline, summary="Its timeline"),
    Route("GET", "/v1/batches/{id}", batch, _READ, answer=BatchView, summary="Show a batch"),
    Route("GET", "/v1/events", stream, _READ, query=StreamQuery, answer=EventPage, summary="Read all events in order"),
)
