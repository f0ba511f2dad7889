"""Who owns what, when several processes run: a lease with an end, renewed well before it, and a token that rises.

A connector belongs to one process at a time, so that its window and rate are exact; whoever holds it too long without
renewal stops using it before anybody else may begin.
"""

from collections.abc import Iterable
from typing import Final

from heliograph.store.port import Ledger

TTL_MS: Final = 15_000
RENEW_MS: Final = 4_000


async def hold(ledger: Ledger, names: Iterable[str], now: int, ttl_ms: int = TTL_MS) -> set[str]:
    """Take or renew leases; answers those that are ours until now + TTL."""
    ours: set[str] = set()
    async with ledger.transaction() as transaction:
        for name in names:
            rows = await transaction.fetch(
                "INSERT INTO leases (name, owner, token, until) VALUES ($1, $2, 1, $3) "
                "ON CONFLICT (name) DO UPDATE SET "
                "token = leases.token + CASE WHEN leases.owner = excluded.owner THEN 0 ELSE 1 END, "
                "owner = excluded.owner, until = excluded.until "
                "WHERE leases.owner = excluded.owner OR leases.until < $4 RETURNING name",
                name,
                ledger.process,
                now + ttl_ms,
                now,
            )
            ours.update(row[0] for row in rows)
    return ours


async def give_up(ledger: Ledger, names: Iterable[str], now: int) -> None:
    """Let others have these at once."""
    async with ledger.transaction() as transaction:
        for name in names:
            await transaction.execute(
                "UPDATE leases SET until = $3 WHERE name = $1 AND owner = $2", name, ledger.process, now - 1
            )


async def release(ledger: Ledger, now: int) -> None:
    """Give everything back at a clean stop, so that others needn't wait."""
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE leases SET until = $2 WHERE owner = $1", ledger.process, now - 1)
        await transaction.execute("UPDATE processes SET alive_until = $2 WHERE id = $1", ledger.process, now - 1)


async def register(ledger: Ledger, roles: str, host: str, now: int) -> int:
    """A row for this process; its number owns what we look after."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO processes (roles, host, started_at, alive_until) VALUES ($1, $2, $3, $4) RETURNING id",
            roles,
            host,
            now,
            now + TTL_MS,
        )
    return int(rows[0][0])


async def inherit(ledger: Ledger, now: int) -> None:
    """We are alone on this ledger: whoever was here before is dead, however long its leases still ran."""
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE leases SET until = $2 WHERE owner <> $1", ledger.process, now - 1)
        await transaction.execute(
            "UPDATE processes SET alive_until = $2 WHERE id <> $1 AND alive_until > $2", ledger.process, now - 1
        )


async def beat(ledger: Ledger, now: int) -> int:
    """Say that we live; answers how many of the living take messages in, and so share the callers' rates."""
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE processes SET alive_until = $2 WHERE id = $1", ledger.process, now + TTL_MS)
        rows = await transaction.fetch(
            "SELECT count(*) FROM processes WHERE alive_until > $1 AND roles LIKE '%api%'", now
        )
    return int(rows[0][0])


async def dead(ledger: Ledger, now: int) -> list[int]:
    """Processes that stopped without their messages having been taken over."""
    rows = await ledger.fetch("SELECT id FROM processes WHERE alive_until < $1 AND recovered_at IS NULL", now)
    return [int(row[0]) for row in rows]
