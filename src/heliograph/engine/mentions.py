"""Where an address still stands when the rows of its person are erased: in answers that are kept for repeated requests,
in what waits to become, or to belong to, a message, in calls of providers, in events; and where a message told of
itself.

Where we write it ourselves a number stands in E.164, or without its plus. What others write is looked for without the
country code: that part is in every spelling.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.channels.webpush import PREFIX
from heliograph.core.message import Event
from heliograph.core.numbers import national_digits
from heliograph.store.port import Ledger, Transaction

_BATCH: Final = 200
_EVENT: Final = ", ".join(Event.__struct_fields__)
_GONE: Final = '{"erased":true}'
_URLS: Final = "callback_urls"  # the sweep that comes back for those that are still needed
_AGAIN_MS: Final = 3_600_000
_TO_BE_TOLD: Final = (
    "EXISTS (SELECT 1 FROM deliveries d WHERE d.message = messages.id AND d.endpoint IS NULL AND d.state = 'pending')"
)


async def forget(transaction: Transaction, workspace: int, address: str, name: str) -> None:
    """What is nobody's row, but holds the address. `name` is what the person is called from now on."""
    if (push := ids.parse(PREFIX, address)) is not None:
        await transaction.execute("DELETE FROM push_subscriptions WHERE id = $1", push[1])
    await transaction.execute("DELETE FROM mails WHERE workspace = $1 AND to_address = $2", workspace, address)
    like = f"%{national_digits(address)}"
    await transaction.execute("DELETE FROM inbound_parts WHERE from_number LIKE $1", like)
    await transaction.execute("DELETE FROM smpp_parts WHERE destination LIKE $1", like)
    await transaction.execute("DELETE FROM parked_receipts WHERE receipt LIKE $1", f"{like}%")
    await transaction.execute("DELETE FROM callbacks WHERE request LIKE $1", f"{like}%")
    await transaction.execute(  # a run is called by the new name already
        "UPDATE plan_runs SET idempotency = NULL WHERE workspace = $1 AND to_address = $2 AND idempotency LIKE $3",
        *(workspace, name, f"{like}%"),
    )
    await transaction.execute(
        "UPDATE drills SET number = $3 WHERE workspace = $1 AND number = $2", workspace, address, name
    )


async def forget_answers(ledger: Ledger, workspace: int, address: str, name: str) -> None:
    """A request that is repeated gets its answer still, with another name in it and no text. One whose own key holds
    the address is forgotten: repeated, it is a new one."""
    digits, spelled = address.removeprefix("+"), national_digits(address)
    for (client,) in await ledger.fetch("SELECT id FROM clients WHERE workspace = $1 ORDER BY id", workspace):
        above = ""
        while rows := await ledger.fetch(
            "SELECT key, answer FROM idempotency WHERE client = $1 AND key > $2 ORDER BY key LIMIT $3",
            *(client, above, _BATCH),
        ):
            above = rows[-1][0]
            named = [row[0] for row in rows if spelled in row[0]]
            told = [row for row in rows if spelled not in row[0] and digits.encode() in row[1]]
            if not named and not told:
                continue
            async with ledger.transaction() as transaction:
                for key in named:
                    await transaction.execute("DELETE FROM idempotency WHERE client = $1 AND key = $2", client, key)
                for key, answer in told:
                    await transaction.execute(
                        "UPDATE idempotency SET answer = $3 WHERE client = $1 AND key = $2",
                        *(client, key, _without(answer, address, name)),
                    )


def _without(answer: bytes, address: str, name: str) -> bytes:
    for spelling in (address, address.removeprefix("+")):
        answer = answer.replace(spelling.encode(), name.encode())
    try:
        facts: Any = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return answer
    if isinstance(facts, dict) and "body" in facts:  # the text itself, which Twilio's shape repeats
        return msgspec.json.encode(facts | {"body": ""})
    return answer


async def forget_events(ledger: Ledger, workspace: int, address: str) -> int:
    """Events that belong to no message of ours but tell of the address: what a phone texted, consents."""
    digits = address.removeprefix("+")
    count = above = 0
    while rows := await ledger.fetch(
        f"SELECT {_EVENT} FROM events WHERE workspace = $1 AND message IS NULL AND seq > $2 ORDER BY seq LIMIT $3",
        *(workspace, above, _BATCH),
    ):
        above = rows[-1][0]
        found = [event.seq for event in map(ledger.protection.event, rows) if event.data and digits in event.data]
        async with ledger.transaction() as transaction:
            for seq in found:
                await transaction.execute("UPDATE events SET data = $2 WHERE seq = $1", seq, _GONE)
        count += len(found)
    return count


async def forget_urls(transaction: Transaction, messages: Sequence[int], now: int) -> None:
    """A callback URL may name the person. It goes once its message has ended and all of it is told there."""
    marks = ", ".join(f"${place}" for place in range(1, len(messages) + 1))
    await transaction.execute(
        f"UPDATE messages SET callback_url = NULL WHERE id IN ({marks}) AND final_at IS NOT NULL AND NOT {_TO_BE_TOLD}",
        *messages,
    )
    left = await transaction.fetch(
        f"SELECT id FROM messages WHERE id IN ({marks}) AND callback_url IS NOT NULL", *messages
    )
    for (message,) in left:
        await transaction.execute(
            "INSERT INTO revisits (name, at, message) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            *(_URLS, now + _AGAIN_MS, message),
        )


async def tidy(transaction: Transaction, now: int) -> None:
    """Come back for those that were still needed."""
    rows = await transaction.fetch(
        "SELECT at, message FROM revisits WHERE name = $1 AND at <= $2 ORDER BY at LIMIT $3", _URLS, now, _BATCH
    )
    for row in rows:
        await transaction.execute("DELETE FROM revisits WHERE name = $1 AND at = $2 AND message = $3", _URLS, *row)
    if rows:
        await forget_urls(transaction, [row[1] for row in rows], now)
