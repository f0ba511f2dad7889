"""Another text or time for a message that no carrier was ever given: decided anew, and decided by the row itself.

Whoever is faster wins: a message that leaves at this very moment leaves as it was.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from heliograph.core.channels.channel import shown
from heliograph.core.failures import Refusal
from heliograph.core.lifecycle import SCHEDULED, WAITING_STATES
from heliograph.core.message import WAITING, Message
from heliograph.core.request import MessageRequest
from heliograph.engine.clicks import keep_links
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.store.port import Ledger, NewEvent

REPLACED: Final = "message.replaced"
_CHANGED: Final = (
    "text",
    "template",
    "encoding",
    "segments",
    "updated_at",
    "due_at",
    "valid_until",
    "connector",
    "plan",
    "decision",
    "price",
    "currency",
    "surcharge",
    "callback_url",
    "callback_events",
)
_UPDATE: Final = (
    f"UPDATE messages SET {', '.join(f'{name} = ${place}' for place, name in enumerate(_CHANGED, 4))} "
    "WHERE id = $1 AND environment = $2 AND state = $3 AND owner = 0 AND attempts = 0 RETURNING id"
)


class Change(msgspec.Struct, frozen=True):
    """What is to be different. None: as it was."""

    text: str | None = None
    send_at: str | None = None
    valid_until: str | None = None
    callback_url: str | None = None
    callback_events: tuple[str, ...] | None = None  # with `callback_url`; empty: no callbacks
    # What is asked of the words comes with them: what was asked of the ones before is not kept.
    encoding: str | None = None
    smart_encoding: bool = False
    max_segments: int | None = None


async def replace(ledger: Ledger, intake: Intake, message: Message, change: Change, now: int) -> Message | Refusal:
    """The message as it is from now on, or why it stays as it was."""
    if message.state not in WAITING_STATES or message.owner != WAITING or message.attempts:
        return _too_late(message)
    if change.send_at is not None and message.state != SCHEDULED:
        return Refusal("too_late", "the message has no time to move: it waits for its turn", "/send_at", 409)
    caller = Caller(message.client, message.workspace, message.environment)
    draft = intake.draft(caller, _request(message, change), now)
    if isinstance(draft, Refusal):
        return draft
    new = _changed(message, change, draft.message, now)
    decisions = intake.verdicts.take_rows()
    try:
        async with ledger.transaction() as transaction:
            for decision in decisions:
                await transaction.execute("INSERT INTO decisions (id, trace) VALUES ($1, $2)", *decision)
            found = await transaction.fetch(
                _UPDATE, new.id, new.environment, message.state, *(getattr(new, name) for name in _CHANGED)
            )
            if found:
                await keep_links(transaction, ledger, [link._replace(message=new.id) for link in draft.links])
                cost = {"price": new.price, "currency": new.currency} if new.price is not None else {}
                event = NewEvent(REPLACED, now, msgspec.json.encode(cost).decode(), told=False)
                await transaction.record(new.workspace, new.environment, [event], new)
    except BaseException:
        intake.verdicts.give_back_rows(decisions)
        raise
    if not found:
        return _too_late(message)
    intake.repriced(new, (message.price, message.currency))
    return new


def _too_late(message: Message) -> Refusal:
    detail = f"the message is {message.state}; only what no carrier was given can be changed"
    return Refusal("too_late", detail, status=409)


def _request(message: Message, change: Change) -> MessageRequest:
    """The message as its sender would ask for it now; its span of validity moves with its time."""
    request = MessageRequest(
        to=message.to,
        text=(message.text or None) if change.text is None else change.text,
        channel=message.channel,
        content=shown(message.content),
        sender=message.sender,
        kind=message.kind,
        send_at=change.send_at or (_written(message.due_at) if message.state == SCHEDULED else None),
        valid_until=change.valid_until,
        tags=msgspec.json.decode(message.tags, type=list[str]) if message.tags else None,
        encoding=change.encoding,
        smart_encoding=change.smart_encoding,
        max_segments=change.max_segments,
    )
    if change.valid_until is None:
        if change.send_at is None:
            request.valid_until = _written(message.valid_until)
        else:
            request.valid_for = max(1, (message.valid_until - message.due_at) // 1_000)
    return request


def _changed(message: Message, change: Change, draft: Message, now: int) -> Message:
    new = msgspec.structs.replace(
        message,
        text=draft.text,
        template=message.template if change.text is None else None,
        encoding=draft.encoding,
        segments=draft.segments,
        updated_at=now,
        connector=draft.connector,
        plan=draft.plan,
        decision=draft.decision,
        price=draft.price,
        currency=draft.currency,
        surcharge=draft.surcharge,
    )
    if change.send_at is not None:
        new.due_at = draft.due_at
    if change.send_at is not None or change.valid_until is not None:
        new.valid_until = draft.valid_until
    if change.callback_events is not None:
        new.callback_url = change.callback_url if change.callback_events else None
        new.callback_events = ",".join(change.callback_events) or None
    return new


def _written(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()
