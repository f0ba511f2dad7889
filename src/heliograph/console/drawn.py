"""Parts of a text as they go over the air, with the characters that keep it out of GSM-7."""

from collections.abc import Iterator
from typing import NamedTuple

from heliograph.core.segments import Forcing, Split


class Piece(NamedTuple):
    """A stretch of a part's text; `forced`: a character that GSM-7 lacks, and what could stand there instead."""

    text: str
    forced: str = ""


class Part(NamedTuple):
    """One part as it goes over the air."""

    pieces: list[Piece]
    units: int
    limit: int


def parts_of(split: Split) -> list[Part]:
    forced = {one.position: one for one in split.forced_by}
    found, start = [], 0
    for segment in split.segments:
        found.append(Part(list(_pieces(segment.text, start, forced)), segment.units, segment.limit))
        start += len(segment.text)
    return found


def _pieces(text: str, start: int, forced: dict[int, Forcing]) -> Iterator[Piece]:
    plain = ""
    for position, character in enumerate(text, start):
        one = forced.get(position)
        if one is None:
            plain += character
            continue
        if plain:
            yield Piece(plain)
        plain = ""
        instead = f", could be {one.replacement!r}" if one.replacement is not None else ""
        yield Piece(character, f"{one.name}{instead}")
    if plain:
        yield Piece(plain)
