"""Where a phone may be at the moment, as far as its number tells: IANA time zones and, for +1, the state or province.

What is known best comes first: the zone that a contact is known to be in, then the exchange or area code of the number,
then the zones of its country. A number is evidence, not proof: people move and take it along. So every zone that
remains possible is named, and whoever asks must be content with all of them.
"""

from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from phonenumbers import is_number_type_geographical

from heliograph.core.numbers import Number
from heliograph.core.numbers.plans import TYPES, calling_code

_NORTH_AMERICA: Final = "+1"
_TYPES: Final = {name: number for number, name in TYPES.items()}
_NOWHERE: Final = ("Etc/UTC",)  # numbers of no country


class Place(msgspec.Struct, frozen=True):
    """Where somebody may be."""

    country: str
    region: str | None  # state or province of a number under +1, when its area code has one
    zones: tuple[str, ...]  # any of them
    source: str  # contact | exchange | area code | number | country


class _AreaCode(msgspec.Struct, frozen=True, array_like=True):
    region: str | None
    zones: tuple[str, ...]


def _data(name: str) -> bytes:
    return (resources.files("heliograph.core") / "data" / name).read_bytes()


@cache
def _area_codes() -> dict[str, _AreaCode]:
    return msgspec.json.decode(_data("area_codes.json"), type=dict[str, _AreaCode])


@cache
def _countries() -> dict[str, tuple[str, ...]]:
    return msgspec.json.decode(_data("country_zones.json"), type=dict[str, tuple[str, ...]])


@cache
def _prefixes() -> dict[str, tuple[str, ...]]:
    from phonenumbers.tzdata import TIMEZONE_DATA  # large, and many never need it

    return dict(TIMEZONE_DATA)


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of this name."""
    return ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Is this an IANA zone?"""
    try:
        zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the last for what names a folder
        return False
    return True


def locate(number: Number, known: str | None = None) -> Place:
    """Where the phone may be; `known` is the zone in which its owner is known to live."""
    place = _by_number(number)
    return msgspec.structs.replace(place, zones=(known,), source="contact") if known else place


def _by_number(number: Number) -> Place:
    e164, country = number.e164, number.country
    area = _area_codes().get(e164[2:5]) if e164.startswith(_NORTH_AMERICA) else None
    if area is not None:
        if len(area.zones) > 1 and (exchange := _longest(e164[1:8], 5)):
            return Place(country, area.region, exchange, "exchange")
        return Place(country, area.region, area.zones, "area code")
    zones = _countries().get(country, _NOWHERE)
    if len(zones) > 1 and (narrower := _narrower(number)):
        return Place(country, None, narrower, "number")
    return Place(country, None, zones, "country")


def _narrower(number: Number) -> tuple[str, ...] | None:
    """What the beginning of a geographical number says beyond its country."""
    code = calling_code(number.e164[1:])
    kind = _TYPES.get(number.type)
    if code is None or kind is None or not is_number_type_geographical(kind, code):
        return None
    return _longest(number.e164[1:], len(str(code)) + 1)


def _longest(digits: str, shortest: int) -> tuple[str, ...] | None:
    """The zones of the longest beginning that the metadata knows, not shorter than so many digits."""
    known = _prefixes()
    for length in range(len(digits), shortest - 1, -1):
        if found := known.get(digits[:length]):
            return found
    return None
