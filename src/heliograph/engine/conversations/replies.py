"""Answers that nobody writes: of rules, and of teams that are not there.

What is to be sent is decided and kept in the transaction that settles the question; it goes through intake after that,
under a key of its own, so that a crash in between neither loses nor doubles it. Consent is asked as of any message.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from heliograph.core import inbound_rules
from heliograph.core.channels import channel_of
from heliograph.core.failures import Refused
from heliograph.core.inbound_rules import Verdict
from heliograph.core.message import SUPPORT
from heliograph.core.request import MessageRequest
from heliograph.engine.conversations import threads
from heliograph.engine.conversations.facts import Known
from heliograph.engine.conversations.threads import Thread
from heliograph.engine.declared import Snapshot
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.engine.sending import send
from heliograph.ports import Clock
from heliograph.store.port import Ledger, Transaction

OURSELVES: Final = 0  # no client asked for our answers
_AWAY: Final = "out_of_office"
_OF_USE_S: Final = 300  # an answer that is late by more has no use
_OVERDUE_MS: Final = 10_000
_BATCH: Final = 200


class Answering:
    """Decides, within the transaction that settles a message, which automatic replies are sent."""

    def __init__(self, transaction: Transaction, thread: Thread, known: Known, now: int) -> None:
        self._transaction = transaction
        self._thread = thread
        self._known = known
        self._now = now

    async def answer(self, verdict: Verdict, *, needs_answer: bool) -> list[int]:
        """The rows of the replies that are to be sent."""
        replies = list(verdict.replies)
        if not replies and needs_answer:
            replies = self._away()
        if not replies:
            return []
        count = await self._sent_of_late()
        due = []
        for rule, text in replies:
            if why := self._held_back(count):
                data = {"rule": rule, "text": text, "why": why}
                await threads.enter(self._transaction, self._thread, "held", f"rule:{rule}", self._now, data)
            else:
                due.append(await self._keep(rule, text))
                count += 1
        return due

    def _away(self) -> list[tuple[str, str]]:
        """Said once in each time in which nobody is there."""
        thread, at = self._thread, self._known.message.at
        away = self._known.realm.policies.conversations.away(thread.team, at)
        if away is None or (thread.away_until is not None and thread.away_until > at):
            return []
        text, thread.away_until = away
        return [(_AWAY, text)]

    def _held_back(self, count: int) -> str:
        known = self._known
        policy, ours = known.realm.policies.inbound, known.realm.rules.senders
        return inbound_rules.held_back(
            known.heard.person, ours, known.message.text, known.sent, count, policy.replies_at_most
        )

    async def _sent_of_late(self) -> int:
        rows = await self._transaction.fetch(
            "SELECT count(*) FROM automatic_replies WHERE conversation = $1 AND at > $2",
            *(self._thread.id, self._now - self._known.realm.policies.inbound.window_ms),
        )
        return int(rows[0][0])

    async def _keep(self, rule: str, text: str) -> int:
        thread = self._thread
        rows = await self._transaction.fetch(
            "INSERT INTO automatic_replies (workspace, environment, conversation, rule, text, at) "
            "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            *(thread.workspace, thread.environment, thread.id, rule, text, self._now),
        )
        return int(rows[0][0])


class _Due(NamedTuple):
    """A reply that is to be sent."""

    id: int
    rule: str
    text: str
    at: int
    thread: Thread


class AutomaticReplies:
    """Sends what was decided. One for a process."""

    def __init__(self, ledger: Ledger, clock: Clock, snapshot: Callable[[], Snapshot], intake: Intake) -> None:
        self._ledger = ledger
        self._clock = clock
        self._snapshot = snapshot
        self._intake = intake

    async def sweep(self, now: int) -> None:
        """Those that a crash kept from being sent."""
        rows = await self._ledger.fetch(
            f"SELECT id FROM automatic_replies WHERE done_at IS NULL AND at < $1 ORDER BY id LIMIT {_BATCH}",
            now - _OVERDUE_MS,
        )
        await self.send([row[0] for row in rows])

    async def send(self, replies: Sequence[int]) -> None:
        """Have them accepted, each once; what became of them is noted."""
        if not replies:
            return
        rows = await self._ledger.fetch(
            f"SELECT r.id, r.rule, r.text, r.at, {', '.join(f'c.{name}' for name in threads.COLUMNS)} "
            "FROM automatic_replies r JOIN conversations c ON c.id = r.conversation "
            f"WHERE r.id IN ({', '.join(f'${place}' for place, _ in enumerate(replies, 1))}) AND r.done_at IS NULL "
            "ORDER BY r.id",
            *replies,
        )
        due = [_Due(row[0], row[1], row[2], row[3], Thread(*row[4:])) for row in rows]
        outcomes = await asyncio.gather(*(self._accept(one) for one in due))
        now = self._clock.now_ms()
        async with self._ledger.transaction() as transaction:
            for one, why in zip(due, outcomes, strict=True):
                done = await transaction.fetch(
                    "UPDATE automatic_replies SET done_at = $2 WHERE id = $1 AND done_at IS NULL RETURNING id",
                    *(one.id, now),
                )
                if done and why:
                    data = {"rule": one.rule, "text": one.text, "why": why}
                    await threads.enter(transaction, one.thread, "held", f"rule:{one.rule}", now, data)

    async def _accept(self, due: _Due) -> str:
        """Why it isn't sent; "" when it is."""
        now, thread = self._clock.now_ms(), due.thread
        if due.at + _OF_USE_S * 1_000 < now or thread.environment not in self._snapshot().realms:
            return "too_late"
        request = MessageRequest(
            to=thread.number,
            text=due.text,
            sender=thread.sender,
            channel=channel_of(thread.sender),
            kind=SUPPORT,
            valid_for=_OF_USE_S,
        )
        try:
            await send(
                self._intake,
                Caller(OURSELVES, thread.workspace, thread.environment),
                request,
                now,
                once=f"automatic:{due.id}",
            )
        except Refused as refused:
            return refused.refusals[0].code
        return ""
