"""A submit as a request of the public API, and our refusals as SMPP statuses. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from heliograph.core import gsm
from heliograph.core.failures import Refusal
from heliograph.core.message import Message
from heliograph.core.request import MessageRequest
from heliograph.core.segments import UCS2, measure
from heliograph.engine import accounts
from heliograph.engine.replace import Change
from heliograph.smpp import moments
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import Tag
from heliograph.smpp.parts import TYPE_MASK, payload

# service_type → our kind; any other is transactional.
KINDS: Final = {"OTP": "otp", "TRX": "transactional", "SUPP": "support", "PROMO": "promotional"}
_STATUSES: Final = {  # by the field that a refusal points to
    "/to": 0x0B,
    "/sender": 0x0A,
    "/text": 0x01,
    "/valid_for": 0x62,
    "/valid_until": 0x62,
    "/send_at": 0x61,
}
_BY_CODE: Final = {
    "rate_limited": 0x58,
    "runaway": 0x58,
    "ledger_unavailable": 0x08,
    "not_ready": 0x08,
    "missing_scope": 0x0D,
}
SUBMIT_FAILED: Final = 0x45
_BAD_CODING: Final = 0x104
_BAD_ESM_CLASS: Final = 0x43
_ALPHANUMERIC: Final = 5
_INTERNATIONAL: Final = 1
_INFO_MAX: Final = 255

_GAP: Final = " [...] "
_UCS2: Final = 8
CODING: Final = "smpp_data_coding"  # in a message's metadata, where its text does not tell: a replace_sm needs it
_DECODERS: Final[dict[int, Callable[[bytes], str]]] = {
    0: gsm.decode,
    1: lambda octets: octets.decode("ascii", "replace"),
    3: lambda octets: octets.decode("latin-1"),
    8: lambda octets: octets.decode("utf-16-be", "replace"),
}

# What registered_delivery asks for.
_FAILURES: Final = ("undelivered", "failed", "expired", "rejected", "canceled")
_WANTED: Final[dict[int, tuple[str, ...]]] = {1: ("delivered", *_FAILURES), 2: _FAILURES, 3: ("delivered",)}


class Unreadable(Exception):
    """A submit that can't be taken, with the status that says why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def request_of(pdu: Pdu, text: str, now_ms: int) -> MessageRequest:
    """What a submit_sm or data_sm asks for."""
    fields = pdu.fields
    return MessageRequest(
        to=address(fields["destination_addr"], fields["dest_addr_ton"]),
        text=text,
        sender=sender_of(fields["source_addr"], fields["source_addr_ton"]),
        kind=KINDS.get(fields["service_type"], "transactional"),
        send_at=_moment(fields.get("schedule_delivery_time", ""), now_ms, 0x61),
        valid_for=_validity(pdu, now_ms),
        callback_events=events_of(fields["registered_delivery"]),
        metadata=_coding(fields["data_coding"], text),
    )


def _coding(coding: int, text: str) -> dict[str, str] | None:
    """What is to be kept of a data_coding: nothing, when it is the one that the text needs."""
    if coding == 0 or (coding == _UCS2 and measure(text)[0] == UCS2):
        return None
    return {CODING: str(coding)}


def change_of(pdu: Pdu, message: Message, account: int, now_ms: int) -> Change:
    """What a replace_sm asks for. It names no data_coding: its text is written as that of the submit was."""
    fields = pdu.fields
    metadata = msgspec.json.decode(message.metadata, type=dict[str, str]) if message.metadata else {}
    usual = _UCS2 if message.encoding == UCS2 else 0
    return Change(
        text=_DECODERS[int(metadata.get(CODING, usual))](payload(pdu).text),
        send_at=_moment(fields["schedule_delivery_time"], now_ms, 0x61),
        valid_until=_moment(fields["validity_period"], now_ms, 0x62),
        callback_url=accounts.address(account),
        callback_events=tuple(events_of(fields["registered_delivery"])),
    )


def text_of(pdu: Pdu) -> str:
    """The text of a submit, or of the part that it is."""
    esm_class = pdu.fields.get("esm_class", 0)
    if esm_class & TYPE_MASK:
        raise Unreadable(_BAD_ESM_CLASS, "only messages are taken, no receipts")
    coding = pdu.fields["data_coding"]
    if coding not in _DECODERS:
        raise Unreadable(_BAD_CODING, f"data_coding {coding} is not read here; there are 0 (GSM), 1, 3 and 8 (UCS-2)")
    return _DECODERS[coding](payload(pdu).text)


def octets_of(pdu: Pdu) -> str:
    """The text of a part as it came: a character may be cut between two, so it is read when all are there."""
    return f"{pdu.fields['data_coding']}:{payload(pdu).text.hex()}"


def joined(parts: Sequence[str | None]) -> str:
    """The text of all parts; None: one that never came."""
    coded = [(None, "") if part is None else (int(part.partition(":")[0]), part.partition(":")[2]) for part in parts]
    return "".join(
        _GAP * len(list(run)) if coding is None else _DECODERS[coding](bytes.fromhex("".join(text for _, text in run)))
        for coding, run in groupby(coded, itemgetter(0))
    )


def events_of(registered_delivery: int) -> list[str]:
    """The events of which receipts are made."""
    wanted = registered_delivery & 0x03
    return [f"message.{end}" for end in _WANTED[wanted]] if wanted else []


def address(digits: str, ton: int) -> str:
    """The recipient as callers of the API would write it."""
    bare = digits.removeprefix("+")
    if digits.startswith("+") or ton == _INTERNATIONAL:
        return f"+{bare}"
    if bare.startswith("00"):
        return f"+{bare[2:]}"
    return bare if bare.startswith("0") or len(bare) < 7 else f"+{bare}"


def sender_of(source: str, ton: int) -> str | None:
    if not source:
        return None
    if ton == _INTERNATIONAL and source.isdigit():
        return f"+{source}"
    return source


def _moment(written: str, now_ms: int, status: int) -> str | None:
    if not written:
        return None
    at = moments.read(written, now_ms)
    if at is None:
        raise Unreadable(status, f"{written!r} is no time")
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def _validity(pdu: Pdu, now_ms: int) -> int | None:
    """In seconds from the time at which it may go."""
    if (seconds := pdu.number(Tag.QOS_TIME_TO_LIVE)) is not None:
        return seconds or None
    written = pdu.fields.get("validity_period", "")
    if not written:
        return None
    at = moments.read(written, now_ms)
    start = moments.read(pdu.fields.get("schedule_delivery_time", ""), now_ms) or now_ms
    if at is None or at <= start:
        raise Unreadable(0x62, f"{written!r} is no time that is still to come")
    return max(1, (at - start) // 1000)


def status_of(refusal: Refusal) -> int:
    return (
        _BY_CODE.get(refusal.code)
        or _STATUSES.get(refusal.pointer.split("/", 2)[0] or refusal.pointer, 0)
        or (SUBMIT_FAILED)
    )


def info(code: str, detail: str) -> Mapping[int, bytes]:
    """Why, in words: for peers that read optional parameters."""
    text = f"{code}: {detail}".encode("ascii", "replace")[:_INFO_MAX]
    return {Tag.ADDITIONAL_STATUS_INFO_TEXT: text + b"\0"}


def destinations(pdu: Pdu) -> list[dict[str, Any]]:
    """The addresses of a submit_multi; lists of the server's there are none."""
    found: list[dict[str, Any]] = pdu.fields["dest_addresses"]
    return found
