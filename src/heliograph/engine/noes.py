"""Opt-outs that carriers know of and we did not: what they refuse or report for that reason holds here as well.

Each is noted until the ledger has it, however long that takes; told twice, it is recorded once.
"""

from collections.abc import Callable, Sequence
from typing import Final

from heliograph.core import consent
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.engine.background import Work
from heliograph.engine.declared import Snapshot
from heliograph.engine.people.record import Said, record
from heliograph.ports import Clock
from heliograph.store.port import Ledger

_COLUMNS: Final = ", ".join(MESSAGE_COLUMNS)
_Entry = tuple[int, int, str, str, str]  # workspace, environment, number, connector, sender


class Noes:
    """The opt-outs that one process heard from carriers."""

    def __init__(
        self, ledger: Ledger, clock: Clock, soon: Callable[[Work], None], snapshot: Callable[[], Snapshot]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._soon = soon
        self._snapshot = snapshot
        self._is_writing = False
        self._noted: dict[_Entry, None] = {}
        self._everywhere: dict[tuple[str, str], None] = {}

    def heard(self, messages: Sequence[Message]) -> None:
        """These were not taken, or not delivered, because the recipient has opted out at the carrier."""
        for message in messages:
            entry = (message.workspace, message.environment, message.to, message.connector, message.sender or "")
            self._noted.setdefault(entry)
        if messages:
            self._soon(self.keep)

    def told(self, connector: str, numbers: Sequence[str]) -> None:
        """A provider tells of people who said no to it: whoever has texted them through it hears so."""
        for number in numbers:
            self._everywhere.setdefault((connector, number))
        if numbers:
            self._soon(self.keep)

    async def keep(self) -> None:
        """Write down what is noted, one at a time; what the ledger can't take now stays noted."""
        if self._is_writing:
            return
        self._is_writing = True
        try:
            await self._keep()
        finally:
            self._is_writing = False

    async def _keep(self) -> None:
        for connector, number in list(self._everywhere):
            for workspace in self._snapshot().workspaces.values():
                rows = await self._ledger.fetch(
                    f"SELECT {_COLUMNS} FROM messages "
                    "WHERE workspace = $1 AND to_number = $2 AND connector = $3 LIMIT 1",
                    *(workspace, number, connector),
                )
                for message in (Message(*row) for row in rows):
                    self._noted.setdefault((workspace, message.environment, number, connector, message.sender or ""))
            self._everywhere.pop((connector, number), None)
        for entry in list(self._noted):
            workspace, environment, number, connector, sender = entry
            known = await self._ledger.fetch(
                "SELECT 1 FROM stances WHERE workspace = $1 AND number = $2 AND scope = '*' AND out_at IS NOT NULL",
                *(workspace, number),
            )
            if known:  # the same no, heard of another message
                self._noted.pop(entry, None)
                continue
            now = self._clock.now_ms()
            said = Said(
                address=number,
                action=consent.OPT_OUT,
                source="carrier",
                at=now,
                detail={"connector": connector, "sender": sender},
            )
            await record(self._ledger, workspace, environment, [said], actor="carrier", now=now)
            self._noted.pop(entry, None)

    @property
    def waits(self) -> bool:
        return bool(self._noted or self._everywhere)
