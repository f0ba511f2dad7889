"""What a receiver of our webhooks must get right, as cases: what it is sent, and what it has to answer in time.

The receiver sees what a gateway on a bad day sends: repeats, two copies at once, the wrong order, a burst, forgeries.
"""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from heliograph.cli.output import Mistake
from heliograph.cli.posting import Answer, post, signature
from heliograph.core.shown import EventData, EventView
from heliograph.core.signing import Signer, key_of, secret_from
from heliograph.core.views import moment

_STALE_S: Final = 3_600
_BURST: Final = 50
_PATIENCE_S: Final = 7.0  # beyond the time-out, to tell a late answer from none
_DELIVERED: Final = "message.delivered"


class Result(msgspec.Struct, frozen=True):
    """How one case went."""

    name: str
    expected: str
    got: str
    passed: bool


class Case(msgspec.Struct, frozen=True):
    """Some posts about one message, and whether the receiver must take them."""

    name: str
    taken: bool
    events: tuple[str, ...] = (_DELIVERED,)
    is_one: bool = False  # all posts are one and the same event
    at_once: bool = False
    age_s: int = 0  # of the signature
    forged: bool = False  # signed with another secret
    altered: bool = False  # after it was signed
    signed: bool = True


CASES: Final = (
    Case("a genuine event is taken", True),
    Case("the same event again is taken too", True, events=(_DELIVERED,) * 2, is_one=True),
    Case("the same event twice at the same moment is taken", True, events=(_DELIVERED,) * 2, is_one=True, at_once=True),
    Case("events in the wrong order are taken", True, events=(_DELIVERED, "message.sent", "message.accepted")),
    Case("an event of an unknown type is taken", True, events=("future.event",)),
    Case(f"{_BURST} events at once are taken", True, events=(_DELIVERED,) * _BURST, at_once=True),
    Case("a signature made with another secret is refused", False, forged=True),
    Case("a body that was altered on its way is refused", False, altered=True),
    Case("an event that was signed an hour ago is refused", False, age_s=_STALE_S),
    Case("an event that was signed for the future is refused", False, age_s=-_STALE_S),
    Case("an event without signature is refused", False, signed=False),
)


def run(url: str, secret: str, timeout_s: float) -> list[Result]:
    """Try all cases, one after the other."""
    if not url.startswith(("http://", "https://")):
        raise Mistake(f"{url} is not a URL that webhooks can go to")
    try:
        key_of(secret)
    except ValueError as error:
        raise Mistake(str(error)) from None
    return [_try(case, url, secret, timeout_s) for case in CASES]


def _try(case: Case, url: str, secret: str, timeout_s: float) -> Result:
    message = f"msg_test_{secrets.token_hex(8)}"
    one = f"evt_test_{secrets.token_hex(8)}"
    posts = [
        _post(case, event, message, one if case.is_one else f"evt_test_{secrets.token_hex(8)}", secret)
        for event in case.events
    ]
    with ThreadPoolExecutor(len(posts) if case.at_once else 1) as threads:
        answers = list(threads.map(lambda made: post(url, made[0], made[1], timeout_s + _PATIENCE_S), posts))
    wrong = [told for answer in answers if (told := _wrong(answer, case.taken, timeout_s))]
    got = wrong[0] if wrong else str(max(answers, key=lambda answer: answer.spent_ms))
    if wrong and len(answers) > 1:
        got = f"{len(wrong)} of {len(answers)}: {got}"
    return Result(case.name, "2xx" if case.taken else "4xx", got, not wrong)


def _wrong(answer: Answer, taken: bool, timeout_s: float) -> str | None:
    """What is wrong with an answer; None when it is as it has to be."""
    if answer.status is None:
        return str(answer)
    if answer.spent_ms > timeout_s * 1_000:
        return f"{answer}: too late, the event would be sent again"
    return None if answer.is_good is taken and (taken or 400 <= answer.status < 500) else str(answer)


def _post(case: Case, event: str, message: str, event_id: str, secret: str) -> tuple[dict[str, str], bytes]:
    now = int(time.time())
    body = msgspec.json.encode(EventView(event_id, event, moment(now * 1_000), _data(event, message, now)))
    headers = {}
    if case.signed:
        signer = Signer([secret_from(secrets.token_bytes(32)) if case.forged else secret])
        headers = signature(signer, event_id, now - case.age_s, body)
    return headers, body + b" " if case.altered else body


def _data(event: str, message: str, now: int) -> EventData:
    return EventData(
        id=message,
        status=event.partition(".")[2],
        channel="sms",
        to="+447700900123",
        country="GB",
        kind="transactional",
        sender=None,
        encoding="gsm7",
        segments=1,
        created_at=moment((now - 2) * 1_000),
        connector="sandbox",
        price=None,
        currency=None,
        error=None,
        possible_duplicate=False,
        correlation_id=None,
        tags=None,
        metadata=None,
        template=None,
    )
