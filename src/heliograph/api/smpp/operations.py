"""What a bind may ask beside submitting one message: many recipients at once, and what became of a message."""

from typing import Any, Final, Protocol

from heliograph.api.context import Context
from heliograph.api.smpp.parts import Parts
from heliograph.api.smpp.reports import STATES
from heliograph.api.smpp.requests import (
    SUBMIT_FAILED,
    Unreadable,
    change_of,
    destinations,
    request_of,
    sender_of,
    status_of,
    text_of,
)
from heliograph.core import ids
from heliograph.core.failures import Refusal
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.core.request import MessageRequest
from heliograph.core.views import message_id
from heliograph.engine.cancel import cancel
from heliograph.engine.clients import Client
from heliograph.engine.draft import Draft
from heliograph.engine.replace import replace
from heliograph.ports import Unavailable
from heliograph.smpp import moments
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import CANCEL_SM, QUERY_SM, REPLACE_SM, SUBMIT_MULTI, SUBMIT_SM
from heliograph.smpp.receipts import NUMBERS
from heliograph.smpp.session import Session

_SYSTEM_ERROR: Final = 0x08
_NOT_CANCELED: Final = 0x11
_NOT_REPLACED: Final = 0x13
_WRONG_SOURCE: Final = 0x0A
_UNKNOWN_ID: Final = 0x67
_NO_ID: Final = 0x0C
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


class Asker(Protocol):
    """The connection that asks."""

    client: Client | None
    context: Context
    parts: Parts
    session: Session

    def barred(self, count: int, now: int) -> Refusal | None: ...

    def draft(self, request: MessageRequest, now: int) -> Draft | Refusal: ...

    async def kept(self, *drafts: Draft) -> Any: ...

    def refuse(self, pdu: Pdu, refusal: Refusal) -> None: ...

    def info(self, code: str, detail: str) -> Any: ...


async def serve(connection: Asker, pdu: Pdu) -> None:
    work = {
        SUBMIT_MULTI: _submit_multi,
        QUERY_SM: _query,
        CANCEL_SM: _cancel,
        REPLACE_SM: _replace,
    }[pdu.command]
    try:
        await work(connection, pdu)
    except Unavailable:
        connection.session.respond(pdu, _SYSTEM_ERROR)


async def _submit_multi(connection: Asker, pdu: Pdu) -> None:
    """One message for each destination, each with its own id in its receipt; the answer has that of the first."""
    now = connection.context.clock.now_ms()
    failed: list[dict[str, Any]] = []
    drafts: list[tuple[dict[str, Any], Draft]] = []
    if refusal := connection.barred(len(destinations(pdu)), now):
        connection.refuse(pdu, refusal)
        return
    for one in destinations(pdu):
        if "dl_name" in one:
            connection.session.respond(
                pdu, 0x34, tlvs=connection.info("unknown_list", "there are no distribution lists here")
            )
            return
        single = Pdu(SUBMIT_SM, {**pdu.fields, **one}, sequence=pdu.sequence, tlvs=pdu.tlvs)
        try:
            draft = connection.draft(request_of(single, text_of(single), now), now)
        except Unreadable as error:
            failed.append({**one, "error_status_code": error.status})
            continue
        if isinstance(draft, Refusal):
            failed.append({**one, "error_status_code": status_of(draft)})
        else:
            drafts.append((one, draft))
    if not drafts:
        connection.session.respond(pdu, failed[0]["error_status_code"] if failed else 0x33)
        return
    operation = await connection.kept(*(draft for _, draft in drafts))
    if operation.error is not None:
        raise Unavailable
    taken = []
    for (one, _), message in zip(drafts, operation.messages, strict=True):
        if message.id in operation.refused:
            failed.append({**one, "error_status_code": SUBMIT_FAILED})
        else:
            taken.append(message_id(message))
    if not taken:
        connection.session.respond(pdu, SUBMIT_FAILED)
        return
    connection.session.respond(pdu, 0, {"message_id": taken[0], "unsuccess_smes": failed})


async def _query(connection: Asker, pdu: Pdu) -> None:
    message = await _find(connection, pdu.fields["message_id"])
    if message is None:
        connection.session.respond(pdu, _UNKNOWN_ID)
        return
    fields = {
        "message_id": pdu.fields["message_id"],
        "final_date": moments.absolute(message.final_at) if message.final_at else "",
        "message_state": NUMBERS[STATES[message.state]],
        "error_code": 0,
    }
    connection.session.respond(pdu, 0, fields)


async def _cancel(connection: Asker, pdu: Pdu) -> None:
    if not pdu.fields["message_id"]:
        connection.session.respond(
            pdu, _NOT_CANCELED, tlvs=connection.info("no_message_id", "messages are canceled one by one")
        )
        return
    message = await _find(connection, pdu.fields["message_id"])
    if message is None:
        connection.session.respond(pdu, _NO_ID)
        return
    moves = await cancel(connection.context.ledger, message, connection.context.clock.now_ms())
    if moves is None or moves.lost or moves.error is not None:
        connection.session.respond(
            pdu, _NOT_CANCELED, tlvs=connection.info("too_late", f"it is {message.state} already")
        )
        return
    connection.context.told(moves)
    connection.session.respond(pdu)


async def _replace(connection: Asker, pdu: Pdu) -> None:
    """Another text or time for a message that still waits; decided like a new one."""
    fields, now, client = pdu.fields, connection.context.clock.now_ms(), connection.client
    assert client is not None
    if refusal := connection.barred(1, now):
        connection.refuse(pdu, refusal)
        return
    message = await _find(connection, fields["message_id"])
    if message is None:
        connection.session.respond(pdu, _NO_ID)
        return
    if ids.parse("msg", fields["message_id"]) is None:
        why = "a part of a message is not replaced: cancel the message and submit another"
        connection.session.respond(pdu, _NOT_REPLACED, tlvs=connection.info("in_parts", why))
        return
    source = sender_of(fields["source_addr"], fields["source_addr_ton"])
    if source is not None and source != message.sender:
        connection.session.respond(pdu, _WRONG_SOURCE, tlvs=connection.info("other_sender", "it has another sender"))
        return
    try:
        change = change_of(pdu, message, client.account, now)
    except Unreadable as error:
        connection.session.respond(pdu, error.status, tlvs=connection.info("unreadable", str(error)))
        return
    found = await replace(connection.context.ledger, connection.context.intake, message, change, now)
    if not isinstance(found, Refusal):
        connection.session.respond(pdu)
    elif found.code == "too_late" and not found.pointer:
        connection.session.respond(pdu, _NOT_REPLACED, tlvs=connection.info(found.code, found.detail))
    else:
        connection.refuse(pdu, found)


async def _find(connection: Asker, carrier_id: str) -> Message | None:
    """A message of this account's environment, by its id or that of one of its parts."""
    client = connection.client
    assert client is not None
    place = ids.parse("msg", carrier_id)
    number = place[1] if place is not None else await connection.parts.message_of(client.account, carrier_id)
    if number is None:
        return None
    rows = await connection.context.ledger.fetch(
        f"SELECT {_COLUMNS} FROM messages WHERE id = $1 AND environment = $2", number, client.environment
    )
    return Message(*rows[0]) if rows else None
