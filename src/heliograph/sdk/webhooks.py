"""Webhooks of the gateway: are they genuine, and what do they say?

    event = webhooks.verify(request.headers, request.body, "whsec_…")
    if event.type == "message.delivered": ...

The signature follows the Standard Webhooks convention: HMAC-SHA256 over id, time and the exact bytes of the body. While
a secret is rotated a webhook bears two signatures; give both secrets, or either. A webhook may come more than once:
`webhook-id` (`event.id`) tells.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from heliograph.sdk.errors import WebhookRefused
from heliograph.sdk.models.messages import Event

T = TypeVar("T")

TOLERANCE_S: Final = 300
_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_MAX_SIGNATURES: Final = 16


class _Told(msgspec.Struct):
    """What an endpoint is sent that takes several events at once."""

    events: list[Event] | None = None


def verify(
    headers: Mapping[str, str],
    body: bytes | str,
    secret: str | Sequence[str],
    *,
    tolerance_s: int = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """The event, if the webhook is genuine and not older than `tolerance_s`. Raises `WebhookRefused`.

    `body` must be what arrived, byte for byte: not JSON that was read and written again.
    """
    content = body.encode() if isinstance(body, str) else body
    check(headers, content, secret, tolerance_s=tolerance_s, now=now)
    return _read(content, Event)


def verify_several(
    headers: Mapping[str, str],
    body: bytes | str,
    secret: str | Sequence[str],
    *,
    tolerance_s: int = TOLERANCE_S,
    now: float | None = None,
) -> list[Event]:
    """The same for endpoints that are declared with `batch`: one event comes as it is, several come together."""
    content = body.encode() if isinstance(body, str) else body
    check(headers, content, secret, tolerance_s=tolerance_s, now=now)
    found = _read(content, _Told)
    return [_read(content, Event)] if found.events is None else found.events


def _read(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WebhookRefused("no_event", f"it is genuine, but no event: {error}") from None


def check(
    headers: Mapping[str, str],
    body: bytes,
    secret: str | Sequence[str],
    *,
    tolerance_s: int = TOLERANCE_S,
    now: float | None = None,
) -> None:
    """Is it genuine and fresh, whatever its body is? Raises `WebhookRefused`."""
    low = {name.lower(): value for name, value in headers.items()}
    webhook_id, stamp = low.get("webhook-id", ""), low.get("webhook-timestamp", "")
    signatures = low.get("webhook-signature", "")
    if not (webhook_id and stamp and signatures):
        raise WebhookRefused("missing_header", "webhook-id, webhook-timestamp and webhook-signature are needed")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise WebhookRefused("bad_timestamp", "webhook-timestamp is not a time in seconds")
    signed = b"%b.%b.%b" % (webhook_id.encode(), stamp.encode(), body)
    keys = [key_of(one) for one in ([secret] if isinstance(secret, str) else secret)]
    right = [base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    given = [one.removeprefix(_VERSION).encode() for one in signatures.split() if one.startswith(_VERSION)]
    # All are compared, so that the time it takes tells nothing.
    matches = [hmac.compare_digest(mine, theirs) for mine in right for theirs in given[:_MAX_SIGNATURES]]
    if not any(matches):
        raise WebhookRefused("no_match", "no signature fits: another secret, or the body was changed on its way")
    age = (time.time() if now is None else now) - int(stamp)
    if abs(age) > tolerance_s:
        reason = "too_old" if age > 0 else "too_new"
        raise WebhookRefused(reason, f"it was signed {abs(age):.0f} s {'ago' if age > 0 else 'ahead of our clock'}")


def sign(webhook_id: str, timestamp: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers of a genuine webhook: for tests of a receiver."""
    signed = b"%b.%d.%b" % (webhook_id.encode(), timestamp, body)
    signature = base64.b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"{_VERSION}{signature}",
    }


def key_of(secret: str) -> bytes:
    """The key inside a `whsec_…` secret. Raises ValueError, which never quotes it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not key:
        raise ValueError("a webhook secret is whsec_ and base64; it was shown when the endpoint was made")
    return key
