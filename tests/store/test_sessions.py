"""WhatsApp: our own words go only to who has written within the last day; both engines know it in the same commit."""

from typing import Any

import pytest

from heliograph.core.channels.whatsapp import SESSION_MS
from heliograph.store.port import Arrivals
from tests.store.making import NOW, accept, arrival, do, message

pytestmark = pytest.mark.asyncio
TEMPLATE = '{"template": {"name": "hello", "language": "en"}}'


@pytest.mark.parametrize(
    ("changes", "wrote", "goes"),
    [
        ({}, None, False),
        ({}, {"at": NOW - 1}, True),
        ({}, {"at": NOW - SESSION_MS}, False),
        ({}, {"at": NOW - 1, "to": "+15550001111"}, False),
        ({}, {"at": NOW - 1, "sender": "+447700900999"}, False),
        ({"content": TEMPLATE}, None, True),
        ({"channel": None}, None, True),
    ],
    ids=["never wrote", "just wrote", "a day ago", "wrote by SMS", "somebody else", "a template", "sms"],
)
async def test_a_session_is_open_for_a_day(
    ledger: Any, changes: dict[str, Any], wrote: dict[str, Any] | None, goes: bool
) -> None:
    wanted = message(ledger, **{"channel": "whatsapp", "to": "+447700900123", **changes})
    if wrote is not None:
        fields = {"sender": "+447700900123", "to": "whatsapp:+15550001111"} | wrote
        await do(ledger, Arrivals, arrivals=[arrival(ledger, **fields)])
    operation = await accept(ledger, wanted)
    assert operation.refused == ({} if goes else {wanted.id: "session_closed"})
