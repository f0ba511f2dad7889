"""What should be in place before real people are texted, looked up where it can be; the rest somebody confirms, and
their name stands beside it.
"""

from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal, Refused
from heliograph.engine import audit
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.insight import reading
from heliograph.engine.insight.reading import Ask
from heliograph.store.port import Ledger

BY_HAND: Final = ("consent", "test_message", "rollback", "done")  # what one may confirm; `done`: no list any more
_LOOKED_AT_MS: Final = 90 * 86_400_000
_KEPT: Final = "confirmed"  # in the settings of the workspace


class Check(NamedTuple):
    """One thing. `by`: who confirmed it by hand; `found`: what was seen."""

    name: str
    is_done: bool
    found: str
    by: str = ""


class Readiness(NamedTuple):
    """All of it. `is_over`: somebody said that no list is needed any more."""

    checks: list[Check]
    is_over: bool

    @property
    def done(self) -> int:
        return sum(check.is_done for check in self.checks)

    @property
    def is_whole(self) -> bool:
        return self.is_over or self.done == len(self.checks)


async def readiness(ledger: Ledger, snapshot: Snapshot, workspace: int, now: int) -> Readiness:
    """Of a workspace, by its live environments."""
    live = [realm for realm in snapshot.realms.values() if realm.workspace == workspace and realm.mode == "live"]
    confirmed = await _confirmed(ledger, workspace)
    if "done" in confirmed or not live:
        return Readiness([], True)
    return Readiness(
        [
            _carrier(live),
            _sender(live),
            await _consent(ledger, workspace, live, confirmed.get("consent", "")),
            await _webhook(ledger, live),
            await _keys(ledger, workspace, now),
            await _test_message(ledger, live, confirmed.get("test_message", ""), now),
            _alarms(live),
            await _rollback(ledger, workspace, confirmed.get("rollback", "")),
        ],
        False,
    )


async def confirm(ledger: Ledger, workspace: int, name: str, *, actor: str, now: int) -> None:
    """Somebody answers for it. Raises `Refused`."""
    if name not in BY_HAND:
        raise Refused(Refusal("bad_value", f"{name[:40]!r} is looked up, or there is no such point", "/name"))
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch("SELECT settings FROM workspaces WHERE id = $1", workspace)
        settings: dict[str, Any] = msgspec.json.decode(rows[0][0])
        settings[_KEPT] = {**settings.get(_KEPT, {}), name: str(actor)}
        text = msgspec.json.encode(settings).decode()
        await transaction.execute("UPDATE workspaces SET settings = $2 WHERE id = $1", workspace, text)
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="readiness.confirmed",
            object=f"readiness:{name}",
            now=now,
        )


async def _confirmed(ledger: Ledger, workspace: int) -> dict[str, str]:
    rows = await ledger.fetch("SELECT settings FROM workspaces WHERE id = $1", workspace)
    settings: dict[str, Any] = msgspec.json.decode(rows[0][0])
    found: dict[str, str] = settings.get(_KEPT, {})
    return found


def _carrier(live: list[Realm]) -> Check:
    real = {
        name
        for realm in live
        for route in realm.rules.routes
        for name in route.via
        if name in realm.rules.connectors and realm.rules.connectors[name].kind != SANDBOX
    }
    return Check("carrier", bool(real), ", ".join(sorted(real)))


def _sender(live: list[Realm]) -> Check:
    found = {sender.value for realm in live for sender in realm.rules.senders.values()}
    return Check("sender", bool(found), ", ".join(sorted(found)[:5]))


async def _consent(ledger: Ledger, workspace: int, live: list[Realm], by: str) -> Check:
    rows = await ledger.fetch("SELECT 1 FROM consents WHERE workspace = $1 AND action = 'opt_in' LIMIT 1", workspace)
    declared = await ledger.fetch(
        "SELECT 1 FROM declared WHERE workspace = $1 AND kind = 'policy' AND name = 'consent'", workspace
    )
    found = ["opt-ins are recorded"] * bool(rows) + ["a policy is declared"] * bool(declared)
    return Check("consent", bool(found or by), ", ".join(found), "" if found else by)


async def _webhook(ledger: Ledger, live: list[Realm]) -> Check:
    endpoints = [endpoint for realm in live for endpoint in realm.endpoints]
    sick = set()
    for endpoint in endpoints:
        rows = await ledger.fetch("SELECT 1 FROM endpoint_health WHERE endpoint = $1", endpoint.id)
        if rows:
            sick.add(endpoint.name)
    well = sorted(endpoint.name for endpoint in endpoints if endpoint.name not in sick)
    return Check("webhook", bool(well), ", ".join(well) or ", ".join(f"{name} fails" for name in sorted(sick)))


async def _keys(ledger: Ledger, workspace: int, now: int) -> Check:
    rows = await ledger.fetch(
        "SELECT DISTINCT e.mode FROM clients c JOIN environments e ON e.id = c.environment "
        "WHERE c.workspace = $1 AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $2)",
        *(workspace, now),
    )
    modes = {row[0] for row in rows}
    return Check("keys", {"live", "test"} <= modes, ", ".join(f"one for {mode}" for mode in sorted(modes)))


async def _test_message(ledger: Ledger, live: list[Realm], by: str, now: int) -> Check:
    """A message that arrived through a carrier; to the sandbox none counts."""
    for realm in live:
        ask = Ask(
            workspace=realm.workspace,
            environment=realm.id,
            measures=("delivered",),
            start=now - _LOOKED_AT_MS,
            end=now,
            by=("connector",),
        )
        for line in (await reading.totals(ledger, ask)).lines:
            connector = realm.rules.connectors.get(line.group["connector"])
            if connector is not None and connector.kind != SANDBOX and line.values["delivered"][0]:
                return Check("test_message", True, f"delivered by {connector.name}")
    return Check("test_message", bool(by), "", by)


def _alarms(live: list[Realm]) -> Check:
    policies = [realm.policies.alarms for realm in live]
    found = [name for name in ("webhooks", "email", "sms") if any(getattr(policy, name) for policy in policies)]
    return Check("alarms", bool(found), ", ".join(found))


async def _rollback(ledger: Ledger, workspace: int, by: str) -> Check:
    rows = await ledger.fetch("SELECT count(*) FROM declared_history WHERE workspace = $1", workspace)
    return Check("rollback", bool(by), f"{rows[0][0]} versions are kept" if rows[0][0] else "", by)
