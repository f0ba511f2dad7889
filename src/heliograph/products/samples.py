"""An event of each type, made up, so that receivers can be tried without waiting for the real thing.

Each has the shape of the real one: the same structs where there are any. `"sample": true` stands in its data, and its
numbers are reserved for fiction. They are told in environments for tests alone.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.channels import SMS
from heliograph.core.lifecycle import ENDS
from heliograph.core.message import TRANSACTIONAL
from heliograph.core.shown import EventData, Failure
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.conversations.threads import ConversationView
from heliograph.products.verify.row import GuardView, VerificationView
from heliograph.store.port import Ledger, NewEvent

_PERSON: Final = "+447700900123"
_OURS: Final = "+447700900999"
_HOUR_MS: Final = 3_600_000
_FAILURES: Final = {
    "undelivered": Failure("unreachable", None, "001"),
    "failed": Failure("permanent", None, "011"),
    "rejected": Failure("opted_out", "opted_out", None),
    "expired": Failure("unreachable", "expired", None),
}
_VERIFICATIONS: Final = {
    "started": "pending",
    "sent": "pending",
    "approved": "approved",
    "canceled": "canceled",
    "expired": "expired",
    "failed": "failed",
    "blocked": "blocked",
}


def _message(what: str, now: int) -> Any:
    is_out = what not in ("accepted", "scheduled", "queued", "rejected", "canceled")
    return EventData(
        id=ids.make("msg", now, 1),
        channel=SMS,
        status=what,
        to=_PERSON,
        country="GB",
        kind=TRANSACTIONAL,
        sender="Acme",
        encoding="gsm7",
        segments=1,
        created_at=moment(now),
        connector="sandbox" if is_out else None,
        price=None,
        currency=None,
        error=_FAILURES.get(what),
        possible_duplicate=False,
        correlation_id="order 1234",
        tags=msgspec.Raw(b'["orders"]'),
        metadata=msgspec.Raw(b'{"order":"1234"}'),
        template=None,
    )


def _inbound(what: str, now: int) -> Any:
    facts: dict[str, Any] = {
        "id": ids.make("inb", now, 1),
        "from": _PERSON,
        "to": _OURS,
        "text": "Where is my order?",
        "connector": "sandbox",
        "received_at": moment(now),
        "conversation": ids.make("cnv", now, 1),
        "contact": None,
        "in_reply_to": None,
        "tags": [],
        "team": None,
        "rules": [],
    }
    return facts | ({"rule": "orders"} if what == "matched" else {})


def _contact(what: str, now: int) -> Any:
    return {"number": _PERSON, "scope": "all", "source": "sms", "record": ids.make("con", now, 1), "channel": "sms"}


def _conversation(what: str, now: int) -> Any:
    shown = ConversationView(
        id=ids.make("cnv", now, 1),
        number=_PERSON,
        sender=_OURS,
        state="open",
        team="orders" if what == "assigned" else None,
        agent=None,
        tags=[],
        waiting_since=moment(now),
        escalates_at=None,
        created_at=moment(now),
        updated_at=moment(now),
    )
    facts = msgspec.structs.asdict(shown)
    del facts["contact"]
    more: dict[str, dict[str, Any]] = {
        "opened": {"reopened": False},
        "assigned": {"by": "rule:orders"},
        "replied": {"message": ids.make("msg", now, 2), "by": "agent", "waited_ms": 60_000},
        "escalated": {"waited_ms": _HOUR_MS},
    }
    return facts | more[what]


def _verification(what: str, now: int) -> Any:
    is_over = _VERIFICATIONS[what] != "pending"
    return VerificationView(
        id=ids.make("ver", now, 1),
        status=_VERIFICATIONS[what],
        to=_PERSON,
        country="GB",
        channel="sms",
        purpose="login",
        locale="en",
        sends=1,
        sends_left=4,
        checks_left=5,
        created_at=moment(now),
        expires_at=moment(now + _HOUR_MS // 6),
        may_resend_at=None if is_over else moment(now + 30_000),
        ended_at=moment(now) if is_over else None,
        message_id=ids.make("msg", now, 1),
        guard=GuardView("block" if what == "blocked" else "allow", []),
        price=None,
        currency=None,
    )


def _campaign(what: str, now: int) -> Any:
    return {"campaign": "spring", "audience": "customers"} | ({"winner": "b"} if what == "winner" else {})


def _clicked(what: str, now: int) -> Any:
    return {
        "message_id": ids.make("msg", now, 1),
        "to": _PERSON,
        "url": "https://shop.example.com/orders/1234",
        "agent": "Mozilla/5.0",
        "clicks": 1,
        "tags": ["orders"],
        "correlation_id": "order 1234",
    }


def _alarm(what: str, now: int) -> Any:
    if what == "endpoint_disabled":
        return {"endpoint": "orders", "failing_since": now - 120 * _HOUR_MS, "reason": "500"}
    return {
        "budget": "month",
        "measure": "money",
        "of": None,
        "threshold": 80,
        "used": "80.10",
        "limit": "100",
        "currency": "EUR",
        "begins_at": moment(now - _HOUR_MS),
        "resets_at": moment(now + _HOUR_MS),
        "stops": False,
    }


_MAKERS: Final[dict[str, tuple[Callable[[str, int], Any], tuple[str, ...]]]] = {
    "message": (_message, ("accepted", "scheduled", "queued", "sent", *sorted(ENDS))),
    "inbound": (_inbound, ("received", "matched")),
    "contact": (_contact, ("opted_in", "opted_out")),
    "conversation": (_conversation, ("opened", "assigned", "replied", "escalated")),
    "verification": (_verification, tuple(_VERIFICATIONS)),
    "campaign": (_campaign, ("started", "paused", "resumed", "finished", "stopped", "winner")),
    "link": (_clicked, ("clicked",)),
    "alarm": (_alarm, ("endpoint_disabled", "budget")),
}
TYPES: Final = tuple(f"{of}.{what}" for of, (_, whats) in _MAKERS.items() for what in whats)


def sample(event_type: str, now: int) -> dict[str, Any]:
    """The data of an event of one of `TYPES`."""
    of, _, what = event_type.partition(".")
    make, _ = _MAKERS[of]
    return {**msgspec.json.decode(msgspec.json.encode(make(what, now))), "sample": True}


async def tell(
    ledger: Ledger, workspace: int, environment: int, event_type: str, *, actor: str, now: int
) -> dict[str, Any]:
    """Record a sample event; whoever has subscribed to its type hears of it. Answers its data."""
    data = sample(event_type, now)
    text = msgspec.json.encode(data).decode()
    async with ledger.transaction() as transaction:
        await transaction.record(workspace, environment, [NewEvent(event_type, now, text)])
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="event.triggered",
            object=f"event:{event_type}",
            now=now,
        )
    return data
