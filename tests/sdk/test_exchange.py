"""When a request is tried again, when not, and how long is waited in between: without a socket, without a clock."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.sdk import errors
from heliograph.sdk.exchange import Answer, Ask, NoAnswer, Patience, Pause, Request, World, at, exchange
from heliograph.sdk.models.messages import Canceled

NOW = 1_795_000_000.0
DATE = "Wed, 18 Nov 2026 11:06:45 GMT"  # five seconds later
WORLD = World(chance=lambda: 1.0, now=lambda: NOW)
PATIENCE = Patience(retries=2, first_pause_s=1.0, longest_pause_s=20.0)
GOOD = Answer(200, {}, b'{"canceled":1,"too_late":0,"of_later":{}}')
LOST = NoAnswer("ReadTimeout", was_sent=True)
NEVER_SENT = NoAnswer("ConnectError", was_sent=False)


def problem(status: int, code: str = "some_code", **headers: str) -> Answer:
    body = {"type": f"/docs/errors#{code}", "title": "T", "status": status, "detail": "D", "code": code}
    body |= {"request_id": "req_1", "errors": [{"pointer": "/to", "detail": "no number", "code": "bad_number"}]}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "application/problem+json", **named}, msgspec.json.encode(body))


class Went(NamedTuple):
    requests: list[Request]
    pauses: list[float]
    result: Any


def go(ask: Ask[Any], outcomes: Sequence[Answer | NoAnswer], world: World = WORLD) -> Went:
    """The exchange when these outcomes come, one after the other."""
    steps, coming = exchange(ask, {"authorization": "Bearer k"}, PATIENCE, world), iter(outcomes)
    requests: list[Request] = []
    pauses: list[float] = []
    step = next(steps)
    while True:
        try:
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                step = next(steps)
            else:
                requests.append(step)
                step = steps.send(next(coming))
        except StopIteration as done:
            return Went(requests, pauses, done.value)
        except errors.HeliographError as error:
            return Went(requests, pauses, error)


READ = Ask("GET", "/v1/x", Canceled)
SAFE = Ask("POST", "/v1/x", Canceled, body={}, key="k-1")
HURRIED = Ask("POST", "/v1/x", Canceled, body={}, can_wait=False)
UNSAFE = Ask("POST", "/v1/x", Canceled, body={})


@pytest.mark.parametrize(
    ("ask", "first", "is_repeated"),
    [
        *((ask, problem(429), True) for ask in (READ, SAFE, UNSAFE)),
        *((ask, problem(503), True) for ask in (READ, SAFE, UNSAFE)),
        *((ask, NEVER_SENT, True) for ask in (READ, SAFE, UNSAFE)),
        *((READ, problem(status), True) for status in (500, 502, 504)),
        *((SAFE, problem(status), True) for status in (500, 502, 504)),
        *((UNSAFE, problem(status), False) for status in (500, 502, 504)),
        (READ, LOST, True),
        (SAFE, LOST, True),
        (UNSAFE, LOST, False),
        *((ask, problem(status), False) for ask in (READ, SAFE, UNSAFE) for status in (400, 401, 403, 404, 409, 422)),
        (READ, problem(429, retry_after="19"), True),
        (READ, problem(429, retry_after="21"), False),  # longer than our patience
        (HURRIED, problem(429), False),
        (HURRIED, problem(503), True),
    ],
)
def test_a_request_is_repeated_when_that_can_do_no_harm(ask: Any, first: Any, is_repeated: bool) -> None:
    went = go(ask, [first, GOOD])
    assert len(went.requests) == 1 + is_repeated
    assert isinstance(went.result, Canceled) is is_repeated


def test_each_try_bears_the_same_key_and_body() -> None:
    went = go(SAFE, [LOST, problem(500), GOOD])
    assert len(went.requests) == 3 and len(set(map(str, went.requests))) == 1
    assert went.requests[0].headers["idempotency-key"] == "k-1"


def test_the_pause_doubles_and_chance_takes_up_to_half() -> None:
    assert go(READ, [LOST] * 3).pauses == [1.0, 2.0]
    assert go(READ, [LOST] * 3, World(lambda: 0.0, lambda: NOW)).pauses == [0.5, 1.0]


@pytest.mark.parametrize(("wanted", "pause"), [("7", 7.0), (DATE, 5.0), ("soon", 1.0), ("0", 1.0)])
def test_retry_after_is_honoured(wanted: str, pause: float) -> None:
    assert go(READ, [problem(429, retry_after=wanted), GOOD]).pauses == [pause]


def test_what_an_earlier_try_may_have_done_is_not_forgotten() -> None:
    assert go(SAFE, [LOST, NEVER_SENT, NEVER_SENT]).result.is_unknown
    assert not go(SAFE, [NEVER_SENT] * 3).result.is_unknown


def test_patience_ends() -> None:
    went = go(READ, [problem(503)] * 9)
    assert len(went.requests) == 1 + PATIENCE.retries
    assert isinstance(went.result, errors.ServerBroken)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (problem(400), errors.InvalidRequest),
        (problem(401), errors.NotAuthenticated),
        (problem(403), errors.NotAllowed),
        (problem(404), errors.NotFound),
        (problem(409), errors.Conflict),
        (problem(418), errors.InvalidRequest),
        (problem(422), errors.InvalidRequest),
        (problem(429, retry_after="60"), errors.RateLimited),
        (problem(500), errors.ServerBroken),
        (LOST, errors.NotReached),
        (Answer(404, {"content-type": "text/html"}, b"<html>"), errors.UnreadableAnswer),
        (Answer(400, {"content-type": "application/problem+json"}, b"{"), errors.UnreadableAnswer),
        (Answer(200, {}, b"<html>"), errors.UnreadableAnswer),
        (Answer(200, {}, b'{"canceled":"many"}'), errors.UnreadableAnswer),
    ],
)
def test_what_goes_wrong_has_a_type(outcome: Answer | NoAnswer, kind: type[Exception]) -> None:
    assert type(go(UNSAFE, [outcome]).result) is kind


def test_a_refusal_says_all_that_the_problem_says() -> None:
    error = go(UNSAFE, [problem(429, "rate_limited", retry_after="60")]).result
    assert (error.code, error.status, error.detail, error.request_id) == ("rate_limited", 429, "D", "req_1")
    assert (error.pointers, error.retry_after) == (("/to",), 60.0)
    assert "rate_limited: D" in str(error)


@given(st.text(), st.text())
def test_whatever_a_name_holds_it_is_one_step(first: str, second: str) -> None:
    assert at(first, second).count("/") == 3
