"""E-mails that the gateway itself has to send to people who run it: a question that waits too long, an alarm.

What is to be written is noted in the transaction that settles that it is, and goes through intake after that as any
e-mail does, under a key of its own: a crash in between neither loses nor doubles it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from heliograph.core.channels import EMAIL
from heliograph.core.failures import Refused
from heliograph.core.message import TRANSACTIONAL
from heliograph.core.request import MessageRequest
from heliograph.engine.declared import OPERATOR, Snapshot
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.engine.sending import send
from heliograph.ports import Clock, Unavailable
from heliograph.store.port import Ledger, Transaction

OURSELVES: Final = 0  # no client asked for them
_LIVE: Final = "live"
_PAUSE_S: Final = 2.0
_KEPT_MS: Final = 7 * 86_400_000
_BATCH: Final = 100


async def write(
    transaction: Transaction, workspace: int, environment: int, to: str, subject: str, text: str, now: int
) -> None:
    """Note what is to be sent; it holds no more of other persons than it must."""
    await transaction.execute(
        "INSERT INTO mails (workspace, environment, to_address, subject, text, at) VALUES ($1, $2, $3, $4, $5, $6)",
        *(workspace, environment, to, subject, text, now),
    )


class MailDesk:
    """Sends what was noted. One for a process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        intake: Intake,
        snapshot: Callable[[], Snapshot],
        note: Callable[..., None],  # what an operator wants to read
        defect: Callable[[BaseException], None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._intake = intake
        self._snapshot = snapshot
        self._note = note
        self._defect = defect

    async def send(self, to: str, subject: str, text: str) -> None:
        """A transactional e-mail of the operator; kept when this returns."""
        realm = next(
            realm
            for realm in self._snapshot().realms.values()
            if realm.workspace_name == OPERATOR and realm.name == _LIVE
        )
        async with self._ledger.transaction() as transaction:
            await write(transaction, realm.workspace, realm.id, to, subject, text, self._clock.now_ms())

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_S)
            try:
                await self.sweep()
            except Unavailable:
                continue  # the ledger comes back, and what was noted is still there
            except Exception as error:  # a desk that ends would be missed by nobody
                self._defect(error)

    async def sweep(self) -> None:
        """Have what is noted accepted, each once."""
        rows = await self._ledger.fetch(
            "SELECT id, workspace, environment, to_address, subject, text FROM mails WHERE done_at IS NULL "
            f"ORDER BY id LIMIT {_BATCH}"
        )
        for number, *mail in rows:
            why = await self._accept(number, *mail)
            if why:
                self._note("mail_not_sent", mail=number, why=why)
            async with self._ledger.transaction() as transaction:
                await transaction.execute(
                    "UPDATE mails SET done_at = $2, why = $3 WHERE id = $1", number, self._clock.now_ms(), why or None
                )
        if rows:
            async with self._ledger.transaction() as transaction:
                await transaction.execute("DELETE FROM mails WHERE done_at < $1", self._clock.now_ms() - _KEPT_MS)

    async def _accept(self, number: int, workspace: int, environment: int, to: str, subject: str, text: str) -> str:
        """Why it isn't sent; "" when it is."""
        now = self._clock.now_ms()
        content: dict[str, Any] = {"subject": subject}
        request = MessageRequest(to=to, text=text, channel=EMAIL, content=content, kind=TRANSACTIONAL)
        try:
            await send(self._intake, Caller(OURSELVES, workspace, environment), request, now, once=f"mail:{number}")
        except Refused as refused:
            return refused.refusals[0].code
        return ""
