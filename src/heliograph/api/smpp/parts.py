"""Long messages that an application submits in parts: each part is durable before it is answered, with an id of its
own; the last one makes the message. What is not whole after a while goes as it is, with its gaps."""

import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from heliograph.core.request import MessageRequest
from heliograph.smpp.parts import Part
from heliograph.store.port import Ledger

WAIT_MS: Final = 600_000
KEEP_MS: Final = 10 * 86_400_000  # longer than any message lives
_GAP: Final = " [...] "
_SET: Final = "client = $1 AND source = $2 AND destination = $3 AND reference = $4 AND total = $5 AND message IS NULL"

Key = tuple[int, str, str, str, int]


class Parts:
    """The parts of all accounts."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def keep(
        self, client: int, request: MessageRequest, part: Part, now: int
    ) -> tuple[str, MessageRequest | None, Key]:
        """The part's id; and the whole message, when this was the last part that lacked."""
        key: Key = client, request.sender or "", request.to, f"{part.width}:{part.reference}", part.total
        carrier_id = f"prt_{secrets.token_hex(12)}"
        async with self._ledger.transaction() as transaction:
            rows = await transaction.fetch(f"SELECT number, text, id FROM smpp_parts WHERE {_SET}", *key)
            known = {row[0]: row for row in rows}
            again = known.get(part.number)
            if again is not None and again[1] == request.text:  # sent again by a client that heard no answer
                return again[2], None, key
            if again is not None:  # the counter came round: a new message begins
                await transaction.execute(f"DELETE FROM smpp_parts WHERE {_SET}", *key)
                known = {}
            await transaction.execute(
                "INSERT INTO smpp_parts (client, source, destination, reference, total, number, id, text, request, at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                *(*key, part.number, carrier_id, request.text, msgspec.json.encode(request).decode(), now),
            )
        texts = {number: row[1] for number, row in known.items()} | {part.number: request.text}
        if len(texts) < part.total:
            return carrier_id, None, key
        whole = "".join(texts[number] or "" for number in sorted(texts))
        return carrier_id, msgspec.structs.replace(request, text=whole), key

    async def became(self, key: Key, message: int) -> None:
        """The parts of a set are this message."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute(f"UPDATE smpp_parts SET message = $6 WHERE {_SET}", *key, message)

    async def ids(self, message: int) -> Sequence[str]:
        """The ids of a message's parts; empty for one that came whole."""
        rows = await self._ledger.fetch("SELECT id FROM smpp_parts WHERE message = $1 ORDER BY number", message)
        return [row[0] for row in rows]

    async def message_of(self, client: int, carrier_id: str) -> int | None:
        """The message that a part belongs to."""
        rows = await self._ledger.fetch(
            "SELECT message FROM smpp_parts WHERE client = $1 AND id = $2", client, carrier_id
        )
        return rows[0][0] if rows else None

    async def overdue(self, now: int) -> list[tuple[Key, MessageRequest]]:
        """Sets that will not become whole any more, as messages with gaps; and what is too old is forgotten."""
        async with self._ledger.transaction() as transaction:
            await transaction.execute("DELETE FROM smpp_parts WHERE at < $1", now - KEEP_MS)
        rows = await self._ledger.fetch(
            "SELECT client, source, destination, reference, total, number, text, request FROM smpp_parts "
            "WHERE message IS NULL AND at < $1 ORDER BY number",
            now - WAIT_MS,
        )
        sets: dict[Key, dict[int, str]] = {}
        requests: dict[Key, MessageRequest] = {}
        for *key_values, number, text, request in rows:
            key: Key = tuple(key_values)
            sets.setdefault(key, {})[number] = text
            requests.setdefault(key, msgspec.json.decode(request, type=MessageRequest))
        return [
            (
                key,
                msgspec.structs.replace(
                    requests[key], text="".join(texts.get(number, _GAP) for number in range(1, key[4] + 1))
                ),
            )
            for key, texts in sets.items()
        ]
