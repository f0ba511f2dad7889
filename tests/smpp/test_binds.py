"""How a session opens, and who may ask what in it."""

import pytest

from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import (
    ALERT_NOTIFICATION,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    GENERIC_NACK,
    OUTBIND,
    RESPONSE,
    SUBMIT_SM_RESP,
    Tag,
    name_of,
)
from heliograph.smpp.session import (
    BINDING,
    BOUND,
    CLOSED,
    MODES,
    OPEN,
    Asked,
    Binding,
    Bound,
    Invited,
    Over,
    Refused,
    Session,
    Timers,
)
from heliograph.smpp.status import CODES
from tests.smpp.conversation import EITHER_SIDE, EVERY_MODE, FROM_CLIENT, Link, ask, pdus

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


def test_a_session_shows_where_it_stands() -> None:
    link = Link()
    assert repr(link.client) == "<Session open  in flight 0>"
    link.bind()
    ask(link.client, "token", link.now)
    assert repr(link.client) == "<Session bound bind_transceiver in flight 1>"
