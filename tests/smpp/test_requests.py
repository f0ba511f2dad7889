"""Requests and answers of a session: window, order and response times."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import (
    BIND_TRANSCEIVER,
    DATA_SM,
    DELIVER_SM,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    name_of,
)
from heliograph.smpp.session import BOUND, Answered, Asked, Late, Silent, Timers
from heliograph.smpp.status import CODES
from tests.smpp.conversation import EITHER_SIDE, LAST, NO_TIMERS, Link, ask, pdus

# -- window and order


@EITHER_SIDE
def test_the_window_says_how_much_room_there_is(is_server: bool) -> None:
    link = Link(window=3)
    session, peer = link.side(is_server)
    command = DELIVER_SM if is_server else SUBMIT_SM
    assert session.room == 0  # not bound
    link.bind()
    assert (session.room, peer.room) == (3, 3)
    for token in range(3):
        assert session.room == 3 - token
        ask(session, token, link.now, command)
    assert (session.room, session.in_flight, peer.room) == (0, 3, 3)
    asked = link.exchange()[not is_server]
    for done, event in enumerate(asked, 1):
        assert isinstance(event, Asked)
        peer.respond(event.pdu)
        link.exchange()
        assert (session.room, session.in_flight) == (done, 3 - done)
    session.unbind(link.now)
    assert session.room == 0


@given(st.permutations(range(10)))
def test_answers_find_their_requests_in_any_order(order: Sequence[int]) -> None:
    link = Link().bind()
    for number in range(10):
        ask(link.client, f"message {number}", link.now)
    asked = [event.pdu for event in link.exchange()[1] if isinstance(event, Asked)]
    for number in order:
        link.server.respond(asked[number], fields={"message_id": f"id {number}"})
    answers = [event for event in link.exchange()[0] if isinstance(event, Answered)]
    assert [(event.token, event.pdu.fields["message_id"]) for event in answers] == [
        (f"message {number}", f"id {number}") for number in order
    ]
    assert (link.client.in_flight, link.client.room) == (0, 10)


@pytest.mark.parametrize(("status", "fields"), [(0, {"message_id": ""}), (CODES["RMSGQFUL"], None)])
def test_an_answer_to_all_is_the_answer_to_each(status: int, fields: dict[str, str] | None) -> None:
    link = Link().bind()
    for number, command in enumerate((DELIVER_SM, DATA_SM, DELIVER_SM)):
        ask(link.server, number, link.now, command)
    asked = [event.pdu for event in link.exchange()[0] if isinstance(event, Asked)]
    for pdu in asked:
        link.client.respond(pdu, status, fields)
    one_by_one = link.client.output()
    link.client.respond_to_all(asked, status, fields)
    assert link.client.output() == one_by_one
    assert [(pdu.command, pdu.sequence) for pdu in pdus(one_by_one)] == [
        (pdu.command | RESPONSE, pdu.sequence) for pdu in asked
    ]


@pytest.mark.parametrize("command", [SUBMIT_SM_RESP, GENERIC_NACK], ids=name_of)
def test_an_error_is_an_answer_and_the_session_goes_on(command: int) -> None:
    link = Link().bind()
    sequence = ask(link.client, "token", link.now).sequence
    error = Pdu(command, status=CODES["RTHROTTLED"], sequence=sequence)
    assert link.client.receive(encode(error), link.now) == [Answered("token", error)]
    assert (link.client.state, link.client.in_flight) == (BOUND, 0)


def test_numbers_of_both_directions_have_nothing_to_do_with_each_other() -> None:
    link = Link().bind()
    for _ in range(3):
        ask(link.client, "up", link.now)
        ask(link.server, "down", link.now, DELIVER_SM)
    down, up = link.exchange()
    assert [event.pdu.sequence for event in up if isinstance(event, Asked)] == [2, 3, 4]  # 1 was the bind
    assert [event.pdu.sequence for event in down if isinstance(event, Asked)] == [1, 2, 3]


def test_numbers_begin_again_at_one_and_pass_over_what_is_in_flight() -> None:
    link = Link().bind()
    in_flight = [ask(link.client, number, link.now).sequence for number in range(2)]
    assert in_flight == [2, 3]
    link.client._sequence = LAST - 2
    assert [ask(link.client, "late", link.now).sequence for _ in range(4)] == [LAST - 1, LAST, 1, 4]


@given(st.integers(0, 20), st.sets(st.integers(0, 9), max_size=9))
def test_no_number_is_twice_in_flight_wherever_the_numbers_end(before: int, unanswered: set[int]) -> None:
    link = Link(window=100).bind()
    for round_ in range(3):
        link.client._sequence = LAST - before
        sent = [ask(link.client, (round_, number), link.now).sequence for number in range(10)]
        asked = {event.pdu.sequence: event.pdu for event in link.exchange()[1] if isinstance(event, Asked)}
        assert len(asked) == 10
        assert all(1 <= sequence <= LAST for sequence in sent)
        for number in set(range(10)) - unanswered:
            link.server.respond(asked[sent[number]])
        answered = {event.token for event in link.exchange()[0] if isinstance(event, Answered)}
        assert answered == {(round_, number) for number in set(range(10)) - unanswered}
    assert link.client.in_flight == 3 * len(unanswered)


def test_the_number_of_an_enquire_link_in_flight_is_passed_over() -> None:
    link = Link(Timers(enquire=30)).bind()
    link.wait(30)
    [enquiry] = pdus(link.client.output())
    link.client._sequence = enquiry.sequence - 1
    assert ask(link.client, "token", link.now).sequence != enquiry.sequence


# -- response times


def test_a_request_without_an_answer_comes_back_at_its_time_and_no_other() -> None:
    link = Link(Timers(response=30, enquire=0)).bind()
    ask(link.client, "first", link.now)
    link.wait(10)
    ask(link.client, "second", link.now)
    assert link.wait(19.9) == ([], [])
    assert link.wait(0.1) == ([Silent("first")], [])
    assert link.wait(9.9) == ([], [])
    assert link.wait(5) == ([Silent("second")], [])
    assert (link.client.state, link.client.in_flight, link.client.room) == (BOUND, 0, 10)


def test_an_answer_after_its_time_is_late_and_harms_nothing() -> None:
    link = Link(Timers(response=30, enquire=0)).bind()
    ask(link.client, "token", link.now)
    [asked] = link.exchange()[1]
    assert isinstance(asked, Asked)
    assert link.wait(30)[0] == [Silent("token")]
    link.server.respond(asked.pdu, CODES["RTHROTTLED"])
    [late], _ = link.exchange()
    assert isinstance(late, Late)
    assert (late.pdu.status, late.pdu.sequence) == (CODES["RTHROTTLED"], asked.pdu.sequence)
    assert link.client.state == BOUND


@pytest.mark.parametrize("command", [SUBMIT_SM_RESP, GENERIC_NACK, BIND_TRANSCEIVER | RESPONSE, UNBIND | RESPONSE])
def test_an_answer_to_nothing_is_late(command: int) -> None:
    link = Link().bind()
    pdu = Pdu(command, status=8, sequence=4711)
    assert link.client.receive(encode(pdu), link.now) == [Late(pdu)]
    assert link.client.state == BOUND


def test_a_second_answer_is_late() -> None:
    link = Link().bind()
    answer = Pdu(SUBMIT_SM_RESP, {"message_id": "7"}, sequence=ask(link.client, "token", link.now).sequence)
    assert link.client.receive(encode(answer) * 2, link.now) == [Answered("token", answer), Late(answer)]


@pytest.mark.parametrize(
    "timers",
    [
        pytest.param(
            NO_TIMERS,
            id="all",
        ),
        pytest.param(NO_TIMERS._replace(response=1e9), id="all but that of responses"),
    ],
)
def test_timers_of_zero_are_off(timers: Timers) -> None:
    link = Link(timers)
    assert link.wait(1e6) == ([], [])
    link.bind()
    ask(link.client, "token", link.now)
    link.client.output()
    link.client.receive(b"\0", link.now)  # half a PDU
    assert link.wait(1e6) == ([], [])


@pytest.mark.parametrize("ends", [False, True], ids=["enquire_link", "unbind"])
def test_a_timer_of_zero_for_answers_to_enquiries_is_off(ends: bool) -> None:
    link = Link(NO_TIMERS._replace(enquire=30, response=1e9)).bind()
    if ends:
        link.client.unbind(link.now)
    assert link.wait(30)[0] + link.wait(1)[0] == []
