"""What a client may be allowed to do. `admin` includes everything else."""

from collections.abc import Sequence
from typing import Final

from heliograph.core.failures import Refusal
from heliograph.engine.suggest import did_you_mean

ADMIN: Final = "admin"
SCOPES: Final[dict[str, str]] = {
    "messages:send": "send messages, and cancel what has not left",
    "messages:read": "read messages, their events and replies",
    "webhooks:read": "see endpoints, deliveries, what failed, and the request log",
    "webhooks:replay": "tell the webhooks of one message again",
    "webhooks:manage": "declare endpoints, rotate their secrets, replay deliveries",
    "analytics:read": "read statistics and costs",
    "senders:manage": "declare senders and numbers",
    "templates:manage": "create and change templates",
    "routing:manage": "declare connectors and routes",
    "consent:manage": "record opt-ins and opt-outs",
    "conversations:manage": "answer conversations, assign, note, tag and close them",
    "exports:read": "export messages and logs",
    "campaigns:manage": "upload audiences; make, start and stop campaigns",
    "campaigns:approve": "see and approve campaigns before they start",
    "verify": "send and check one-time codes",
    "pauses:manage": "stop what leaves, and let it go on",
    "audit:read": "read the audit log",
    ADMIN: "everything, and manage keys, environments and users",
}
DEFAULT_SCOPES: Final = ("messages:send", "messages:read")


def unknown_scopes(scopes: Sequence[str]) -> list[Refusal]:
    """A refusal for each scope that does not exist."""
    return [
        Refusal(
            "unknown_scope",
            f"{scope[:40]!r} is not a scope; the scopes are {', '.join(SCOPES)}.{did_you_mean(scope, SCOPES)}",
            f"/scopes/{index}",
        )
        for index, scope in enumerate(scopes)
        if scope not in SCOPES
    ]
