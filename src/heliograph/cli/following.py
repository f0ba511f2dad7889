"""Follows the events of a server from here on, through everything that breaks meanwhile: nothing is lost between.

The cursor moves only behind what was handled. When the server is away it is asked again, sooner at first, later with
longer pauses; then it goes on where it stood.
"""

import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from heliograph.cli.client import Client, NoAnswer
from heliograph.cli.output import painted

_PAGE: Final = 1_000
_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0


def end(client: Client) -> str:
    """The cursor behind everything that has happened."""
    return str(client.get("/v1/events", cursor="end")["next_cursor"])


def events(client: Client, cursor: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """All events from a cursor on, each with the cursor of its page; never ends."""
    while True:
        page = _patiently(client, cursor)
        for event in page["data"]:
            yield cursor, event
        if (page["next_cursor"] or "") == cursor:
            time.sleep(_PAUSE_S)
        cursor = page["next_cursor"] or ""


def _patiently(client: Client, cursor: str) -> dict[str, Any]:
    """A page, however often it has to be asked for."""
    pause, was_away = _PAUSE_S, False
    while True:
        try:
            page: dict[str, Any] = client.get("/v1/events", cursor=cursor, limit=_PAGE)
        except NoAnswer as error:
            if not was_away:
                sys.stderr.write(f"{painted('waiting:', 'yellow', sys.stderr)} {error}\n")
            was_away = True
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
            continue
        if was_away:
            sys.stderr.write("the server answers again; going on where it stood\n")
        return page
