"""Asking carriers what became of messages whose receipts stay away: soon at first, then after twice the time each time.
Each connector is asked on its own, so that one that does not answer holds up nobody else."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from heliograph.core.message import MESSAGE_COLUMNS, Message, Receipt, Submission
from heliograph.engine.background import Work
from heliograph.engine.dispatch import Link
from heliograph.ports import Clock
from heliograph.store.port import Ledger

_AFTER_MS: Final = 10_000
_AT_MOST: Final = 1_000
_AT_ONCE: Final = 10
_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)


class Questions:
    """What one process asks."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        links: Mapping[str, Link],
        soon: Callable[[Work], None],
        take: Callable[[Sequence[Receipt]], None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._links = links
        self._soon = soon
        self._take = take
        self._asking: set[str] = set()

    def ask(self) -> None:
        """Begin to ask every connector that is not being asked already."""
        for name, link in self._links.items():
            if link.up and link.carrier.capabilities.query and name not in self._asking:
                self._asking.add(name)
                self._soon(lambda link=link: self._ask(link))  # type: ignore[misc]

    async def _ask(self, link: Link) -> None:
        try:
            now = self._clock.now_ms()
            rows = await self._ledger.fetch(
                f"SELECT {_COLUMNS} FROM messages WHERE owner > 0 AND state = 'sent' AND connector = $1 "
                # updated_at is when it was asked about last.
                f"AND (owner <> $2 OR $3 - updated_at > $4 + updated_at - sent_at) LIMIT {_AT_MOST}",
                *(link.name, self._ledger.process, now, _AFTER_MS),
            )
            messages = [self._ledger.protection.opened(Message(*row)) for row in rows]
            for start in range(0, len(messages), _AT_ONCE):
                some = messages[start : start + _AT_ONCE]
                told = await asyncio.gather(*(self._ask_one(link, message) for message in some))
                await self._ask_later([m for m, answered in zip(some, told, strict=True) if not answered])
        finally:
            self._asking.discard(link.name)

    async def _ask_one(self, link: Link, message: Message) -> bool:
        """Was anything told?"""
        parts = await self._ledger.fetch(
            "SELECT carrier_id FROM attempts WHERE message = $1 AND attempt = $2 AND carrier_id IS NOT NULL",
            *(message.id, message.attempts),
        )
        receipts = await link.carrier.query(Submission(message, message.attempts), [row[0] for row in parts])
        if receipts:
            self._take(receipts)
        return bool(receipts)

    async def _ask_later(self, silent: Sequence[Message]) -> None:
        """They are ours from now on, and not asked about again before some time has passed."""
        if not silent:
            return
        now = self._clock.now_ms()
        async with self._ledger.transaction() as transaction:
            for message in silent:
                await transaction.execute(
                    "UPDATE messages SET owner = $2, updated_at = $3 WHERE id = $1 AND state = 'sent'",
                    *(message.id, self._ledger.process, now),
                )
