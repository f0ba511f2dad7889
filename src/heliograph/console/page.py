"""A page of the console: where it is, who may open it, what it does with a look or a form, where the navigation has it.

One literal list of them, in `site`, is the console. Access is decided by the scopes of the API's route that shows or
does the same.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from heliograph.console.visit import Answer, Visit

GROUPS: Final = ("Watch", "Talk", "Reach", "Run", "Build", "Settings")  # the order of the navigation


class Entry(msgspec.Struct, frozen=True):
    """A place in the navigation. Pages below its path belong to it."""

    title: str
    icon: str
    group: str


class Page(msgspec.Struct, frozen=True):
    """One method of one page."""

    method: str
    path: str
    handler: Callable[[Visit], Awaitable[Answer]]
    scope: str | None  # None: whoever is logged in
    or_scope: str | None = None
    entry: Entry | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.path.strip("/").split("/"))

    def opens_to(self, visit: Visit) -> bool:
        return self.scope is None or visit.may(self.scope, self.or_scope)
