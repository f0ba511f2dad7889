"""How a message and an event look from outside: what GET answers and what webhooks carry.

An event shows the message as it was when it happened: what changes later (status, failure, price) is taken from the
event itself, so that a replay of years ago reads like the first delivery did.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.channels import SMS
from heliograph.core.lifecycle import ENDS
from heliograph.core.message import OTP, Event, Message
from heliograph.core.shown import EventData, EventView, Facts, Failure, MessageView

_encode: Final = msgspec.json.Encoder().encode


_facts: Final = msgspec.json.Decoder(Facts).decode


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=64)
def moment(at_ms: int) -> str:
    """RFC 3339, UTC, with milliseconds. What is told in one batch mostly has few times."""
    return f"{_second(at_ms // 1000)}.{at_ms % 1000:03d}Z"


def _maybe(at_ms: int | None) -> str | None:
    return None if at_ms is None else moment(at_ms)


def _raw(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())


def message_id(message: Message) -> str:
    return ids.make("msg", message.accepted_at, message.id)


def has_code(m: Message) -> bool:
    """Is it a verification's? Then its text has a code in it, which is nobody's business but the recipient's."""
    return m.kind == OTP and m.correlation_id is not None and m.correlation_id.startswith("ver_")


def message_view(m: Message) -> MessageView:
    """The message as it stands."""
    waiting = m.state in ("queued", "scheduled")
    return MessageView(
        id=message_id(m),
        status=m.state,
        channel=m.channel or SMS,
        to=m.to,
        country=m.country,
        kind=m.kind,
        sender=m.sender,
        text=None if has_code(m) else m.text,
        encoding=m.encoding,
        segments=m.segments,
        created_at=moment(m.accepted_at),
        updated_at=moment(m.updated_at),
        send_at=moment(m.due_at) if m.state == "scheduled" else None,
        next_attempt_at=moment(m.due_at) if waiting else None,
        valid_until=moment(m.valid_until),
        sent_at=_maybe(m.sent_at),
        final_at=_maybe(m.final_at),
        retry_count=max(0, m.attempts - 1),
        connector=m.connector,
        price=m.price,
        currency=m.currency,
        error=Failure(m.failure, m.failure_code, m.carrier_code) if m.failure else None,
        possible_duplicate=bool(m.possible_duplicate),
        batch_id=None if m.batch is None else ids.make("bat", m.accepted_at, m.batch),
        correlation_id=m.correlation_id,
        tags=_raw(m.tags),
        metadata=_raw(m.metadata),
        template=m.template,
        content=None if has_code(m) else _raw(m.content),
    )


def event_view(event: Event, m: Message | None, public_id: str) -> EventView:
    """An event with the message as it was then. `public_id` is `event_id(event)`, which its webhook also bears."""
    at = moment(event.at)
    if m is None:
        return EventView(public_id, event.type, at, msgspec.Raw((event.data or "{}").encode()))
    facts = event_facts(event)
    status = event.type.removeprefix("message.")
    is_end = status in ENDS  # from then on these stand; before, the event alone knows what they were
    data = EventData(
        message_id(m),
        status,
        m.channel or SMS,
        m.to,
        m.country,
        m.kind,
        m.sender,
        m.encoding,
        m.segments,
        moment(m.accepted_at),
        facts.connector or (m.connector if is_end else None),
        facts.price or (m.price if is_end else None),
        facts.currency or (m.currency if is_end else None),
        Failure(facts.failure, facts.code, facts.carrier_code) if facts.failure else None,
        bool(m.possible_duplicate) if is_end else facts.possible_duplicate,
        m.correlation_id,
        _raw(m.tags),
        _raw(m.metadata),
        m.template,
    )
    return EventView(public_id, event.type, at, data)


def event_facts(event: Event) -> Facts:
    """What an event of a message says of its own."""
    return _facts(event.data) if event.data else Facts()


def event_id(event: Event) -> str:
    return ids.make("evt", event.at, event.seq)


def event_body(event: Event, m: Message | None, public_id: str) -> bytes:
    """What a webhook is sent."""
    return _encode(event_view(event, m, public_id))
