"""Where something stands in what they say: pointers and expressions, compiled once."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from heliograph.carriers.http.fields import amount_of, word_of
from heliograph.carriers.http.generic import expressions
from heliograph.carriers.http.generic.settings import Place, Where

Find: TypeAlias = Callable[[Any, str], object]  # (document, the text that it came as) → what stands there, or None


def found(where: Where | None) -> Find:
    """What finds it, in the first of its places that has it; without a place nothing is found."""
    places = where if isinstance(where, list) else [] if where is None else [where]
    finds = [_one(place) for place in places]
    if len(finds) == 1:
        return finds[0]

    def find(document: Any, body: str) -> object:
        values = (one(document, body) for one in finds)
        return next((value for value in values if value is not None), None)

    return find


def steps(pointer: str) -> list[str]:
    """The steps of a JSON pointer; the name of a field is one step."""
    if not pointer.startswith("/"):
        return [pointer] if pointer else []
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def at(document: Any, path: Sequence[str]) -> Any:
    """What stands there; None when nothing does."""
    for step in path:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isascii() and step.isdigit() and len(step) < 5:
            document = document[int(step)] if int(step) < len(document) else None
        else:
            return None
    return document


def money(amount: object, scale: int, currency: object, usual: str | None) -> tuple[str, str] | None:
    """A price, in whole units, and its currency; nought, nonsense and a price of no currency are none."""
    price, named = amount_of(amount), word_of(currency)
    unit = named if len(named) == 3 and named.isascii() and named.isalpha() and named.isupper() else usual
    if price is None or unit is None:
        return None
    return (price if scale == 1 else f"{(Decimal(price) / scale).normalize():f}"), unit


def _one(place: str | Place) -> Find:
    if isinstance(place, str):
        place = Place(pointer=place)
    path = None if place.pointer is None else steps(place.pointer)
    search = None if place.regex is None else expressions.finder(place.regex)
    if path is None:
        return (lambda document, body: search(body)) if search else (lambda document, body: None)
    if search is None:
        return lambda document, body: at(document, path)
    return lambda document, body: search(word_of(at(document, path)))
