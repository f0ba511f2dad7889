"""Drills as they are kept: what was asked for, how far it is, and in the end the report."""

from typing import Final

import msgspec

from heliograph.core import ids
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.declared import OPERATOR, Realm, Snapshot
from heliograph.engine.suggest import did_you_mean
from heliograph.products.drills.report import Report
from heliograph.store.port import Ledger, Transaction

PREFIX: Final = "drl"
DOWN: Final = "down"  # the link is gone
FAILING: Final = "failing"  # the link is there, and everything is refused
_SWITCHES: Final = {DOWN: "set_outage", FAILING: "set_failing"}
RUNNING: Final = "running"
DONE: Final = "done"
BROKEN_OFF: Final = "broken_off"
_COLUMNS: Final = (
    "id, workspace, environment, connectors, how, number, length_ms, state, actor, began_at, out_from, out_until, "
    "ended_at, process, report"
)


class Drill(msgspec.Struct):
    """A drill as its row has it."""

    id: int
    workspace: int
    environment: int
    connectors: str
    how: str
    number: str
    length_ms: int
    state: str
    actor: str
    began_at: int
    out_from: int | None
    out_until: int | None
    ended_at: int | None
    process: int | None
    report: str | None

    @property
    def names(self) -> list[str]:
        return msgspec.json.decode(self.connectors, type=list[str])

    @property
    def switches(self) -> set[tuple[str, str]]:
        """What takes its connectors out: (connector, the sandbox's switch)."""
        return {(name, _SWITCHES[self.how]) for name in self.names}

    def is_out(self, now: int) -> bool:
        return self.out_from is not None and self.out_until is not None and self.out_from <= now < self.out_until


class DrillView(msgspec.Struct):
    """A drill as the API shows it; the report comes when it is done."""

    id: str
    status: str
    connectors: list[str]
    how: str
    seconds: int
    actor: str
    began_at: str
    out_from: str | None
    out_until: str | None
    ended_at: str | None
    report: Report | None


def view(drill: Drill) -> DrillView:
    def at(when: int | None) -> str | None:
        return None if when is None else moment(when)

    return DrillView(
        id=ids.make(PREFIX, drill.began_at, drill.id),
        status=drill.state,
        connectors=drill.names,
        how=drill.how,
        seconds=drill.length_ms // 1_000,
        actor=drill.actor,
        began_at=moment(drill.began_at),
        out_from=at(drill.out_from),
        out_until=at(drill.out_until),
        ended_at=at(drill.ended_at),
        report=None if drill.report is None else msgspec.json.decode(drill.report, type=Report),
    )


def names_of(snapshot: Snapshot, realm: Realm, route: str | None, connectors: list[str]) -> list[str]:
    """The connectors that a drill takes out. Raises `Refused` where anything but test traffic could suffer."""
    if realm.mode != "test":
        raise Refused(Refusal("drill_not_here", "drills run in a test environment; use a test key", status=403))
    if realm.policies.outage is None:
        detail = "there is no plan to try; declare [policies.outage], docs/outages.md shows how"
        raise Refused(Refusal("no_outage_policy", detail, status=409))
    if (route is None) == (not connectors):
        raise Refused(Refusal("missing_field", "give route or connectors, one of them", "/route"))
    names = _of_route(realm, route) if route is not None else connectors
    for place, name in enumerate(names):
        pointer = "/route" if route is not None else f"/connectors/{place}"
        if refusal := _untouchable(snapshot, realm, name, pointer):
            raise Refused(refusal)
    return sorted(set(names))


def _of_route(realm: Realm, route: str) -> list[str]:
    known = {one.name: one for one in realm.rules.routes}
    if route not in known:
        detail = f"there is no route {route[:40]!r}.{did_you_mean(route, known)}"
        raise Refused(Refusal("unknown_route", detail, "/route"))
    return list(known[route].via)


def _untouchable(snapshot: Snapshot, realm: Realm, name: str, pointer: str) -> Refusal | None:
    spec = snapshot.connectors.get(name)
    own = realm.workspace, snapshot.workspaces[OPERATOR]
    if spec is None or spec.workspace not in own:
        known = [one.name for one in snapshot.connectors.values() if one.workspace in own]
        return Refusal("unknown_connector", f"there is no connector {name[:40]!r}.{did_you_mean(name, known)}", pointer)
    if spec.kind != SANDBOX:
        detail = f"{name!r} leads to a real network; a drill takes only sandbox connectors out"
        return Refusal("drill_live_traffic", detail, pointer, status=409)
    for other in snapshot.realms.values():
        if other.mode == "test" or name not in other.rules.connectors:
            continue
        if any(name in route.via for route in other.rules.routes):
            detail = f"{name!r} stands in a route that live traffic takes; give it one with match = {{tag = 'drill'}}"
            return Refusal("drill_live_traffic", detail, pointer, status=409)
    if spec.workspace != realm.workspace:
        detail = f"{name!r} serves every workspace; drill a sandbox connector of your own"
        return Refusal("drill_not_yours", detail, pointer, status=403)
    return None


async def start(
    ledger: Ledger, realm: Realm, names: list[str], how: str, number: str, length_ms: int, actor: str, now: int
) -> Drill:
    """Have it run. Raises `Refused` while another one does."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO drills (workspace, environment, connectors, how, number, length_ms, state, actor, began_at) "
            f"VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}",
            *(realm.workspace, realm.id, msgspec.json.encode(names).decode(), how, number, length_ms, actor, now),
        )
        if not rows:
            raise Refused(Refusal("drill_running", "another drill runs; wait until it is done", status=409))
        await _note(transaction, Drill(*rows[0]), "drill.started", actor, now)
    return Drill(*rows[0])


async def running(ledger: Ledger) -> Drill | None:
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM drills WHERE state = 'running'")
    return Drill(*rows[0]) if rows else None


async def take(ledger: Ledger, drill: Drill) -> bool:
    """This process runs it, unless another one does."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "UPDATE drills SET process = $2 WHERE id = $1 AND process IS NULL AND state = 'running' RETURNING id",
            *(drill.id, ledger.process),
        )
    return bool(rows)


async def goes_out(ledger: Ledger, drill: Drill, now: int) -> None:
    """The outage begins, and has its end."""
    drill.out_from, drill.out_until = now, now + drill.length_ms
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE drills SET out_from = $2, out_until = $3 WHERE id = $1", drill.id, drill.out_from, drill.out_until
        )


async def end(ledger: Ledger, drill: Drill, state: str, report: Report | None, now: int) -> None:
    drill.state, drill.ended_at = state, now
    drill.report = None if report is None else msgspec.json.encode(report).decode()
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE drills SET state = $2, ended_at = $3, report = $4 WHERE id = $1 AND state = 'running'",
            *(drill.id, state, now, drill.report),
        )
        await _note(transaction, drill, f"drill.{state}", drill.actor, now)


async def _note(transaction: Transaction, drill: Drill, action: str, actor: str, now: int) -> None:
    name = ids.make(PREFIX, drill.began_at, drill.id)
    detail = {"connectors": drill.names, "seconds": drill.length_ms // 1_000}
    await audit.note(
        transaction, workspace=drill.workspace, actor=actor, action=action, object=name, now=now, detail=detail
    )


async def listed(ledger: Ledger, workspace: int, environment: int, below: int | None, limit: int) -> list[Drill]:
    """The newest first."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM drills WHERE workspace = $1 AND environment = $2 AND id < $3 ORDER BY id DESC "
        "LIMIT $4",
        *(workspace, environment, below or 1 << 62, limit),
    )
    return [Drill(*row) for row in rows]


async def find(ledger: Ledger, workspace: int, environment: int, public_id: str) -> Drill:
    place = ids.parse(PREFIX, public_id)
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM drills WHERE workspace = $1 AND environment = $2 AND id = $3 AND began_at = $4",
        *(workspace, environment, place[1] if place else 0, place[0] if place else 0),
    )
    if not rows:
        raise Refused(Refusal("not_found", f"there is no drill {public_id[:40]!r}", status=404))
    return Drill(*rows[0])
