"""The codec: published vectors, laws for every PDU, and the precise cause of what can't be read or written."""

import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from struct import pack
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.smpp.codec import LENGTH_MAX, BadPdu, BrokenStream, Frames, Pdu, ProtocolError, decode, encode, masked
from heliograph.smpp.commands import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    BINDS,
    DATA_SM,
    DELIVER_SM,
    DELIVER_SM_RESP,
    DESTS,
    ENQUIRE_LINK,
    GENERIC_NACK,
    I1,
    LAYOUTS,
    OUTBIND,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    TEXT,
    UNSUCCESS,
    Field,
    S,
    Tag,
    name_of,
)
from heliograph.smpp.fields import blank
from heliograph.smpp.session import BINDING, BOUND, CLOSED, Answered, Binding, Over, Refused, Session
from heliograph.smpp.status import status_of

DATA: Final = json.loads((Path(__file__).parent / "vectors/pdu_vectors.json").read_text("utf-8"))
VECTORS: Final = {case["name"]: case for case in DATA["vectors"]}
EDGES: Final = {case["name"]: bytes.fromhex(case["hex"]) for case in DATA["edge_cases"]}
EVERY_COMMAND: Final = pytest.mark.parametrize("command", LAYOUTS, ids=name_of)
EVERY_FIELD: Final = [(command, field) for command, layout in LAYOUTS.items() for field in layout]
OCTET: Final = st.integers(0, 0xFF)
NUMBER: Final = st.integers(0, 0xFFFFFFFF)


def octets_of(command: int, body: bytes = b"", status: int = 0, sequence: int = 0) -> bytes:
    return pack(">IIII", 16 + len(body), command, status, sequence) + body


# -- vectors


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_read_and_written_again_to_the_octet(name: str) -> None:
    case = VECTORS[name]
    octets = bytes.fromhex(case["hex"])
    pdu = decode(octets)
    assert (len(octets), f"0x{pdu.command:08X}") == (case["command_length"], case["command_id"])
    assert (pdu.status, pdu.sequence) == (case["command_status"], case["sequence_number"])
    assert encode(pdu) == octets
    assert list(Frames().feed(octets)) == [octets]


@pytest.mark.parametrize(
    ("name", "fields", "tlvs"),
    [
        ("submit_sm GSM unpacked, contains @ (00) and euro (1b65)", {"short_message": b"\0Pay \x1be5"}, {}),
        ("submit_sm UCS-2", {"data_coding": 8, "short_message": "Привет 😀".encode("utf-16-be")}, {}),
        ("submit_sm part 2 of 3, 8-bit UDH", {"esm_class": 0x40, "short_message": b"\5\0\3\x2a\3\2world"}, {}),
        ("submit_sm sar TLVs", {"short_message": b"part"}, {0x20C: b"\x12\x34", 0x20E: b"\2", 0x20F: b"\1"}),
        ("submit_sm message_payload, sm_length 0", {"short_message": b""}, {Tag.MESSAGE_PAYLOAD: b"x" * 300}),
        (
            "deliver_sm receipt, text and TLVs",
            {"esm_class": 4, "source_addr": "447700900123", "destination_addr": "Heliograph"},
            {0x1E: b"39f99dd5\0", 0x427: b"\2", 0x423: b"\3\0\0"},
        ),
        ("bind_transceiver", {"system_id": "acct1", "password": "secret08", "interface_version": 0x34}, {}),
        ("cancel_sm", {"service_type": "", "message_id": "39f99dd5", "destination_addr": "447700900123"}, {}),
    ],
)
def test_a_vector_holds_what_its_name_says(name: str, fields: dict[str, Any], tlvs: dict[int, bytes]) -> None:
    pdu = decode(bytes.fromhex(VECTORS[name]["hex"]))
    assert fields.items() <= pdu.fields.items()
    assert pdu.tlvs == tlvs


# -- edge cases: each `expect` of the vectors, in the codec and in the session that gets the PDU


def bound(*, is_server: bool) -> Session:
    """A session as it is after a bind."""
    session = Session(0.0, is_server=is_server)
    if is_server:
        session.receive(encode(Pdu(BIND_TRANSCEIVER, sequence=1)), 0.0)
        session.accept("server", 0.0)
    else:
        session.bind(BIND_TRANSCEIVER, {}, 0.0)
        session.receive(encode(Pdu(BIND_TRANSCEIVER | RESPONSE, {"system_id": "server"}, sequence=1)), 0.0)
    session.output()
    assert session.state == BOUND
    return session


ODD_ANSWERS: Final[dict[str, tuple[int, dict[str, Any], dict[int, bytes]]]] = {
    "submit_sm_resp RINVDSTADR without body (3.4 form)": (0x0B, {}, {}),
    "submit_sm_resp RINVDSTADR, one NUL as body (5.0 form)": (0x0B, {"message_id": ""}, {}),
    "submit_sm_resp RINVDSTADR with message_id": (0x0B, {"message_id": "0A000000A3D323A1"}, {}),
    # It can't be told apart from an empty message_id with one TLV that is too long.
    "submit_sm_resp RTHROTTLED with additional_status_info_text directly after the header": (
        0x58,
        {"message_id": ""},
        {},
    ),
    "submit_sm_resp ok with congestion_state 85": (0, {"message_id": "abc"}, {Tag.CONGESTION_STATE: b"\x55"}),
    "submit_sm_resp ok with vendor TLV": (0, {"message_id": "abc"}, {0x1402: b"\1\2\3"}),
    "submit_sm_resp vendor status 0x0000055F": (0x55F, {}, {}),
    "deliver_sm_resp without body": (0, {}, {}),
    "two stray octets after the body": (0, {"message_id": "abc"}, {}),
    "TLV longer than the PDU": (0, {"message_id": "abc"}, {}),
}
NACK_OF_LENGTH: Final = Pdu(GENERIC_NACK, status=2)
# What the session answers, and whether it goes on.
ODD_REQUESTS: Final[dict[str, tuple[Pdu, str]]] = {
    "unknown command 0x00000999": (Pdu(GENERIC_NACK, status=3, sequence=29), BOUND),
    "command_length 15": (NACK_OF_LENGTH, CLOSED),
    "command_length of an HTTP client": (NACK_OF_LENGTH, CLOSED),
    "enquire_link with sequence 0": (Pdu(ENQUIRE_LINK | RESPONSE), BOUND),
    "request with command_status not 0": (Pdu(ENQUIRE_LINK | RESPONSE, sequence=32), BOUND),
}
REFUSED_BIND: Final = "bind_transceiver_resp RINVPASWD without body"


def test_every_edge_case_has_its_test() -> None:
    assert EDGES.keys() == {*ODD_ANSWERS, *ODD_REQUESTS, REFUSED_BIND}


@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_answer_of_an_odd_form_is_an_answer(name: str) -> None:
    status, fields, tlvs = ODD_ANSWERS[name]
    pdu = decode(EDGES[name])
    assert pdu == Pdu(pdu.command, fields, status=status, sequence=pdu.sequence, tlvs=tlvs)
    session = bound(is_server=pdu.command == DELIVER_SM_RESP)
    session._sequence = pdu.sequence - 1
    session.request(Pdu(pdu.command ^ RESPONSE), "token", 0.0)
    assert session.receive(EDGES[name], 0.0) == [Answered("token", pdu)]
    assert session.state == BOUND


@pytest.mark.parametrize("name", ODD_REQUESTS)
@pytest.mark.parametrize("is_server", [True, False], ids=["server", "client"])
def test_an_odd_request_is_answered_and_only_a_broken_stream_ends_the_session(name: str, is_server: bool) -> None:
    answer, state = ODD_REQUESTS[name]
    session = bound(is_server=is_server)
    events = session.receive(EDGES[name], 0.0)
    assert session.output()[-16:] == encode(answer)
    assert (session.state, [type(event) for event in events]) == (state, [Over] if state == CLOSED else [])


def test_a_bind_refused_without_a_body_is_refused() -> None:
    session = Session(0.0)
    session.bind(BIND_TRANSCEIVER, {}, 0.0)
    pdu = decode(EDGES[REFUSED_BIND])
    assert session.state == BINDING
    assert session.receive(EDGES[REFUSED_BIND], 0.0) == [Refused(pdu), Over(f"bind refused with {pdu.status}", ())]


def test_a_request_with_a_tlv_longer_than_itself_is_answered_with_the_cause() -> None:
    octets = octets_of(ENQUIRE_LINK, b"\x04\x28\x00\x09\x55", sequence=31)
    with pytest.raises(BadPdu) as bad:
        decode(octets)
    assert status_of(bad.value.status).name == "RINVTLVSTREAM"
    assert (bad.value.command, bad.value.sequence) == (ENQUIRE_LINK, 31)
    session = bound(is_server=True)
    assert session.receive(octets, 0.0) == []
    assert session.output() == encode(Pdu(ENQUIRE_LINK | RESPONSE, status=0xC0, sequence=31))


# -- laws of reading and writing

ADDRESS: Final = {"dest_addr_ton": OCTET, "dest_addr_npi": OCTET}


def strings(size: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=size - 1)


def values(field: Field) -> st.SearchStrategy[Any]:
    """All that may legally stand in a field."""
    listed = ADDRESS | {"destination_addr": strings(21)}
    made: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        S: lambda: strings(field.size),
        I1: lambda: OCTET,
        TEXT: lambda: st.binary(max_size=field.size),
        DESTS: lambda: st.lists(
            st.fixed_dictionaries(listed) | st.fixed_dictionaries({"dl_name": strings(21)}), max_size=5
        ),
        UNSUCCESS: lambda: st.lists(st.fixed_dictionaries(listed | {"error_status_code": NUMBER}), max_size=5),
    }
    return made[field.kind]()


TLVS: Final = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=5)


def of(command: int) -> st.SearchStrategy[Pdu]:
    fields = st.fixed_dictionaries({field.name: values(field) for field in LAYOUTS[command]})
    return st.builds(Pdu, st.just(command), fields, status=NUMBER, sequence=NUMBER, tlvs=TLVS)


PDUS: Final = st.sampled_from(sorted(LAYOUTS)).flatmap(of)


@EVERY_COMMAND
@given(data=st.data())
def test_what_is_written_is_read_again(command: int, data: st.DataObject) -> None:
    pdu = data.draw(of(command))
    octets = encode(pdu)
    assert decode(octets) == pdu
    assert list(Frames().feed(octets)) == [octets]


@EVERY_COMMAND
@settings(max_examples=30)
@given(data=st.data())
def test_fields_that_are_not_given_are_empty_or_zero(command: int, data: st.DataObject) -> None:
    whole = data.draw(of(command))
    kept = {name: value for name, value in whole.fields.items() if data.draw(st.booleans())}
    empty: dict[str, Any] = {S: "", I1: 0, TEXT: b"", DESTS: [], UNSUCCESS: []}
    expected = {field.name: empty[field.kind] for field in LAYOUTS[command]} | kept
    assert decode(encode(Pdu(command, kept, tlvs=whole.tlvs))) == Pdu(command, expected, tlvs=whole.tlvs)


@given(st.sampled_from([command for command in LAYOUTS if command & RESPONSE]), st.integers(1, 0xFFFFFFFF), NUMBER)
def test_an_error_is_answered_without_a_body(command: int, status: int, sequence: int) -> None:
    pdu = Pdu(command, status=status, sequence=sequence)
    assert encode(pdu) == octets_of(command, status=status, sequence=sequence)
    assert decode(encode(pdu)) == pdu


def test_an_error_with_a_tlv_is_read_again() -> None:
    pdu = Pdu(SUBMIT_SM_RESP, status=0x58, sequence=5, tlvs={Tag.CONGESTION_STATE: b"\x64"})
    assert decode(encode(pdu)).tlvs == pdu.tlvs


@pytest.mark.parametrize("length", [0, 1, 300, 65_535])
def test_a_payload_may_be_as_long_as_its_length_can_say(length: int) -> None:
    pdu = Pdu(DATA_SM, tlvs={Tag.MESSAGE_PAYLOAD: b"\xff" * length})
    assert [decode(octets).tlvs for octets in Frames().feed(encode(pdu))] == [pdu.tlvs]


@pytest.mark.parametrize("stray", [b"\0", b"\4\x28", b"\4\x28\0"])
@pytest.mark.parametrize("command", [SUBMIT_SM, SUBMIT_SM_RESP], ids=name_of)
def test_up_to_three_octets_after_the_last_tlv_are_let_pass(command: int, stray: bytes) -> None:
    pdu = Pdu(command, {"message_id": "7"} if command & RESPONSE else {}, tlvs={0x1400: b"kept"})
    assert decode(encode(pdu) + stray) == decode(encode(pdu))


def test_of_a_tag_that_stands_there_twice_the_first_counts() -> None:
    assert decode(octets_of(SUBMIT_SM_RESP, b"7\0" + b"\4\x28\0\1\1" + b"\4\x28\0\1\2")).tlvs == {0x428: b"\1"}


@pytest.mark.parametrize(
    ("octets", "number", "string"),
    [
        (None, None, None),
        (b"", None, ""),
        (b"\2", 2, "\2"),
        (b"\x12\x34", 0x1234, "\x124"),
        (b"7f\0", 0x376600, "7f"),
        (b"7f", 0x3766, "7f"),
        (b"7f\0rest", 0x37660072657374, "7f"),
    ],
)
def test_an_optional_parameter_is_read_as_number_and_as_string(
    octets: bytes | None, number: int | None, string: str | None
) -> None:
    pdu = Pdu(DELIVER_SM, tlvs={} if octets is None else {0x1E: octets})
    assert (pdu.number(0x1E), pdu.string(0x1E)) == (number, string)


def test_pdus_are_equal_when_all_of_them_is() -> None:
    pdu = Pdu(SUBMIT_SM, {"source_addr": "1"}, sequence=3)
    assert pdu == Pdu(SUBMIT_SM, {"source_addr": "1"}, sequence=3)
    assert pdu not in (Pdu(SUBMIT_SM, sequence=3), Pdu(SUBMIT_SM, {"source_addr": "1"}, sequence=4), None)


def test_a_pdu_knows_its_name_and_whether_it_answers() -> None:
    pdus = (Pdu(SUBMIT_SM), Pdu(SUBMIT_SM_RESP), Pdu(GENERIC_NACK), Pdu(0x999))
    assert [(pdu.name, pdu.is_response) for pdu in pdus] == [
        ("submit_sm", False),
        ("submit_sm_resp", True),
        ("generic_nack", True),
        ("0x00000999", False),
    ]


# -- streams


@given(st.lists(PDUS, min_size=1, max_size=6), st.data())
def test_however_a_stream_is_cut_the_same_pdus_come_out(pdus: Sequence[Pdu], data: st.DataObject) -> None:
    stream = b"".join(map(encode, pdus))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    frames = Frames()
    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += frames.feed(stream[start:end])
        assert frames.has_half == (sum(map(len, found)) < end)
    assert [decode(octets) for octets in found] == pdus


def test_a_stream_that_comes_octet_by_octet_is_read() -> None:
    stream = b"".join(bytes.fromhex(case["hex"]) for case in VECTORS.values())
    frames = Frames()
    found = [octets for at in range(len(stream)) for octets in frames.feed(stream[at : at + 1])]
    assert [octets.hex() for octets in found] == [case["hex"] for case in VECTORS.values()]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (bytes(4), "a PDU of 0 octets"),
        (b"\0\0\0\x0f", "a PDU of 15 octets"),
        ((LENGTH_MAX + 1).to_bytes(4, "big"), "a PDU of 69633 octets"),
        (b"\xff\xff\xff\xff", "a PDU of 4294967295 octets"),
        (b"GET / HTTP/1.1\r\n", "the peer speaks HTTP, not SMPP"),
        (b"POST /", "the peer speaks HTTP, not SMPP"),
        (b"HTTP/1.1 400", "the peer speaks HTTP, not SMPP"),
        (b"\x16\x03\x01\x02\0\1", "the peer speaks TLS, not SMPP"),
        (b"SSH-2.0", "a PDU of 1397966893 octets"),
    ],
)
def test_a_length_that_can_not_be_breaks_the_stream_before_anything_is_kept(octets: bytes, why: str) -> None:
    frames = Frames()
    good = octets_of(ENQUIRE_LINK)
    found = []
    with pytest.raises(BrokenStream, match=f"^{why}$"):
        for frame in frames.feed(good + octets):
            found.append(frame)  # noqa: PERF402  what came before the break counts
    assert (found, frames.has_half) == ([good], False)


def test_shortest_and_longest_pdu_are_no_break() -> None:
    longest = LENGTH_MAX.to_bytes(4, "big") + bytes(LENGTH_MAX - 4)
    assert [len(octets) for octets in Frames().feed(octets_of(ENQUIRE_LINK) + longest)] == [16, LENGTH_MAX]


# -- what can't be written is refused by name


def values_beyond(field: Field) -> list[Any]:
    long = "1" * 21
    beyond: dict[str, list[Any]] = {
        S: ["1" * field.size, "1" * 300, "1\0" + "1"],
        TEXT: [bytes(256)],
        DESTS: [[{"destination_addr": long}], [{"destination_addr": "1\0"}]],
        UNSUCCESS: [[{"destination_addr": long, "error_status_code": 1}]],
    }
    return beyond.get(field.kind, [])


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        pytest.param(command, field, value, id=f"{name_of(command)}-{field.name}-{number}")
        for command, field in EVERY_FIELD
        for number, value in enumerate(values_beyond(field))
    ],
)
def test_what_is_too_long_or_holds_a_nul_is_refused_by_name(command: int, field: Field, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field.name} "):
        encode(Pdu(command, {field.name: value}))


@pytest.mark.parametrize(
    ("command", "field", "value"),
    [
        pytest.param(command, field, value, id=f"{name_of(command)}-{field.name}-{number}")
        for command, field in EVERY_FIELD
        if field.kind in (S, I1)
        for number, value in enumerate((-1, 256, 0xD800, 0x110000) if field.kind == I1 else ("Ω", "\ud800"))
    ],
)
def test_what_no_octet_holds_is_refused_by_name(command: int, field: Field, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field.name} "):
        encode(Pdu(command, blank(command) | {field.name: value}))


def test_of_two_that_can_not_be_written_the_first_is_named() -> None:
    with pytest.raises(ValueError, match=r"^source_addr_ton is 256; one octet holds 0 to 255$"):
        encode(Pdu(SUBMIT_SM, {"source_addr_ton": 256, "destination_addr": "1" * 21}))


@EVERY_COMMAND
def test_a_command_with_all_its_fields_blank_is_written_as_one_without_any(command: int) -> None:
    assert encode(Pdu(command, blank(command))) == encode(Pdu(command))


def test_a_list_with_too_long_a_name_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^dl_name has 21 octets; 20 are the most$"):
        encode(Pdu(SUBMIT_MULTI, {"dest_addresses": [{"dl_name": "1" * 21}]}))


@pytest.mark.parametrize(
    ("command", "field"),
    [
        pytest.param(command, field, id=f"{name_of(command)}-{field.name}")
        for command, field in EVERY_FIELD
        if field.kind in (S, TEXT)
    ],
)
def test_the_longest_of_every_field_is_written(command: int, field: Field) -> None:
    longest = "é" * (field.size - 1) if field.kind == S else bytes(range(255))
    assert decode(encode(Pdu(command, {field.name: longest}))).fields[field.name] == longest


@pytest.mark.parametrize(
    ("pdu", "name"),
    [
        pytest.param(
            Pdu(SUBMIT_SM, {"source_addr": "Ωmega"}),
            "source_addr",
            id="a letter that is not Latin-1",
        ),
        pytest.param(
            Pdu(SUBMIT_SM, {"data_coding": 256}),
            "data_coding",
            id="more than an octet",
        ),
        pytest.param(
            Pdu(SUBMIT_SM, {"priority_flag": -1}),
            "priority_flag",
            id="less than an octet",
        ),
        pytest.param(
            Pdu(SUBMIT_MULTI, {"dest_addresses": [{"dl_name": "all"}] * 256}),
            "dest_addresses",
            id="too many destinations",
        ),
        pytest.param(
            Pdu(DATA_SM, tlvs={Tag.MESSAGE_PAYLOAD: bytes(65_536)}),
            "0x0424",
            id="a TLV too long",
        ),
    ],
)
def test_what_does_not_fit_the_wire_is_refused_by_name(pdu: Pdu, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        encode(pdu)


# -- what can't be read is refused with its cause

# The status for each field; RINVCMDLEN for those that the standard has none for.
CAUSES: Final = {
    "system_id": "RINVSYSID",
    "password": "RINVPASWD",
    "system_type": "RINVSYSTYP",
    "service_type": "RINVSERTYP",
    "source_addr": "RINVSRCADR",
    "destination_addr": "RINVDSTADR",
    "esme_addr": "RINVDSTADR",
    "dest_addresses": "RINVNUMDESTS",
    "schedule_delivery_time": "RINVSCHED",
    "validity_period": "RINVEXPIRY",
    "short_message": "RINVMSGLEN",
    "message_id": "RINVMSGID",
}
# One value of each kind on the wire, and the same without its last octet.
WIRE: Final = {
    S: b"abc\0",
    I1: b"\7",
    TEXT: b"\3abc",
    DESTS: b"\2" + b"\2all\0" + b"\1\1\1447700900123\0",
    UNSUCCESS: b"\1" + b"\1\1447700900123\0" + b"\0\0\0\x0b",
}
REQUESTS: Final = [
    pytest.param(command, place, id=f"{name_of(command)}-{field.name}")
    for command, layout in LAYOUTS.items()
    if not command & RESPONSE
    for place, field in enumerate(layout)
]


def up_to(command: int, place: int) -> bytes:
    return b"".join(WIRE[field.kind] for field in LAYOUTS[command][:place])


@pytest.mark.parametrize(("command", "place"), REQUESTS)
@pytest.mark.parametrize("rest", ["missing", "cut"])
def test_a_request_says_which_field_is_missing_or_has_no_end(command: int, place: int, rest: str) -> None:
    field = LAYOUTS[command][place]
    begun = WIRE[field.kind][:-1] if rest == "cut" else b""
    with pytest.raises(BadPdu, match=f"^{name_of(command)}: no {field.name}$") as bad:
        decode(octets_of(command, up_to(command, place) + begun, sequence=77))
    assert status_of(bad.value.status).name == CAUSES.get(field.name, "RINVCMDLEN")
    assert (bad.value.command, bad.value.sequence) == (command, 77)


@EVERY_COMMAND
@settings(max_examples=30)
@given(data=st.data())
def test_wherever_a_pdu_is_cut_the_first_field_that_is_not_whole_is_named(command: int, data: st.DataObject) -> None:
    layout, drawn = LAYOUTS[command], data.draw(of(command)).fields
    fields = {field.name: drawn[field.name] for field in layout}
    # A field that is not given takes one octet, of whatever kind it is.
    ends = [
        len(encode(Pdu(command, dict(islice(fields.items(), count))))) - (len(layout) - count)
        for count in range(1, len(layout) + 1)
    ]
    whole = encode(Pdu(command, fields))
    assert (ends or [16])[-1] == len(whole)
    cut = data.draw(st.integers(16, len(whole)))
    read = sum(end <= cut for end in ends)
    if read == len(layout) or command & RESPONSE:
        assert decode(whole[:cut]).fields == dict(islice(fields.items(), read))
    else:
        with pytest.raises(BadPdu, match=f": no {layout[read].name}$"):
            decode(whole[:cut])


@given(st.lists(of(SUBMIT_SM), min_size=2, max_size=6))
def test_what_is_kept_of_one_pdu_is_never_anothers(pdus: Sequence[Pdu]) -> None:
    for pdu in pdus:
        found = decode(encode(pdu))
        assert found == pdu
        found.fields.update(dict.fromkeys(found.fields))  # type: ignore[attr-defined]
    assert [decode(encode(pdu)) for pdu in pdus] == pdus


@pytest.mark.parametrize("flag", [0, 3, 255])
def test_a_destination_of_no_known_kind_is_the_destinations_fault(flag: int) -> None:
    body = up_to(SUBMIT_MULTI, 4) + bytes((1, flag)) + b"1\0" * 20
    with pytest.raises(BadPdu, match="no dest_addresses") as bad:
        decode(octets_of(SUBMIT_MULTI, body))
    assert status_of(bad.value.status).name == "RINVNUMDESTS"


@pytest.mark.parametrize("sm_length", [1, 4, 255])
def test_a_text_shorter_than_its_length_is_the_lengths_fault(sm_length: int) -> None:
    octets = bytearray(encode(Pdu(SUBMIT_SM)))
    octets[-1] = sm_length
    with pytest.raises(BadPdu) as bad:
        decode(bytes(octets))
    assert status_of(bad.value.status).name == "RINVMSGLEN"


@pytest.mark.parametrize(
    ("command", "place"),
    [(command, place) for command, layout in LAYOUTS.items() if command & RESPONSE for place in range(len(layout))],
)
@pytest.mark.parametrize("rest", ["missing", "cut"])
@pytest.mark.parametrize("status", [0, 0x58])
def test_of_a_response_counts_what_can_be_read(command: int, place: int, rest: str, status: int) -> None:
    field = LAYOUTS[command][place]
    begun = WIRE[field.kind][:-1] if rest == "cut" else b""
    found = decode(octets_of(command, up_to(command, place) + begun, status))
    assert (list(found.fields), found.tlvs) == ([before.name for before in LAYOUTS[command][:place]], {})
    assert found.status == status


@pytest.mark.parametrize(
    "command", [0, 0x0A, 0x111, 0x112, 0x113, 0x10200, 0x80000111, 0x8000000B, 0xFFFFFFFF], ids=hex
)
def test_an_unknown_command_is_named(command: int) -> None:
    with pytest.raises(BadPdu, match=f"^0x{command:08x}: an unknown command$") as bad:
        decode(octets_of(command, b"whatever", sequence=9))
    assert (status_of(bad.value.status).name, bad.value.command, bad.value.sequence) == ("RINVCMDID", command, 9)


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=200), NUMBER)
def test_any_body_is_read_or_refused(command: int, body: bytes, status: int) -> None:
    try:
        pdu = decode(octets_of(command, body, status))
    except BadPdu as bad:
        assert not command & RESPONSE
        assert bad.command == command
    else:
        assert (pdu.command, pdu.status) == (command, status)


@pytest.mark.parametrize("length", [0, 4, 15])
def test_less_than_a_header_is_refused_as_what_it_is(length: int) -> None:
    with pytest.raises(ProtocolError):
        decode(octets_of(ENQUIRE_LINK)[:length])


# -- passwords stay where they are

SECRET: Final = "s3cr3t-2"
WITH_PASSWORD: Final = pytest.mark.parametrize("command", [*sorted(BINDS), OUTBIND], ids=name_of)


@WITH_PASSWORD
def test_no_repr_shows_a_password(command: int) -> None:
    pdu = Pdu(command, {"system_id": "acme", "password": SECRET})
    session = Session(0.0, is_server=True)
    shown = [
        repr(pdu),
        str(pdu),
        repr([pdu]),
        repr(Binding(pdu)),
        f"{session.receive(encode(pdu), 0.0)}",
        repr(session),
    ]
    assert [text for text in shown if SECRET in text] == []
    assert "acme" in repr(pdu)


@WITH_PASSWORD
@given(data=st.data())
def test_masked_octets_are_the_same_but_for_the_password(command: int, data: st.DataObject) -> None:
    pdu = data.draw(of(command))
    octets = encode(pdu)
    found = decode(masked(octets))
    password = pdu.fields["password"]
    assert found.fields == {**pdu.fields, "password": "*" * len(password.encode("latin-1"))}
    assert (len(masked(octets)), found.tlvs, found.sequence) == (len(octets), pdu.tlvs, pdu.sequence)


@WITH_PASSWORD
def test_half_a_bind_is_masked_too(command: int) -> None:
    octets = encode(Pdu(command, {"system_id": "acme", "password": SECRET, "system_type": "vms"}))
    start = octets.index(SECRET.encode())
    for end in range(start, len(octets) + 1):
        found = masked(octets[:end])
        shown = min(end - start, len(SECRET))
        assert found == octets[:start] + b"*" * shown + octets[start + shown : end]


@EVERY_COMMAND
def test_what_holds_no_password_is_left_as_it_is(command: int) -> None:
    if command not in {*BINDS, OUTBIND}:
        octets = octets_of(command, b"one\0two\0three\0")
        assert masked(octets) == octets


@pytest.mark.parametrize(
    "octets", [b"", b"\0\0\0\x10\0\0\0\1", octets_of(BIND_RECEIVER), octets_of(BIND_TRANSMITTER, b"acme")]
)
def test_a_bind_without_a_password_is_left_as_it_is(octets: bytes) -> None:
    assert masked(octets) == octets
