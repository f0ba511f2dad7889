"""Push subscriptions: what browsers gave our callers, each under an id that is its address.

Endpoint and keys are sealed as texts are: who has them can write to the browser.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from heliograph.carriers.port import Subscription
from heliograph.core import ids
from heliograph.core.channels.webpush import PREFIX
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Message
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.background import Work
from heliograph.engine.people import contacts
from heliograph.engine.people.contacts import Given
from heliograph.ports import Clock
from heliograph.store.port import Ledger, Row

_AGENT_LETTERS: Final = 200
_encode: Final = msgspec.json.Encoder().encode


class SubscriptionView(msgspec.Struct):
    """A subscription as the public API shows it: whose it is, not how to write to it."""

    id: str
    contact: str | None
    service: str
    user_agent: str | None
    status: str  # active | gone
    created_at: str


async def subscribe(
    ledger: Ledger,
    workspace: int,
    environment: int,
    given: Subscription,
    *,
    contact: str | None,
    user_agent: str | None,
    actor: str,
    now: int,
) -> SubscriptionView:
    """Keep a subscription; the contact, if one is named, has its id as an address from now on. Raises `Refused`."""
    person = None if contact is None else await contacts.find(ledger, workspace, contact)
    if contact is not None and person is None:
        raise Refused(Refusal("not_found", f"there is no contact {contact[:60]!r}", "/contact", 404))
    service = given.endpoint.partition("://")[2].partition("/")[0]
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO push_subscriptions (workspace, environment, service, user_agent, target, created_at) "
            "VALUES ($1, $2, $3, $4, '', $5) RETURNING id",
            *(workspace, environment, service, (user_agent or "")[:_AGENT_LETTERS] or None, now),
        )
        number = rows[0][0]
        target = ledger.protection.kept(workspace, f"push {number}", _encode(given).decode())
        await transaction.execute("UPDATE push_subscriptions SET target = $2 WHERE id = $1", number, target)
        public = ids.make(PREFIX, now, number)
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="push_subscription.created",
            object=f"push_subscription:{public}",
            now=now,
        )
    if person is not None and contact is not None:
        addresses = [one.address for one in person.addresses if one.until is None]
        await contacts.change(ledger, workspace, contact, Given(addresses=[*addresses, public]), actor=actor, now=now)
    return SubscriptionView(public, contact, service, user_agent, "active", moment(now))


async def show(ledger: Ledger, workspace: int, environment: int, public_id: str) -> SubscriptionView:
    """Raises `Refused`."""
    number, service, user_agent, _, gone_at, created_at = await _row(ledger, workspace, environment, public_id)
    person = await contacts.of_address(ledger, workspace, public_id)
    status = "active" if gone_at is None else "gone"
    public = ids.make(PREFIX, created_at, number)
    return SubscriptionView(public, person.id if person else None, service, user_agent, status, moment(created_at))


async def unsubscribe(
    ledger: Ledger, workspace: int, environment: int, public_id: str, *, actor: str, now: int
) -> None:
    """Forget it. Raises `Refused`."""
    number = (await _row(ledger, workspace, environment, public_id))[0]
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM push_subscriptions WHERE id = $1 AND workspace = $2", number, workspace)
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="push_subscription.removed",
            object=f"push_subscription:{public_id}",
            now=now,
        )


async def _row(ledger: Ledger, workspace: int, environment: int, public_id: str) -> Row:
    at, number = ids.parse(PREFIX, public_id) or (0, 0)
    rows = await ledger.fetch(
        "SELECT id, service, user_agent, target, gone_at, created_at FROM push_subscriptions "
        "WHERE workspace = $1 AND environment = $2 AND id = $3 AND created_at = $4",
        *(workspace, environment, number, at),
    )
    if not rows:
        raise Refused(Refusal("not_found", f"there is no push subscription {public_id[:60]!r}", status=404))
    return rows[0]


class Subscriptions:
    """What connectors ask about subscriptions. One for a process."""

    def __init__(self, ledger: Ledger, clock: Clock, soon: Callable[[Work], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._soon = soon

    async def of(self, message: Message) -> Subscription | None:
        """Where a message goes; None when the browser does not want any more."""
        try:
            row = await _row(self._ledger, message.workspace, message.environment, message.to)
        except Refused:
            return None
        target = self._ledger.protection.read(message.workspace, f"push {row[0]}", row[3])
        return msgspec.json.decode(target, type=Subscription) if target and row[4] is None else None

    def gone(self, message: Message) -> None:
        """Its service says that it is no more: it stays as a row, so that callers see why."""
        place = ids.parse(PREFIX, message.to)

        async def note() -> None:
            async with self._ledger.transaction() as transaction:
                await transaction.execute(
                    "UPDATE push_subscriptions SET gone_at = $3, target = '' "
                    "WHERE workspace = $1 AND id = $2 AND gone_at IS NULL",
                    *(message.workspace, place[1] if place else 0, self._clock.now_ms()),
                )

        self._soon(note)
