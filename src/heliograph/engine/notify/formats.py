"""The shapes in which events are told, by their names: of an endpoint's `format`, of a message's `callback_format`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from heliograph.core import ids
from heliograph.core.dropin import jasmin, kannel, twilio, vonage
from heliograph.core.message import Event, Message
from heliograph.core.segments import measure
from heliograph.core.signing import Signer, twilio_signature
from heliograph.core.views import event_facts, event_id, message_id
from heliograph.engine.notify.request import form_request
from heliograph.store.port import Notice

JSON: Final = "json"  # our own, which `request` makes: there several events may go together
TWILIO: Final = "twilio"
ENDPOINT_FORMATS: Final = (JSON, "form", TWILIO)  # in which an endpoint can be told everything


class Voice(NamedTuple):
    """On whose behalf a request in the shape of another gateway comes: the account, and the keys of its signatures."""

    account_sid: str
    sha1: bytes
    sha256: bytes


class Letter(NamedTuple):
    """One event to be told, and what that may take; what costs something is asked for."""

    notice: Notice
    url: str
    second: int
    signer: Callable[[], Signer]
    secret: Callable[[], str]
    voice: Callable[[], Voice]


class Outgoing(NamedTuple):
    """The request that is to be made."""

    headers: bytes
    body: bytes | None  # None: it is a GET
    url: str | None = None  # None: as it was declared
    thanks: bytes | None = None  # what the answer must read; None: any 2xx will do


def _smsto(letter: Letter) -> Outgoing:
    return Outgoing(*form_request(letter.notice, letter.signer(), letter.secret(), letter.second))


def _twilio(letter: Letter) -> Outgoing:
    """As Twilio tells a StatusCallback, or a message from a phone: a form, signed with the auth token."""
    voice, notice = letter.voice(), letter.notice
    fields = {"AccountSid": voice.account_sid, "ApiVersion": twilio.API_VERSION}
    if notice.message is not None:
        fields |= _twilio_status(notice.message, letter)
    elif notice.event.type == "inbound.received":
        fields |= _twilio_inbound(notice.event)
    else:
        fields |= {"EventType": notice.event.type, "EventData": notice.event.data or "{}"}
    signature = twilio_signature(voice.sha1, letter.url.partition("#")[0], fields)
    headers = (
        "content-type: application/x-www-form-urlencoded\r\n"
        f"x-twilio-signature: {signature}\r\n"
        f"i-twilio-idempotency-token: {event_id(notice.event)}\r\n"
    )
    return Outgoing(headers.encode(), urlencode(fields).encode())


def _twilio_inbound(event: Event) -> dict[str, str]:
    facts: dict[str, Any] = msgspec.json.decode(event.data or "{}")
    place = ids.parse("inb", facts["id"])
    sid = twilio.sid(twilio.MESSAGE, *(place or (event.at, event.seq)))
    fields = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "SmsStatus": "received", "NumMedia": "0"}
    text = facts.get("text") or ""
    fields |= {"From": facts["from"], "To": facts["to"], "Body": text, "NumSegments": str(measure(text)[1])}
    return fields | ({"OptOutType": "STOP"} if facts.get("opt_out") else {})


def _twilio_status(message: Message, letter: Letter) -> dict[str, str]:
    event = letter.notice.event
    state, facts = event.type.removeprefix("message."), event_facts(event)
    was_sent = message.sent_at is not None
    status = twilio.status_of(state, was_sent=was_sent)
    sid = twilio.sid(twilio.MESSAGE, message.accepted_at, message.id)
    fields = {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status}
    fields |= {"To": message.to, "From": message.sender or ""}
    code = twilio.error_of(state, facts.failure, facts.code, was_sent=was_sent)
    return fields if code is None else fields | {"ErrorCode": str(code), "ErrorMessage": twilio.MEANINGS[code]}


def _kannel(letter: Letter) -> Outgoing:
    """As Kannel calls a `dlr-url`: a GET, with what happened in the place of escapes."""
    event, message = letter.notice.event, letter.notice.message
    assert message is not None
    facts, public = event_facts(event), message_id(message)
    values = {"d": str(kannel.KINDS[event.type]), "p": message.to, "P": message.sender or "", "I": public, "F": public}
    values |= {"i": facts.connector or message.connector, "A": facts.carrier_code or facts.code or ""}
    values |= {"T": str(event.at // 1_000), "t": _time(event.at, "%Y-%m-%d %H:%M")}
    return Outgoing(_known_by(letter), None, kannel.filled(letter.url, values))


def _jasmin_fields(letter: Letter) -> str:
    event, message = letter.notice.event, letter.notice.message
    assert message is not None
    facts, (level, word) = event_facts(event), jasmin.level_of(event.type)
    fields = {
        "id": jasmin.uuid(ids.in_hex(message.accepted_at, message.id)),
        "message_status": word,
        "level": str(level),
        "connector": facts.connector or message.connector,
    }
    if level == 2:
        arrived = "001" if event.type == "message.delivered" else "000"
        fields |= {"id_smsc": message_id(message), "sub": "001", "dlvrd": arrived, "text": ""}
        fields |= {"subdate": _time(message.accepted_at, "%y%m%d%H%M"), "donedate": _time(event.at, "%y%m%d%H%M")}
        fields |= {"err": facts.carrier_code or ("000" if arrived == "001" else "001")}
    return urlencode(fields)


def _jasmin_post(letter: Letter) -> Outgoing:
    headers = _FORM + _known_by(letter)
    return Outgoing(headers, _jasmin_fields(letter).encode(), thanks=jasmin.ACKNOWLEDGED)


def _jasmin_get(letter: Letter) -> Outgoing:
    joint = "&" if "?" in letter.url else "?"
    url = f"{letter.url.partition('#')[0]}{joint}{_jasmin_fields(letter)}"
    return Outgoing(_known_by(letter), None, url, jasmin.ACKNOWLEDGED)


def _vonage(letter: Letter) -> Outgoing:
    """As Vonage tells a `callback`: a form, signed with the API secret."""
    voice = letter.voice()
    event, message = letter.notice.event, letter.notice.message
    assert message is not None
    facts, word = event_facts(event), vonage.WORDS[event.type]
    fields = {
        "msisdn": message.to.removeprefix("+"),
        "to": (message.sender or "").removeprefix("+"),
        "messageId": ids.in_hex(message.accepted_at, message.id),
        "status": word,
        "err-code": str(vonage.error_of(word, facts.failure, facts.code)),
        "price": facts.price or message.price or "0",
        "scts": _time(event.at, "%y%m%d%H%M"),
        "message-timestamp": _time(event.at, "%Y-%m-%d %H:%M:%S"),
        "client-ref": message.correlation_id or "",
        "api-key": voice.account_sid,
        "timestamp": str(letter.second),
        "nonce": event_id(event),
    }
    signed = fields | {"sig": vonage.signature(voice.sha256, fields)}
    return Outgoing(_FORM + _known_by(letter), urlencode(signed).encode())


def _known_by(letter: Letter) -> bytes:
    """The event's id, by which a receiver knows what it has had before."""
    return f"webhook-id: {event_id(letter.notice.event)}\r\n".encode()


def _time(at_ms: int, shape: str) -> str:
    return datetime.fromtimestamp(at_ms // 1_000, UTC).strftime(shape)


_FORM: Final = b"content-type: application/x-www-form-urlencoded\r\n"
FORMATS: Final[dict[str, Callable[[Letter], Outgoing]]] = {
    "form": _smsto,
    "smsto": _smsto,
    TWILIO: _twilio,
    "kannel": _kannel,
    "jasmin-post": _jasmin_post,
    "jasmin-get": _jasmin_get,
    "vonage": _vonage,
}
