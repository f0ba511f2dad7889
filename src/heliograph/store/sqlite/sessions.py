"""Sessions on SQLite: who has written of late may be answered in our own words."""

from collections.abc import Sequence
from typing import Final

from heliograph.core.channels import WHATSAPP
from heliograph.core.channels.whatsapp import SESSION_CLOSED, SESSION_MS, needs_session
from heliograph.core.message import Message
from heliograph.store.sqlite.commit import Commit

_SELECT_SESSION: Final = (
    "SELECT 1 FROM inbound WHERE workspace = ? AND environment = ? AND from_number = ? "
    "AND to_number LIKE 'whatsapp:%' AND at > ? LIMIT 1"
)


def unopened(commit: Commit, messages: Sequence[Message]) -> dict[int, str]:
    """The messages that need a session with their recipients, who have not written of late."""
    return {
        m.id: SESSION_CLOSED
        for m in messages
        if m.channel == WHATSAPP
        and needs_session(m.channel, m.content)
        and not commit.rows(_SELECT_SESSION, (m.workspace, m.environment, m.to, m.accepted_at - SESSION_MS))
    }
