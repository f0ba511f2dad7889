"""How verifications go: counted in the same commit as what happens to them, by the hour in which each began.

Counts are kept by country, by prefix (a number without its last four digits) and by client. What was saved is kept as a
count of each price, so that money adds up to the last digit. That a phone has got a code is learnt from the events of
the message, a moment later, and once for each verification: a later message of it changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from heliograph.core import ids
from heliograph.store.port import Ledger, Statement, Transaction

HOUR: Final = 3_600_000
COUNTRY, PREFIX, CLIENT, SAVED = "country", "prefix", "client", "saved"
COLUMNS: Final = ("started", "approved", "blocked", "delivered")
_LAST_DIGITS: Final = 4
_AT_ONCE: Final = 200
_SHOWN: Final = 20

# What each row of `verifications` stands for, in the columns of the sums.
NAMES: Final = {
    COUNTRY: "country",
    PREFIX: f"substr(to_number, 1, length(to_number) - {_LAST_DIGITS})",
    CLIENT: "CAST(client AS TEXT)",
    SAVED: "price || ' ' || currency",
}
_WHERE: Final = {
    SAVED: " AND state = 'blocked' AND action <> 'allow' AND price IS NOT NULL AND currency IS NOT NULL",
}
_VALUES: Final = (
    "1 AS started, CASE WHEN state = 'approved' THEN 1 ELSE 0 END AS approved, "
    "CASE WHEN state = 'blocked' THEN 1 ELSE 0 END AS blocked, "
)
_SUMMED: Final = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in COLUMNS)
_KEY: Final = "workspace, environment, what, at, name"
_ADD: Final = (
    f"INSERT INTO verification_sums ({_KEY}, {', '.join(COLUMNS)}) VALUES {{rows}} ON CONFLICT ({_KEY}) DO UPDATE SET "
    + ", ".join(f"{name} = verification_sums.{name} + excluded.{name}" for name in COLUMNS)
)
_ARRIVED: Final = (
    "SELECT DISTINCT m.workspace, m.environment, m.correlation_id FROM events e JOIN messages m ON m.id = e.message "
    "WHERE {stretch} AND e.type IN ('message.delivered', 'message.read') AND m.kind = 'otp' "
    "AND m.correlation_id LIKE 'ver%'"
)

Name: TypeAlias = tuple[str, str]  # what is counted by, and its value


def names_of(country: str, to: str, client: int) -> list[Name]:
    return [(COUNTRY, country), (PREFIX, to[:-_LAST_DIGITS]), (CLIENT, str(client))]


def each(what: str) -> str:
    """Every verification as a line of the sums; to be narrowed further."""
    delivered = "is_delivered" if what == COUNTRY else "0"
    return (
        f"SELECT {NAMES[what]} AS name, {_VALUES}{delivered} AS delivered {{more}} FROM verifications WHERE {{which}}"
        + (_WHERE.get(what, ""))
    )


async def add(
    transaction: Transaction, where: tuple[int, int], started_at: int, names: Iterable[Name], **counts: int
) -> None:
    """Count one under all its names; in one order for all, so that two that count the same can't block each other."""
    values, marks = [counts.get(name, 0) for name in COLUMNS], []
    more: list[Any] = []
    for what, name in sorted(names):
        more += [what, name]
        marks.append(f"($1, $2, ${6 + len(more)}, $3, ${7 + len(more)}, $4, $5, $6, $7)")
    hour = started_at - started_at % HOUR
    await transaction.execute(_ADD.replace("{rows}", ", ".join(marks)), *(*where, hour, *values, *more))


async def delivered(transaction: Transaction, stretch: str, values: Sequence[object]) -> None:
    """Of a stretch of events: those of which a phone has got a code for the first time."""
    found: dict[tuple[int, int], list[int]] = {}
    for workspace, environment, public_id in await transaction.fetch(_ARRIVED.replace("{stretch}", stretch), *values):
        if (place := ids.parse("ver", public_id)) is not None:
            found.setdefault((workspace, environment), []).append(place[1])
    for where, numbers in sorted(found.items()):
        lines: Counter[tuple[int, str]] = Counter()
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            marks = ", ".join(f"${place}" for place in range(3, len(some) + 3))
            lines.update(
                (int(at), str(country))
                for at, country in await transaction.fetch(
                    "UPDATE verifications SET is_delivered = 1 WHERE workspace = $1 AND environment = $2 "
                    f"AND is_delivered = 0 AND id IN ({marks}) RETURNING started_at - started_at % {HOUR}, country",
                    *(*where, *some),
                )
            )
        for (hour, country), count in sorted(lines.items()):
            await add(transaction, where, hour, [(COUNTRY, country)], delivered=count)


def again(since: int) -> list[Statement]:
    """Make the sums of all whole hours from then on again, from the verifications themselves."""
    statements: list[Statement] = [("DELETE FROM verification_sums WHERE at >= $1", since)]
    return statements + [
        (f"INSERT INTO verification_sums ({_KEY}, {', '.join(COLUMNS)}) {_counted(what)}", since) for what in NAMES
    ]


def _counted(what: str) -> str:
    more = f", workspace, environment, started_at - started_at % {HOUR} AS at"
    lines = each(what).replace("{more}", more).replace("{which}", "started_at >= $1")
    return (
        f"SELECT workspace, environment, '{what}' AS what, at, name, {_SUMMED} FROM ({lines}) v "
        "GROUP BY workspace, environment, at, name"
    )


async def since(ledger: Ledger) -> int:
    """From when on all verifications are still there: a whole hour."""
    oldest = (await ledger.fetch("SELECT MIN(started_at) FROM verifications"))[0][0]
    first = oldest if oldest is not None else 1 << 62
    before = await ledger.fetch("SELECT 1 FROM verification_sums WHERE at < $1 LIMIT 1", first // HOUR * HOUR)
    return -(-first // HOUR) * HOUR if before else 0


async def differences(ledger: Ledger) -> list[str]:
    """Where the sums are not what a count of the verifications gives. Prefixes are left out: that of somebody who was
    erased since is not known any more."""
    first, found = await since(ledger), []
    for what in (COUNTRY, CLIENT, SAVED):
        lines = f"workspace, environment, what, at, name, {', '.join(COLUMNS)}"
        kept = f"SELECT {lines} FROM verification_sums WHERE at >= $1 AND what = '{what}'"
        counted = _counted(what)
        rows = await ledger.fetch(
            f"WITH kept AS ({kept}), counted AS ({counted}) SELECT 'unfounded', n.* FROM "
            "(SELECT * FROM kept EXCEPT SELECT * FROM counted) n UNION ALL SELECT 'missing', n.* FROM "
            f"(SELECT * FROM counted EXCEPT SELECT * FROM kept) n LIMIT {_SHOWN}",
            first,
        )
        found += [f"verifications by {what}: {row[0]} {tuple(row[1:])}" for row in rows]
    return found
