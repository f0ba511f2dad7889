"""What all HTTP providers share: one send and its answer, whatever becomes of it, and questions."""

import asyncio
import json
from urllib.parse import parse_qs

import pytest

from heliograph.carriers import catalogue
from heliograph.carriers.http.provider import Call, Provider
from heliograph.core.message import Submission
from heliograph.outgoing.http1 import Answer as Exchange
from tests.carriers.http.link import (
    HTML,
    KINDS,
    OPEN,
    SECRETS,
    SENDERS,
    TOKEN,
    lost,
    opened,
    outcome_of,
    settings,
    text,
    whole,
    yes,
)
from tests.carriers.network import NOW

# -- every provider


def test_there_are_settings_for_every_provider() -> None:
    assert set(OPEN) == set(SECRETS) == set(KINDS)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_says_yes_is_an_acceptance_with_an_id(kind: str) -> None:
    link, outcome = await outcome_of(kind, yes(kind))
    assert outcome.state == "accepted"
    assert outcome.carrier_ids and all(outcome.carrier_ids)
    assert link.is_up


# (what became of the request, state, failure, our code)
FAILURES: dict[str, tuple[Exchange, str, str, str]] = {
    # The request left: the text may have been taken.
    "no answer in time": (lost("timeout"), "unknown", "unknown", "answer_timeout"),
    "a reset": (lost("reset"), "unknown", "unknown", "link_lost"),
    "an answer that is none": (lost("bad_answer"), "unknown", "unknown", "link_lost"),
    "an endless answer": (lost("too_large"), "unknown", "unknown", "link_lost"),
    "we were stopped": (lost("closed"), "unknown", "unknown", "link_lost"),
    # It never left: nobody can have taken it.
    "no such name": (lost("dns_failed"), "refused", "transient", "carrier_unreachable"),
    "no connection": (lost("connect_failed"), "refused", "transient", "carrier_unreachable"),
    "no TLS": (lost("tls_failed"), "refused", "transient", "carrier_unreachable"),
    "too many wait already": (lost("busy"), "refused", "transient", "carrier_unreachable"),
    "an address that we don't call": (lost("blocked_address"), "refused", "transient", "carrier_unreachable"),
    "a port that we don't call": (lost("port_not_allowed"), "refused", "transient", "carrier_unreachable"),
    "a URL that is none": (lost("bad_url"), "refused", "transient", "carrier_unreachable"),
    # An answer, but none that says what became of the text.
    "a server's fault": (whole(500, b'{"error":"internal"}'), "unknown", "unknown", "unclear_answer"),
    "a proxy's fault": (whole(502, HTML), "unknown", "unknown", "unclear_answer"),
    "a proxy's time-out": (whole(504, HTML), "unknown", "unknown", "unclear_answer"),
    "busy, without saying for how long": (whole(503, HTML), "unknown", "unknown", "unclear_answer"),
    "a page instead of an answer": (whole(200, HTML), "unknown", "unknown", "unclear_answer"),
    "nothing instead of an answer": (whole(200), "unknown", "unknown", "unclear_answer"),
    "another place": (whole(302, HTML), "unknown", "unknown", "unclear_answer"),
    # A no without a word that we know.
    "a request that is none": (whole(400, HTML), "refused", "permanent", "refused_by_carrier"),
    "nothing there": (whole(404, HTML), "refused", "permanent", "refused_by_carrier"),
    "wrong credentials": (whole(401, HTML), "refused", "unauthorised", "carrier_unauthorised"),
    "no credit": (whole(402, HTML), "refused", "unauthorised", "carrier_unauthorised"),
    "no right": (whole(403, HTML), "refused", "unauthorised", "carrier_unauthorised"),
    "too fast": (whole(429, HTML, 7.0), "refused", "throttled", "too_fast"),
    "too fast, without saying for how long": (whole(429, HTML), "refused", "throttled", "too_fast"),
    "busy for a while": (whole(503, HTML, 7.0), "refused", "throttled", "too_fast"),
}
# Who says something else by one of these, and what.
OTHERWISE: dict[tuple[str, str], tuple[str, str]] = {
    ("46elks", "no right"): ("permanent", "refused_by_carrier"),  # a wrong number, text or sender, in plain text
    ("sinch", "no right"): ("permanent", "refused_by_carrier"),  # the plan may not do this; wrong credentials are a 401
}


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", FAILURES)
async def test_a_failure_is_what_it_is_with_every_provider(kind: str, what: str) -> None:
    exchange, state, failure, code = FAILURES[what]
    failure, code = OTHERWISE.get((kind, what), (failure, code))
    link, outcome = await outcome_of(kind, exchange)
    assert (outcome.state, outcome.failure, outcome.code) == (state, failure, code)
    assert outcome.carrier_ids == ()
    assert link.is_up is (failure != "unauthorised")


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seconds", "ms"), [(7.0, 7_000), (0.5, 500), (0.0, 0), (None, None)])
async def test_a_pause_that_is_asked_for_is_passed_on(kind: str, seconds: float | None, ms: int | None) -> None:
    _, outcome = await outcome_of(kind, whole(429, HTML, seconds))
    assert outcome.retry_after_ms == ms


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_what_never_left_says_why(kind: str) -> None:
    _, outcome = await outcome_of(kind, lost("dns_failed"))
    assert outcome.carrier_code == "dns_failed"


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_no_secret_shows_where_a_log_would_show_it(kind: str) -> None:
    link = await opened(kind)
    provider = link.carrier._provider
    assert isinstance(provider, Provider)
    shown = f"{link.carrier!r} {link.carrier} {provider!r} {provider}"
    assert [secret for secret in (*SECRETS[kind].values(), TOKEN) if secret in shown] == []
    link.submit(text(sender=SENDERS.get(kind, "+15005550006")))
    link.calls[0].done(whole(401, HTML))
    link.submit(text(2, sender=SENDERS.get(kind, "+15005550006")))
    link.calls[1].done(yes(kind))
    said = f"{link.answers} {link.ups} {b''.join(link.carrier.recorder.jsonl(texts=True)).decode()}"
    assert [secret for secret in (*SECRETS[kind].values(), TOKEN) if secret in said] == []


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            kind,
        )
        if kind == "telesign"
        else kind
        for kind in KINDS
    ],
)
def test_every_secret_may_stand_outside_the_file(kind: str) -> None:
    references = {name: f"env:HG_{name.upper()}" for name in (*SECRETS[kind], "callback_token")}
    assert catalogue.check(kind, {"kind": kind, **OPEN[kind], **references}) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_provider_can_be_asked_if_and_only_if_it_says_so(kind: str) -> None:
    provider = catalogue.listener(kind, "main", settings(kind))
    assert provider is not None
    assert (provider.question("id-1") is not None) == provider.capabilities.query


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_query_asks_once_for_each_id(kind: str) -> None:
    link = await opened(kind)
    link.reply = whole(404, HTML)
    receipts = await link.carrier.query(Submission(text(), 1), ["id-1", "id-2", "id-3"])
    if not link.carrier.capabilities.query:
        assert (receipts, link.calls) == (None, [])
        return
    assert receipts == []
    asked = [each for call in link.calls for each in ("id-1", "id-2", "id-3") if each in call.url]
    assert asked == ["id-1", "id-2", "id-3"]


# -- one send


@pytest.mark.asyncio
async def test_a_request_goes_out_as_the_provider_wants_it_with_the_time_that_is_set() -> None:
    link = await opened(timeout_ms=2_500, base_url="http://127.0.0.1:9/")
    link.submit(text())
    [call] = link.calls
    assert (call.method, call.timeout_s) == ("POST", 2.5)
    assert call.url == f"http://127.0.0.1:9/2010-04-01/Accounts/{OPEN['twilio']['account_sid']}/Messages.json"
    form = parse_qs(call.body.decode())
    assert (form["To"], form["From"], form["Body"]) == (["+447911123456"], ["Acme"], ["Hello"])


@pytest.mark.asyncio
async def test_each_of_several_has_its_own_answer_in_any_order() -> None:
    link = await opened()
    messages = [text(number) for number in range(1, 6)]
    link.submit(*messages)
    assert not link.answers
    codes = {message.id: f"{30000 + message.id}" for message in messages}
    for place in (3, 0, 4, 2, 1):
        body = json.dumps({"code": int(codes[place + 1]), "status": 400}).encode()
        link.calls[place].done(whole(400, body))
    assert [submission.message.id for submission, _ in link.answers] == [4, 1, 5, 3, 2]
    assert all(outcome.carrier_code == codes[submission.message.id] for submission, outcome in link.answers)


@pytest.mark.asyncio
async def test_a_carrier_may_be_answered_before_submit_returns() -> None:
    link = await opened()
    link.reply = yes("twilio")
    link.submit(text(1), text(2))
    assert [outcome.state for _, outcome in link.answers] == ["accepted", "accepted"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("left_ms", "seconds"), [(90_400, "90"), (1_999, "1"), (300, "1"), (-5_000, "1")])
async def test_a_provider_is_told_how_long_a_text_is_worth_anything(left_ms: int, seconds: str) -> None:
    link = await opened()
    link.submit(text(valid_until=NOW + left_ms))
    assert parse_qs(link.calls[0].body.decode())["ValidityPeriod"] == [seconds]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("code", "failure"),
    [("21211", "permanent"), ("21610", "opted_out"), ("21617", "content"), ("20003", "unauthorised")],
)
async def test_a_refusal_is_known_by_its_code(code: str, failure: str) -> None:
    body = json.dumps({"code": int(code), "message": "no", "status": 400}).encode()
    _, outcome = await outcome_of("twilio", whole(400, body))
    assert (outcome.state, outcome.failure, outcome.carrier_code) == ("refused", failure, code)


@pytest.mark.asyncio
async def test_a_request_that_can_not_be_made_is_a_refusal_of_its_own_message_only() -> None:
    """`Pool.call` refuses headers that would break a request, such as a key that somebody pasted with its line end."""
    link = await opened()
    link.barred = b"Body=first"
    link.submit(text(1, text="first"), text(2, text="second"))
    assert len(link.calls) == 1
    link.calls[0].done(yes("twilio"))
    states = {submission.message.id: outcome.state for submission, outcome in link.answers}
    assert states == {1: "refused", 2: "accepted"}


# -- questions


@pytest.mark.asyncio
async def test_what_became_of_a_message_is_asked_in_turn_and_told_as_receipts() -> None:
    link = await opened()
    asking = asyncio.create_task(link.carrier.query(Submission(text(), 1), ["SM1", "SM2", "SM3"]))
    bodies = [
        b'{"sid":"SM1","status":"delivered","price":"-0.0075","price_unit":"USD"}',
        b"<html>",
        b'{"sid":"SM3","status":"undelivered","error_code":30003}',
    ]
    for turn, body in enumerate(bodies, 1):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(link.calls) == turn, "one question at a time"
        link.calls[-1].done(whole(200, body))
    receipts = await asking
    assert receipts is not None
    assert [(r.carrier_id, r.fact, r.price, r.failure) for r in receipts] == [
        ("SM1", "delivered", "0.0075", None),
        ("SM3", "undelivered", None, "unreachable"),
    ]
    assert {call.method for call in link.calls} == {"GET"}


@pytest.mark.asyncio
@pytest.mark.parametrize("reason", ["timeout", "reset", "connect_failed", "busy"])
async def test_a_question_without_an_answer_says_nothing(reason: str) -> None:
    link = await opened()
    link.reply = lost(reason)
    assert await link.carrier.query(Submission(text(), 1), ["SM1"]) == []
    assert await link.carrier.ask(Call("GET", "https://api.twilio.com/")) is None


@pytest.mark.asyncio
async def test_a_message_without_an_id_can_not_be_asked_for() -> None:
    link = await opened()
    assert await link.carrier.query(Submission(text(), 1), []) is None
    assert not link.calls


@pytest.mark.asyncio
async def test_who_stopped_waiting_for_a_question_is_not_told() -> None:
    link = await opened()
    asking = asyncio.create_task(link.carrier.ask(Call("GET", "https://api.twilio.com/")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    link.calls[0].done(whole(200, b"{}"))
