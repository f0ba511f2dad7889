"""Requests that wait until a provider was asked about their recipients."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from heliograph.api.call import Call
from heliograph.core.request import MessageRequest

_asking: Final[set[asyncio.Task[None]]] = set()  # the loop holds tasks weakly


def after_lookups(call: Call, requests: Sequence[MessageRequest], go_on: Callable[[], None]) -> None:
    """Go on once a provider was asked about the recipients, as far as that is declared."""
    task = asyncio.ensure_future(_ask(call, requests, go_on))
    _asking.add(task)
    task.add_done_callback(_asking.discard)


async def _ask(call: Call, requests: Sequence[MessageRequest], go_on: Callable[[], None]) -> None:
    try:
        caller = call.caller
        await call.context.intake.lookups.prepare(caller.environment, caller.default_country, requests, call.now)
        go_on()
    except Exception as error:  # the edge of a request: it gets an answer, the log gets the rest
        call.broke(error)
