"""What applications report back: that a message, or those to a contact, led to what they were sent for: an order, a
visit, a ticket that nobody had to open. A goal has a name of the application's own; told twice, it counts once."""

from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.core.views import moment
from heliograph.store.port import Ledger, NewEvent, Row, Transaction

REACHED: Final = "goal.reached"
_SINCE_MS: Final = 30 * 86_400_000  # a goal of a contact is laid at the last message before it, if that is no older
_MESSAGE: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
_AHEAD_MS: Final = 60_000  # so far another clock may be ahead of ours
_LARGEST: Final = Decimal(10**9)
_PLACES: Final = -8


class Goal(msgspec.Struct, frozen=True):
    """A goal as it was told."""

    name: str
    subject: str  # public id of the message or the contact
    at: int
    reference: str = ""
    value: str | None = None
    currency: str | None = None


class GoalView(msgspec.Struct):
    """A goal as the API shows it."""

    id: str
    goal: str
    message_id: str | None  # null: no message of the thirty days before it
    contact_id: str | None
    reference: str | None
    value: str | None
    currency: str | None
    at: str
    repeated: bool = False  # it had been told before; what was told then stands


async def note(ledger: Ledger, workspace: int, environment: int, goal: Goal, now: int) -> GoalView:
    """Keep it. Raises `Refused`."""
    if goal.at > now + _AHEAD_MS:
        raise Refused(Refusal("bad_time", f"{moment(goal.at)} is still to come", "/at"))
    value = _value(goal)
    async with ledger.transaction() as transaction:
        message = await _led(transaction, workspace, environment, goal)
        kept = await transaction.fetch(
            "INSERT INTO goals (workspace, environment, name, subject, reference, message, value, currency, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
            "ON CONFLICT (environment, name, subject, reference) DO NOTHING RETURNING id",
            *(workspace, environment, goal.name, goal.subject, goal.reference),
            *(None if message is None else message.id, value, goal.currency, goal.at),
        )
        if kept:
            facts = {"goal": goal.name, "value": value, "currency": goal.currency}
            event = NewEvent(REACHED, goal.at, msgspec.json.encode(facts).decode(), told=False)
            await transaction.record(workspace, environment, [event], message)
    rows = await ledger.fetch(
        f"{_SELECT} WHERE g.workspace = $1 AND g.environment = $2 AND g.name = $3 AND g.subject = $4 "
        "AND g.reference = $5",
        *(workspace, environment, goal.name, goal.subject, goal.reference),
    )
    return _view(rows[0], repeated=not kept)


def _value(goal: Goal) -> str | None:
    if goal.value is None:
        return None
    try:
        amount = Decimal(goal.value)
    except InvalidOperation:
        amount = Decimal("NaN")
    exponent = amount.as_tuple().exponent
    if not amount.is_finite() or abs(amount) > _LARGEST or not isinstance(exponent, int) or exponent < _PLACES:
        detail = f"{goal.value[:40]!r} is no amount; give a decimal such as 19.90, of at most 8 places"
        raise Refused(Refusal("bad_value", detail, "/value"))
    if goal.currency is None:
        raise Refused(Refusal("missing_field", "a value needs its currency, such as EUR", "/currency"))
    return f"{amount:f}"


async def _led(transaction: Transaction, workspace: int, environment: int, goal: Goal) -> Message | None:
    """The message that led to it. Raises `Refused` when the subject is nobody's here."""
    of_message, of_contact = ids.parse("msg", goal.subject), ids.parse("cnt", goal.subject)
    if of_message is not None:
        rows = await transaction.fetch(
            f"SELECT {_MESSAGE} FROM messages m WHERE m.id = $1 AND m.workspace = $2 AND m.environment = $3 "
            "AND m.accepted_at = $4",
            *(of_message[1], workspace, environment, of_message[0]),
        )
        if not rows:
            raise Refused(Refusal("not_found", f"there is no message {goal.subject!r}", "/message_id", 404))
        message = Message(*rows[0])
        if goal.at < message.accepted_at:
            detail = f"the message was accepted at {moment(message.accepted_at)}, later than {moment(goal.at)}"
            raise Refused(Refusal("bad_time", detail, "/at"))
        return message
    found = of_contact and await transaction.fetch(
        "SELECT id FROM contacts WHERE id = $1 AND workspace = $2 AND created_at = $3",
        *(of_contact[1], workspace, of_contact[0]),
    )
    if not found:
        raise Refused(Refusal("not_found", f"there is no contact {goal.subject[:60]!r}", "/contact_id", 404))
    rows = await transaction.fetch(
        f"SELECT {_MESSAGE} FROM contact_addresses a JOIN messages m ON m.workspace = a.workspace "
        "AND m.to_number = a.address WHERE a.contact = $1 AND a.workspace = $2 AND a.until IS NULL "
        "AND m.environment = $3 AND m.accepted_at <= $4 AND m.accepted_at > $5 ORDER BY m.accepted_at DESC LIMIT 1",
        *(found[0][0], workspace, environment, goal.at, goal.at - _SINCE_MS),
    )
    return Message(*rows[0]) if rows else None


_SELECT: Final = (
    "SELECT g.id, g.name, g.subject, g.reference, g.value, g.currency, g.at, m.id, m.accepted_at "
    "FROM goals g LEFT JOIN messages m ON m.id = g.message"
)


def _view(row: Row, *, repeated: bool = False) -> GoalView:
    number, name, subject, reference, value, currency, at, message, accepted_at = row
    return GoalView(
        ids.make("gol", at, number),
        name,
        None if message is None else ids.make("msg", accepted_at, message),
        subject if subject.startswith("cnt_") else None,
        reference or None,
        value,
        currency,
        moment(at),
        repeated,
    )


async def listed(
    ledger: Ledger, workspace: int, environment: int, name: str | None, below: int | None, limit: int
) -> list[GoalView]:
    """The newest first."""
    rows = await ledger.fetch(
        f"{_SELECT} WHERE g.workspace = $1 AND g.environment = $2 AND ($3 = '' OR g.name = $3) AND g.id < $4 "
        "ORDER BY g.id DESC LIMIT $5",
        *(workspace, environment, name or "", below or 1 << 62, limit),
    )
    return [_view(row) for row in rows]
