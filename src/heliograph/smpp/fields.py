"""The mandatory fields of a PDU: octets ↔ values by name, as `LAYOUTS` says.

Numbers and strings that stand side by side make a section, which is read by one regular expression and written by one
template: field by field it costs twice as much. Only what can't be read or written so is gone through field by field,
for the name of the one that is wrong.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from struct import Struct, error
from typing import Any, Final

from heliograph.smpp.commands import DESTS, I1, LAYOUTS, TEXT, UNSUCCESS, Field, S

_I4: Final = Struct(">I")
_NUMBERS_KEPT: Final = 1_024  # combinations, for each section
_EMPTY: Final[dict[str, Any]] = {S: "", I1: 0, TEXT: b"", DESTS: (), UNSUCCESS: ()}
_BLANKS: Final = {command: {one.name: _EMPTY[one.kind] for one in layout} for command, layout in LAYOUTS.items()}


# In Latin-1 each octet is the letter with its number: all is read and written as letters.
_PATTERNS: Final = {I1: "(.)", S: "([^\0]*+)\0"}
_TEMPLATES: Final = {I1: "%c", S: "%s\0"}


class _Section:
    """Numbers and strings that stand side by side, and what stands behind them if it is neither."""

    __slots__ = ("fields", "last", "match", "numbers", "pick", "places", "sizes", "template", "values")

    def __init__(self, fields: Sequence[Field], last: Field | None) -> None:
        numbers = [place for place, field in enumerate(fields) if field.kind == I1]
        strings = [(place, field) for place, field in enumerate(fields) if field.kind == S]
        self.fields, self.last = fields, last
        self.match = re.compile("".join(_PATTERNS[field.kind] for field in fields), re.DOTALL).match
        self.pick = itemgetter(*numbers) if numbers else None  # the numbers out of what matched
        self.numbers = lru_cache(_NUMBERS_KEPT)(self._with_numbers)
        self.places = [(field.name, place) for place, field in strings]  # the strings in it
        self.template = "".join(_TEMPLATES[field.kind] for field in fields)
        self.values: Callable[[Mapping[str, Any]], Any] = itemgetter(*(field.name for field in fields))
        self.sizes = [(field.name, field.size) for _, field in strings]

    def _with_numbers(self, letters: Sequence[str]) -> dict[str, Any]:
        """The fields with these numbers; strings are empty. Of a carrier's PDUs nearly all have the same ones."""
        left = iter(letters)
        return {field.name: ord(next(left)) if field.kind == I1 else "" for field in self.fields}


def _sections(layout: Sequence[Field]) -> Iterator[_Section]:
    plain: list[Field] = []
    for field in (*layout, None):
        if field is not None and field.kind in _PATTERNS:
            plain.append(field)
        elif plain:
            yield _Section(plain, field)
            plain = []


_SECTIONS: Final = {command: tuple(_sections(layout)) for command, layout in LAYOUTS.items()}


def blank(command: int) -> dict[str, Any]:
    """All fields of a command, empty or 0. A PDU that begins with these is written faster than one that lacks some."""
    return _BLANKS[command].copy()


# -- reading


def read(command: int, octets: bytes) -> tuple[dict[str, Any], int, Field | None]:
    """What stands in a PDU behind its header, where it ends, and the first field that can't be read, if any."""
    text = octets.decode("latin-1")
    fields: dict[str, Any] = {}
    position = 16
    try:
        for section in _SECTIONS[command]:
            found = section.match(text, position)
            if found is None:
                return _one_by_one(command, octets)
            letters, position = found.groups(), found.end()
            if section.pick is not None:
                fields.update(section.numbers(section.pick(letters)))
            for name, place in section.places:
                fields[name] = letters[place]
            if (last := section.last) is not None:
                fields[last.name], position = _READERS[last.kind](octets, position)
    except (IndexError, ValueError, error):
        return _one_by_one(command, octets)
    return fields, position, None


def _one_by_one(command: int, octets: bytes) -> tuple[dict[str, Any], int, Field | None]:
    fields: dict[str, Any] = {}
    position = 16
    for field in LAYOUTS[command]:
        try:
            fields[field.name], position = _READERS[field.kind](octets, position)
        except (IndexError, ValueError, error):
            return fields, position, field
    return fields, position, None


def _read_i1(octets: bytes, position: int) -> tuple[int, int]:
    return octets[position], position + 1


def _read_i4(octets: bytes, position: int) -> tuple[int, int]:
    (value,) = _I4.unpack_from(octets, position)
    return value, position + 4


def _read_string(octets: bytes, position: int) -> tuple[str, int]:
    stop = octets.index(b"\0", position)
    return octets[position:stop].decode("latin-1"), stop + 1


def _read_text(octets: bytes, position: int) -> tuple[bytes, int]:
    position += 1
    end = position + octets[position - 1]
    if end > len(octets):
        raise ValueError
    return octets[position:end], end


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


_READERS: Final[dict[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    I1: _read_i1,
    S: _read_string,
    TEXT: _read_text,
    DESTS: _read_dests,
    UNSUCCESS: _read_unsuccess,
}


# -- writing


def write(command: int, fields: Mapping[str, Any]) -> bytes:
    """The fields as they stand in a PDU. Absent ones are empty or 0; ValueError names one that can't be written."""
    body = b""
    for section in _SECTIONS[command]:
        try:
            values = section.values(fields)
        except KeyError:
            fields = {**_BLANKS[command], **fields}
            values = section.values(fields)
        try:
            for name, size in section.sizes:
                value = fields[name]
                if len(value) >= size or "\0" in value:
                    raise ValueError
            body += (section.template % values).encode("latin-1")
        except (ValueError, OverflowError):
            body += b"".join([_WRITERS[field.kind](field, fields[field.name]) for field in section.fields])
        if (last := section.last) is not None:
            body += _WRITERS[last.kind](last, fields.get(last.name, b""))
    return body


def _number(field: Field, value: int) -> bytes:
    if not 0 <= value <= 255:
        raise ValueError(f"{field.name} is {value}; one octet holds 0 to 255")
    return bytes((value,))


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


def _text(field: Field, value: bytes) -> bytes:
    if len(value) > field.size:
        raise ValueError(f"{field.name} has {len(value)} octets; {field.size} are the most")
    return _OCTETS[len(value)] + value


_OCTETS: Final = [bytes((value,)) for value in range(256)]


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


_WRITERS: Final[dict[str, Callable[[Field, Any], bytes]]] = {
    I1: _number,
    S: _string,
    TEXT: _text,
    DESTS: _write_dests,
    UNSUCCESS: _write_unsuccess,
}
