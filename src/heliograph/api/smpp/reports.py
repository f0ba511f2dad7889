"""Events as what an SMPP account hears: delivery receipts and messages from phones. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from heliograph.core import gsm, ids, segments
from heliograph.smpp import receipts
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import DELIVER_SM, Tag
from heliograph.smpp.parts import RECEIPT, UDHI, Part, sar

# Our states in the words of SMPP.
STATES: Final = {
    "accepted": "ACCEPTD",
    "scheduled": "SCHEDULED",
    "queued": "ENROUTE",
    "sending": "ENROUTE",
    "sent": "ENROUTE",
    "delivered": "DELIVRD",
    "read": "DELIVRD",
    "undelivered": "UNDELIV",
    "failed": "UNDELIV",
    "rejected": "REJECTD",
    "expired": "EXPIRED",
    "canceled": "DELETED",
}
# Failures as the number in err: ours to choose, the same for all accounts.
_ERRORS: Final = {
    "permanent": "001",
    "transient": "002",
    "throttled": "003",
    "unauthorised": "004",
    "content": "005",
    "unreachable": "006",
    "opted_out": "007",
    "unknown": "099",
}
_SHORT_DIGITS_MAX: Final = 8


def receipt(data: Mapping[str, Any], carrier_id: str, at: str, *, with_tlvs: bool) -> Pdu:
    """The receipt of one submit: source and destination are those of the submit, exchanged."""
    stat = STATES.get(data["status"], "UNKNOWN")
    error = data.get("error") or {}
    err = _ERRORS.get(error.get("failure") or "", "000")
    text = receipts.write(carrier_id, stat, submitted=_time(data["created_at"]), done=_time(at), err=err)
    fields = _addresses(data["to"], data.get("sender") or "")
    # Latin-1, and said so: in the GSM alphabet the underscore of our ids would be a §.
    fields |= {"esm_class": RECEIPT, "data_coding": 3, "short_message": text.encode("latin-1", "replace")}
    return Pdu(DELIVER_SM, fields, tlvs=receipts.tlvs(carrier_id, stat) if with_tlvs else None)


def message(data: Mapping[str, Any], long_messages: str) -> list[Pdu]:
    """A message from a phone. A long one goes as the account wants it: in parts that are told by a user data header
    (`udh`) or by parameters (`sar`), or whole in message_payload (`payload`)."""
    encoding, count = segments.measure(data["text"])
    is_gsm = encoding == segments.GSM7
    fields = _addresses(data["from"], data["to"]) | {"data_coding": 0 if is_gsm else 8}
    if count == 1:
        return [Pdu(DELIVER_SM, fields | {"short_message": _octets(data["text"], is_gsm)})]
    if long_messages == "payload":
        return [Pdu(DELIVER_SM, fields, tlvs={Tag.MESSAGE_PAYLOAD: _octets(data["text"], is_gsm)})]
    return list(_parts(data, fields, encoding, long_messages))


def _parts(data: Mapping[str, Any], fields: dict[str, Any], encoding: str, long_messages: str) -> Iterator[Pdu]:
    """Parts with a reference that is the same at each try, so that a part that comes twice is known."""
    cut = segments.split_as(encoding, data["text"]).segments
    place = ids.parse("inb", data["id"])
    reference = place[1] & 0xFF if place is not None else 0
    for number, segment in enumerate(cut, 1):
        octets = _octets(segment.text, encoding == segments.GSM7)
        if long_messages == "sar":
            part = Part(reference, len(cut), number, "sar")
            yield Pdu(DELIVER_SM, fields | {"short_message": octets}, tlvs=sar(part))
        else:
            header = gsm.header(gsm.concatenation(reference, len(cut), number))
            yield Pdu(DELIVER_SM, fields | {"esm_class": UDHI, "short_message": header + octets})


def _octets(text: str, is_gsm: bool) -> bytes:
    return gsm.encode(text) if is_gsm else text.encode("utf-16-be", "surrogatepass")


def _addresses(source: str, destination: str) -> dict[str, Any]:
    (source_ton, source_npi, source), (dest_ton, dest_npi, destination) = _address(source), _address(destination)
    return {
        "source_addr_ton": source_ton,
        "source_addr_npi": source_npi,
        "source_addr": source,
        "dest_addr_ton": dest_ton,
        "dest_addr_npi": dest_npi,
        "destination_addr": destination,
    }


def _address(number: str) -> tuple[int, int, str]:
    if number.startswith("+"):
        return 1, 1, number[1:]
    if number.isdecimal():
        return (3, 0, number) if len(number) <= _SHORT_DIGITS_MAX else (0, 1, number)
    return (5, 0, number) if number else (0, 0, "")


def _time(written: str) -> datetime:
    return datetime.fromisoformat(written).astimezone(UTC)
