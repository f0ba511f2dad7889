"""What a PDU carries: its payload, the user data header in front of it, and which part of a long message it is."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import Tag

UDHI: Final = 0x40  # esm_class: the payload begins with a user data header
TYPE_MASK: Final = 0x3C
RECEIPT: Final = 0x04
INTERMEDIATE: Final = 0x20
_CONCATENATION_8: Final = 0x00
_CONCATENATION_16: Final = 0x08


class Part(NamedTuple):
    """Which part of which message; `width` tells apart references of 8 bits, 16 bits and sar parameters."""

    reference: int
    total: int
    number: int
    width: str


class Payload(NamedTuple):
    """Text and header of one PDU."""

    text: bytes
    elements: Sequence[tuple[int, bytes]]  # of the user data header: (identifier, data)
    part: Part | None


def payload(pdu: Pdu) -> Payload:
    """What a submit_sm, deliver_sm or data_sm carries. A header that can't be one is taken for text."""
    octets = pdu.tlvs.get(Tag.MESSAGE_PAYLOAD) or pdu.fields.get("short_message", b"")
    elements: list[tuple[int, bytes]] = []
    if pdu.fields.get("esm_class", 0) & UDHI:
        octets, elements = _without_header(octets)
    return Payload(octets, elements, _in_header(elements) or _in_parameters(pdu))


def _without_header(octets: bytes) -> tuple[bytes, list[tuple[int, bytes]]]:
    if not octets or octets[0] >= len(octets):
        return octets, []
    end = octets[0] + 1
    elements: list[tuple[int, bytes]] = []
    position = 1
    while position + 2 <= end:
        identifier, length = octets[position], octets[position + 1]
        position += 2
        if position + length > end:
            break
        elements.append((identifier, octets[position : position + length]))
        position += length
    return octets[end:], elements


def _in_header(elements: Sequence[tuple[int, bytes]]) -> Part | None:
    for identifier, data in elements:
        if identifier == _CONCATENATION_8 and len(data) == 3:
            found = _sane(Part(data[0], data[1], data[2], "8"))
        elif identifier == _CONCATENATION_16 and len(data) == 4:
            found = _sane(Part(data[0] << 8 | data[1], data[2], data[3], "16"))
        else:
            continue
        if found is not None:
            return found
    return None


def _in_parameters(pdu: Pdu) -> Part | None:
    reference = pdu.number(Tag.SAR_MSG_REF_NUM)
    total, number = pdu.number(Tag.SAR_TOTAL_SEGMENTS), pdu.number(Tag.SAR_SEGMENT_SEQNUM)
    if reference is None or total is None or number is None:
        return None
    return _sane(Part(reference, total, number, "sar"))


def _sane(part: Part) -> Part | None:
    """Part 0, or more parts than there are: then the element is to be ignored (TS 23.040)."""
    return part if 1 <= part.number <= part.total <= 255 and part.total > 1 and part.reference <= 0xFFFF else None


def sar(part: Part) -> dict[int, bytes]:
    """The parameters that say which part this is."""
    return {
        Tag.SAR_MSG_REF_NUM: (part.reference & 0xFFFF).to_bytes(2, "big"),
        Tag.SAR_TOTAL_SEGMENTS: bytes((part.total,)),
        Tag.SAR_SEGMENT_SEQNUM: bytes((part.number,)),
    }
