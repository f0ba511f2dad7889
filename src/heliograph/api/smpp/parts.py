"""Long messages that an application submits in parts: each part is durable before it is answered, with an id of its
own; the last one makes the message. What is not whole after a while goes as it is, with its gaps.

A set of parts belongs to a message before that message is kept, so that receipts find their parts however fast they
come, and of two connections (or processes) that see a set whole only one makes the message of it. Until the message is
kept, its number stands there with a minus.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.api.smpp.requests import joined
from heliograph.core.request import MessageRequest
from heliograph.smpp.parts import Part
from heliograph.store.port import Ledger

WAIT_MS: Final = 600_000
KEEP_MS: Final = 10 * 86_400_000  # longer than any message lives
_SET: Final = "client = $1 AND source = $2 AND destination = $3 AND reference = $4 AND total = $5 AND message IS NULL"

Key = tuple[int, str, str, str, int]


class Parts:
    """The parts of all accounts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def keep(self, client: int, request: MessageRequest, octets: str, part: Part, now: int) -> tuple[str, Key]:
        """The part's id, and the set that it belongs to. `octets` are its text as it came."""
        key: Key = client, request.sender or "", request.to, f"{part.width}:{part.reference}", part.total
        carrier_id = f"prt_{secrets.token_hex(12)}"
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(
                f"SELECT text, id FROM smpp_parts WHERE {_SET} AND number = $6", *key, part.number
            )
            if rows and rows[0][0] == octets:  # sent again by a client that heard no answer, or a bad one
                return rows[0][1], key
            if rows:  # the counter came round: a new message begins
                await transaction.execute(f"DELETE FROM smpp_parts WHERE {_SET}", *key)
            await transaction.execute(
                "INSERT INTO smpp_parts (client, source, destination, reference, total, number, id, text, request, at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                *(*key, part.number, carrier_id, octets, msgspec.json.encode(request).decode(), now),
            )
        return carrier_id, key

    async def whole(self, key: Key) -> MessageRequest | None:
        """The message, once all of its parts are there; seen behind the commit of a part, so never by nobody."""
        rows = await self._ledger.fetch(f"SELECT number, text, request FROM smpp_parts WHERE {_SET}", *key)
        parts = {number: (octets, request) for number, octets, request in rows}
        return _message(parts, key[4]) if len(parts) == key[4] else None

    async def claim(self, key: Key, message: int) -> bool:
        """The set is to be this message; False: it is another one already."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute(f"UPDATE smpp_parts SET message = $6 WHERE {_SET}", *key, -message)
            rows = await transaction.fetch("SELECT id FROM smpp_parts WHERE message = $1", -message)
        return bool(rows)

    async def became(self, message: int) -> None:
        """The message is kept."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute("UPDATE smpp_parts SET message = $1 WHERE message = $2", message, -message)

    async def release(self, message: int) -> None:
        """The message could not be kept: its parts wait again."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute("UPDATE smpp_parts SET message = NULL WHERE message = $1", -message)

    async def asking(self, messages: Sequence[int]) -> dict[int, list[tuple[str, frozenset[str]]]]:
        """Of messages that came in parts: the id of each part, and the events that it asked for."""
        if not messages:
            return {}
        numbers = ", ".join(f"${place}" for place in range(1, 2 * len(messages) + 1))
        rows = await self._ledger.fetch(
            f"SELECT message, id, request FROM smpp_parts WHERE message IN ({numbers}) ORDER BY number",
            *messages,
            *(-message for message in messages),
        )
        found: dict[int, list[tuple[str, frozenset[str]]]] = {}
        for message, carrier_id, request in rows:
            asked = frozenset(msgspec.json.decode(request, type=MessageRequest).callback_events or ())
            found.setdefault(abs(message), []).append((carrier_id, asked))
        return found

    async def message_of(self, client: int, carrier_id: str) -> int | None:
        """The message that a part belongs to."""
        rows = await self._ledger.fetch(
            "SELECT message FROM smpp_parts WHERE client = $1 AND id = $2", client, carrier_id
        )
        return abs(rows[0][0]) if rows and rows[0][0] is not None else None

    async def overdue(self, now: int) -> list[tuple[Key, MessageRequest]]:
        """Sets that will not become whole any more, as messages with gaps; and what is too old is forgotten."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute("DELETE FROM smpp_parts WHERE at < $1", now - KEEP_MS)
        await self._recover(now - WAIT_MS)
        rows = await self._ledger.fetch(
            "SELECT client, source, destination, reference, total, number, text, request FROM smpp_parts "
            "WHERE message IS NULL AND at < $1 ORDER BY number",
            now - WAIT_MS,
        )
        sets: dict[Key, dict[int, tuple[str, str]]] = {}
        for *key_values, number, octets, request in rows:
            key: Key = tuple(key_values)
            sets.setdefault(key, {})[number] = octets, request
        return [(key, _message(parts, key[4])) for key, parts in sets.items()]

    async def forget(self, key: Key) -> None:
        """A set that no message may be made of."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute(f"DELETE FROM smpp_parts WHERE {_SET}", *key)

    async def _recover(self, before: int) -> None:
        """A crash came between a claim and what followed: was the message kept?"""
        rows = await self._ledger.fetch("SELECT DISTINCT message FROM smpp_parts WHERE message < 0 AND at < $1", before)
        for (number,) in rows:
            if await self._ledger.fetch("SELECT 1 FROM messages WHERE id = $1", -number):
                await self.became(-number)
            else:
                await self.release(-number)


def _message(parts: Mapping[int, tuple[str, str]], total: int) -> MessageRequest:
    """What the parts ask for together: the first one says how, and what any of them wants to hear is heard."""
    requests = [msgspec.json.decode(request, type=MessageRequest) for _, (_, request) in sorted(parts.items())]
    octets = [parts[number][0] if number in parts else None for number in range(1, total + 1)]
    wanted = _each(event for request in requests for event in request.callback_events or ())
    return msgspec.structs.replace(requests[0], text=joined(octets), callback_events=wanted)


def _each(found: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(found))
