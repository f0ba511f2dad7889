"""A web push connector: looks up the subscription, encrypts for it, posts to its service."""

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from heliograph.carriers.port import Capabilities, Events, Subscription, World
from heliograph.carriers.webpush.encryption import LARGEST, encrypted
from heliograph.carriers.webpush.settings import Settings
from heliograph.carriers.webpush.vapid import authorization, octets_of, private_key
from heliograph.core import ids
from heliograph.core.channels.webpush import content_of
from heliograph.core.failures import CONTENT, PERMANENT, THROTTLED, TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.message import OTP, PROMOTIONAL, Message, Outcome, Receipt, Submission
from heliograph.ports import Answer

_URGENCY: Final = {OTP: "high", PROMOTIONAL: "low"}
_LONGEST_S: Final = 28 * 86_400
_NO_KEYS: Final = Outcome("refused", failure=PERMANENT, code="bad_subscription")
_GONE: Final = Outcome("refused", failure=PERMANENT, code="subscription_gone")
_TOO_LARGE: Final = Outcome("refused", failure=CONTENT, code="too_large")
_UNKNOWN: Final = Outcome("unknown", failure=UNKNOWN, code="link_lost")
_NEVER_LEFT: Final = frozenset(
    {"dns_failed", "blocked_address", "port_not_allowed", "connect_failed", "tls_failed", "busy", "bad_url"}
)
_encode: Final = msgspec.json.Encoder().encode


class WebpushCarrier:
    """One web push connector."""

    def __init__(self, name: str, settings: Settings, world: World, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.window: int | None = None
        self._settings = settings
        self._key = private_key(settings.private_key)
        self._world = world
        self._clock = world.clock
        self._in_flight: dict[tuple[int, int], Submission] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._events: Events

    async def start(self, events: Events) -> None:
        self._events = events
        events.link(True)

    def submit(self, submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            self._in_flight[submission.message.id, submission.attempt] = submission
            task = asyncio.ensure_future(self._send(submission))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> Sequence[Receipt] | None:
        return None

    async def stop(self, grace_s: float) -> None:
        end = self._clock.monotonic() + grace_s
        while self._in_flight and self._clock.monotonic() < end:
            await asyncio.sleep(0.02)
        for task in list(self._tasks):
            task.cancel()
        for submission in list(self._in_flight.values()):
            self._answered(submission, _UNKNOWN)

    async def _send(self, submission: Submission) -> None:
        message = submission.message
        try:
            found = await self._world.subscription(message)
        except Exception:  # the ledger can't be asked: nothing has left, and it is tried again
            self._answered(submission, Outcome("unsent", failure=TRANSIENT, code="link_down"))
            return
        if found is None:
            self._answered(submission, _GONE)
            return
        try:
            headers, body = self._written(message, found)
        except ValueError:  # keys that are none
            self._answered(submission, _NO_KEYS)
            return
        if body is None:
            self._answered(submission, _TOO_LARGE)
            return
        done = partial(self._heard, submission)
        self._world.call_out("POST", found.endpoint, headers, body, self._settings.timeout_ms / 1_000, done)

    def _written(self, message: Message, found: Subscription) -> tuple[dict[str, str], bytes | None]:
        """Raises ValueError."""
        now, content = self._clock.now_ms(), content_of(message.content)
        shown: dict[str, Any] = {"title": content.title, "body": message.text or "", "url": content.url}
        shown |= {"icon": content.icon, "tag": content.tag, "id": ids.make("msg", message.accepted_at, message.id)}
        plain = _encode({name: value for name, value in shown.items() if value is not None})
        if len(plain) > LARGEST:
            return {}, None
        once = generate_private_key(SECP256R1())
        body = encrypted(plain, octets_of(found.p256dh), octets_of(found.auth), once, os.urandom(16))
        headers = {
            "Authorization": authorization(self._key, found.endpoint, self._settings.subject, now // 1_000),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(min(max(0, (message.valid_until - now) // 1_000), _LONGEST_S)),
            "Urgency": _URGENCY.get(message.kind, "normal"),
        }
        return headers | ({"Topic": content.tag} if content.tag is not None else {}), body

    def _heard(self, submission: Submission, answer: Answer) -> None:
        self._answered(submission, _outcome(submission, answer))
        if answer.status in (404, 410):
            self._world.subscription_gone(submission.message)

    def _answered(self, submission: Submission, outcome: Outcome) -> None:
        if self._in_flight.pop((submission.message.id, submission.attempt), None) is not None:
            self._events.answered(submission, outcome)


def _outcome(submission: Submission, answer: Answer) -> Outcome:
    """What a push service's answer says."""
    message, attempt = submission.message, submission.attempt
    status = answer.status
    if answer.reason != "ok":
        if answer.reason in _NEVER_LEFT:
            failure = PERMANENT if answer.reason in ("blocked_address", "port_not_allowed", "bad_url") else TRANSIENT
            return Outcome("refused", failure=failure, code="carrier_unreachable", carrier_code=answer.reason)
        return _UNKNOWN
    if 200 <= status < 300:
        return Outcome("accepted", (ids.reference(message.accepted_at, message.id, attempt),))
    if status in (404, 410):
        return msgspec.structs.replace(_GONE, carrier_code=str(status))
    if status == 413:
        return msgspec.structs.replace(_TOO_LARGE, carrier_code="413")
    if status == 429 or (status == 503 and answer.retry_after is not None):
        after = None if answer.retry_after is None else round(answer.retry_after * 1_000)
        return Outcome("refused", failure=THROTTLED, code="too_fast", carrier_code=str(status), retry_after_ms=after)
    if status == 401:
        return Outcome("refused", failure=UNAUTHORISED, code="credentials_rejected", carrier_code="401")
    if 400 <= status < 500:  # 403: the subscription was made for another key
        return Outcome("refused", failure=PERMANENT, code="refused_by_carrier", carrier_code=str(status))
    return Outcome("unknown", failure=UNKNOWN, code="unclear_answer", carrier_code=str(status))
