"""Asks providers about numbers: when somebody wants to know, and before messages of kinds that are declared so.

An answer is kept and good for days; what it cost is kept beside it. Who is asked stays within a bound, one number is
asked once however many want to know, and nobody waits longer than was said: the answer is then kept when it comes, for
the next time. Decisions never wait: they look at what is known here, which a door had asked for before.
"""

import asyncio
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, Final

import msgspec

from heliograph.carriers.port import Carrier
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal
from heliograph.core.lookups import NOT_REACHABLE, REFUSE, Looked
from heliograph.core.numbers import Number
from heliograph.core.request import MessageRequest, kind_of
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.fields import recipient
from heliograph.engine.specs import ConnectorSpec
from heliograph.ports import Clock, Unavailable
from heliograph.store.port import Ledger

DAY_MS: Final = 86_400_000
USUAL_KEEP_MS: Final = 7 * DAY_MS
_IN_FLIGHT_MAX: Final = 100
_KNOWN_MAX: Final = 20_000
_REMEMBERED_MS: Final = 600_000  # then the ledger is asked again: there it may have been erased
_FAILED_MS: Final = 30_000  # so long a number is not asked about again of which nothing was said
_NO_ANSWER: Final = "offers no lookup, or did not answer"
_Key = tuple[int, str, str]  # environment, connector, number


class Answer(msgspec.Struct, frozen=True):
    """What is known of a number because its provider was asked; `note` says why it is nothing."""

    at: int
    looked: Looked | None = None
    note: str | None = None
    price: str | None = None
    currency: str | None = None


_NOTHING: Final = (Answer(0, note="no answer in time, or not asked"), 0)


class Lookups:
    """The questions of one process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        links: MutableMapping[str, Link],
        snapshot: Callable[[], Snapshot],
        build: Callable[[ConnectorSpec], Carrier],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._links = links
        self._snapshot = snapshot
        self._build = build
        self._built: dict[str, tuple[ConnectorSpec, Carrier]] = {}
        self._known: dict[_Key, tuple[Answer, int]] = {}  # and since when it stands here
        self._in_flight: dict[_Key, asyncio.Task[Answer]] = {}
        self.environments: frozenset[int] = frozenset()  # that have something asked before messages

    def learn(self, snapshot: Snapshot) -> None:
        """What is declared has changed."""
        self.environments = frozenset(realm.id for realm in snapshot.realms.values() if realm.policies.lookup.before)

    # -- before messages

    async def prepare(
        self, environment: int, default_country: str | None, requests: Iterable[MessageRequest], now: int
    ) -> None:
        """Ask about the recipients whose messages want it; no longer than the policy lets them wait."""
        realm = self._snapshot().realms[environment]
        policy = realm.policies.lookup
        if not policy.before or policy.provider is None:
            return
        wanted: dict[str, Number] = {}
        for request in requests:
            if kind_of(request) in policy.before and not request.dry_run:
                number = recipient(request, realm, default_country)
                if isinstance(number, Number):
                    wanted[number.e164] = number
        keep_ms = policy.keep_days * DAY_MS
        tasks = [asyncio.ensure_future(self.ask(realm, one, policy.provider, now, keep_ms)) for one in wanted.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=policy.timeout_ms / 1000)
            for task in late:
                task.cancel()  # the question itself goes on

    def judge(self, realm: Realm, number: Number) -> tuple[dict[str, Any], Refusal | None]:
        """The step of a message's trace, and why it can't go, by what is known now."""
        policy = realm.policies.lookup
        assert policy.provider is not None
        step: dict[str, Any] = {"rule": "lookup", "provider": policy.provider}
        found, _ = self._known.get((realm.id, policy.provider, number.e164), _NOTHING)
        looked = found.looked
        if looked is None:
            return step | {"why": found.note}, None
        step |= {"type": looked.type, "carrier": looked.carrier}
        if looked.can_receive is not False:
            return step | {"why": "can be texted" if looked.can_receive else "not known whether it can be texted"}, None
        step["why"] = looked.why_not
        if policy.action != REFUSE:
            return step, None
        detail = f"{number.e164} can't take texts, says {policy.provider}: {looked.why_not}. Check the number"
        return step, Refusal(NOT_REACHABLE, detail, "/to")

    # -- one question

    async def ask(self, realm: Realm, number: Number, connector: str, now: int, keep_ms: int = USUAL_KEEP_MS) -> Answer:
        """What a provider says of a number: now, or not longer ago than `keep_ms`."""
        key = (realm.id, connector, number.e164)
        known, since = self._known.get(key, _NOTHING)
        good_ms = _FAILED_MS if known.looked is None else _REMEMBERED_MS
        if now - since < good_ms and now - known.at < keep_ms:
            return known
        if (refused := self._refusal(realm, connector)) is not None:
            return self._remember(key, now, Answer(now, note=refused))
        task = self._in_flight.get(key)
        if task is None:
            if len(self._in_flight) >= _IN_FLIGHT_MAX:
                return self._remember(key, now, Answer(now, note="too many questions are under way"))
            task = self._in_flight[key] = asyncio.ensure_future(self._find(realm, number, connector, now, keep_ms))
            task.add_done_callback(lambda _: self._in_flight.pop(key, None))
        return await asyncio.shield(task)

    def _refusal(self, realm: Realm, connector: str) -> str | None:
        usable = realm.rules.connectors.get(connector)
        if usable is None:
            return f"there is no connector {connector!r}"
        if realm.mode == "test" and usable.kind != SANDBOX:
            return "test traffic asks nobody but the sandbox"
        return None

    async def _find(self, realm: Realm, number: Number, connector: str, now: int, keep_ms: int) -> Answer:
        """Out of the ledger, or from the provider. Raises nothing: that nothing is known is an answer too."""
        key = (realm.id, connector, number.e164)
        try:
            kept = await self._kept(realm, number, connector, now - keep_ms)
            if kept is not None:
                return self._remember(key, now, kept)
            carrier = self._carrier(connector)
            look_up = getattr(carrier, "look_up", None)
            looked: Looked | None = await look_up(number.e164) if look_up is not None else None
            if looked is None:
                return self._remember(key, now, Answer(now, note=_NO_ANSWER))
            line = self._snapshot().prices.lookup(connector, number.country)
            cost = (line.price, line.currency) if line is not None else (None, None)
            answer = self._remember(key, now, Answer(now, looked, None, *cost))
            await self._keep(realm, number, connector, answer)
        except Unavailable:
            return self._remember(key, now, Answer(now, note="the ledger can't be reached"))
        return answer

    def _carrier(self, connector: str) -> Carrier:
        """The connector at work here; where another process holds it, its twin, which is only asked."""
        if (link := self._links.get(connector)) is not None:
            return link.carrier
        spec = self._snapshot().connectors[connector]
        built = self._built.get(connector)
        if built is None or built[0] != spec:
            built = self._built[connector] = (spec, self._build(spec))
        return built[1]

    def _remember(self, key: _Key, now: int, answer: Answer) -> Answer:
        if len(self._known) >= _KNOWN_MAX:
            self._known.clear()
        self._known[key] = (answer, now)
        return answer

    # -- the ledger

    async def _kept(self, realm: Realm, number: Number, connector: str, since: int) -> Answer | None:
        rows = await self._ledger.fetch(
            "SELECT at, answer, price, currency FROM lookups WHERE workspace = $1 AND environment = $2 "
            "AND connector = $3 AND number = $4 AND at > $5 ORDER BY at DESC LIMIT 1",
            *(realm.workspace, realm.id, connector, number.e164, since),
        )
        if not rows:
            return None
        at, answer, price, currency = rows[0]
        return Answer(at, msgspec.json.decode(answer, type=Looked), None, price, currency)

    async def _keep(self, realm: Realm, number: Number, connector: str, answer: Answer) -> None:
        async with self._ledger.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO lookups (workspace, environment, connector, number, at, answer, price, currency) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                *(realm.workspace, realm.id, connector, number.e164, answer.at),
                *(msgspec.json.encode(answer.looked).decode(), answer.price, answer.currency),
            )
