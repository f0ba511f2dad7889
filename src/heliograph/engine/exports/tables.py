"""What can be exported: of each kind of row its columns, where they come from, and what it can be narrowed to.

Each table is read along its own key, a page after the other, so that an export of any size takes the memory of a page.
Moments are milliseconds here; a format writes them as it needs.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core import ids
from heliograph.core.message import MESSAGE_COLUMNS, Event, Message
from heliograph.core.views import has_code
from heliograph.store.port import Row
from heliograph.store.protection import Protection

Cells = tuple[Any, ...]
TEXT, WHOLE, FLAG, MOMENT, JSON = "text", "whole", "flag", "moment", "json"


class Column(NamedTuple):
    """One column. Money is text: a decimal as it is, and its currency beside it."""

    name: str
    type: str = TEXT


class Table(NamedTuple):
    """One kind of row. `source` names the workspace as $1 and, unless it is the workspace's, the environment as $2."""

    says: str
    columns: tuple[Column, ...]
    select: str
    source: str
    key: tuple[str, ...]
    start: Cells  # before every key
    at: str  # by which a range is told
    cells: Callable[[Protection, Row], Cells]
    filters: Mapping[str, str] = {}  # name → the column that must be equal
    message: str | None = None  # the column that holds a message's id, which rises with time where the ledger is alone


def _columns(*texts: str, **others: str) -> tuple[Column, ...]:
    return tuple(Column(name, others.get(name, TEXT)) for name in texts)


_MESSAGE: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
_WIDTH: Final = len(MESSAGE_COLUMNS)
# Along the key, not through the workspace: the signs take the columns out of SQLite's plans. What narrows to the few
# that an index leads to brings the workspace along.
_OWN: Final = "+m.workspace = $1 AND +m.environment = $2"


def _message_id(at: int | None, number: int | None) -> str | None:
    return None if at is None or number is None else ids.make("msg", at, number)


def _message_cells(protection: Protection, row: Row) -> Cells:
    m = protection.opened(Message(*row))
    text = None if has_code(m) else m.text
    batch = None if m.batch is None else ids.make("bat", m.accepted_at, m.batch)
    return (
        *(_message_id(m.accepted_at, m.id), m.state, m.to, m.country, m.kind, m.sender, text, m.encoding, m.segments),
        *(m.accepted_at, m.updated_at, m.valid_until, m.sent_at, m.final_at, m.connector, m.attempts),
        *(m.price, m.surcharge, m.currency, m.billed_segments, m.failure, m.failure_code, m.carrier_code),
        *(bool(m.possible_duplicate), batch, m.correlation_id, m.tags, m.metadata, m.template, m.topic),
        m.network,
    )


def _event_cells(protection: Protection, row: Row) -> Cells:
    event, accepted_at, to = protection.event(row[:-2]), row[-2], row[-1]
    message = _message_id(accepted_at, event.message)
    return ids.make("evt", event.at, event.seq), event.type, event.at, message, to, event.data


def _attempt_cells(protection: Protection, row: Row) -> Cells:
    return (_message_id(row[-1], row[0]), *row[1:-1])


def _inbound_cells(protection: Protection, row: Row) -> Cells:
    number, workspace, at, sender, to, text, connector, conversation, price, currency, began = row
    thread = None if conversation is None else ids.make("cnv", began, conversation)
    plain = protection.read(workspace, f"inbound {number}", text)
    return ids.make("inb", at, number), at, sender, to, plain, connector, thread, price, currency


def _consent_cells(protection: Protection, row: Row) -> Cells:
    return row


def _conversion_cells(protection: Protection, row: Row) -> Cells:
    return (_message_id(row[-1], row[0]), *row[1:-1])


def _delivery_cells(protection: Protection, row: Row) -> Cells:
    number, created_at, event, event_at, kind, message, accepted_at, *rest, replay = row
    told = None if event_at is None else ids.make("evt", event_at, event)
    own = _message_id(accepted_at, message)
    return ids.make("dlv", created_at, number), created_at, told, kind, own, *rest, bool(replay)


TABLES: Final[dict[str, Table]] = {
    "messages": Table(
        "Messages as they stand now.",
        _columns(
            *("id", "status", "to", "country", "kind", "sender", "text", "encoding", "segments", "created_at"),
            *("updated_at", "valid_until", "sent_at", "final_at", "connector", "attempts", "price", "surcharge"),
            *("currency", "billed_segments", "failure", "code", "carrier_code", "possible_duplicate", "batch_id"),
            *("correlation_id", "tags", "metadata", "template", "topic", "network"),
            **dict.fromkeys(("segments", "attempts", "billed_segments"), WHOLE),
            **dict.fromkeys(("created_at", "updated_at", "valid_until", "sent_at", "final_at"), MOMENT),
            possible_duplicate=FLAG,
            tags=JSON,
            metadata=JSON,
        ),
        _MESSAGE,
        f"messages m WHERE {_OWN}",
        ("m.id",),
        (-1,),
        "m.accepted_at",
        _message_cells,
        {name: f"m.{name}" for name in ("kind", "country", "network", "sender", "connector", "template")}
        | {"to": "m.workspace = $1 AND m.to_number", "correlation_id": "m.workspace = $1 AND m.correlation_id"}
        | {"status": "m.state"},
        "m.id",
    ),
    "attempts": Table(
        "Parts of attempts, with what carriers said of them.",
        _columns(
            *("message", "attempt", "part", "connector", "status", "carrier_id", "failure", "code", "carrier_code"),
            *("handed_at", "answered_at", "receipt_at"),
            **dict.fromkeys(("attempt", "part"), WHOLE),
            **dict.fromkeys(("handed_at", "answered_at", "receipt_at"), MOMENT),
        ),
        "a.message, a.attempt, a.part, a.connector, a.state, a.carrier_id, a.failure, a.code, a.carrier_code, "
        "a.handed_at, a.answered_at, a.receipt_at, m.accepted_at",
        f"attempts a JOIN messages m ON m.id = a.message WHERE {_OWN}",
        ("a.message", "a.attempt", "a.part"),
        (-1, -1, -1),
        "m.accepted_at",
        _attempt_cells,
        {"connector": "a.connector", "status": "a.state"},
        "a.message",
    ),
    "events": Table(
        "Events: all that happened, the history of messages included.",
        _columns("id", "type", "at", "message", "to", "data", at=MOMENT, data=JSON),
        ", ".join([*(f"e.{name}" for name in Event.__struct_fields__), "m.accepted_at", "m.to_number"]),
        "events e LEFT JOIN messages m ON m.id = e.message WHERE e.workspace = $1 AND e.environment = $2",
        ("e.seq",),
        (-1,),
        "e.at",
        _event_cells,
        {"type": "e.type"},
    ),
    "inbound": Table(
        "Messages from phones.",
        _columns(
            *("id", "at", "from", "to", "text", "connector", "conversation", "price", "currency"),
            at=MOMENT,
        ),
        "i.id, i.workspace, i.at, i.from_number, i.to_number, i.text, i.connector, i.conversation, i.price, "
        "i.currency, c.created_at",
        "inbound i LEFT JOIN conversations c ON c.id = i.conversation WHERE i.workspace = $1 AND i.environment = $2",
        ("i.id",),
        (-1,),
        "i.at",
        _inbound_cells,
        {"from": "i.from_number", "to": "i.to_number", "connector": "i.connector"},
    ),
    "consents": Table(
        "The consent ledger of the workspace: what people said, all of it.",
        _columns(
            *("id", "to", "action", "scope", "source", "at", "recorded_at", "until", "channel", "language", "text"),
            *("text_version", "ip", "user_agent", "message", "actor"),
            **dict.fromkeys(("at", "recorded_at", "until"), MOMENT),
            id=WHOLE,
        ),
        "c.id, c.number, c.action, c.scope, c.source, c.at, c.recorded_at, c.until, c.channel, c.language, c.text, "
        "c.text_version, c.ip, c.user_agent, c.message, c.actor",
        "consents c WHERE c.workspace = $1",
        ("c.id",),
        (-1,),
        "c.recorded_at",
        _consent_cells,
        {"to": "c.number", "action": "c.action", "scope": "c.scope", "source": "c.source"},
    ),
    "conversions": Table(
        "What followed of messages: codes entered, links clicked, answers, goals reached.",
        _columns("message", "kind", "at", "to", "country", "sender", "template", at=MOMENT),
        "x.message, x.kind, x.at, m.to_number, m.country, m.sender, m.template, m.accepted_at",
        f"conversions x JOIN messages m ON m.id = x.message WHERE {_OWN}",
        ("x.message", "x.kind"),
        (-1, ""),
        "x.at",
        _conversion_cells,
        {"kind": "x.kind", "country": "m.country"},
    ),
    "deliveries": Table(
        "Webhooks: each event on its way to each endpoint.",
        _columns(
            *("id", "created_at", "event", "type", "message", "endpoint", "status", "tries", "answered_at"),
            *("answer", "latency_ms", "error", "replay"),
            **dict.fromkeys(("tries", "answer", "latency_ms"), WHOLE),
            **dict.fromkeys(("created_at", "answered_at"), MOMENT),
            replay=FLAG,
        ),
        "d.id, d.created_at, d.event, e.at, e.type, d.message, m.accepted_at, o.name, d.state, d.tries, d.answered_at, "
        "d.status, d.latency_ms, d.error, d.replay",
        "deliveries d LEFT JOIN events e ON e.seq = d.event LEFT JOIN messages m ON m.id = d.message "
        "LEFT JOIN declared o ON o.id = d.endpoint WHERE d.workspace = $1 AND d.environment = $2",
        ("d.id",),
        (-1,),
        "d.created_at",
        _delivery_cells,
        {"status": "d.state", "endpoint": "o.name"},
    ),
}
OF_WORKSPACE: Final = frozenset({"consents"})  # these belong to no environment


class What(msgspec.Struct, frozen=True):
    """One thing that can be exported, as it is listed."""

    name: str
    says: str
    columns: list[str]
    filters: list[str]


def listed() -> list[What]:
    """All of it."""
    return [
        What(name, table.says, [column.name for column in table.columns], sorted(table.filters))
        for name, table in TABLES.items()
    ]
