"""The guard's books in the ledger: rows of five minutes. One statement reads what a request touches, one adds to it."""

from collections.abc import Mapping, Sequence
from typing import Final

from heliograph.core.verify.tallies import (
    DAY,
    DAYS,
    HISTORY,
    HOUR,
    MOMENT,
    Tally,
    bucket_of,
    day_of,
)
from heliograph.store.port import Ledger, Transaction

KEPT: Final = DAY  # buckets; the days of countries are kept for longer

_SUMS: Final = (
    "SELECT subject, "
    "sum(CASE WHEN bucket > $4 THEN asked ELSE 0 END), sum(CASE WHEN bucket > $5 THEN asked ELSE 0 END), sum(asked), "
    "sum(CASE WHEN bucket > $5 THEN asked - sent ELSE 0 END), "
    "sum(CASE WHEN bucket > $4 THEN sent - verified ELSE 0 END), sum(CASE WHEN bucket < $3 THEN sent ELSE 0 END), "
    "sum(CASE WHEN bucket < $3 THEN verified ELSE 0 END), sum(CASE WHEN bucket > $5 THEN failed ELSE 0 END), "
    "sum(failed), max(verified) FROM verification_counts WHERE workspace = $1 AND environment = $2 "
)
_ADD: Final = (
    "ON CONFLICT (workspace, environment, subject, bucket) DO UPDATE SET asked = verification_counts.asked + "
    "excluded.asked, sent = verification_counts.sent + excluded.sent, verified = verification_counts.verified + "
    "excluded.verified, failed = verification_counts.failed + excluded.failed"
)


async def tallies(
    transaction: Transaction, where: tuple[int, int], subjects: Sequence[str], days: str, now: int
) -> Mapping[str, Tally]:
    """What was counted of these subjects, and a country's days."""
    bucket = bucket_of(now)
    marks = ", ".join(f"${place}" for place in range(7, 7 + len(subjects)))
    rows = await transaction.fetch(
        f"{_SUMS} AND subject IN ({marks}) AND bucket > $6 GROUP BY subject UNION ALL {_SUMS} "
        f"AND subject = ${7 + len(subjects)} AND bucket > ${8 + len(subjects)} GROUP BY subject",
        *(*where, bucket, bucket - MOMENT, bucket - HOUR, bucket - DAY),
        *(*subjects, days, day_of(now) - HISTORY),
    )
    return {subject: Tally(*map(int, sums)) for subject, *sums in rows}


async def asked(
    transaction: Transaction, where: tuple[int, int], subjects: Sequence[str], now: int, *, sent: bool
) -> None:
    rows = [(subject, bucket_of(now)) for subject in subjects]
    await _add(transaction, where, rows, (1, int(sent), 0, 0))


async def verified(
    transaction: Transaction, where: tuple[int, int], subjects: Sequence[str], days: str, started: int, now: int
) -> None:
    """Where its start was counted, and on this day of its country."""
    rows = [*((subject, bucket_of(started)) for subject in subjects), (days, day_of(now))]
    await _add(transaction, where, rows, (0, 0, 1, 0))


async def failed(transaction: Transaction, where: tuple[int, int], phone: str, now: int) -> None:
    """A wrong code."""
    await _add(transaction, where, [(f"phone:{phone}", bucket_of(now))], (0, 0, 0, 1))


async def _add(
    transaction: Transaction, where: tuple[int, int], rows: Sequence[tuple[str, int]], counts: tuple[int, int, int, int]
) -> None:
    """In one order for all, so that two that count the same never wait for each other."""
    values = ", ".join(f"($1, $2, ${7 + 2 * place}, ${8 + 2 * place}, $3, $4, $5, $6)" for place in range(len(rows)))
    await transaction.execute(
        "INSERT INTO verification_counts (workspace, environment, subject, bucket, asked, sent, verified, failed) "
        f"VALUES {values} {_ADD}",
        *(*where, *counts, *(value for row in sorted(rows) for value in row)),
    )


async def forget(ledger: Ledger, now: int) -> None:
    """Remove what no judgement looks at any more."""
    bucket = bucket_of(now)
    async with ledger.transaction() as transaction:
        await transaction.execute(
            f"DELETE FROM verification_counts WHERE bucket < $1 AND (bucket < $2 OR subject NOT LIKE '{DAYS}:%')",
            *(bucket - KEPT, day_of(now) - HISTORY),
        )
