"""When messages will probably have been handed over: by what waits at their connectors already."""

from collections.abc import Mapping, Sequence

from heliograph.core.message import Message
from heliograph.engine.dispatch import Link


def estimated_end(links: Mapping[str, Link], messages: Sequence[Message], now: int) -> int:
    """When the last of these messages will probably have been handed over."""
    end = max((message.due_at for message in messages), default=now)
    by_connector: dict[str, list[Message]] = {}
    for message in messages:
        by_connector.setdefault(message.connector, []).append(message)
    for name, theirs in by_connector.items():
        if link := links.get(name):
            seconds = link.seconds_for(len(theirs), sum(message.segments for message in theirs))
            end = max(end, now + int(seconds * 1000))
    return end
