"""What happens to verifications by itself: the next way when nothing is heard, their ends by time, forgetting.

Several processes may do it at once: whoever changes the row first has it.
"""

from contextlib import suppress
from typing import Final

import msgspec

from heliograph.core.failures import Refused
from heliograph.core.lifecycle import ENDS
from heliograph.core.verify.policy import LIFETIME_MAX_S
from heliograph.engine.background import Background
from heliograph.engine.draft import Caller
from heliograph.ports import Clock, Watch
from heliograph.products.verify import counts
from heliograph.products.verify.desk import VerifyDesk
from heliograph.products.verify.row import SELECT, Verification, view
from heliograph.store.port import Ledger, NewEvent

_AT_ONCE: Final = 200
_LOOK_S: Final = 0.5
_FORGET_S: Final = 60.0
_MESSAGE_LATE_MS: Final = 5_000  # a message that is not there so long after its verification never will be
_LOOK_BACK_MS: Final = 2 * LIFETIME_MAX_S * 1_000
_BAD: Final = ", ".join(f"'{state}'" for state in sorted(ENDS - {"delivered", "read", "canceled"}))
_COLUMNS: Final = ", ".join(f"v.{name}" for name in SELECT.split(", "))
_DUE: Final = (
    f"SELECT {_COLUMNS}, m.state FROM verifications v LEFT JOIN messages m ON m.id = v.message "
    "WHERE v.is_told = 0 AND v.expires_at > $1 AND v.state = 'pending' AND v.next_at IS NOT NULL "
    "AND v.checks < v.max_checks AND v.sends < v.max_sends "
    f"AND (m.state IN ({_BAD}) OR (v.next_at <= $1 AND (m.state IS NULL OR m.state NOT IN ('delivered', 'read'))) "
    f"OR (m.state IS NULL AND v.sent_at <= $1 - {_MESSAGE_LATE_MS})) ORDER BY v.expires_at LIMIT {_AT_ONCE}"
)


class Errands:
    """Those of one process."""

    def __init__(self, ledger: Ledger, desk: VerifyDesk, clock: Clock, watch: Watch) -> None:
        self._ledger = ledger
        self._desk = desk
        self._clock = clock
        self._background = Background(watch)

    def start(self) -> None:
        self._background.every(_LOOK_S, lambda: go_on(self._ledger, self._desk, self._clock.now_ms()))
        self._background.every(_LOOK_S, lambda: end(self._ledger, self._desk, self._clock.now_ms()))
        self._background.every(_FORGET_S, lambda: forget(self._ledger, self._clock.now_ms()))

    async def stop(self) -> None:
        await self._background.stop()


async def go_on(ledger: Ledger, desk: VerifyDesk, now: int) -> None:
    """Take the next step of the plans whose last one came to nothing."""
    for *columns, state in await ledger.fetch(_DUE, now):
        row = Verification(*columns)
        why = f"the message is {state}" if state in ENDS else f"no receipt in {row.steps[row.step - 1][1]} s"
        with suppress(Refused):  # then nothing can be sent there: it waits for the person, or for its end
            await desk.send_again(Caller(row.client, row.workspace, row.environment), row, why, now)
            continue
        await _stay(ledger, row)


async def _stay(ledger: Ledger, row: Verification) -> None:
    """The plan goes no further."""
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE verifications SET next_at = NULL WHERE id = $1", row.id)


async def end(ledger: Ledger, desk: VerifyDesk, now: int) -> None:
    """Tell of those that have ended by time or by wrong codes."""
    rows = await ledger.fetch(
        f"SELECT {SELECT} FROM verifications WHERE is_told = 0 "
        f"AND (expires_at <= $1 OR state <> 'pending' OR checks >= max_checks) ORDER BY expires_at LIMIT {_AT_ONCE}",
        now,
    )
    for row in (Verification(*values) for values in rows):
        status = row.status(now)
        async with ledger.transaction() as transaction:
            changed = await transaction.fetch(
                "UPDATE verifications SET state = $2, ended_at = $3, is_told = 1 WHERE id = $1 AND is_told = 0 "
                "RETURNING id",
                *(row.id, status, row.ended_at or min(now, row.expires_at)),
            )
            if not changed:
                continue
            row.state, row.ended_at = status, row.ended_at or min(now, row.expires_at)
            shown = msgspec.json.encode(view(row, desk.realm(row.environment).policies.verify, now)).decode()
            await transaction.record(row.workspace, row.environment, [NewEvent(f"verification.{status}", now, shown)])


async def forget(ledger: Ledger, now: int) -> None:
    """The texts of messages whose verification has ended, as soon as nobody may need them; counts that are too old."""
    rows = await ledger.fetch(
        f"SELECT {SELECT} FROM verifications WHERE started_at > $1 AND ended_at IS NOT NULL", now - _LOOK_BACK_MS
    )
    ended = [Verification(*values) for values in rows]
    for start in range(0, len(ended), _AT_ONCE):
        async with ledger.transaction() as transaction:
            for row in ended[start : start + _AT_ONCE]:
                await transaction.execute(
                    "UPDATE messages SET text = NULL, content = NULL WHERE workspace = $1 AND correlation_id = $2 "
                    "AND final_at IS NOT NULL AND text IS NOT NULL",
                    *(row.workspace, row.public_id),
                )
    await counts.forget(ledger, now)
