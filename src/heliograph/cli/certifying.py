"""What a receiver of our webhooks must get right, as cases: each is one POST and what its answer has to be."""

import secrets
import time
import urllib.error
import urllib.request
from typing import Final

import msgspec

from heliograph.cli.output import Mistake
from heliograph.core.signing import Signer, key_of, secret_from
from heliograph.core.views import moment

_STALE_S: Final = 3_600


class Result(msgspec.Struct, frozen=True):
    """How one case went."""

    name: str
    expected: str
    got: str
    passed: bool


class _Case(msgspec.Struct, frozen=True):
    """One POST and whether the receiver must take it."""

    name: str
    taken: bool
    event: str = "message.delivered"
    repeats: bool = False  # the event of the case before, once more
    age_s: int = 0  # of the signature
    forged: bool = False  # signed with another secret
    altered: bool = False  # after it was signed
    signed: bool = True


CASES: Final = (
    _Case("a genuine event is taken", True),
    _Case("the same event again is taken too", True, repeats=True),
    _Case("an event of an unknown type is taken", True, event="future.event"),
    _Case("a signature made with another secret is refused", False, forged=True),
    _Case("a body that was altered on its way is refused", False, altered=True),
    _Case("an event that was signed an hour ago is refused", False, age_s=_STALE_S),
    _Case("an event that was signed for the future is refused", False, age_s=-_STALE_S),
    _Case("an event without signature is refused", False, signed=False),
)


def run(url: str, secret: str, timeout_s: float) -> list[Result]:
    """Try all cases, one after the other."""
    if not url.startswith(("http://", "https://")):
        raise Mistake(f"{url} is not a URL that webhooks can go to")
    try:
        key_of(secret)
    except ValueError as error:
        raise Mistake(str(error)) from None
    results: list[Result] = []
    event_id = ""
    for case in CASES:
        event_id = event_id if case.repeats else f"evt_test_{secrets.token_hex(8)}"
        results.append(_try(case, url, secret, event_id, timeout_s))
    return results


def _try(case: _Case, url: str, secret: str, event_id: str, timeout_s: float) -> Result:
    request = _request(case, url, secret, event_id)
    started = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        status = error.code
    except OSError as error:
        return Result(case.name, _expected(case), f"no answer: {getattr(error, 'reason', error)}", False)
    spent_ms = round((time.monotonic() - started) * 1_000)
    passed = (200 <= status < 300) if case.taken else (400 <= status < 500)
    return Result(case.name, _expected(case), f"{status} after {spent_ms} ms", passed)


def _expected(case: _Case) -> str:
    return "2xx" if case.taken else "4xx"


def _request(case: _Case, url: str, secret: str, event_id: str) -> urllib.request.Request:
    now = int(time.time())
    timestamp = now - case.age_s
    event = {"id": event_id, "type": case.event, "created_at": moment(now * 1_000), "data": {"test": True}}
    body = msgspec.json.encode(event)
    headers = {"Content-Type": "application/json", "User-Agent": "heliograph-certify"}
    if case.signed:
        signer = Signer([secret_from(secrets.token_bytes(32)) if case.forged else secret])
        headers["webhook-id"] = event_id
        headers["webhook-timestamp"] = str(timestamp)
        headers["webhook-signature"] = signer.sign(event_id, timestamp, body).decode()
    return urllib.request.Request(url, body + b" " if case.altered else body, headers, method="POST")
