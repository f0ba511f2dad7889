"""A message as the PDUs that carry it: addresses, alphabet, parts, validity, as the connector's carrier wants them."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from heliograph.carriers.smpp.settings import Settings, tlv
from heliograph.core import gsm, segments
from heliograph.core.message import Message
from heliograph.smpp import moments, parts
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import SUBMIT_SM, Tag
from heliograph.smpp.fields import blank

_UCS2_MAX: Final = 140  # octets in one part
_ALPHANUMERIC: Final = (5, 0)
_INTERNATIONAL: Final = (1, 1)
_UNKNOWN: Final = (0, 0)
_SHORT_DIGITS_MAX: Final = 8
_SENDERS_KEPT: Final = 10_000
_ADDRESS_MAX: Final = 20
_SHORT_MESSAGE_MAX: Final = 254  # octets
_PAYLOAD_MAX: Final = 0xFFFF

_writable: Final = re.compile("[\x01-\xff]*").fullmatch
_relative: Final = lru_cache(maxsize=4_096)(moments.relative)


class Speller:
    """The spelling of one connector."""

    def __init__(self, settings: Settings, reference: int = 0) -> None:
        self._settings = settings
        self._encode = _encoders[settings.default_alphabet]
        self._tlvs = dict(tlv(tag, value) for tag, value in settings.tlvs.items())
        self._references: dict[str, int] = {}  # recipient → reference of its last long message
        self._first_reference = reference
        self._bases: dict[str | None, dict[str, Any]] = {}

    def pdus(self, message: Message, now_ms: int) -> list[Pdu]:
        """The submit_sm of each part, in order. ValueError: this can't be written."""
        settings = self._settings
        fields = (self._bases.get(message.sender) or self._base(message.sender)).copy()
        fields["destination_addr"] = message.to if settings.plus_sign else message.to[1:]
        if settings.validity == "relative":
            fields["validity_period"] = _relative((message.valid_until - now_ms) // 1000)
        elif settings.validity == "absolute":
            fields["validity_period"] = moments.absolute(message.valid_until)
        text = message.text or ""
        octets = self._octets(text) if message.encoding == segments.GSM7 else None
        is_ucs2 = octets is None
        if octets is None:
            fields["data_coding"] = settings.data_coding_ucs2
            octets = _ucs2(text)
            is_long = len(octets) > _UCS2_MAX
        else:
            is_long = message.segments > 1
        if not is_long:
            return [_filled(fields, octets, self._tlvs)]
        if settings.long_messages == "payload":
            return [_filled(fields, octets, self._tlvs, longest=0)]
        return self._long(message, fields, is_ucs2)

    def _octets(self, text: str) -> bytes | None:
        """The text in the link's default alphabet; None when that lacks a character of it."""
        try:
            return self._encode(text)
        except (ValueError, UnicodeEncodeError):
            return None

    def _base(self, sender: str | None) -> dict[str, Any]:
        """What is the same in all messages of a sender."""
        if len(self._bases) > _SENDERS_KEPT:
            self._bases.clear()
        settings = self._settings
        (ton, npi), address = self._source(sender or "")
        if len(address) > _ADDRESS_MAX or not _writable(address):
            raise ValueError(f"source_addr can't be {address[:40]!r}")
        base = self._bases[sender] = blank(SUBMIT_SM) | {
            "service_type": settings.service_type,
            "source_addr_ton": ton if settings.source_ton is None else settings.source_ton,
            "source_addr_npi": npi if settings.source_npi is None else settings.source_npi,
            "source_addr": address,
            "dest_addr_ton": settings.dest_ton,
            "dest_addr_npi": settings.dest_npi,
            "priority_flag": settings.priority_flag,
            "registered_delivery": settings.registered_delivery,
            "data_coding": settings.data_coding,
        }
        return base

    def _source(self, sender: str) -> tuple[tuple[int, int], str]:
        digits = sender.removeprefix("+")
        if not sender:
            return _UNKNOWN, ""
        if not digits.isdigit():
            return _ALPHANUMERIC, sender
        if sender.startswith("+") or len(digits) > _SHORT_DIGITS_MAX:
            return _INTERNATIONAL, f"+{digits}" if self._settings.plus_sign else digits
        return (self._settings.short_code_ton, self._settings.short_code_npi), digits

    # -- several parts

    def _long(self, message: Message, fields: dict[str, Any], is_ucs2: bool) -> list[Pdu]:
        way = self._settings.long_messages
        bits = 16 if way == "udh16" else 8
        encoding = segments.UCS2 if is_ucs2 else segments.GSM7
        cut = segments.split_as(encoding, message.text or "", reference_bits=bits).segments
        reference = self._next_reference(message.to)
        found: list[Pdu] = []
        for number, segment in enumerate(cut, 1):
            one, tlvs = fields.copy(), self._tlvs
            if way == "sar":
                tlvs = {**tlvs, **parts.sar(parts.Part(reference, len(cut), number, way))}
                octets = _ucs2(segment.text) if is_ucs2 else self._encode(segment.text)
            else:
                header = gsm.header(gsm.concatenation(reference, len(cut), number, bits))
                one["esm_class"] = parts.UDHI
                octets = header + self._behind(header, segment.text, is_ucs2)
            found.append(_filled(one, octets, tlvs))
        return found

    def _behind(self, header: bytes, text: str, is_ucs2: bool) -> bytes:
        """A part's octets; packed septets begin at a septet's border behind the header."""
        if is_ucs2:
            return _ucs2(text)
        if self._encode is _packed:
            return _packed(text, gsm.fill_bits(len(header)))
        return self._encode(text)

    def _next_reference(self, recipient: str) -> int:
        """A counter for each recipient: one for all would come round while parts are on their way."""
        if len(self._references) > _SENDERS_KEPT:
            self._references.clear()
        found = (self._references.get(recipient, self._first_reference) + 1) & 0xFFFF
        self._references[recipient] = found
        return found


def _ucs2(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _packed(text: str, fill_bits: int = 0) -> bytes:
    """Seven spare bits hold CR: noughts there would be read as an '@' (3GPP TS 23.038, 6.1.2.3.1)."""
    septets = gsm.encode(text)
    if (fill_bits + 7 * len(septets)) % 8 == 1:
        septets += b"\r"
    return gsm.pack(septets, fill_bits)


def _filled(fields: dict[str, Any], octets: bytes, tlvs: dict[int, bytes], *, longest: int = _SHORT_MESSAGE_MAX) -> Pdu:
    """A PDU with its text, in message_payload when it is longer: a part may have more octets than letters."""
    if len(octets) <= longest:
        fields["short_message"] = octets
    elif len(octets) <= _PAYLOAD_MAX:
        tlvs = {**tlvs, Tag.MESSAGE_PAYLOAD: octets}
    else:
        raise ValueError(f"the text has {len(octets)} octets; {_PAYLOAD_MAX} are the most")
    return Pdu(SUBMIT_SM, fields, 0, 0, tlvs)


_encoders: Final[dict[str, Callable[[str], bytes]]] = {
    "gsm7": gsm.encode,
    "gsm7-packed": _packed,
    "ascii": lambda text: text.encode("ascii"),
    "latin1": lambda text: text.encode("latin-1"),
    "cp1252": lambda text: text.encode("cp1252"),
    "utf-8": lambda text: text.encode(),
}
