"""What a carrier sends us: receipts and messages from phones, read out of deliver_sm and data_sm."""

from collections.abc import Callable, Sequence
from typing import Final

from heliograph.carriers.smpp.settings import Settings, plain, reasons
from heliograph.core import gsm
from heliograph.core.failures import CONTENT, INVALID_NUMBER, PERMANENT, TRANSIENT, UNKNOWN, UNREACHABLE
from heliograph.core.message import Inbound, Part, Receipt
from heliograph.smpp import receipts
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import Tag
from heliograph.smpp.parts import INTERMEDIATE, RECEIPT, TYPE_MASK, UDHI, payload

# The word in a receipt → our fact. What is no end is progress.
_FACTS: Final = {
    "DELIVRD": "delivered",
    "EXPIRED": "expired",
    "DELETED": "refused",
    "UNDELIV": "undelivered",
    "REJECTD": "refused",
    "SKIPPED": "refused",
}
_FAILURES: Final = {
    "EXPIRED": (UNREACHABLE, "expired_at_carrier"),
    "DELETED": (PERMANENT, "deleted_at_carrier"),
    "UNDELIV": (UNKNOWN, "undeliverable"),
    "REJECTD": (CONTENT, "refused_by_carrier"),
    "SKIPPED": (TRANSIENT, "skipped_by_carrier"),
}
# What delivery_failure_reason adds to a word that leaves the reason open; a permanent error of the network adds none.
# REJECTD may be for the number, too; of it, 0 is not believed, which may stand there for want of a reason.
_TOLD: Final = {
    ("UNDELIV", b"\0"): (UNREACHABLE, "absent_subscriber"),
    ("UNDELIV", b"\1"): (PERMANENT, INVALID_NUMBER),
    ("UNDELIV", b"\3"): (TRANSIENT, "carrier_busy"),
    ("REJECTD", b"\1"): (PERMANENT, INVALID_NUMBER),
}
_UCS2: Final = frozenset({8, 0x18})
_LATIN1: Final = 3
_BINARY: Final = frozenset({2, 4, 0xF4, 0xF5, 0xF6, 0xF7})
_NATIONAL: Final = 2
_FULL: Final = 140  # octets of a part that holds no more
_BEGINNINGS: Final = (b"id:", b"\0i\0d\0:")


class Reader:
    """Reads for one connector."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._decode = _decoders[settings.default_alphabet]
        self._reasons = reasons(settings)

    def receipt(self, pdu: Pdu, now_ms: int) -> Receipt | None:
        """The receipt that a PDU holds; None when it holds none."""
        kind = pdu.fields["esm_class"] & TYPE_MASK
        tlvs = pdu.tlvs
        if not kind and not self._settings.text_receipts and Tag.RECEIPTED_MESSAGE_ID not in tlvs:
            return None
        octets = pdu.fields.get("short_message") or tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
        if not kind and not (octets[:6].lower().startswith(_BEGINNINGS) or Tag.RECEIPTED_MESSAGE_ID in tlvs):
            return None
        for text in _readings(pdu, octets):
            if (found := receipts.read(text, tlvs)) is not None:
                break
        else:
            return None
        fact = "buffered" if kind == INTERMEDIATE else _FACTS.get(found.stat, "buffered")
        err = found.err if found.err is not None and found.err.strip("0") else None
        failure, code = _FAILURES[found.stat] if fact not in ("delivered", "buffered") else (None, None)
        if failure is not None and (self._reasons or Tag.DELIVERY_FAILURE_REASON in tlvs):
            failure, code = self._reason(found.stat, err, pdu) or (failure, code)
        return Receipt(
            self._name, found.id, fact, now_ms, failure, code, err or _network_error(pdu), raw=_without_text(text)
        )

    def _reason(self, stat: str, err: str | None, pdu: Pdu) -> tuple[str, str] | None:
        """What says more than the word of a bad end: what was declared of the carrier's codes, else the standard's."""
        if self._reasons:
            for said in (err, _network_error(pdu)):
                if said is not None and (reason := self._reasons.get(plain(said))) is not None:
                    return reason
        return _TOLD.get((stat, pdu.tlvs.get(Tag.DELIVERY_FAILURE_REASON, b"")))

    def is_receipt(self, pdu: Pdu) -> bool:
        """Is it marked as one? Then it is no message, even if it can't be read."""
        return pdu.fields["esm_class"] & TYPE_MASK in (RECEIPT, INTERMEDIATE)

    def inbound(self, pdu: Pdu, now_ms: int) -> Inbound:
        """The message, or the part of one, that a phone sent."""
        fields, found = pdu.fields, payload(pdu)
        part = found.part
        whole = pdu.tlvs.get(Tag.MESSAGE_PAYLOAD) or fields.get("short_message", b"")
        return Inbound(
            self._name,
            self._number(fields["source_addr"], fields["source_addr_ton"]),
            self._number(fields["destination_addr"], fields["dest_addr_ton"]),
            self._text(found.text, fields["data_coding"], len(whole) - len(found.text), is_part=part is not None),
            now_ms,
            part=Part(f"{part.width}:{part.reference}", part.total, part.number) if part else None,
        )

    def _text(self, octets: bytes, data_coding: int, header: int, *, is_part: bool) -> str:
        """By the whole octet of data_coding; what can't be text is shown in hexadecimal. Of a part, half an emoji stays
        half an emoji: the other half may be in the next part. `header`: octets that stood before the text."""
        if data_coding in _UCS2 and is_part and len(octets) % 2 == 0:
            return octets.decode("utf-16-be", "surrogatepass")
        if data_coding in _UCS2:
            return octets.decode("utf-16-be", "replace")
        if data_coding in _BINARY:
            return octets.hex()
        if data_coding == _LATIN1:
            return octets.decode("latin-1")
        return self._decode(octets) if self._decode is not None else _from_packed(octets, header)

    def _number(self, address: str, ton: int) -> str:
        """In E.164 where it is a whole number; a handset is the same whether it comes as 1/1, 2/1 or 0/1."""
        digits = address.removeprefix("+")
        if not digits.isdigit() or len(digits) < 7:
            return address
        if digits != address and not digits.startswith("0"):
            return address  # its plus says more than its type of number
        if ton == _NATIONAL or digits.startswith("0"):
            if digits.startswith("00"):
                return f"+{digits[2:]}"
            if self._settings.country_code:
                return f"+{self._settings.country_code}{digits.removeprefix('0')}"
            return address
        return f"+{digits}"


def _network_error(pdu: Pdu) -> str | None:
    octets = pdu.tlvs.get(Tag.NETWORK_ERROR_CODE)
    if octets is None or len(octets) != 3 or not any(octets[1:]):
        return None
    return f"{octets[0]}:{int.from_bytes(octets[1:], 'big')}"


def _readings(pdu: Pdu, octets: bytes) -> Sequence[str]:
    """The text of a receipt in the ways in which it may be written; without NUL, which not every ledger keeps.

    What data_coding says counts for nothing: some carriers copy that of the message onto the receipt's own text.
    """
    found = [octets.decode("latin-1").replace("\0", " ")]
    if octets and octets[0] == 0:
        found.insert(0, octets.decode("utf-16-be", "replace").replace("\0", " "))
    if pdu.fields["esm_class"] & UDHI:
        found.insert(0, payload(pdu).text.decode("latin-1").replace("\0", " "))
    return found


def _from_packed(octets: bytes, header: int) -> str:
    """Seven spare bits at the end are no letter: CR stands there, or noughts of somebody who didn't think of it."""
    fill_bits = gsm.fill_bits(header)
    septets = gsm.unpack(octets, (len(octets) * 8 - fill_bits) // 7, fill_bits)
    if fill_bits + 7 * len(septets) == 8 * len(octets) and (
        septets[-1:] == b"\r" or (septets[-1:] == b"\0" and header + len(octets) < _FULL)  # a full part ends in '@'
    ):
        septets = septets[:-1]
    return gsm.decode(septets)


_decoders: Final[dict[str, Callable[[bytes], str] | None]] = {
    "gsm7": gsm.decode,
    "gsm7-packed": None,  # `_from_packed`, which has to know what stands before the text
    "ascii": lambda octets: octets.decode("ascii", "replace"),
    "latin1": lambda octets: octets.decode("latin-1"),
    "cp1252": lambda octets: octets.decode("cp1252", "replace"),
    "utf-8": lambda octets: octets.decode("utf-8", "replace"),
}


def _without_text(report: str) -> str:
    """The report as it may be kept: what it repeats of the message itself is left out."""
    end = report.lower().find("text:")
    return report if end < 0 else report[: end + len("text:")]
