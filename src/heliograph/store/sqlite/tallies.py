"""What budgets count, on SQLite."""

from collections.abc import Iterable, Sequence
from typing import Final

from heliograph.core.charges import Key, Tally
from heliograph.store.port import Accept, Notice
from heliograph.store.sqlite.commit import Commit
from heliograph.store.tallies import alarm_event, limits_of

_SELECT_TALLY: Final = (
    "SELECT used, told FROM tallies WHERE environment = ? AND name = ? AND subject = ? AND begins = ?"
)
_KEEP_TALLY: Final = (
    "INSERT INTO tallies (environment, name, subject, begins, ends, workspace, used, told) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (environment, name, subject, begins) DO UPDATE SET used = excluded.used, told = excluded.told"
)


def tallies_of(commit: Commit, operations: Sequence[Accept]) -> dict[Key, Tally]:
    """What budgets have counted so far."""
    found = {}
    for key, limit in limits_of(operations).items():
        rows = commit.rows(_SELECT_TALLY, key)
        found[key] = Tally(limit, *(rows[0] if rows else (0, 0)))
    return found


def keep_tallies(commit: Commit, tallies: Iterable[Tally]) -> list[Notice]:
    """Write what was counted, and tell of what was reached."""
    notices: list[Notice] = []
    rows = []
    for tally in tallies:
        limit, told = tally.limit, tally.told
        events = [alarm_event(alarm, commit.now_ms()) for alarm in tally.alarms()]
        notices += commit.emit(events, limit.workspace, limit.key[0], None)
        if tally.used != tally.found or tally.told != told:
            rows.append((*limit.key, limit.ends, limit.workspace, tally.used, tally.told))
    commit.insert(_KEEP_TALLY, rows)
    return notices
