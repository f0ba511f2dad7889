"""What budgets count, on PostgreSQL: the rows of a commit's tallies are its own until it ends.

Whoever would count in the same tally waits for so long; so nobody is ever off by what another process just accepts.
Rows are locked in one order, so that two commits can't wait for each other.
"""

from collections.abc import Sequence
from typing import Final

from heliograph.core.charges import Key, Tally
from heliograph.store.port import Accept, Notice
from heliograph.store.postgres.commit import Commit, columns
from heliograph.store.tallies import alarm_event, keep_limits, limits_of, take_back

_ROWS: Final = (
    "unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY "
    "v (environment, name, subject, begins, ends, workspace, place)"
)
_LOCK: Final = (
    "INSERT INTO tallies (environment, name, subject, begins, ends, workspace, used, told) "
    f"SELECT v.environment, v.name, v.subject, v.begins, v.ends, v.workspace, 0, 0 FROM {_ROWS} ORDER BY v.place "
    "ON CONFLICT (environment, name, subject, begins) DO UPDATE SET used = tallies.used "
    "RETURNING environment, name, subject, begins, used, told"
)
_KEEP: Final = (
    "UPDATE tallies t SET used = v.used, told = v.told "
    "FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) "
    "v (environment, name, subject, begins, used, told) "
    "WHERE t.environment = v.environment AND t.name = v.name AND t.subject = v.subject AND t.begins = v.begins"
)


async def lock_tallies(commit: Commit, operations: Sequence[Accept]) -> dict[Key, Tally]:
    """Take the tallies of these operations, and leave out of them what finds no room."""
    limits = limits_of(operations)
    if not limits:
        return {}
    rows = [(*key, limit.ends, limit.workspace) for key, limit in limits.items()]
    found = {tuple(row[:4]): row[4:] for row in await commit.rows(_LOCK, *columns(rows, 6))}
    tallies = {key: Tally(limit, *found[key]) for key, limit in limits.items()}
    for operation in operations:
        keep_limits(operation, tallies)
    return tallies


async def keep_tallies(
    commit: Commit, operations: Sequence[Accept], fresh: Sequence[Accept], tallies: dict[Key, Tally]
) -> list[Notice]:
    """Write what was counted, and tell of what was reached. What turned out to be a repetition counts for nothing."""
    kept = {id(operation) for operation in fresh}
    for operation in operations:
        if id(operation) not in kept and not (operation.all_or_none and operation.refused):
            take_back(operation, tallies)
    notices: list[Notice] = []
    rows = []
    for key, tally in tallies.items():
        told = tally.told
        for alarm in tally.alarms():
            notices += commit.emit(alarm_event(alarm, commit.now_ms), tally.limit.workspace, key[0], None)
        if tally.used != tally.found or tally.told != told:
            rows.append((*key, tally.used, tally.told))
    if rows:
        await commit.rows(_KEEP, *columns(rows, 6))
    return notices
