"""When the link to an HTTP provider closes: its credentials are refused, or it is stopped."""

import asyncio

import pytest

from tests.carriers.http.link import HTML, opened, outcome_of, text, whole, yes

# -- credentials that are refused


@pytest.mark.asyncio
async def test_refused_credentials_close_the_link_for_a_minute() -> None:
    link, outcome = await outcome_of("twilio", whole(401, b'{"code":20003,"status":401}'))
    assert outcome.failure == "unauthorised"
    assert link.ups == [(True, ""), (False, "refused our credentials or credit (20003)")]
    link.clock.pass_ms(59_999)
    assert not link.is_up
    link.clock.pass_ms(1)
    assert link.is_up


@pytest.mark.asyncio
async def test_an_answer_comes_before_the_link_closes() -> None:
    """The engine looks for another way at once; it must not find the message still in flight."""
    link = await opened()
    seen: list[int] = []
    link.link = lambda up, reason="": seen.append(len(link.answers))  # type: ignore[method-assign]
    link.submit(text())
    link.calls[0].done(whole(401, HTML))
    assert seen == [1]


@pytest.mark.asyncio
async def test_a_second_refusal_begins_the_minute_again() -> None:
    link = await opened()
    link.submit(text(1), text(2))
    link.calls[0].done(whole(401, HTML))
    link.clock.pass_ms(9_000)
    link.calls[1].done(whole(401, HTML))
    link.clock.pass_ms(51_000)
    assert not link.is_up, "it was refused 51 s ago"
    link.clock.pass_ms(9_000)
    assert link.is_up


@pytest.mark.asyncio
async def test_each_refusal_is_followed_by_a_whole_minute() -> None:
    """Two were under way when the credentials went bad; a third one goes out when the link is open again."""
    link = await opened()
    link.submit(text(1), text(2))
    link.calls[0].done(whole(401, HTML))
    link.clock.pass_ms(9_000)
    link.calls[1].done(whole(401, HTML))
    while not link.is_up:
        link.clock.pass_ms(1_000)
    link.submit(text(3))
    link.calls[2].done(whole(401, HTML))
    link.clock.pass_ms(59_000)
    assert not link.is_up


@pytest.mark.asyncio
async def test_a_carrier_that_was_stopped_stays_closed() -> None:
    link, _ = await outcome_of("twilio", whole(401, HTML))
    await link.carrier.stop(0)
    link.clock.pass_ms(120_000)
    assert not link.is_up


@pytest.mark.asyncio
async def test_a_carrier_that_is_being_stopped_is_not_opened_again() -> None:
    """The engine would hand over more, which the stop then waits for."""
    link = await opened()
    link.submit(text(1), text(2))
    link.calls[0].done(whole(401, HTML))
    stopping = asyncio.create_task(link.carrier.stop(90))
    await asyncio.sleep(0)
    link.clock.pass_ms(61_000)
    was_up = link.is_up
    link.calls[1].done(yes("twilio"))
    await stopping
    assert not was_up


# -- stopping


@pytest.mark.asyncio
async def test_a_stop_answers_what_is_left_as_unknown_and_ignores_what_comes_later() -> None:
    link = await opened()
    link.submit(text(1), text(2), text(3))
    link.calls[1].done(yes("twilio"))
    await link.carrier.stop(0)
    assert [(submission.message.id, outcome.state) for submission, outcome in link.answers] == [
        (2, "accepted"),
        (1, "unknown"),
        (3, "unknown"),
    ]
    assert {outcome.code for _, outcome in link.answers[1:]} == {"link_lost"}
    for call in (link.calls[0], link.calls[2]):
        call.done(yes("twilio"))
    assert len(link.answers) == 3


@pytest.mark.asyncio
async def test_a_stop_waits_for_answers_as_long_as_it_may() -> None:
    link = await opened()
    link.submit(text(1), text(2))
    stopping = asyncio.create_task(link.carrier.stop(5))
    await asyncio.sleep(0)
    link.calls[0].done(yes("twilio"))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    link.clock.pass_ms(5_001)
    await stopping
    assert [outcome.state for _, outcome in link.answers] == ["accepted", "unknown"]


@pytest.mark.asyncio
async def test_a_stop_ends_with_the_last_answer() -> None:
    link = await opened()
    link.submit(text())
    stopping = asyncio.create_task(link.carrier.stop(3_600))
    await asyncio.sleep(0)
    link.calls[0].done(yes("twilio"))
    await asyncio.wait_for(stopping, 5)
    assert link.outcome().state == "accepted"
