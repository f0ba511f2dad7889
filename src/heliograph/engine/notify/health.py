"""The health of endpoints: since when one fails, and its end when that goes on for days."""

import msgspec

from heliograph.engine.specs import EndpointSpec
from heliograph.store.port import Ledger, NewEvent


async def keep(
    ledger: Ledger, endpoint: EndpointSpec, failing_since: int | None, reason: str, now: int, disable_after_ms: int
) -> bool:
    """Note how it is; was it disabled?"""
    if failing_since is None:
        await _recovered(ledger, endpoint)
        return False
    return await _failing(ledger, endpoint, failing_since, reason, now, disable_after_ms)


async def _recovered(ledger: Ledger, endpoint: EndpointSpec) -> None:
    """The endpoint answers again."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE endpoint_health SET failing_since = NULL, reason = NULL "
            "WHERE endpoint = $1 AND disabled_at IS NULL",
            endpoint.id,
        )


async def _failing(
    ledger: Ledger, endpoint: EndpointSpec, since: int, reason: str, now: int, disable_after_ms: int
) -> bool:
    """The endpoint fails; after `disable_after_ms` it is disabled, with an alarm on every other way out."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO endpoint_health (endpoint, failing_since, reason) VALUES ($1, $2, $3) ON CONFLICT (endpoint) "
            "DO UPDATE SET failing_since = coalesce(endpoint_health.failing_since, excluded.failing_since), "
            "reason = excluded.reason",
            endpoint.id,
            since,
            reason,
        )
        rows = await transaction.fetch(
            "UPDATE endpoint_health SET disabled_at = $2 WHERE endpoint = $1 AND disabled_at IS NULL "
            "AND failing_since <= $3 RETURNING failing_since",
            endpoint.id,
            now,
            now - disable_after_ms,
        )
        if not rows:
            return False
        await transaction.execute(
            "UPDATE deliveries SET state = 'failed', error = 'the endpoint was disabled' "
            "WHERE endpoint = $1 AND state = 'pending'",
            endpoint.id,
        )
        await transaction.execute("UPDATE counters SET value = value + 1 WHERE name = 'config'")
        facts = {"endpoint": endpoint.name, "failing_since": rows[0][0], "reason": reason}
        alarm = NewEvent("alarm.endpoint_disabled", now, msgspec.json.encode(facts).decode())
        await transaction.record(endpoint.workspace, endpoint.environment, [alarm])
    return True
