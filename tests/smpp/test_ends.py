"""How a session ends, and what can't be read."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.smpp.codec import LENGTH_MAX, Pdu, encode
from heliograph.smpp.commands import (
    BIND_TRANSCEIVER,
    BINDS,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    QUERY_SM,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    name_of,
)
from heliograph.smpp.session import (
    BOUND,
    CLOSED,
    OPEN,
    UNBINDING,
    Answered,
    Asked,
    Binding,
    Event,
    Over,
    Session,
    Timers,
)
from heliograph.smpp.status import CODES
from tests.smpp.conversation import EITHER_SIDE, EVERY_MODE, EVERY_STATE, FROM_CLIENT, Link, ask, pdus

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
