"""Messages from phones → the ledger. Which workspace one belongs to is told by whom the number or connector serves.

Long messages come in parts, out of order and twice; each part is durable before its carrier hears so, and what is not
whole after an hour goes on with its gaps.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from heliograph.core import numbers
from heliograph.core.message import Inbound, Part
from heliograph.core.prices import price
from heliograph.core.segments import measure
from heliograph.engine.background import Work
from heliograph.engine.declared import OPERATOR, Realm, Snapshot
from heliograph.engine.people.keywords import Heard, KeywordDesk
from heliograph.store.port import Arrival, Arrivals, Ledger

PARTS_WAIT_MS: Final = 3_600_000
_JOIN_MS: Final = 30_000
_GAP: Final = " […] "
_SET: Final = "connector = $1 AND from_number = $2 AND to_number = $3 AND reference = $4 AND total = $5"


def _key(message: Inbound) -> tuple[str, str, str, str, int]:
    part = message.part
    assert part is not None
    return message.connector, message.sender, message.to, part.reference, part.total


def _written(text: str) -> str:
    """A part's text in ASCII: half of a character that was cut between two parts has no UTF-8."""
    return json.dumps(text.replace("\0", "\ufffd"))


def _whole(text: str) -> str:
    """Halves of characters that have come together are one again; others are lost."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class InboundDesk:
    """Takes messages from all connectors to the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        snapshot: Callable[[], Snapshot],
        kept: Callable[[Sequence[int]], None],
        soon: Callable[[Work], None],
        keywords: KeywordDesk,
    ) -> None:
        self._ledger = ledger
        self._snapshot = snapshot
        self._kept = kept  # what follows from a message is another desk's
        self._soon = soon
        self._keywords = keywords

    def take_all(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None:
        """As carriers bring them, parts and wholes; `committed` once all are durable."""
        whole = [message for message in messages if message.part is None]
        parts = [message for message in messages if message.part is not None]
        if not parts:
            self.take(whole, committed)
            return

        async def keep() -> None:
            await self._keep_parts(parts)
            if whole:
                self.take(whole, committed)
            elif committed is not None:
                committed()
            for message in await self._complete(parts):
                await self._join(message)

        self._soon(keep)

    def take(
        self,
        messages: Sequence[Inbound],
        committed: Callable[[], None] | None = None,
    ) -> None:
        """Keep messages; `committed` once they are durable. What they want is obeyed before that."""
        heard = [self._keywords.hear(message, self._realm(message)) for message in messages]
        wanting = [one for one in heard if one.wants_something]
        if not wanting:
            self._keep(heard, committed)
            return

        async def obey() -> None:
            answered = [one for one in wanting if await self._keywords.obey(one)]
            self._keep(heard, committed)
            for one in answered:
                self._soon(partial(self._keywords.answer, one))

        self._soon(obey)

    def _keep(self, heard: Sequence[Heard], committed: Callable[[], None] | None) -> None:
        def done(operation: Arrivals) -> None:
            if operation.error is not None:
                raise operation.error
            if committed is not None:
                committed()
            self._kept([one.id for one in operation.arrivals if one.id not in operation.repeated])

        self._ledger.add(Arrivals(done=done, arrivals=[self._arrival(one) for one in heard]))

    # -- long messages

    async def _keep_parts(self, parts: Sequence[Inbound]) -> None:
        """A part that is there already stays as it is, unless it says something else: then a new message began."""
        async with self._ledger.transaction() as transaction:
            for message in parts:
                part = message.part
                assert part is not None
                key = (*_key(message), part.number)
                text = _written(message.text)
                known = await transaction.fetch(f"SELECT text FROM inbound_parts WHERE {_SET} AND number = $6", *key)
                if known and known[0][0] != text:
                    await transaction.execute(f"DELETE FROM inbound_parts WHERE {_SET}", *key[:5])
                if not known or known[0][0] != text:
                    await transaction.execute(
                        "INSERT INTO inbound_parts (connector, from_number, to_number, reference, total, number, "
                        "text, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                        *(*key, text, message.at),
                    )

    async def _complete(self, parts: Sequence[Inbound]) -> list[Inbound]:
        """Of each message that is whole now, one part."""
        found = {_key(message): message for message in parts}
        whole: list[Inbound] = []
        for key, message in found.items():
            rows = await self._ledger.fetch(f"SELECT COUNT(*) FROM inbound_parts WHERE {_SET}", *key)
            assert message.part is not None
            if rows[0][0] >= message.part.total:
                whole.append(message)
        return whole

    async def _join(self, message: Inbound) -> None:
        """All parts as one message; kept before the parts are forgotten, and once: its id is that of its first part."""
        key = _key(message)
        rows = await self._ledger.fetch(
            f"SELECT number, text, at FROM inbound_parts WHERE {_SET} ORDER BY number", *key
        )
        if not rows:
            return
        texts = {row[0]: json.loads(row[1]) for row in rows}
        text = _whole("".join(texts.get(number, _GAP) for number in range(1, key[4] + 1)))
        first = min(row[2] for row in rows)
        carrier_id = f"{message.sender}:{key[3]}:{key[4]}:{first}"
        joined = msgspec.structs.replace(message, text=text, carrier_id=carrier_id, part=None)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.take([joined], lambda: future.set_result(None))
        await future
        async with self._ledger.transaction() as transaction:
            await transaction.execute(f"DELETE FROM inbound_parts WHERE {_SET}", *key)

    async def give_up_waiting(self, now: int) -> None:
        """Messages of which parts are missing for too long, and those that a crash kept from being joined."""
        rows = await self._ledger.fetch(
            "SELECT connector, from_number, to_number, reference, total, MIN(at) FROM inbound_parts "
            "GROUP BY connector, from_number, to_number, reference, total "
            "HAVING MIN(at) < $1 OR (COUNT(*) >= total AND MAX(at) < $2)",
            now - PARTS_WAIT_MS,
            now - _JOIN_MS,
        )
        for connector, sender, to, reference, total, at in rows:
            message = Inbound(connector, sender, to, "", at, part=Part(reference, total, 1))
            await self._join(message)

    def _arrival(self, heard: Heard) -> Arrival:
        realm, number = heard.realm, self._ledger.next_id("inbound")
        return Arrival(number, realm.workspace, realm.id, heard.message, *self._cost(heard.message))

    def _cost(self, inbound: Inbound) -> tuple[str | None, str | None] | tuple[()]:
        """Price and currency, where its connector has a price for what comes in."""
        book = self._snapshot().prices
        if not book.received:
            return ()
        sender = numbers.parse(inbound.sender, None)
        line = book.inbound(inbound.connector, "" if isinstance(sender, numbers.BadNumber) else sender.country)
        return () if line is None else (price(measure(inbound.text)[1], line.price), line.currency)

    def _realm(self, inbound: Inbound) -> Realm:
        """The environment whose declared sender was texted; else the operator's live one (test, from the sandbox)."""
        realms = self._snapshot().realms
        if inbound.environment is not None:
            return realms[inbound.environment]
        for realm in realms.values():
            if realm.mode != "test" and inbound.to in realm.rules.senders:
                return realm
        mode = "test" if inbound.connector == "sandbox" else "live"
        return next(r for r in realms.values() if r.workspace_name == OPERATOR and r.mode == mode)
