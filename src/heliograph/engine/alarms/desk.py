"""Looks every few seconds at all rules, in one process at a time, and has told what begins and what is over."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from heliograph.core.alarm_rules import OVER_SUMS
from heliograph.core.alarms import FINE, Rule, Seen, Signal, judge
from heliograph.engine import leases
from heliograph.engine.alarms import looking, register, telling
from heliograph.engine.alarms.looking import Looked, Subject, Sums, Where
from heliograph.engine.alarms.policy import TEST_MODE, AlarmPolicy
from heliograph.engine.alarms.register import Found, Known
from heliograph.engine.declared import OPERATOR, Snapshot
from heliograph.engine.dispatch import Link
from heliograph.ports import Clock, Unavailable, Watch
from heliograph.store.port import Ledger

LEASE: Final = "alarms"
EVERY_S: Final = 5.0
SUMS_EVERY_MS: Final = 20_000  # sums move by the minute; they are asked more seldom than queues and links
_ACTIVE_MS: Final = 7 * 3_600_000  # longer than any window: who sent nothing since has nothing to look at
_OF_TRAFFIC: Final = frozenset({*OVER_SUMS, "failures", "webhooks_failing", "webhook_latency"})
_KEPT_MS: Final = 180 * 86_400_000
_TIDY_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


class Alarms:
    """The alarms of one process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        watch: Watch,
        snapshot: Callable[[], Snapshot],
        links: Mapping[str, Link],
        certificates: Callable[[], Mapping[str, int]],
        teller: telling.Teller,
    ) -> None:
        """`certificates`: when each of the process's own ends."""
        self._ledger, self._clock, self._watch, self._snapshot = ledger, clock, watch, snapshot
        self._links, self._certificates, self._teller = links, certificates, teller
        self._sums = Sums(ledger)
        self._down: dict[str, int] = {}
        self._tidied_at = self._looked_at_sums = 0
        self.sums_every_ms = SUMS_EVERY_MS

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.turn()
            except Unavailable:
                pass  # who waits for the ledger tells of it
            except Exception as error:  # the edge of a task: it must live on; the watch raises the alarm
                self._watch.defect(error)
            await asyncio.sleep(EVERY_S)

    async def turn(self) -> None:
        """Note the links of this process; the process that has the lease looks at everything, and tells."""
        await self._keep_links()
        if await leases.hold(self._ledger, [LEASE], self._clock.now_ms()):
            await self.look()
            await self._teller.tell()
            await self._tidy()

    async def _keep_links(self) -> None:
        now = self._clock.now_ms()
        for name, link in self._links.items():
            if link.up:
                self._down.pop(name, None)
            else:
                self._down.setdefault(name, now)
        if self._links:
            await looking.keep_links(self._ledger, {name: self._down.get(name) for name in self._links}, now)

    async def look(self) -> None:
        """At everything, once."""
        now = self._clock.now_ms()
        known = await register.open_ones(self._ledger)
        found: list[Found] = []
        if now - self._looked_at_sums >= self.sums_every_ms:
            self._looked_at_sums = now
            found += await self._of_all_traffic(known, now)
        else:
            known = [one for one in known if one.rule not in _OF_TRAFFIC]
        found += await self._standing_now(known, now)
        changed = await register.take(self._ledger, found, known, now)
        for where in {one.where for one in changed}:
            await self._tell(where, [one for one in changed if one.where == where], now)

    async def _tell(self, where: Where, changed: list[Known], now: int) -> None:
        realm = self._snapshot().realms.get(where.environment)
        if realm is None:
            return
        silences = await register.silences(self._ledger, where.workspace, now)
        loud = [one for one in changed if not register.is_silent(one, silences)]
        if loud:
            await telling.keep(self._ledger, realm.policies.alarms, realm.workspace_name, loud, now)

    async def _of_all_traffic(self, known: list[Known], now: int) -> list[Found]:
        active = {one.where for one in known} | await looking.active(self._ledger, now - _ACTIVE_MS)
        found: list[Found] = []
        for realm in self._snapshot().realms.values():
            policy, where = realm.policies.alarms, Where(realm.workspace, realm.id)
            if where in active and (realm.mode != TEST_MODE or policy.test_traffic):
                found += await self._of_traffic(where, policy, known, now)
        return found

    async def _standing_now(self, known: list[Known], now: int) -> list[Found]:
        snapshot = self._snapshot()
        found: list[Found] = []
        home = next((r for r in snapshot.realms.values() if r.workspace_name == OPERATOR and r.name == "live"), None)
        if home is not None:
            found += await self._of_gateway(Where(home.workspace, home.id), home.policies.alarms, known, now)
        found += await self._of_workspaces(snapshot, known, now)
        return found

    async def _of_traffic(self, where: Where, policy: AlarmPolicy, known: list[Known], now: int) -> list[Found]:
        found: list[Found] = []
        for name in OVER_SUMS:
            rule = policy.rule(name)
            if rule is not None:
                looked = await self._sums.look(where, rule, now)
                found += [Found(where, rule, subject, judge(rule, seen)) for subject, seen in looked.items()]
        standing = {
            "failures": _same_incidents(await self._sums.failures(where, now), where, known),
            "webhooks_failing": await self._sums.webhooks_failing(where, now),
            "webhook_latency": await self._sums.webhook_latency(where, now),
        }
        return found + _standing(where, policy, standing, known)

    async def _of_gateway(self, where: Where, policy: AlarmPolicy, known: list[Known], now: int) -> list[Found]:
        links = await looking.links(self._ledger, now)
        down = {dict(subject)["connector"] for subject, seen in links.items() if seen.top}
        standing = await looking.queues(self._ledger, now)
        standing["connector_down"] = links
        standing["never_tried"] = await looking.never_tried(self._ledger, now, lambda name: name not in down)
        standing["stray_receipts"] = await looking.stray_receipts(self._ledger, now)
        return _standing(where, policy, standing, known)

    async def _of_workspaces(self, snapshot: Snapshot, known: list[Known], now: int) -> list[Found]:
        """What has its own time in each workspace: budgets, and what expires."""
        budgets, expiring = await looking.budgets(self._ledger, now), await looking.expiring(self._ledger, now)
        found: list[Found] = []
        for realm in snapshot.realms.values():
            where = Where(realm.workspace, realm.id)
            standing = {"budget": budgets.get(where, {})}
            if realm.name == "live":
                standing["expiring"] = dict(expiring.get(realm.workspace, {}))
                if realm.workspace_name == OPERATOR:
                    standing["expiring"] |= {
                        (("what", "certificate"), ("name", name)): Seen((now - end) / _DAY_MS, 1)
                        for name, end in self._certificates().items()
                    }
            found += _standing(where, realm.policies.alarms, standing, known)
        return found

    async def _tidy(self) -> None:
        now = self._clock.now_ms()
        if now - self._tidied_at < _TIDY_MS:
            return
        self._tidied_at = now
        async with self._ledger.transaction() as transaction:
            old = "state = 'resolved' AND resolved_at < $1"
            await transaction.execute(
                f"DELETE FROM alarm_steps WHERE alarm IN (SELECT id FROM alarms WHERE {old})", now - _KEPT_MS
            )
            await transaction.execute(f"DELETE FROM alarms WHERE {old}", now - _KEPT_MS)
            await transaction.execute("DELETE FROM silences WHERE until < $1", now - _KEPT_MS)


def _standing(where: Where, policy: AlarmPolicy, looked: Mapping[str, Looked], known: list[Known]) -> list[Found]:
    """Rules over how things stand: what is not found is fine."""
    found: list[Found] = []
    for name, seen in looked.items():
        rule = policy.rule(name)
        if rule is None:
            continue
        found += [Found(where, rule, subject, _judged(rule, one)) for subject, one in seen.items()]
        texts = {register.subject_text(subject) for subject in seen}
        for lost in known:
            if (lost.where, lost.rule) == (where, name) and lost.subject not in texts:
                found.append(Found(where, rule, tuple(lost.about.items()), _over(rule, lost)))
    return found


def _judged(rule: Rule, seen: Seen) -> Signal:
    signal = judge(rule, seen)
    return signal if not seen.past_sample else signal._replace(usual=seen.past_top)


def _over(rule: Rule, lost: Known) -> Signal:
    return Signal(FINE, 0.0 if rule.unit != "days" else lost.value, rule.floor, lost.usual, 0)


def _same_incidents(looked: Looked, where: Where, known: list[Known]) -> Looked:
    """An incident that has grown, or shrunk, is still the same one: it keeps its name."""
    open_ones = [tuple(one.about.items()) for one in known if (one.where, one.rule) == (where, "failures")]
    found: Looked = {}
    for subject, seen in looked.items():
        same = next((one for one in open_ones if one not in found and _related(one, subject)), subject)
        found[same] = seen
    return found


def _related(one: Subject, other: Subject) -> bool:
    mine, theirs = dict(one), dict(other)
    shared = mine.keys() & theirs.keys()
    return bool(shared) and all(mine[name] == theirs[name] for name in shared)
