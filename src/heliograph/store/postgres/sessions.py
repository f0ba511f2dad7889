"""Sessions on PostgreSQL: who has written of late may be answered in our own words."""

from collections.abc import Sequence
from typing import Final

from heliograph.core.channels import WHATSAPP
from heliograph.core.channels.whatsapp import SESSION_CLOSED, SESSION_MS, needs_session
from heliograph.store.port import Accept
from heliograph.store.postgres.commit import Commit

_SELECT: Final = (
    "SELECT 1 FROM inbound WHERE workspace = $1 AND environment = $2 AND from_number = $3 "
    "AND to_number LIKE 'whatsapp:%' AND at > $4 LIMIT 1"
)


async def leave_out_unopened(commit: Commit, operations: Sequence[Accept]) -> None:
    """Messages that need a session with their recipients, who have not written of late."""
    for operation in operations:
        for m in operation.messages:
            if m.channel == WHATSAPP and needs_session(m.channel, m.content):
                since = m.accepted_at - SESSION_MS
                if not await commit.rows(_SELECT, m.workspace, m.environment, m.to, since):
                    operation.refused.setdefault(m.id, SESSION_CLOSED)
