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
_NONE: Final = ""  # as callback_events
_Listener = tuple[int | None, str]  # an endpoint, if it is one, and the target of its deliveries
_Known = tuple[tuple[_Listener, ...], bool]


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
        # By environment, event type and callback_events: the endpoints, and whether a callback is told as well.
        self._known: dict[tuple[int, str, str | None], _Known] = {}
        self._targets: dict[tuple[int, str], str] = {}

    def __call__(self, environment: int, event_type: str, message: Message | None) -> Sequence[_Listener]:
        snapshot = self._snapshot()
        if snapshot is not self._of:
            self._of, self._known, self._targets = snapshot, {}, {}
        events = _NONE if message is None else message.callback_events
        found = self._known.get((environment, event_type, events))
        if found is None:
            found = self._learn(snapshot, environment, event_type, events)
        listeners, calls_back = found
        if calls_back and message is not None and message.callback_url is not None:
            return (*listeners, (None, self._target(environment, message.callback_url)))
        return listeners

    def _learn(self, snapshot: Snapshot, environment: int, event_type: str, callback_events: str | None) -> _Known:
        realm = snapshot.realms.get(environment)
        endpoints: Sequence[EndpointSpec] = realm.endpoints if realm else ()
        listeners = tuple((e.id, endpoint_target(e.id)) for e in endpoints if wants(e.events, event_type))
        wanted = CALLBACK_DEFAULT if callback_events is None else callback_events.split(",")
        if len(self._known) > 1_000:
            self._known.clear()
        found = self._known[environment, event_type, callback_events] = listeners, event_type in wanted
        return found

    def _target(self, environment: int, url: str) -> str:
        known = self._targets.get((environment, url))
        if known is None:
            if len(self._targets) > 10_000:
                self._targets.clear()
            known = self._targets[environment, url] = callback_target(environment, url)
        return known
