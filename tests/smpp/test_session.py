"""A session from either side: binds, window, timers, order, ends. They talk in memory, the clock is moved by hand."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp.codec import LENGTH_MAX, Frames, Pdu, decode, encode
from heliograph.smpp.commands import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BINDS,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    Tag,
    name_of,
)
from heliograph.smpp.session import (
    BINDING,
    BOUND,
    CLOSED,
    MODES,
    OPEN,
    UNBINDING,
    Answered,
    Asked,
    Binding,
    Bound,
    Event,
    Invited,
    Late,
    Over,
    Refused,
    Session,
    Silent,
    Timers,
)
from heliograph.smpp.status import CODES

NO_TIMERS: Final = Timers(0, 0, 0, 0, 0, 0)
STILL: Final = Timers(enquire=0)  # so that silence alone says nothing
LAST: Final = 0x7FFFFFFF
EVERY_MODE: Final = pytest.mark.parametrize("mode", sorted(BINDS), ids=name_of)
EITHER_SIDE: Final = pytest.mark.parametrize("is_server", [False, True], ids=["client", "server"])
FROM_CLIENT: Final = (SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM)


def pdus(octets: bytes) -> list[Pdu]:
    return [decode(frame) for frame in Frames().feed(octets)]


class Link:
    """A client and a server, the wire between them, and their clock."""

    def __init__(self, timers: Timers = STILL, *, window: int = 10) -> None:
        self.now = 1_000.0
        self.client = Session(self.now, window=window, timers=timers)
        self.server = Session(self.now, window=window, timers=timers, is_server=True)

    def exchange(self) -> tuple[list[Event], list[Event]]:
        """Carry octets to and fro until nobody has any; what the client saw, and the server."""
        client: list[Event] = []
        server: list[Event] = []
        while (up := self.client.output()) + (down := self.server.output()):
            server += self.server.receive(up, self.now)
            client += self.client.receive(down, self.now)
        return client, server

    def wait(self, seconds: float) -> tuple[list[Event], list[Event]]:
        """Time goes by; no octet arrives."""
        self.now += seconds
        return self.client.tick(self.now), self.server.tick(self.now)

    def bind(self, mode: int = BIND_TRANSCEIVER, version: int = 0x34) -> "Link":
        self.client.bind(mode, {"system_id": "acme", "interface_version": version}, self.now)
        self.exchange()
        self.server.accept("server", self.now)
        self.exchange()
        assert (self.client.state, self.server.state) == (BOUND, BOUND)
        return self

    def side(self, is_server: bool) -> tuple[Session, Session]:
        """One side, and its peer."""
        return (self.server, self.client) if is_server else (self.client, self.server)


def ask(session: Session, token: object, now: float, command: int = SUBMIT_SM) -> Pdu:
    pdu = Pdu(command)
    session.request(pdu, token, now)
    return pdu


# -- binds


@pytest.mark.parametrize(
    ("mode", "submits", "delivers"),
    [(BIND_TRANSMITTER, True, False), (BIND_RECEIVER, False, True), (BIND_TRANSCEIVER, True, True)],
    ids=["transmitter", "receiver", "transceiver"],
)
def test_a_bind_opens_the_ways_of_its_mode(mode: int, submits: bool, delivers: bool) -> None:
    link = Link()
    link.client.bind(mode, {"password": "secret", "interface_version": 0x34}, link.now)
    assert link.client.state == BINDING
    [binding] = link.exchange()[1]
    assert isinstance(binding, Binding)
    assert (binding.pdu.command, binding.pdu.fields["password"]) == (mode, "secret")
    assert link.server.state == OPEN
    link.server.accept("server", link.now)
    [bound], _ = link.exchange()
    assert isinstance(bound, Bound)
    assert (bound.pdu.fields, bound.pdu.tlvs) == ({"system_id": "server"}, {Tag.SC_INTERFACE_VERSION: b"\x34"})
    for session in (link.client, link.server):
        assert (session.state, session.mode) == (BOUND, mode)
        assert (session.may_submit, session.may_deliver) == (submits, delivers)


def test_modes_are_known_by_their_names() -> None:
    assert {name: name_of(command) for name, command in MODES.items()} == {name: f"bind_{name}" for name in MODES}


@pytest.mark.parametrize("status", ["RBINDFAIL", "RINVPASWD", "RALYBND"])
@EVERY_MODE
def test_a_refused_bind_ends_both_sides(mode: int, status: str) -> None:
    link = Link()
    link.client.bind(mode, {}, link.now)
    link.exchange()
    over = link.server.refuse(CODES[status], link.now)
    assert over == Over(f"bind refused with {CODES[status]}", ())
    events, _ = link.exchange()
    assert events == [Refused(Pdu(mode | RESPONSE, status=CODES[status], sequence=1)), over]
    assert (link.client.state, link.server.state) == (CLOSED, CLOSED)


def test_a_bind_that_is_not_understood_is_refused() -> None:
    session = Session(0.0)
    session.bind(BIND_TRANSCEIVER, {}, 0.0)
    nack = Pdu(GENERIC_NACK, status=3, sequence=1)
    assert session.receive(encode(nack), 0.0) == [Refused(nack), Over("bind refused with 3", ())]


@pytest.mark.parametrize("command", [GENERIC_NACK, SUBMIT_SM_RESP], ids=name_of)
def test_only_the_answer_to_a_bind_binds(command: int) -> None:
    session = Session(0.0)
    session.bind(BIND_TRANSCEIVER, {}, 0.0)
    session.receive(encode(Pdu(command, sequence=1)), 0.0)
    assert session.state != BOUND


def test_a_bind_that_can_not_be_written_changes_nothing() -> None:
    session = Session(0.0)
    with pytest.raises(ValueError, match="system_id"):
        session.bind(BIND_TRANSCEIVER, {"system_id": "x" * 16}, 0.0)
    assert (session.state, session.output()) == (OPEN, b"")


@EVERY_MODE
def test_a_second_bind_is_refused_and_the_first_one_stays(mode: int) -> None:
    link = Link().bind()
    assert link.server.receive(encode(Pdu(mode, sequence=9)), link.now) == []
    assert link.server.output() == encode(Pdu(mode | RESPONSE, status=CODES["RALYBND"], sequence=9))
    assert (link.server.state, link.server.mode) == (BOUND, BIND_TRANSCEIVER)


def test_a_second_bind_while_the_first_one_is_looked_at_is_refused() -> None:
    session = Session(0.0, is_server=True)
    first, second = Pdu(BIND_RECEIVER, sequence=1), Pdu(BIND_TRANSCEIVER, sequence=2)
    [event] = session.receive(encode(first) + encode(second), 0.0)
    assert isinstance(event, Binding)
    assert event.pdu.sequence == 1
    assert session.output() == encode(Pdu(BIND_TRANSCEIVER | RESPONSE, status=CODES["RALYBND"], sequence=2))
    session.accept("server", 0.0)
    assert session.mode == BIND_RECEIVER


@EITHER_SIDE
def test_who_is_not_bound_in_time_is_cut_off(is_server: bool) -> None:
    link = Link(Timers(bind=5))
    if not is_server:
        link.now += 3  # the time runs from the bind, not from the connection
        link.client.bind(BIND_TRANSCEIVER, {}, link.now)
    session, _ = link.side(is_server)
    assert session.tick(link.now + 4.9) == []
    reason = "no bind in time" if is_server else "no answer to the bind"
    assert session.tick(link.now + 5) == [Over(reason, ())]
    assert (session.state, session.tick(link.now + 50)) == (CLOSED, [])


def test_a_bind_that_was_taken_in_time_has_all_the_time() -> None:
    link = Link(Timers(bind=5, enquire=0)).bind()
    assert link.wait(1_000) == ([], [])


def test_a_bind_that_is_accepted_after_the_end_changes_nothing() -> None:
    """Credentials are looked up elsewhere: when the answer comes the client may be gone."""
    session = Session(0.0, is_server=True)
    session.receive(encode(Pdu(BIND_TRANSCEIVER, sequence=1)), 0.0)
    session.lost("the client went away")
    session.accept("server", 0.0)
    assert session.state == CLOSED


# -- versions


@pytest.mark.parametrize(
    ("given_version", "takes_tlvs"),
    [(0x00, False), (0x03, False), (0x33, False), (0x34, True), (0x50, True), (0x51, True), (0xFF, True)],
    ids=hex,
)
def test_a_client_before_3_4_gets_no_optional_parameters(given_version: int, takes_tlvs: bool) -> None:
    link = Link()
    link.client.bind(BIND_TRANSCEIVER, {"interface_version": given_version}, link.now)
    link.exchange()
    link.server.accept("server", link.now, version=0x50)
    [answer] = pdus(link.server.output())
    assert link.server.takes_tlvs is takes_tlvs
    assert answer.tlvs == ({Tag.SC_INTERFACE_VERSION: b"\x50"} if takes_tlvs else {})


@pytest.mark.parametrize(
    ("tlvs", "takes_tlvs"),
    [
        ({Tag.SC_INTERFACE_VERSION: b"\x33"}, False),
        ({Tag.SC_INTERFACE_VERSION: b"\x34"}, True),
        ({Tag.SC_INTERFACE_VERSION: b"\x50"}, True),
        ({Tag.SC_INTERFACE_VERSION: b""}, True),
        ({}, True),  # 3.4 servers often don't say, and use them all the same
    ],
)
def test_a_server_before_3_4_gets_no_optional_parameters(tlvs: dict[int, bytes], takes_tlvs: bool) -> None:
    session = Session(0.0)
    session.bind(BIND_TRANSCEIVER, {}, 0.0)
    session.receive(encode(Pdu(BIND_TRANSCEIVER | RESPONSE, {"system_id": "x"}, sequence=1, tlvs=tlvs)), 0.0)
    assert (session.state, session.takes_tlvs) == (BOUND, takes_tlvs)


# -- who may ask what


def asked_in_vain(session: Session, command: int) -> None:
    """The request is answered with RINVBNDSTS, nobody hears of it, the session is as it was."""
    state = session.state
    assert session.receive(encode(Pdu(command, sequence=77)), 0.0) == []
    assert session.output() == encode(Pdu(command | RESPONSE, status=CODES["RINVBNDSTS"], sequence=77))
    assert session.state == state


def heard(session: Session, command: int) -> None:
    """The request is for the owner to answer."""
    [event] = session.receive(encode(Pdu(command, sequence=77)), 0.0)
    assert isinstance(event, Asked)
    assert (event.pdu.command, session.output()) == (command, b"")
    session.respond(event.pdu, fields={"message_id": "7"} if command != CANCEL_SM else None)
    [answer] = pdus(session.output())
    assert (answer.command, answer.status, answer.sequence) == (command | RESPONSE, 0, 77)


@pytest.mark.parametrize("command", [*FROM_CLIENT, DELIVER_SM], ids=name_of)
@EITHER_SIDE
def test_nothing_is_asked_before_the_bind(is_server: bool, command: int) -> None:
    session = Session(0.0, is_server=is_server)
    asked_in_vain(session, command)
    if is_server:
        session.receive(encode(Pdu(BIND_TRANSCEIVER, sequence=1)), 0.0)
    else:
        session.bind(BIND_TRANSCEIVER, {}, 0.0)
        session.output()
    asked_in_vain(session, command)


@pytest.mark.parametrize("command", FROM_CLIENT, ids=name_of)
@EVERY_MODE
def test_a_client_asks_on_binds_that_transmit(mode: int, command: int) -> None:
    (asked_in_vain if mode == BIND_RECEIVER else heard)(Link().bind(mode).server, command)


@pytest.mark.parametrize("command", [DELIVER_SM, DATA_SM], ids=name_of)
@EVERY_MODE
def test_a_server_that_delivers_on_any_bind_is_heard(mode: int, command: int) -> None:
    heard(Link().bind(mode).client, command)


@EVERY_MODE
def test_nobody_asks_what_is_the_others_to_ask(mode: int) -> None:
    link = Link().bind(mode)
    asked_in_vain(link.server, DELIVER_SM)
    for command in set(FROM_CLIENT) - {DATA_SM}:
        asked_in_vain(link.client, command)


def test_an_alert_is_heard_and_not_answered() -> None:
    link = Link().bind()
    link.server.notify(Pdu(ALERT_NOTIFICATION, {"source_addr": "447700900123"}))
    [event], _ = link.exchange()
    assert isinstance(event, Asked)
    assert event.pdu.fields["source_addr"] == "447700900123"
    assert link.server.in_flight == 0


def test_an_alert_before_the_bind_is_nothing() -> None:
    session = Session(0.0)
    assert session.receive(encode(Pdu(ALERT_NOTIFICATION)), 0.0) == []
    assert session.output() == b""


def test_a_server_may_invite_and_the_client_binds() -> None:
    link = Link()
    link.server.notify(Pdu(OUTBIND, {"system_id": "server", "password": "secret"}))
    [event], _ = link.exchange()
    assert isinstance(event, Invited)
    assert event.pdu.fields == {"system_id": "server", "password": "secret"}
    link.bind(BIND_RECEIVER)
    assert link.client.may_deliver


def test_an_invitation_that_makes_no_sense_is_let_pass() -> None:
    link = Link().bind()
    for session in (link.client, link.server, Session(0.0, is_server=True)):
        state = session.state
        assert session.receive(encode(Pdu(OUTBIND)), link.now) == []
        assert (session.output(), session.state) == (b"", state)


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


def opened(session: Session) -> None:
    """Not bound yet."""


def binding(session: Session) -> None:
    if session._is_server:
        session.receive(encode(Pdu(BIND_TRANSCEIVER, sequence=1)), 0.0)
    else:
        session.bind(BIND_TRANSCEIVER, {}, 0.0)


def bound(session: Session) -> None:
    binding(session)
    if session._is_server:
        session.accept("server", 0.0)
    else:
        session.receive(encode(Pdu(BIND_TRANSCEIVER | RESPONSE, {"system_id": ""}, sequence=1)), 0.0)


def unbinding(session: Session) -> None:
    bound(session)
    session.unbind(0.0)


EVERY_STATE: Final = pytest.mark.parametrize(
    ("prepare", "state"),
    [(opened, {OPEN}), (binding, {OPEN, BINDING}), (bound, {BOUND}), (unbinding, {UNBINDING})],
    ids=["open", "binding", "bound", "unbinding"],
)


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


# -- ends


@EITHER_SIDE
@EVERY_MODE
def test_either_side_may_unbind(mode: int, is_server: bool) -> None:
    link = Link().bind(mode)
    session, peer = link.side(is_server)
    session.unbind(link.now)
    assert session.state == UNBINDING
    events = link.exchange()
    assert events[is_server] == [Over("unbound", ())]
    assert events[not is_server] == [Over("the peer unbound", ())]
    assert (session.state, peer.state) == (CLOSED, CLOSED)


def test_both_may_unbind_at_once() -> None:
    link = Link().bind()
    link.client.unbind(link.now)
    link.server.unbind(link.now)
    assert link.exchange() == ([Over("the peer unbound", ())], [Over("the peer unbound", ())])


def test_what_is_asked_before_the_end_is_still_answered_by_both() -> None:
    link = Link().bind()
    ask(link.client, "answered in time", link.now)
    ask(link.client, "never answered", link.now)
    [first, _] = [event.pdu for event in link.exchange()[1] if isinstance(event, Asked)]
    ask(link.server, "delivered", link.now, DELIVER_SM)
    link.client.unbind(link.now)
    link.server.respond(first)
    down = link.client.receive(link.server.output(), link.now)
    assert [type(event) for event in down] == [Asked, Answered]
    assert isinstance(down[0], Asked)
    link.client.respond(down[0].pdu)
    client, server = link.exchange()
    assert client == [Over("unbound", ("never answered",))]
    # The answer was written after the unbind: the server has left by then.
    assert server == [Over("the peer unbound", ("delivered",))]


def test_an_unbind_that_is_not_answered_has_its_time() -> None:
    link = Link(Timers(enquire=0, enquire_response=10)).bind()
    ask(link.client, "token", link.now)
    link.client.unbind(link.now)
    assert link.wait(9.9)[0] == []
    assert link.wait(0.1)[0] == [Over("no answer to unbind", ("token",))]


@EITHER_SIDE
def test_who_is_not_bound_has_nothing_to_unbind(is_server: bool) -> None:
    session = Session(0.0, is_server=is_server)
    session.unbind(0.0)
    assert (session.state, session.output()) == (OPEN, b"")


@EVERY_STATE
@EITHER_SIDE
def test_an_unbind_is_answered_in_every_state(
    prepare: Callable[[Session], None], state: set[str], is_server: bool
) -> None:
    session = Session(0.0, is_server=is_server)
    prepare(session)
    session.output()
    assert session.receive(encode(Pdu(UNBIND, sequence=5)), 0.0) == [Over("the peer unbound", ())]
    assert session.output() == encode(Pdu(UNBIND | RESPONSE, sequence=5))


def test_a_lost_connection_gives_all_tokens_back_in_their_order() -> None:
    link = Link().bind()
    for token in "abc":
        ask(link.client, token, link.now)
    assert link.client.lost("reset by peer") == Over("reset by peer", ("a", "b", "c"))
    assert link.client.lost("again") == Over("again", ())
    assert link.wait(1_000)[0] == []


# -- what can't be read


@pytest.mark.parametrize("command", [0x999, 0x10200, 0x102FF, 0x111, 0x112, 0x113, 0x0A], ids=hex)
@EVERY_STATE
@EITHER_SIDE
def test_an_unknown_command_is_named_and_the_session_kept(
    prepare: Callable[[Session], None], state: set[str], is_server: bool, command: int
) -> None:
    session = Session(0.0, is_server=is_server)
    prepare(session)
    session.output()
    unknown = encode(Pdu(ENQUIRE_LINK, sequence=29)).replace(b"\0\0\0\x15", command.to_bytes(4, "big"))
    assert session.receive(unknown + encode(Pdu(ENQUIRE_LINK, sequence=30)), 0.0) == []
    assert pdus(session.output()) == [
        Pdu(GENERIC_NACK, status=CODES["RINVCMDID"], sequence=29),
        Pdu(ENQUIRE_LINK | RESPONSE, sequence=30),
    ]
    assert session.state in state


def test_an_unknown_response_is_not_answered() -> None:
    link = Link().bind()
    octets = encode(Pdu(ENQUIRE_LINK)).replace(b"\0\0\0\x15", b"\x80\0\1\x11")
    assert link.client.receive(octets, link.now) == []
    assert (link.client.output(), link.client.state) == (b"", BOUND)


@pytest.mark.parametrize("command", [*FROM_CLIENT, *sorted(BINDS), DELIVER_SM], ids=name_of)
@EVERY_STATE
@EITHER_SIDE
def test_a_request_that_can_not_be_read_is_answered_with_the_cause_and_the_next_one_is_read(
    prepare: Callable[[Session], None], state: set[str], is_server: bool, command: int
) -> None:
    """The first field of each has no end."""
    session = Session(0.0, is_server=is_server)
    prepare(session)
    session.output()
    bad = b"\0\0\0\x12" + command.to_bytes(4, "big") + b"\0\0\0\0\0\0\0\x07" + b"ab"
    assert session.receive(bad + encode(Pdu(ENQUIRE_LINK, sequence=8)), 0.0) == []
    answer, enquired = pdus(session.output())
    assert (answer.command, answer.sequence, enquired.sequence) == (command | RESPONSE, 7, 8)
    first = {"query_sm": "RINVMSGID", "replace_sm": "RINVMSGID"}.get(name_of(command), "RINVSERTYP")
    assert answer.status == CODES["RINVSYSID" if command in BINDS else first]
    assert session.state in state


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\0\0\0\x0f", "a PDU of 15 octets"),
        ((LENGTH_MAX + 1).to_bytes(4, "big"), "a PDU of 69633 octets"),
        (b"GET / HTTP/1.1\r\n\r\n", "the peer speaks HTTP, not SMPP"),
        (b"\x16\x03\x01\0\xa5", "the peer speaks TLS, not SMPP"),
    ],
)
@EITHER_SIDE
def test_a_broken_stream_is_ended_after_what_came_before_it(is_server: bool, octets: bytes, reason: str) -> None:
    link = Link().bind()
    session, _ = link.side(is_server)
    command = SUBMIT_SM if is_server else DELIVER_SM
    ask(session, "token", link.now, command ^ 1)
    session.output()
    asked, over = session.receive(encode(Pdu(command, sequence=3)) + octets, link.now)
    assert isinstance(asked, Asked)
    assert over == Over(reason, ("token",))
    assert session.output() == encode(Pdu(GENERIC_NACK, status=CODES["RINVCMDLEN"]))
    assert session.receive(encode(Pdu(command)), link.now) == []


@EITHER_SIDE
def test_half_a_pdu_has_its_time(is_server: bool) -> None:
    link = Link(Timers(enquire=0, half=10)).bind()
    session, _ = link.side(is_server)
    octets = encode(Pdu(ENQUIRE_LINK))
    session.receive(octets[:5], link.now)
    session.receive(octets[5:9], link.now + 9)  # a trickle does not help
    assert session.tick(link.now + 9.9) == []
    assert session.tick(link.now + 10) == [Over("half a PDU, and nothing more", ())]


def test_a_pdu_that_becomes_whole_in_time_is_fine() -> None:
    link = Link(Timers(enquire=0, half=10)).bind()
    octets = encode(Pdu(ENQUIRE_LINK))
    for _ in range(5):
        link.client.receive(octets[:5], link.now)
        link.now += 9
        link.client.receive(octets[5:], link.now)
        assert link.client.tick(link.now + 9) == []


def test_a_busy_link_whose_reads_all_end_within_a_pdu_is_fine() -> None:
    """Large reads of a stream of many PDUs hardly ever end where a PDU does."""
    link = Link(Timers(enquire=0, half=10)).bind()
    stream = encode(Pdu(ENQUIRE_LINK)) * 100
    position = 0
    for second in range(30):
        link.client.receive(stream[position : position + 33], link.now + second)
        position += 33
        assert link.client.tick(link.now + second) == []


@given(st.data())
def test_however_a_conversation_is_cut_it_says_the_same(data: st.DataObject) -> None:
    requests = [Pdu(BIND_TRANSCEIVER, sequence=1), *(Pdu(SUBMIT_SM, sequence=number) for number in range(2, 6))]
    stream = b"".join(map(encode, [*requests, Pdu(ENQUIRE_LINK, sequence=6), Pdu(QUERY_SM, sequence=7)]))
    stream += b"\0\0\0\x10\0\0\x09\x99\0\0\0\0\0\0\0\x08" + encode(Pdu(UNBIND, sequence=9))

    def talk(cuts: Sequence[int]) -> tuple[list[Event], bytes]:
        session = Session(0.0, is_server=True)
        events: list[Event] = []
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            for event in session.receive(stream[start:end], 0.0):
                if isinstance(event, Binding):
                    session.accept("server", 0.0)
                events.append(event)
        return events, session.output()

    # The bind is a read of its own: a client waits for its answer.
    first = len(encode(requests[0]))
    cuts = sorted(data.draw(st.lists(st.integers(first, len(stream)), max_size=12)))
    assert talk([first, *cuts]) == talk([first])


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


# -- the promise: every token comes back exactly once

STEPS: Final = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["up", "down"]), st.integers(1, 5)),  # requests
        st.tuples(st.sampled_from(["answer", "nack", "answer twice"]), st.integers(0, 50)),  # which of those that wait
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.sampled_from(["lose up", "lose down", "carry"]), st.just(0)),
        st.tuples(st.just("wrap"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["unbind up", "unbind down", "garbage"]), st.just(0)),
    ),
    max_size=40,
)


class Schedule:
    """Two sessions to which anything may happen; who asked what, and what came back."""

    def __init__(self) -> None:
        self.link = Link(Timers(response=30, enquire=25, enquire_response=10), window=4).bind()
        self.sent: list[str] = []
        self.back: Counter[str] = Counter()
        self.asked: list[tuple[Session, Pdu]] = []

    def see(self, session: Session, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Answered | Silent):
                self.back[event.token] += 1
            elif isinstance(event, Over):
                self.back.update(event.unanswered)
            elif isinstance(event, Asked):
                self.asked.append((session, event.pdu))

    def send(self, session: Session, command: int, count: int) -> None:
        for _ in range(min(count, session.room)):
            token = f"{name_of(command)} {len(self.sent)}"
            ask(session, token, self.link.now, command)
            self.sent.append(token)

    def answer(self, which: int, how: str) -> None:
        if self.asked:
            session, pdu = self.asked.pop(which % len(self.asked))
            if how == "nack":
                session._out.append(encode(Pdu(GENERIC_NACK, status=8, sequence=pdu.sequence)))
            for _ in range({"nack": 0, "answer": 1, "answer twice": 2}[how]):
                session.respond(pdu)

    def step(self, what: str, number: int) -> None:
        client, server = self.link.client, self.link.server
        if what in ("up", "down"):
            self.send(client if what == "up" else server, SUBMIT_SM if what == "up" else DELIVER_SM, number)
        elif what in ("answer", "nack", "answer twice"):
            self.answer(number, what)
        elif what == "wait":
            events = self.link.wait(number)
            self.see(client, events[0])
            self.see(server, events[1])
        elif what == "carry":
            events = self.link.exchange()
            self.see(client, events[0])
            self.see(server, events[1])
        elif what == "wrap":
            client._sequence = LAST - number
        elif what.startswith("unbind"):
            (client if what == "unbind up" else server).unbind(self.link.now)
        elif what == "garbage":
            self.see(client, client.receive(b"\0\0\0\1", self.link.now))
        else:  # what is on the wire gets lost
            (client if what == "lose up" else server).output()

    def check(self) -> None:
        assert max(self.back.values(), default=0) <= 1, "a token came back twice"
        in_flight = self.link.client.in_flight + self.link.server.in_flight
        assert in_flight + self.back.total() == len(self.sent), "a token is nowhere"
        for session in (self.link.client, self.link.server):
            assert 0 <= session.in_flight <= session.window
            assert 0 <= session.room <= session.window


@given(STEPS)
def test_every_token_comes_back_exactly_once_whatever_happens(steps: Sequence[tuple[str, int]]) -> None:
    schedule = Schedule()
    for what, number in steps:
        schedule.step(what, number)
        schedule.check()
    for session in (schedule.link.client, schedule.link.server):
        schedule.see(session, [session.lost("the end")])
    assert schedule.back == Counter(schedule.sent)


def test_a_session_shows_where_it_stands() -> None:
    link = Link()
    assert repr(link.client) == "<Session open  in flight 0>"
    link.bind()
    ask(link.client, "token", link.now)
    assert repr(link.client) == "<Session bound bind_transceiver in flight 1>"
