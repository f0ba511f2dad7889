"""Bytes ↔ PDUs. Reads what the wild sends as far as it can be read, writes exactly what the standard says.

    frames = Frames()
    for octets in frames.feed(received):
        pdu = decode(octets)

A PDU that can't be read raises `BadPdu`, with the status that names the cause: the session goes on. A stream whose
lengths can't be trusted any more raises `BrokenStream`: close it.
"""

from collections.abc import Iterator, Mapping
from struct import Struct, error
from typing import Any, Final

from heliograph.smpp.commands import (
    DESTS,
    I1,
    I4,
    LAYOUTS,
    NAMES,
    RESPONSE,
    TEXT,
    UNSUCCESS,
    Field,
    S,
    name_of,
)

HEADER: Final = Struct(">IIII")
LENGTH_MAX: Final = 0x11000  # a whole message_payload and all else that may stand beside it
INVALID_COMMAND_ID: Final = 0x03
INVALID_COMMAND_LENGTH: Final = 0x02
INVALID_TLV_STREAM: Final = 0xC0
_TLV: Final = Struct(">HH")
_I4: Final = Struct(">I")
_OCTETS: Final = [bytes((value,)) for value in range(256)]
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
        *,
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
        return isinstance(other, Pdu) and all(getattr(self, at) == getattr(other, at) for at in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

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
            length = int.from_bytes(data[position : position + 4], "big")
            if not 16 <= length <= LENGTH_MAX:
                raise BrokenStream(_absurd(length, data[position : position + 4]))
            if end - position < length:
                break
            yield data[position : position + length]
            position += length
        self._left = data[position:]


def _absurd(length: int, octets: bytes) -> str:
    for start, protocol in _FOREIGN.items():
        if octets.startswith(start):
            return f"the peer speaks {protocol}, not SMPP"
    return f"a PDU of {length} octets"


def decode(octets: bytes) -> Pdu:
    """One whole PDU."""
    if len(octets) < HEADER.size:
        raise BrokenStream(f"a PDU of {len(octets)} octets")
    _, command, status, sequence = HEADER.unpack_from(octets)
    layout = LAYOUTS.get(command)
    if layout is None:
        raise BadPdu(command, sequence, INVALID_COMMAND_ID, "an unknown command")
    is_response = command & RESPONSE
    fields: dict[str, Any] = {}
    position, end = 16, len(octets)
    if is_response and position == end:  # nothing but a header: what errors have, and sloppy peers always
        return Pdu(command, fields, status=status, sequence=sequence)
    field = None
    try:
        for field in layout:
            name, kind, _, _ = field
            if kind == I1:
                fields[name] = octets[position]
                position += 1
            elif kind == S:
                stop = octets.index(b"\0", position)
                fields[name] = octets[position:stop].decode("latin-1") if stop > position else ""
                position = stop + 1
            else:
                fields[name], position = _READERS[kind](octets, position)
    except (IndexError, ValueError, error):
        if is_response:  # what can be read of it counts
            return Pdu(command, fields, status=status, sequence=sequence)
        assert field is not None
        raise BadPdu(command, sequence, field.wrong, f"no {field.name}") from None
    tlvs = _tlvs(octets, position, command, sequence) if position < end else None
    return Pdu(command, fields, status=status, sequence=sequence, tlvs=tlvs)


def _tlvs(octets: bytes, position: int, command: int, sequence: int) -> dict[int, bytes]:
    """The optional parameters; of a tag that stands there twice the first counts."""
    found: dict[int, bytes] = {}
    end = len(octets)
    while end - position >= 4:
        tag, length = _TLV.unpack_from(octets, position)
        position += 4
        if length > end - position:
            if command & RESPONSE:
                return {}
            raise BadPdu(command, sequence, INVALID_TLV_STREAM, f"the TLV 0x{tag:04x} is longer than the PDU")
        found.setdefault(tag, octets[position : position + length])
        position += length
    return found  # up to three stray octets are let pass


def _read_text(octets: bytes, position: int) -> tuple[bytes, int]:
    length = octets[position]
    text = octets[position + 1 : position + 1 + length]
    if len(text) < length:
        raise ValueError
    return text, position + 1 + length


def _read_i4(octets: bytes, position: int) -> tuple[int, int]:
    (value,) = _I4.unpack_from(octets, position)
    return value, position + 4


def _read_string(octets: bytes, position: int) -> tuple[str, int]:
    stop = octets.index(b"\0", position)
    return octets[position:stop].decode("latin-1"), stop + 1


def _read_dests(octets: bytes, position: int) -> tuple[list[dict[str, Any]], int]:
    """Each destination: an address, or the name of a list of the server's."""
    found: list[dict[str, Any]] = []
    count = octets[position]
    position += 1
    for _ in range(count):
        flag = octets[position]
        if flag == 1:
            ton, npi = octets[position + 1], octets[position + 2]
            address, position = _read_string(octets, position + 3)
            found.append({"dest_addr_ton": ton, "dest_addr_npi": npi, "destination_addr": address})
        elif flag == 2:
            name, position = _read_string(octets, position + 1)
            found.append({"dl_name": name})
        else:
            raise ValueError
    return found, position


def _read_unsuccess(octets: bytes, position: int) -> tuple[list[dict[str, Any]], int]:
    found: list[dict[str, Any]] = []
    count = octets[position]
    position += 1
    for _ in range(count):
        ton, npi = octets[position], octets[position + 1]
        address, position = _read_string(octets, position + 2)
        status, position = _read_i4(octets, position)
        found.append(
            {
                "dest_addr_ton": ton,
                "dest_addr_npi": npi,
                "destination_addr": address,
                "error_status_code": status,
            }
        )
    return found, position


_READERS: Final = {TEXT: _read_text, I4: _read_i4, DESTS: _read_dests, UNSUCCESS: _read_unsuccess}


def encode(pdu: Pdu) -> bytes:
    """A PDU as it goes over the wire. Absent fields are empty or 0; ValueError names a field that can't be written.

    A response with an error has no body unless it has fields: this is what every version understands.
    """
    parts: list[bytes] = []
    fields = pdu.fields
    if fields or pdu.tlvs or not (pdu.status and pdu.command & RESPONSE):
        for field in LAYOUTS[pdu.command]:
            name, kind, size, _ = field
            if kind == I1:
                number = fields.get(name, 0)
                if not 0 <= number <= 255:
                    raise ValueError(f"{name} is {number}; one octet holds 0 to 255")
                parts.append(_OCTETS[number])
            elif kind == S:
                value = fields.get(name)
                parts.append(_string(field, value) if value else b"\0")
            elif kind == TEXT:
                text = fields.get(name, b"")
                if len(text) > size:
                    raise ValueError(f"{name} has {len(text)} octets; {size} are the most")
                parts.append(_OCTETS[len(text)])
                parts.append(text)
            else:
                parts.append(_WRITERS[kind](field, fields.get(name, ())))
    for tag, value in pdu.tlvs.items():
        if len(value) > 0xFFFF:
            raise ValueError(f"the TLV 0x{tag:04x} has {len(value)} octets; 65535 are the most")
        parts.append(_TLV.pack(tag, len(value)))
        parts.append(value)
    body = b"".join(parts)
    return HEADER.pack(16 + len(body), pdu.command, pdu.status, pdu.sequence) + body


def _string(field: Field, value: str) -> bytes:
    try:
        octets = value.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"{field.name} holds a letter that is not in Latin-1") from None
    if len(octets) >= field.size:
        raise ValueError(f"{field.name} has {len(octets)} octets; {field.size - 1} are the most")
    if b"\0" in octets:
        raise ValueError(f"{field.name} must not hold a NUL")
    return octets + b"\0"


def _address_of(field: Field, one: Mapping[str, Any]) -> bytes:
    address = _string(Field(field.name, S, 21), one["destination_addr"])
    return bytes((one.get("dest_addr_ton", 0), one.get("dest_addr_npi", 0))) + address


def _write_dests(field: Field, dests: Any) -> bytes:
    written = [
        b"\2" + _string(Field("dl_name", S, 21), one["dl_name"])
        if "dl_name" in one
        else b"\1" + _address_of(field, one)
        for one in dests
    ]
    return _counted(field, written)


def _counted(field: Field, written: list[bytes]) -> bytes:
    if len(written) > 255:
        raise ValueError(f"{field.name} has {len(written)} entries; 255 are the most")
    return bytes((len(written),)) + b"".join(written)


def _write_unsuccess(field: Field, failures: Any) -> bytes:
    written = [_address_of(field, one) + _I4.pack(one["error_status_code"]) for one in failures]
    return _counted(field, written)


_WRITERS: Final = {DESTS: _write_dests, UNSUCCESS: _write_unsuccess}


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
