"""Endpoints in the shape of Twilio may answer a message from a phone at once, in TwiML: their texts go back to it."""

from typing import Any, Final

import msgspec

from heliograph.core import ids
from heliograph.core.dropin import twiml
from heliograph.core.failures import Refusal
from heliograph.core.message import SUPPORT
from heliograph.core.request import MessageRequest
from heliograph.engine.conversations.replies import OURSELVES
from heliograph.engine.draft import Caller
from heliograph.engine.intake import Intake
from heliograph.ports import Clock, Watch
from heliograph.store.port import Accept, Idempotency, Notice

_KEY_MS: Final = 7 * 86_400_000


class TwimlReplies:
    """Sends what endpoints answer. One for a process."""

    def __init__(self, intake: Intake, clock: Clock, watch: Watch) -> None:
        self._intake = intake
        self._clock = clock
        self._watch = watch

    def take(self, notice: Notice, body: bytes) -> None:
        """The answer of an endpoint to an event. The same one told twice is answered once."""
        event = notice.event
        if event.type != "inbound.received" or not event.data:
            return
        facts: dict[str, Any] = msgspec.json.decode(event.data)
        now = self._clock.now_ms()
        for place, text in enumerate(twiml.texts(body)):
            request = MessageRequest(to=facts["from"], text=text, sender=facts["to"], kind=SUPPORT)
            draft = self._intake.draft(Caller(OURSELVES, event.workspace, event.environment), request, now)
            if isinstance(draft, Refusal):
                self._watch.refused(draft.code)
                continue
            key = Idempotency(OURSELVES, f"twiml:{event.seq}:{place}", b"", now + _KEY_MS)
            self._intake.accept([draft], self._kept, idempotency=key, reply=_reply, all_or_none=True)

    def _kept(self, operation: Accept) -> None:
        if operation.error is not None:
            self._watch.defect(operation.error)


def _reply(operation: Accept) -> bytes:
    message = operation.messages[0]
    return ids.make("msg", message.accepted_at, message.id).encode()
