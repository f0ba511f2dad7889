"""A cold write that rides in a commit of hot ones."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from heliograph.store.port import Notice, Operation, Transaction


class Brief(Operation):
    """A cold write that is done inside a commit, and what came of it."""

    do: Callable[[Transaction], Coroutine[Any, Any, Any]]
    result: Any = None
    notices: Sequence[Notice] = ()
    has_begun: bool = False
