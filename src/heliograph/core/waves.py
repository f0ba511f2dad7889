"""Cuts a sequence so that no piece holds two things of one key: whoever keeps a piece whole before the next keeps the
order of each key, however the things of one piece overtake each other."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def waves(things: Sequence[T], key: Callable[[T], Hashable]) -> Iterator[list[T]]:
    """The pieces, as long as can be."""
    piece: list[T] = []
    seen: set[Hashable] = set()
    for thing in things:
        its = key(thing)
        if its in seen:
            yield piece
            piece, seen = [], set()
        piece.append(thing)
        seen.add(its)
    if piece:
        yield piece
