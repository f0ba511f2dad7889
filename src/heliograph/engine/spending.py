"""Knows which budgets a message belongs to; the ledger counts, in the commit that keeps it.

What one process adds of its own: the usual rates of clients, which are read from the ledger now and then, how often the
same text went to the same number, and prices that turned out to be others than was thought.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from heliograph.core.charges import RUNAWAY, Charge, Key, Limit, billionths
from heliograph.core.failures import Refusal
from heliograph.core.message import Message
from heliograph.core.prices import Amount
from heliograph.engine.budgets import MESSAGES, SEGMENTS, SPEND, DeclaredBudget, Runaway
from heliograph.engine.days import day_of, span_of
from heliograph.engine.declared import Realm, Snapshot
from heliograph.ports import Clock
from heliograph.store.port import Ledger, Transaction

_KEPT: Final = 20_000
_DAY_MS: Final = 86_400_000
_HISTORY_MS: Final = 14 * _DAY_MS
_KEPT_MS: Final = 400 * _DAY_MS  # so long tallies stay after their span
_FOREVER: Final = 1 << 62


class _Found(msgspec.Struct, gc=False):
    """What messages with the same facts add to, as long as the spans last."""

    limits: tuple[tuple[Limit, bool], ...] = ()  # and whether it is exempt
    charges: tuple[Charge, ...] = ()
    since: int = 0  # due in …
    until: int = _FOREVER
    slot: int = 0  # accepted in …
    slot_end: int = _FOREVER


class BudgetDesk:
    """The budgets of all workspaces, as one process sees them."""

    def __init__(self, ledger: Ledger, clock: Clock, snapshot: Callable[[], Snapshot]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._snapshot = snapshot
        self._of: Snapshot | None = None
        self._known: dict[tuple[object, ...], _Found] = {}
        self._clients: dict[int, tuple[str, str]] = {}  # key id, name
        self._usual: dict[tuple[int, str], int] = {}  # (environment, client) → messages in its busiest slot
        self._repeats: dict[int, tuple[int, int]] = {}  # (text, number), hashed → (since, how often)
        self._repriced: deque[tuple[Message, Amount, Amount]] = deque()

    # -- for intake

    def charges(self, realm: Realm, message: Message) -> tuple[Charge, ...]:
        """What a message adds to."""
        m = message
        key = (realm.id, m.client, m.country, m.kind, m.segments, m.price, m.currency)
        found = self._known.get((*key, m.tags) if realm.policies.budgets_by_tag else key)
        if (
            found is None
            or not found.since <= m.due_at < found.until
            or not found.slot <= m.accepted_at < found.slot_end
            or self._of is not self._snapshot()
        ):
            found = self._look_and_keep(realm, message)
        return found.charges

    def _look_and_keep(self, realm: Realm, message: Message) -> _Found:
        if self._of is not self._snapshot() or len(self._known) > _KEPT:
            self._known, self._of = {}, self._snapshot()
        m, found = message, self._look(realm, message)
        found.charges = _charges(found.limits, m, m.price, m.currency)
        key = (realm.id, m.client, m.country, m.kind, m.segments, m.price, m.currency)
        self._known[(*key, m.tags) if realm.policies.budgets_by_tag else key] = found
        return found

    def repeated(self, realm: Realm, message: Message) -> Refusal | None:
        """Did the same text go to the same number again and again? Each process counts for itself."""
        rule = realm.policies.budgets.runaway
        if rule is None or rule.repeats is None or rule.action != "stop" or message.kind in rule.exempt:
            return None
        since, count = self._repeats.get(hash((realm.id, message.to, message.text)), (0, 0))
        if count < rule.repeats or since + rule.within_ms <= message.accepted_at:
            return None
        detail = (
            f"this text went to this number {count} times within {rule.within}; that looks like a loop. "
            "Stop it, or raise repeats in [policies.budgets.runaway]"
        )
        return Refusal(RUNAWAY, detail, "/text", status=429)

    def kept(self, messages: Sequence[Message]) -> None:
        """These were accepted."""
        realms = self._snapshot().realms
        for message in messages:
            rule = realms[message.environment].policies.budgets.runaway
            if rule is not None and rule.repeats is not None:
                if len(self._repeats) > _KEPT:
                    self._repeats.clear()
                key = hash((message.environment, message.to, message.text))
                since, count = self._repeats.get(key, (0, 0))
                is_over = since + rule.within_ms <= message.accepted_at
                self._repeats[key] = (message.accepted_at, 1) if is_over else (since, count + 1)

    def _look(self, realm: Realm, message: Message) -> _Found:
        budgets, at = realm.policies.budgets, message.due_at
        found = _Found()
        limits: list[tuple[Limit, bool]] = []
        tags = msgspec.json.decode(message.tags, type=list[str]) if message.tags else []
        for budget in budgets.budgets:
            if not self._counts(budget, message, tags):
                continue
            begins, ends = span_of(at, budget.time_zone, budget.per)
            found.since, found.until = max(found.since, begins), min(found.until, ends)
            exempt = message.kind in budget.exempt
            for subject, of in self._subjects(budget, message, tags):
                for measure, most in budget.limits.items():
                    limit = Limit(
                        (realm.id, f"{budget.name}/{measure}", subject, begins),
                        realm.workspace,
                        ends,
                        most,
                        measure,
                        of,
                        budget.currency if measure == SPEND else None,
                        tuple(budget.warn_at),
                        budget.action == "stop",
                    )
                    limits.append((limit, exempt))
        if (rule := budgets.runaway) is not None:
            limit = self._velocity(realm, rule, message)
            found.slot, found.slot_end = limit.key[3], limit.ends
            limits.append((limit, message.kind in rule.exempt))
        found.limits = tuple(limits)
        return found

    def _counts(self, budget: DeclaredBudget, message: Message, tags: Sequence[str]) -> bool:
        return (
            (not budget.kinds or message.kind in budget.kinds)
            and (not budget.countries or message.country in budget.countries)
            and (not budget.tags or any(tag in budget.tags for tag in tags))
            and (not budget.clients or any(name in budget.clients for name in self._clients.get(message.client, ())))
        )

    def _subjects(self, budget: DeclaredBudget, message: Message, tags: Sequence[str]) -> list[tuple[str, str]]:
        """Whose tallies, in the ledger and to people."""
        if budget.each == "workspace":
            return [("", "")]
        if budget.each == "client":
            return [(str(message.client), self.name_of(message.client))]
        if budget.each == "tag":
            wanted = [tag for tag in dict.fromkeys(tags) if not budget.tags or tag in budget.tags]
            return [(tag, tag) for tag in wanted]
        found = message.country if budget.each == "country" else message.kind
        return [(found, found)]

    def name_of(self, client: int) -> str:
        """The public id of a client's key."""
        return self._clients.get(client, (str(client), ""))[0]

    def _velocity(self, realm: Realm, rule: Runaway, message: Message) -> Limit:
        client, span = str(message.client), rule.within_ms
        begins = message.accepted_at // span * span
        return Limit(
            (realm.id, RUNAWAY, client, begins),
            realm.workspace,
            begins + span,
            max(rule.at_least, rule.times * self._usual.get((realm.id, client), 0)),
            MESSAGES,
            self.name_of(message.client),
            None,
            (100,),
            rule.action == "stop",
        )

    # -- between commits

    async def refresh(self) -> None:
        """Read what only the ledger knows: clients by name, and their usual rates."""
        realms = [realm for realm in self._snapshot().realms.values() if not realm.policies.budgets.is_empty]
        if not realms:
            return
        rows = await self._ledger.fetch("SELECT id, key_id, name FROM clients")
        self._clients = {row[0]: (row[1], row[2]) for row in rows}
        if any(realm.policies.budgets.runaway is not None for realm in realms):
            today, _ = day_of(self._clock.now_ms(), "UTC")
            seen = await self._ledger.fetch(
                "SELECT environment, subject, max(used) FROM tallies "
                "WHERE name = $1 AND begins >= $2 AND begins < $3 AND told < 100 GROUP BY environment, subject",
                *(RUNAWAY, today - _HISTORY_MS, today),
            )
            self._usual = {(row[0], row[1]): row[2] for row in seen}
        self._known = {}

    def repriced(self, message: Message, before: Amount) -> None:
        """A carrier, or a change of connector, gave a message another price than was counted."""
        after = message.price, message.currency
        if after != before:
            self._repriced.append((message, before, after))

    async def correct(self) -> None:
        """Count prices as they turned out to be."""
        deltas: dict[Key, int] = {}
        while self._repriced:
            message, before, after = self._repriced.popleft()
            realm = self._snapshot().realms.get(message.environment)
            if realm is None or not realm.policies.budgets.budgets:
                continue
            limits = self._look(realm, message).limits
            for cost, sign in ((before, -1), (after, 1)):
                for charge in _charges(limits, message, *cost):
                    if charge.limit.measure == SPEND:
                        key = charge.limit.key
                        deltas[key] = deltas.get(key, 0) + sign * charge.amount
        wanted = sorted((key, delta) for key, delta in deltas.items() if delta)
        if not wanted:
            return
        async with self._ledger.transaction() as transaction:
            for key, delta in wanted:
                await transaction.execute(
                    "UPDATE tallies SET used = CASE WHEN used + $5 < 0 THEN 0 ELSE used + $5 END "
                    "WHERE environment = $1 AND name = $2 AND subject = $3 AND begins = $4",
                    *(*key, delta),
                )


async def tidy(transaction: Transaction, now: int) -> None:
    """Remove what nobody compares with any more."""
    await transaction.execute("DELETE FROM tallies WHERE ends < $1", now - _KEPT_MS)
    await transaction.execute(
        "DELETE FROM tallies WHERE ends < $2 AND name = $1", RUNAWAY, now - _HISTORY_MS - 2 * _DAY_MS
    )


def _charges(
    limits: Sequence[tuple[Limit, bool]], message: Message, price: str | None, currency: str | None
) -> tuple[Charge, ...]:
    charges = []
    for limit, exempt in limits:
        measure = limit.measure
        if measure == MESSAGES:
            amount = 1
        elif measure == SEGMENTS:
            amount = message.segments
        elif price is None or currency != limit.currency:
            continue
        else:
            amount = billionths(price)
        charges.append(Charge(limit, amount, exempt))
    return tuple(charges)
