"""Where the recipient of an e-mail says no with one click (RFC 8058): the address that its header names, and what
follows from calling it.

The address proves itself by a keyed hash of the message's id, so that nobody can say no for somebody else.
"""

import hmac
from typing import Final

from heliograph.core import consent
from heliograph.core.channels import EMAIL
from heliograph.core.ids import parse
from heliograph.core.message import MESSAGE_COLUMNS, PROMOTIONAL, Message
from heliograph.core.views import message_id
from heliograph.engine.people import record
from heliograph.engine.people.quiescence import quiet
from heliograph.engine.people.record import Said
from heliograph.ports import Clock
from heliograph.store.port import Ledger
from heliograph.store.protection import Protection

PATH: Final = "/u/"
SOURCE: Final = "unsubscribe_link"
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


def url_of(protection: Protection, public_url: str | None, message: Message) -> str | None:
    """The address for a message; None where nobody has to be offered one, or could reach us."""
    if public_url is None or message.kind != PROMOTIONAL:
        return None
    return f"{public_url.rstrip('/')}{PATH}{message_id(message)}.{_proof(protection, message)}"


def _proof(protection: Protection, message: Message) -> str:
    return protection.hash_number(message.workspace, f"leave {message_id(message)}")[:32]


async def find(ledger: Ledger, token: str) -> Message | None:
    """The message whose address this is; None when it is nobody's."""
    name, _, proof = token.partition(".")
    _, number = parse("msg", name) or (0, 0)
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM messages WHERE id = $1", number)
    message = Message(*rows[0]) if rows else None
    if message is None or message.channel != EMAIL or "@" not in message.to or message_id(message) != name:
        return None
    wanted = _proof(ledger.protection, message)
    return message if wanted and hmac.compare_digest(proof.encode(), wanted.encode()) else None


def scope_of(message: Message) -> str:
    """What a no to it covers: its topic, or all promotional messages when it has none."""
    return PROMOTIONAL if message.topic is None else consent.topic_scope(message.topic)


async def leave(ledger: Ledger, clock: Clock, message: Message, ip: str) -> None:
    """Record the no, once; what waits for its recipient and is covered by it does not go any more."""
    scope, now = scope_of(message), clock.now_ms()
    stances = await record.stances_of(ledger, message.workspace, message.to)
    if any(stance.scope == scope and stance.out_at is not None for stance in stances):
        return
    said = Said(
        address=message.to,
        action=consent.OPT_OUT,
        scope=scope,
        source=SOURCE,
        at=now,
        channel=EMAIL,
        ip=ip or None,
        message=message_id(message),
    )
    await record.record(ledger, message.workspace, message.environment, [said], actor="recipient", now=now)
    await quiet(ledger, clock, [message.workspace], message.to)
