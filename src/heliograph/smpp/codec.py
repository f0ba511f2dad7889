"""Bytes ↔ PDUs. Reads what the wild sends as far as it can be read, writes exactly what the standard says.

    frames = Frames()
    for octets in frames.feed(received):
        pdu = decode(octets)

A PDU that can't be read raises `BadPdu`, with the status that names the cause: the session goes on. A stream whose
lengths can't be trusted any more raises `BrokenStream`: close it.
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, Final

from heliograph.smpp.commands import LAYOUTS, NAMES, RESPONSE, name_of
from heliograph.smpp.fields import read, write

HEADER: Final = Struct(">IIII")
LENGTH_MAX: Final = 0x11000  # a whole message_payload and all else that may stand beside it
INVALID_COMMAND_ID: Final = 0x03
INVALID_COMMAND_LENGTH: Final = 0x02
INVALID_TLV_STREAM: Final = 0xC0
_TLV: Final = Struct(">HH")
_LENGTH: Final = Struct(">I")
_FOREIGN: Final = {
    b"GET ": "HTTP",
    b"POST": "HTTP",
    b"HEAD": "HTTP",
    b"HTTP": "HTTP",
    b"PUT ": "HTTP",
    b"\x16\x03\x01": "TLS",
}


class ProtocolError(Exception):
    """What the peer sent is not as it should be: the one exception that reading raises."""


class BadPdu(ProtocolError):
    """One PDU that can't be read; its length was sane, so the stream goes on after it."""

    def __init__(self, command: int, sequence: int, status: int, why: str) -> None:
        super().__init__(f"{name_of(command)}: {why}")
        self.command, self.sequence, self.status = command, sequence, status


class BrokenStream(ProtocolError):
    """The stream can't be trusted any more."""


class Pdu:
    """One PDU: its header, its mandatory fields by name, its optional parameters by tag."""

    __slots__ = ("command", "fields", "sequence", "status", "tlvs")

    def __init__(
        self,
        command: int,
        fields: Mapping[str, Any] | None = None,
        status: int = 0,
        sequence: int = 0,
        tlvs: Mapping[int, bytes] | None = None,
    ) -> None:
        self.command = command
        self.fields = fields if fields is not None else {}
        self.status = status
        self.sequence = sequence
        self.tlvs = tlvs if tlvs is not None else {}

    @property
    def name(self) -> str:
        return name_of(self.command)

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)

    def number(self, tag: int) -> int | None:
        """An optional parameter as a number; None when there is none."""
        octets = self.tlvs.get(tag)
        return int.from_bytes(octets, "big") if octets else None

    def string(self, tag: int) -> str | None:
        """An optional parameter as a string, with or without its NUL; None when there is none."""
        octets = self.tlvs.get(tag)
        return octets.partition(b"\0")[0].decode("latin-1") if octets is not None else None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pdu) and self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]

    def _content(self) -> tuple[Any, ...]:
        return self.command, self.status, self.sequence, self.fields, self.tlvs

    def __repr__(self) -> str:
        shown = {name: "…" if name == "password" else value for name, value in self.fields.items()}
        return f"<{self.name} {self.sequence} status {self.status} {shown} {dict(self.tlvs)}>"


class Frames:
    """Cuts a stream into PDUs."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = b""

    @property
    def has_half(self) -> bool:
        """Is there the beginning of a PDU?"""
        return bool(self._left)

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Every PDU that is whole by now; `BrokenStream` at a length that can't be."""
        data = self._left + octets if self._left else octets
        position, end = 0, len(data)
        self._left = b""
        while end - position >= 4:
            (length,) = _LENGTH.unpack_from(data, position)
            if not 16 <= length <= LENGTH_MAX:
                raise BrokenStream(_absurd(length, data[position : position + 4]))
            following = position + length
            if following > end:
                break
            yield data[position:following]
            position = following
        self._left = data[position:]


def _absurd(length: int, octets: bytes) -> str:
    for start, protocol in _FOREIGN.items():
        if octets.startswith(start):
            return f"the peer speaks {protocol}, not SMPP"
    return f"a PDU of {length} octets"


def decode(octets: bytes) -> Pdu:
    """One whole PDU."""
    end = len(octets)
    if end < HEADER.size:
        raise BrokenStream(f"a PDU of {end} octets")
    _, command, status, sequence = HEADER.unpack_from(octets)
    if command not in LAYOUTS:
        raise BadPdu(command, sequence, INVALID_COMMAND_ID, "an unknown command")
    if end == HEADER.size and command & RESPONSE:  # what errors have, and sloppy peers always
        return Pdu(command, status=status, sequence=sequence)
    fields, position, wrong = read(command, octets)
    if wrong is None:
        tlvs = _tlvs(octets, position, command, sequence) if position < end else None
        return Pdu(command, fields, status, sequence, tlvs)  # by place: names would cost half as much again
    if command & RESPONSE:  # what can be read of it counts
        return Pdu(command, fields, status=status, sequence=sequence)
    raise BadPdu(command, sequence, wrong.wrong, f"no {wrong.name}")


def _tlvs(octets: bytes, position: int, command: int, sequence: int) -> dict[int, bytes]:
    """The optional parameters; of a tag that stands there twice the first counts."""
    found: dict[int, bytes] = {}
    end = len(octets)
    while end - position >= 4:
        tag, length = _TLV.unpack_from(octets, position)
        start = position + 4
        position = start + length
        if position > end:
            if command & RESPONSE:
                return {}
            raise BadPdu(command, sequence, INVALID_TLV_STREAM, f"the TLV 0x{tag:04x} is longer than the PDU")
        found.setdefault(tag, octets[start:position])
    return found  # up to three stray octets are let pass


def encode(pdu: Pdu) -> bytes:
    """A PDU as it goes over the wire. Absent fields are empty or 0; ValueError names a field that can't be written.

    A response with an error has no body unless it has fields: this is what every version understands.
    """
    command, fields, tlvs = pdu.command, pdu.fields, pdu.tlvs
    body = b""
    if fields or tlvs or not (pdu.status and command & RESPONSE):
        body = write(command, fields)
    for tag, value in tlvs.items():
        if len(value) > 0xFFFF:
            raise ValueError(f"the TLV 0x{tag:04x} has {len(value)} octets; 65535 are the most")
        body += _TLV.pack(tag, len(value)) + value
    return HEADER.pack(16 + len(body), command, pdu.status, pdu.sequence) + body


def masked(octets: bytes) -> bytes:
    """A PDU's octets with the password of a bind struck out: as logs and records may keep it."""
    if len(octets) < 16 or NAMES.get(int.from_bytes(octets[4:8], "big"), "")[:4] not in ("bind", "outb"):
        return octets
    start = octets.find(b"\0", 16) + 1
    stop = octets.find(b"\0", start)
    if start < 17 or int.from_bytes(octets[4:8], "big") & RESPONSE:
        return octets
    stop = stop if stop >= 0 else len(octets)
    return octets[:start] + b"*" * (stop - start) + octets[stop:]
