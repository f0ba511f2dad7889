"""Who wants to hear of an event: endpoints by their filters, and the message's own callback URL."""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

from heliograph.core.failures import Refusal
from heliograph.core.lifecycle import ENDS
from heliograph.core.message import Message
from heliograph.engine.declared import Snapshot
from heliograph.engine.specs import EndpointSpec

# What a callback_url is told unless `callback_events` says otherwise.
CALLBACK_DEFAULT: Final = frozenset({"message.sent", *(f"message.{end}" for end in ENDS)})
EVENT_TYPES: Final = frozenset(
    {"message.accepted", "message.scheduled", "message.queued", "message.sent", "message.read"}
    | {f"message.{end}" for end in ENDS}
)

_OTHER_EVENTS: Final = (
    *("inbound.", "conversation.", "flow.", "contact.", "verification.", "campaign.", "link.", "alarm.", "webhook."),
    *("template.", "plan.", "outage."),
)


def unknown_events(names: Sequence[str], pointer: str) -> list[Refusal]:
    """A refusal for each name in a filter list that can't mean an event."""
    return [
        Refusal(
            "unknown_event",
            f"{name!r} is not an event type: {', '.join(sorted(EVENT_TYPES))}",
            f"{pointer}/{index}",
        )
        for index, name in enumerate(names)
        if not (name == "*" or name in EVENT_TYPES or name == "message.*" or name.startswith(_OTHER_EVENTS))
    ]


def wants(filters: tuple[str, ...], event_type: str) -> bool:
    """Does a filter list (`message.delivered`, `message.*`, `*`) name this type?"""
    return any(
        name in ("*", event_type) or (name.endswith(".*") and event_type.startswith(name[:-1])) for name in filters
    )


def endpoint_target(endpoint: int) -> str:
    return f"endpoint:{endpoint}"


def callback_target(environment: int, url: str) -> str:
    """Callbacks share the fate of their origin, within their environment."""
    parts = urlsplit(url)
    return f"callback:{environment}:{parts.scheme}://{parts.netloc}"


class Subscriptions:
    """Answers the ledger's question, within the commit; reads the snapshot only."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._of: Snapshot | None = None
        self._endpoints: dict[tuple[int, str], tuple[tuple[int | None, str], ...]] = {}
        self._targets: dict[tuple[int, str], str] = {}
        self._callback_events: dict[str, frozenset[str]] = {}

    def __call__(self, environment: int, event_type: str, message: Message | None) -> Sequence[tuple[int | None, str]]:
        snapshot = self._snapshot()
        if snapshot is not self._of:
            self._of, self._endpoints, self._targets, self._callback_events = snapshot, {}, {}, {}
        key = (environment, event_type)
        found = self._endpoints.get(key)
        if found is None:
            found = self._endpoints[key] = self._subscribed(snapshot, *key)
        if message is None or message.callback_url is None:
            return found
        if event_type not in self._wanted(message.callback_events):
            return found
        return (*found, (None, self._target(environment, message.callback_url)))

    def _subscribed(self, snapshot: Snapshot, environment: int, event_type: str) -> tuple[tuple[int | None, str], ...]:
        realm = snapshot.realms.get(environment)
        endpoints: Sequence[EndpointSpec] = realm.endpoints if realm else ()
        return tuple((e.id, endpoint_target(e.id)) for e in endpoints if wants(e.events, event_type))

    def _wanted(self, callback_events: str | None) -> frozenset[str]:
        if callback_events is None:
            return CALLBACK_DEFAULT
        known = self._callback_events.get(callback_events)
        if known is None:
            if len(self._callback_events) > 1_000:
                self._callback_events.clear()
            known = self._callback_events[callback_events] = frozenset(callback_events.split(","))
        return known

    def _target(self, environment: int, url: str) -> str:
        known = self._targets.get((environment, url))
        if known is None:
            if len(self._targets) > 10_000:
                self._targets.clear()
            known = self._targets[environment, url] = callback_target(environment, url)
        return known
