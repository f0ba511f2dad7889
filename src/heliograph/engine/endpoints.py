"""Webhook endpoints at work: their health, secrets that turn over, and events that are told again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Event
from heliograph.engine import audit
from heliograph.engine.notify.subscriptions import callback_target, endpoint_target, wants
from heliograph.engine.specs import EndpointSpec
from heliograph.store.port import Again, Ledger, NewEvent

NAME: Final = "^[a-z][a-z0-9-]{0,62}$"  # it stands in addresses
TEST_EVENT: Final = "webhook.test"
_MOST_REPLAYED: Final = 10_000


class Health(msgspec.Struct, frozen=True):
    """Since when an endpoint fails, and since when it is disabled."""

    failing_since: int | None = None
    disabled_at: int | None = None
    reason: str | None = None


async def health(ledger: Ledger, endpoint: int) -> Health:
    rows = await ledger.fetch(
        "SELECT failing_since, disabled_at, reason FROM endpoint_health WHERE endpoint = $1", endpoint
    )
    return Health(*rows[0]) if rows else Health()


async def enable(ledger: Ledger, endpoint: EndpointSpec, *, actor: str, now: int) -> None:
    """Let a disabled endpoint hear again, from now on; what it missed can be replayed."""
    async with ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM endpoint_health WHERE endpoint = $1", endpoint.id)
        await audit.note(
            transaction,
            workspace=endpoint.workspace,
            actor=actor,
            action="endpoint.enabled",
            object=f"endpoint:{endpoint.name}",
            now=now,
            detail={"before": {"disabled": True}, "after": {"disabled": False}},
        )
        await audit.config_changed(transaction)


async def rotate_secret(
    ledger: Ledger, endpoint: EndpointSpec, new: str, seal: Callable[[str], str], *, actor: str, now: int
) -> None:
    """The new secret signs from now on, the one before signs along until it is retired."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch("SELECT spec FROM declared WHERE id = $1", endpoint.id)
        spec: dict[str, Any] = msgspec.json.decode(rows[0][0])
        spec.pop("secret", None)
        spec["secrets"] = [seal(new), *endpoint.secrets[:1]]
        await _change(transaction, endpoint, spec, "endpoint.secret_rotated", actor, now)


async def retire_secret(ledger: Ledger, endpoint: EndpointSpec, *, actor: str, now: int) -> None:
    """Only the newest secret goes on signing."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch("SELECT spec FROM declared WHERE id = $1", endpoint.id)
        spec: dict[str, Any] = msgspec.json.decode(rows[0][0])
        spec.pop("secrets", None)
        spec["secret"] = endpoint.secrets[0]
        await _change(transaction, endpoint, spec, "endpoint.secret_retired", actor, now)


async def _change(
    transaction: Any, endpoint: EndpointSpec, spec: dict[str, Any], action: str, actor: str, now: int
) -> None:
    text = msgspec.json.encode(spec, order="sorted").decode()
    await transaction.execute("UPDATE declared SET spec = $2, updated_at = $3 WHERE id = $1", endpoint.id, text, now)
    await audit.note(
        transaction,
        workspace=endpoint.workspace,
        actor=actor,
        action=action,
        object=f"endpoint:{endpoint.name}",
        now=now,
        detail={"before": {"secrets": len(endpoint.secrets)}, "after": {"secrets": len(spec.get("secrets", ("",)))}},
    )
    await audit.config_changed(transaction)


async def send_test(ledger: Ledger, endpoint: EndpointSpec, now: int) -> None:
    """An event for this endpoint alone, whatever it has subscribed to."""
    facts = {"endpoint": endpoint.name, "test": True}
    async with ledger.transaction() as transaction:
        event = NewEvent(TEST_EVENT, now, msgspec.json.encode(facts).decode(), told=False)
        await transaction.record(endpoint.workspace, endpoint.environment, [event])
        rows = await transaction.fetch(
            "SELECT max(seq) FROM events WHERE type = $1 AND workspace = $2", TEST_EVENT, endpoint.workspace
        )
        again = Again(
            rows[0][0], endpoint.workspace, endpoint.environment, None, endpoint.id, endpoint_target(endpoint.id)
        )
        await transaction.redeliver([again], now)


async def replay(ledger: Ledger, endpoint: EndpointSpec, events: Sequence[Event], now: int) -> int:
    """Tell an endpoint again what it has subscribed to of these events; with their ids, marked as told again."""
    to = endpoint.id, endpoint_target(endpoint.id)
    wanted = [e for e in events if wants(endpoint.events, e.type)]
    if wanted:
        async with ledger.transaction() as transaction:
            again = [Again(e.seq, e.workspace, e.environment, e.message, *to) for e in wanted]
            await transaction.redeliver(again, now)
    return len(wanted)


async def replay_some(
    ledger: Ledger, endpoint: EndpointSpec, some: Callable[[int], Awaitable[Sequence[Event]]], now: int
) -> int:
    """The same page by page: `some` answers the events that follow a number. Ends after a great many."""
    told = above = 0
    while told < _MOST_REPLAYED and (events := await some(above)):
        above = events[-1].seq
        told += await replay(ledger, endpoint, events, now)
    return told


class Told(NamedTuple):
    """An event that was told to an endpoint, or else to the callback URL of its message; either may be gone by now."""

    event: Event
    endpoint: EndpointSpec | None
    url: str | None


async def replay_deliveries(ledger: Ledger, told: Sequence[Told], *, of: str, actor: str, now: int) -> int:
    """Tell again what was told once, to those who still are there, whatever they have subscribed to since. `of`: what
    the audit log names. Answers how many; raises `Refused` when nobody is left."""
    again = [one for one in map(_once_more, told) if one is not None]
    if not again:
        raise Refused(Refusal("not_found", "the endpoint of this delivery is gone", status=404))
    async with ledger.transaction() as transaction:
        await transaction.redeliver(again, now)
        await audit.note(
            transaction,
            workspace=again[0].workspace,
            actor=actor,
            action="delivery.replayed",
            object=of,
            now=now,
            detail={"deliveries": len(again)},
        )
    return len(again)


def _once_more(told: Told) -> Again | None:
    e = told.event
    if told.endpoint is not None:
        to = told.endpoint.id, endpoint_target(told.endpoint.id)
        return Again(e.seq, e.workspace, e.environment, e.message, *to)
    if told.url is not None:
        return Again(e.seq, e.workspace, e.environment, e.message, None, callback_target(e.environment, told.url))
    return None
