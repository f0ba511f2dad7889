"""Whether a connection to a message centre comes about.

Apart from `bind`: what is compiled must not wait inside a `try` (packaging/compiled.py says why).
"""

import asyncio
from collections.abc import Awaitable


async def trouble_of(dialling: Awaitable[object], timeout_s: float) -> Exception | None:
    """Why there is no connection, or None."""
    try:
        await asyncio.wait_for(dialling, timeout_s)
    except (OSError, TimeoutError, UnicodeError) as error:  # UnicodeError: no host can have this name
        return error
    return None
