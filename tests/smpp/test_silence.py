"""A session of which nothing is heard: it is asked, and given up."""

from collections.abc import Callable

import pytest

from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import (
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    name_of,
)
from heliograph.smpp.session import BOUND, CLOSED, Asked, Event, Over, Session, Silent, Timers
from tests.smpp.conversation import EITHER_SIDE, EVERY_STATE, LAST, Link, ask, pdus

# -- enquire_link


@EITHER_SIDE
def test_silence_is_broken_by_one_enquire_link(is_server: bool) -> None:
    link = Link(Timers(enquire=30, inactivity=0)).bind()
    session, peer = link.side(is_server)
    for _ in range(3):
        assert session.tick(link.now + 29.9) == []
        assert session.output() == b""
        link.now += 30
        assert session.tick(link.now) == session.tick(link.now + 1) == []
        octets = session.output()
        assert [pdu.command for pdu in pdus(octets)] == [ENQUIRE_LINK]
        assert peer.receive(octets, link.now) == []
        assert session.receive(peer.output(), link.now) == []
    assert (session.state, session.in_flight) == (BOUND, 0)


@pytest.mark.parametrize(
    "octets",
    [encode(Pdu(DELIVER_SM)), encode(Pdu(ENQUIRE_LINK)), encode(Pdu(SUBMIT_SM_RESP, sequence=99)), b"\0\0\0\x10\0"],
    ids=["request", "enquire_link", "response", "half a PDU"],
)
def test_whatever_is_heard_breaks_the_silence(octets: bytes) -> None:
    link = Link(Timers(enquire=30, half=0)).bind()
    link.now += 20
    link.client.receive(octets, link.now)
    link.client.output()
    link.client.tick(link.now + 29)
    assert link.client.output() == b""
    link.client.tick(link.now + 30)
    assert [pdu.command for pdu in pdus(link.client.output())] == [ENQUIRE_LINK]


def test_no_answer_to_enquire_link_ends_the_session_with_all_that_is_unanswered() -> None:
    link = Link(Timers(response=60, enquire=30, enquire_response=10)).bind()
    tokens = [object() for _ in range(3)]
    for token in tokens:
        ask(link.client, token, link.now)
    assert link.wait(30)[0] == link.wait(9.9)[0] == []
    assert link.wait(0.1)[0] == [Over("no answer to enquire_link", tuple(tokens))]
    assert (link.client.state, link.client.in_flight) == (CLOSED, 0)


def test_requests_that_time_out_at_the_end_come_back_once() -> None:
    link = Link(Timers(response=40, enquire=30, enquire_response=10)).bind()
    ask(link.client, "early", link.now)
    link.wait(1)
    ask(link.client, "late", link.now)
    link.wait(29)
    assert link.wait(10)[0] == [Silent("early"), Over("no answer to enquire_link", ("late",))]


def test_enquire_link_does_not_wait_for_the_window() -> None:
    link = Link(Timers(response=60, enquire=30), window=2).bind()
    for token in range(2):
        ask(link.client, token, link.now)
    link.client.output()
    assert link.client.room == 0
    link.wait(30)
    assert [pdu.command for pdu in pdus(link.client.output())] == [ENQUIRE_LINK]
    assert link.client.in_flight == 2


@pytest.mark.parametrize(
    "answer", [Pdu(ENQUIRE_LINK | RESPONSE, status=8), Pdu(GENERIC_NACK, status=3)], ids=["error", "generic_nack"]
)
def test_a_peer_that_knows_no_enquire_link_lives_all_the_same(answer: Pdu) -> None:
    link = Link(Timers(enquire=30, enquire_response=10)).bind()
    link.wait(30)
    answer = Pdu(answer.command, status=answer.status, sequence=pdus(link.client.output())[0].sequence)
    assert link.client.receive(encode(answer), link.now) == []
    assert link.wait(15)[0] == []


@EVERY_STATE
@EITHER_SIDE
@pytest.mark.parametrize("sequence", [0, 1, LAST, 0x80000000, 0xFFFFFFFF])
def test_enquire_link_is_answered_in_every_state_with_its_own_number(
    prepare: Callable[[Session], None], state: set[str], is_server: bool, sequence: int
) -> None:
    session = Session(0.0, is_server=is_server)
    prepare(session)
    session.output()
    assert session.receive(encode(Pdu(ENQUIRE_LINK, status=8, sequence=sequence)), 0.0) == []
    assert session.output() == encode(Pdu(ENQUIRE_LINK | RESPONSE, sequence=sequence))
    assert session.state in state


def test_what_comes_after_the_end_is_not_read() -> None:
    link = Link().bind()
    link.client.lost("cut")
    assert link.client.receive(encode(Pdu(ENQUIRE_LINK)) + encode(Pdu(DELIVER_SM)), link.now) == []
    assert link.client.output() == b""


# -- inactivity


@EITHER_SIDE
def test_a_link_that_nobody_uses_is_given_up_though_it_lives(is_server: bool) -> None:
    link = Link(Timers(enquire=30, inactivity=300)).bind()
    session, _ = link.side(is_server)
    seen: list[Event] = []
    for _ in range(10):
        assert seen == []
        seen += link.wait(30)[is_server]
        link.exchange()
    assert seen == [Over("not used for too long", ())]
    assert session.state == CLOSED


@pytest.mark.parametrize("command", [SUBMIT_SM, DELIVER_SM], ids=name_of)
def test_a_link_is_used_by_requests_in_either_direction(command: int) -> None:
    link = Link(Timers(enquire=0, inactivity=300)).bind()
    for token in range(5):
        assert link.wait(299) == ([], [])
        sender, receiver = link.side(command == DELIVER_SM)
        ask(sender, token, link.now, command)
        for event in [event for events in link.exchange() for event in events]:
            assert isinstance(event, Asked)
            receiver.respond(event.pdu)
        link.exchange()
