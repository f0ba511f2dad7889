"""Regular expressions of operators. They meet foreign texts in the event loop, and `re` can't be stopped: so only the
beginning of a text is looked at, and only those expressions are taken whose work grows at most with its square.

For that, an expression is written out as the ways through it. On each way, a repetition repeats a single character or
class; and where there are several repetitions or ways, each repetition ends at a character that it can't match itself,
so that there is one place to end it.
"""

import re
from collections.abc import Callable, Iterable
from re import _constants, _parser  # type: ignore[attr-defined]  # what `re` itself reads an expression with
from typing import Any, Final, NamedTuple

CHARACTERS_MAX: Final = 10_000
_PATTERN_MAX: Final = 500
_WAYS_MAX: Final = 8
_AFTER_MAX: Final = 32  # pieces after a repetition whose end has to be searched
_FIXED_MAX: Final = 200  # pieces that a counted repetition stands for

# Sets of characters are bits: one for each of the first, the last one for all others.
_OTHERS: Final = 0x180
_ANY: Final = (1 << (_OTHERS + 1)) - 1
_SINGLE: Final = (_constants.LITERAL, _constants.NOT_LITERAL, _constants.ANY, _constants.IN)
_CATEGORIES: Final = {
    _constants.CATEGORY_DIGIT: r"\d",
    _constants.CATEGORY_NOT_DIGIT: r"\D",
    _constants.CATEGORY_SPACE: r"\s",
    _constants.CATEGORY_NOT_SPACE: r"\S",
    _constants.CATEGORY_WORD: r"\w",
    _constants.CATEGORY_NOT_WORD: r"\W",
}


class _Slow(Exception):
    """An expression that could take too long, or that we can't judge."""


class _Piece(NamedTuple):
    """Characters of which one stands here, or many."""

    characters: int
    is_many: bool = False
    is_required: bool = True


_Way = tuple[_Piece, ...]


def wrong(pattern: str) -> str | None:
    """Why an expression is not taken; None when it is."""
    if len(pattern) > _PATTERN_MAX:
        return f"an expression has at most {_PATTERN_MAX} characters"
    try:
        parsed = _parser.parse(pattern)
        re.compile(pattern)
        if parsed.state.flags & re.ASCII:
            return "the flag (?a) is not taken here"  # its classes are not those that we judge by
        ways = _ways(parsed, bool(parsed.state.flags & re.IGNORECASE))
        for way in ways:
            _judge(way, is_only=len(ways) == 1)
    except (re.error, OverflowError, RecursionError) as error:
        return f"no regular expression: {error}"
    except _Slow as error:
        return str(error)
    return None


def finder(pattern: str) -> Callable[[str], str | None]:
    """What an expression finds in a text: its first group, or, without groups, all of it."""
    compiled = re.compile(pattern)
    group = 1 if compiled.groups else 0

    def find(text: str) -> str | None:
        found = compiled.search(text[:CHARACTERS_MAX])
        return found[group] if found else None

    return find


def _judge(way: _Way, *, is_only: bool) -> None:
    many = [place for place, piece in enumerate(way) if piece.is_many]
    loose = [place for place in many if not _ends_clearly(way, place)]
    if loose and not (is_only and len(many) == 1):
        raise _Slow(
            'could take too long: let every repetition end at a character that it can\'t match itself, as in [^"]+"'
        )
    if loose and len(way) - loose[0] > _AFTER_MAX:
        raise _Slow("could take too long: too much follows a repetition whose end has to be searched")


def _ends_clearly(way: _Way, place: int) -> bool:
    if place + 1 == len(way):
        return True  # nothing follows that could fail
    after = way[place + 1]
    return after.is_required and not after.characters & way[place].characters


def _ways(parsed: Iterable[tuple[Any, Any]], folds: bool) -> list[_Way]:
    """All ways through a sequence."""
    ways: list[_Way] = [()]
    for operation, value in parsed:
        ways = [way + more for way in ways for more in _ways_of(operation, value, folds)]
        if len(ways) > _WAYS_MAX:
            raise _Slow(f"too many alternatives: at most {_WAYS_MAX} ways through an expression")
        if any(len(way) > _FIXED_MAX for way in ways):
            raise _Slow("too long when its repetitions are written out")
    return ways


def _ways_of(operation: Any, value: Any, folds: bool) -> list[_Way]:
    if operation is _constants.AT:
        return [(_Piece(_ANY),)]  # takes no character, so it ends no repetition either
    if operation is _constants.BRANCH:
        return [way for branch in value[1] for way in _ways(branch, folds)]
    if operation is _constants.SUBPATTERN and not (value[1] or value[2]):
        return _ways(value[3], folds)
    if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
        return _repeated(value[0], value[1], value[2], folds)
    return [(_Piece(_characters(operation, value, folds)),)]


def _repeated(least: int, most: int, parsed: Any, folds: bool) -> list[_Way]:
    ways = _ways(parsed, folds)
    if (least, most) == (0, 1):
        return [(), *ways]
    if least == most and len(ways) == 1 and not any(piece.is_many for piece in ways[0]):
        if least * len(ways[0]) > _FIXED_MAX:
            raise _Slow("too long when its repetitions are written out")
        return [ways[0] * least]
    if len(parsed) != 1 or parsed[0][0] not in _SINGLE:
        raise _Slow("could take too long: repeat single characters and classes only, no groups")
    return [(_Piece(ways[0][0].characters, is_many=True, is_required=least > 0),)]


def _characters(operation: Any, value: Any, folds: bool) -> int:
    if operation is _constants.ANY:
        return _ANY
    if operation is _constants.LITERAL:
        found = _bit(value)
    elif operation is _constants.NOT_LITERAL:
        found = _but(_bit(value))
    elif operation is _constants.RANGE:
        found = sum(1 << code for code in range(value[0], min(value[1], _OTHERS - 1) + 1)) | _bit(value[1])
    elif operation is _constants.CATEGORY:
        fits = re.compile(_CATEGORIES[value]).fullmatch
        found = sum(1 << code for code in range(_OTHERS) if fits(chr(code))) | 1 << _OTHERS
    elif operation is _constants.IN:
        return _set(value, folds)
    else:
        raise _Slow("look-around, back-references, flags of a group and their like are not taken here")
    return _folded(found) if folds else found


def _set(items: Any, folds: bool) -> int:
    found, is_negative = 0, False
    for operation, value in items:
        if operation is _constants.NEGATE:
            is_negative = True
        else:
            found |= _characters(operation, value, folds)
    return _but(found) if is_negative else found


def _bit(code: int) -> int:
    return 1 << min(code, _OTHERS)


def _but(characters: int) -> int:
    """All others. The last bit stands for more than can be excluded."""
    return _ANY & ~characters | 1 << _OTHERS


def _folded(characters: int) -> int:
    letters = [chr(code) for code in range(_OTHERS) if characters >> code & 1]
    for letter in {form for one in letters for form in (one.lower(), one.upper()) if len(form) == 1}:
        characters |= _bit(ord(letter))
    return characters
