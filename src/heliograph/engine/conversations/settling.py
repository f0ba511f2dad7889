"""Settles messages from phones: each finds its thread, its rules are asked, and webhooks hear of it, once.

A message is kept first, and its carrier has heard so. What follows is a transaction that takes the message by a
compare-and-set, so that no redelivery, crash or other process settles it twice. What a crash kept from being settled
is found by the sweep.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from heliograph.core import ids, inbound_rules
from heliograph.core.conversations import CLOSED, OPEN
from heliograph.core.inbound_rules import EVERYBODY, NOTHING, Facts, Verdict
from heliograph.core.keywords import OPT_OUT
from heliograph.core.message import Inbound
from heliograph.core.views import moment
from heliograph.engine.accounts import who_hears
from heliograph.engine.background import Work
from heliograph.engine.conversations import escalation, threads
from heliograph.engine.conversations import facts as known_facts
from heliograph.engine.conversations.facts import Known
from heliograph.engine.conversations.replies import Answering, AutomaticReplies
from heliograph.engine.conversations.threads import Thread
from heliograph.engine.declared import Snapshot
from heliograph.engine.intake import Intake
from heliograph.engine.notify.subscriptions import endpoint_target
from heliograph.engine.people.keywords import KeywordDesk
from heliograph.ports import Clock, Unavailable
from heliograph.store.port import Ledger, NewEvent, Transaction

_OVERDUE_MS: Final = 10_000  # whoever should have settled it is gone
_BATCH: Final = 200
_AT_ONCE: Final = 10  # in one transaction; a longer one would keep others waiting
_WAITING_AT_MOST: Final = 10_000  # what is more is left to the sweep
_PERSON: Final = "person"


class SettlingDesk:
    """One for a process; settles what arrived here, in the order in which it came."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        snapshot: Callable[[], Snapshot],
        soon: Callable[[Work], None],
        keywords: KeywordDesk,
        intake: Intake,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._snapshot = snapshot
        self._soon = soon
        self._keywords = keywords
        self._replies = AutomaticReplies(ledger, clock, snapshot, intake)
        self._waiting: deque[int] = deque()
        self._is_at_work = False

    def arrived(self, numbers: Sequence[int]) -> None:
        """These were kept."""
        room = _WAITING_AT_MOST - len(self._waiting)
        self._waiting.extend(numbers[:room])
        self._begin()

    def _begin(self) -> None:
        if self._waiting and not self._is_at_work:
            self._is_at_work = True
            self._soon(self._work)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self.settle([self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))])
        finally:  # what can't be settled keeps nothing else from it
            self._is_at_work = False
            self._begin()

    async def sweep(self, now: int) -> None:
        """What was left: messages that nobody settled, replies that nobody sent, persons whom nobody answered."""
        rows = await self._ledger.fetch(
            f"SELECT id FROM inbound WHERE settled_at IS NULL AND at < $1 ORDER BY id LIMIT {_BATCH}",
            now - _OVERDUE_MS,
        )
        there = set(self._waiting)
        self.arrived([row[0] for row in rows if row[0] not in there])
        await self._replies.sweep(now)
        await escalation.sweep(self._ledger, self._snapshot(), now)

    async def settle(self, numbers: Sequence[int]) -> None:
        """Do all that there is to do about these messages."""
        known = await asyncio.gather(*(self._know(number) for number in numbers))
        # Always in this order: two processes that hold threads for each other would wait for ever.
        mine = sorted((one for one in known if one is not None), key=lambda one: one.order)
        try:
            due = await self._keep(mine)
        except Unavailable:
            raise
        except Exception:  # one of them is poisoned: it fails alone
            if len(mine) < 2:
                raise
            for one in mine:
                self._soon(partial(self.settle, [one.number]))
            return
        await self._replies.send(due)

    async def _know(self, number: int) -> Known | None:
        rows = await self._ledger.fetch(
            "SELECT environment, connector, from_number, to_number, text, at, carrier_id, price, currency FROM inbound "
            "WHERE id = $1 AND settled_at IS NULL",
            number,
        )
        realm = self._snapshot().realms.get(rows[0][0]) if rows else None
        if realm is None:
            return None
        _, connector, sender, to, kept, at, carrier_id, *cost = rows[0]
        text = self._ledger.protection.read(realm.workspace, f"inbound {number}", kept)
        heard = self._keywords.hear(Inbound(connector, sender, to, text or "", at, carrier_id), realm)
        return await known_facts.know(self._ledger, number, heard, (cost[0], cost[1]))

    async def _keep(self, mine: Sequence[Known]) -> list[int]:
        """Those that nobody else has settled meanwhile; the automatic replies that are to be sent."""
        now, due = self._clock.now_ms(), []
        if not mine:
            return []
        async with self._ledger.transaction() as transaction:
            for known in mine:
                if await transaction.fetch(
                    "UPDATE inbound SET settled_at = $2 WHERE id = $1 AND settled_at IS NULL RETURNING id",
                    *(known.number, now),
                ):
                    due += await self._settle(transaction, known, now)
        return due

    async def _settle(self, transaction: Transaction, known: Known, now: int) -> list[int]:
        """Within the transaction; the automatic replies that are to be sent after it."""
        realm, message = known.realm, known.message
        thread = await threads.meet(transaction, realm, known.heard.person, message.to, known.begins_at, now)
        verdict = _verdict(known, thread)
        before = (thread.state, thread.team, thread.tags)
        if verdict.team is not None:
            thread.team = verdict.team[1]
        elif thread.team is None:
            thread.team = realm.policies.conversations.default_team
        thread.tags = _with_tags(thread, verdict)
        needs_answer = verdict.needs_answer and not known.is_obeyed
        _move(thread, known, needs_answer, is_routed=thread.team != before[1])
        due = await Answering(transaction, thread, known, now).answer(verdict, needs_answer=needs_answer)
        await threads.keep(transaction, thread)
        await _enter(transaction, thread, before, known, verdict)
        found = _found(known, thread, verdict)
        await transaction.execute(
            "UPDATE inbound SET conversation = $2, found = $3 WHERE id = $1",
            *(known.number, thread.id, msgspec.json.encode(found).decode()),
        )
        await transaction.record(realm.workspace, realm.id, _events(known, thread, before, verdict, found, now))
        return due


def _verdict(known: Known, thread: Thread) -> Verdict:
    """What the rules say. A STOP, or what may be one, is nothing for them."""
    message = known.message
    if known.is_obeyed or known.heard.reading.review:
        return NOTHING
    return inbound_rules.judge(
        known.realm.policies.inbound.rules,
        Facts(
            sender=message.to,
            number=known.heard.person,
            text=message.text,
            at=message.at,
            languages=known.languages,
            is_new=thread.state in (threads.NEW, CLOSED),
            is_known=known.contact is not None,
            attributes=known.contact.attributes if known.contact else {},
        ),
    )


def _with_tags(thread: Thread, verdict: Verdict) -> str:
    """What is too much is left out: no message fails for its tags."""
    tags = list(dict.fromkeys([*threads.tags_of(thread), *verdict.tags]))[: inbound_rules.TAGS_AT_MOST]
    return msgspec.json.encode(tags).decode()


def _move(thread: Thread, known: Known, needs_answer: bool, *, is_routed: bool) -> None:
    """What needs an answer opens the thread; what needs none leaves it as it is."""
    if not needs_answer:
        thread.state = CLOSED if thread.state == threads.NEW else thread.state
        return
    begins = thread.asked_at is None
    thread.state = OPEN
    thread.asked_at = known.message.at if begins else thread.asked_at
    if begins or is_routed:
        threads.plan(thread, known.realm)


async def _enter(
    transaction: Transaction, thread: Thread, before: tuple[str, str | None, str], known: Known, verdict: Verdict
) -> None:
    at = known.message.at
    state, team, tags = before
    await threads.enter(transaction, thread, "inbound", _PERSON, at, {"rules": verdict.rules}, inbound=known.number)
    if thread.state != state:
        await threads.enter(transaction, thread, "state", _PERSON, at, threads.changed(state=(state, thread.state)))
    if thread.team != team:
        actor = f"rule:{verdict.team[0]}" if verdict.team is not None else "default_team"
        await threads.enter(transaction, thread, "assigned", actor, at, threads.changed(team=(team, thread.team)))
    if thread.tags != tags:
        both = threads.changed(tags=(msgspec.Raw(tags.encode()), msgspec.Raw(thread.tags.encode())))
        await threads.enter(transaction, thread, "tags", "rules", at, both)


def _found(known: Known, thread: Thread, verdict: Verdict) -> dict[str, Any]:
    """What was found out about the message."""
    reading = known.heard.reading
    found: dict[str, Any] = {
        "conversation": threads.public_id(thread),
        "contact": known.contact.id if known.contact else None,
        "in_reply_to": known.answers,
        "tags": verdict.tags,
        "team": thread.team,
        "rules": verdict.rules,
    }
    if known.heard.wants_something:
        found["keyword"] = {
            "action": reading.action,
            "scope": reading.scope,
            "topic": reading.topic,
            "rule": reading.rule,
            "review": reading.review,
        }
        found["opt_out"] = reading.action == OPT_OUT and not reading.review
    if reading.flow:
        found["flow"] = reading.flow
    return found


def _events(
    known: Known,
    thread: Thread,
    before: tuple[str, str | None, str],
    verdict: Verdict,
    found: dict[str, Any],
    now: int,
) -> list[NewEvent]:
    message = known.message
    facts = {
        "id": ids.make("inb", message.at, known.number),
        "from": message.sender,
        "to": message.to,
        "text": message.text,
        "connector": message.connector,
        "received_at": moment(message.at),
        **found,
    }
    if known.cost[0] is not None:
        facts |= {"price": known.cost[0], "currency": known.cost[1]}
    hearers = who_hears(known.realm.hearers, message.to, message.at)
    events = [NewEvent("inbound.received", message.at, _encode(facts), targets=hearers)]
    if thread.state == OPEN and before[0] in (threads.NEW, CLOSED):
        events.append(threads.event(thread, "opened", now, {"reopened": before[0] == CLOSED}))
    if thread.team != before[1] and verdict.team is not None:
        events.append(threads.event(thread, "assigned", now, {"by": f"rule:{verdict.team[0]}"}))
    for rule, endpoint in verdict.forwards:
        data = _encode({**facts, "rule": rule})
        if endpoint == EVERYBODY:
            events.append(NewEvent("inbound.matched", now, data))
        else:
            only = tuple((e.id, endpoint_target(e.id)) for e in known.realm.endpoints if e.name == endpoint)
            events.append(NewEvent("inbound.matched", now, data, told=False, only=only))
    flows = [*verdict.flows, *((("keyword", known.heard.reading.flow),) if known.heard.reading.flow else ())]
    events += [NewEvent("flow.started", now, _encode({**facts, "rule": r, "flow": flow})) for r, flow in flows]
    return events


def _encode(facts: dict[str, Any]) -> str:
    return msgspec.json.encode(facts).decode()
