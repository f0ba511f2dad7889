"""Which route a request means."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from heliograph.api.routes import Route

Place: TypeAlias = Mapping[str, str]  # what stands where the route has names in braces
_NEAR: Final = 2  # steps by which most routes are told apart
_KNOWN: Final = 1_024


class Finder:
    """Finds routes by path, without looking at all of them each time."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(route.steps, route) for route in routes if route.handler is not None]
        self._near: dict[tuple[object, ...], list[tuple[tuple[str, ...], Route]]] = {}

    def at(self, path: str) -> Iterator[tuple[Route, Place]]:
        """The routes at a path, whatever their method, in their order."""
        steps = tuple(path.strip("/").split("/"))
        for wanted, route in self._nearby(steps):
            place = _match(wanted, steps)
            if place is not None:
                yield route, place

    def _nearby(self, steps: tuple[str, ...]) -> list[tuple[tuple[str, ...], Route]]:
        """Those of as many steps that begin alike."""
        first = steps[:_NEAR]
        found = self._near.get((len(steps), *first))
        if found is None:
            found = [
                (wanted, route)
                for wanted, route in self._routes
                if len(wanted) == len(steps) and _match(wanted[:_NEAR], first) is not None
            ]
            if len(self._near) >= _KNOWN:  # callers make up paths
                self._near.clear()
            self._near[len(steps), *first] = found
        return found


def _match(wanted: tuple[str, ...], steps: tuple[str, ...]) -> Place | None:
    if len(wanted) != len(steps):
        return None
    place: dict[str, str] = {}
    for want, step in zip(wanted, steps, strict=True):
        if want.startswith("{"):
            name, _, suffix = want[1:].partition("}")  # as in {sid}.json
            if not step.endswith(suffix):
                return None
            place[name] = step.removesuffix(suffix)
        elif want != step:
            return None
    return place
