"""Posts webhooks as the gateway would, for commands that stand in for it: signed, without following redirects."""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple

from heliograph.core.signing import Signer

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Answer(NamedTuple):
    """What a receiver said; without a status, why there was no answer."""

    status: int | None
    reason: str
    spent_ms: int

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def __str__(self) -> str:
        return f"no answer: {self.reason}" if self.status is None else f"{self.status} after {self.spent_ms} ms"


def opener(url: str) -> urllib.request.OpenerDirector:
    """For requests to this URL and to nowhere else."""
    # This machine itself is never behind the proxy that the environment names.
    host = urllib.parse.urlsplit(url).hostname
    proxies = [urllib.request.ProxyHandler({})] if host in _LOOPBACK else []
    return urllib.request.build_opener(_StayHere(), *proxies)


def signature(signer: Signer, event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers that make a webhook believable."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signer.sign(event_id, timestamp, body).decode(),
    }


def post(url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """One webhook."""
    head = {"Content-Type": "application/json", "User-Agent": "heliograph-cli", **headers}
    request = urllib.request.Request(url, body, head, method="POST")
    started = time.monotonic()
    try:
        with opener(url).open(request, timeout=timeout_s) as answer:
            status: int | None = answer.status
            reason = ""
    except urllib.error.HTTPError as error:
        error.close()
        status, reason = error.code, ""
    except (OSError, http.client.HTTPException) as error:
        status, reason = None, str(getattr(error, "reason", error)) or type(error).__name__
    return Answer(status, reason, round((time.monotonic() - started) * 1_000))


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
