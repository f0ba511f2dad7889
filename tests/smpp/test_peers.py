"""Somebody else's codec: what smpplib writes we read, and the other way round; its client talks to our server."""

import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any, Final, NamedTuple

import pytest
import smpplib.client  # type: ignore[import-untyped]
import smpplib.gsm  # type: ignore[import-untyped]
import smpplib.smpp  # type: ignore[import-untyped]

from heliograph.smpp import parts, receipts
from heliograph.smpp.codec import Pdu, decode, encode
from heliograph.smpp.commands import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ENQUIRE_LINK,
    GENERIC_NACK,
    QUERY_SM,
    RESPONSE,
    SUBMIT_SM,
    SUBMIT_SM_RESP,
    UNBIND,
    Tag,
    name_of,
)
from heliograph.smpp.session import CLOSED, Answered, Asked, Binding, Over, Session, Silent

RECEIPT: Final = (
    "id:39f99dd5 sub:001 dlvrd:001 submit date:2611201430 done date:2611201431 stat:DELIVRD err:000 text:Hello"
)
ADDRESSES: Final = {
    "source_addr_ton": 5,
    "source_addr": "Heliograph",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": "447700900123",
}
BIND: Final = {
    "system_id": "acme",
    "password": "secret08",
    "system_type": "vms",
    "interface_version": 0x34,
    "addr_ton": 1,
    "addr_npi": 1,
    "address_range": "4477",
}
GSM: Final = smpplib.gsm.gsm_encode("Pay @ €5")
UCS2: Final = "Привет 😀".encode("utf-16-be")
ID: Final = {"message_id": "39f99dd5"}


class Same(NamedTuple):
    """One PDU; its optional parameters as ours and as theirs."""

    command: int
    fields: dict[str, Any] = {}  # noqa: RUF012  never changed
    tlvs: dict[int, bytes] = {}  # noqa: RUF012
    params: dict[str, Any] = {}  # noqa: RUF012


SAME: Final = {
    "bind_transceiver": Same(BIND_TRANSCEIVER, BIND),
    "bind_transmitter": Same(BIND_TRANSMITTER, BIND),
    "bind_receiver": Same(BIND_RECEIVER, BIND),
    "a bind answered": Same(
        BIND_TRANSCEIVER | RESPONSE,
        {"system_id": "server"},
        {Tag.SC_INTERFACE_VERSION: b"\x34"},
        {"sc_interface_version": 0x34},
    ),
    "submit_sm in GSM": Same(
        SUBMIT_SM, ADDRESSES | {"short_message": GSM, "registered_delivery": 1, "validity_period": "000001000000000R"}
    ),
    "submit_sm in UCS-2": Same(
        SUBMIT_SM,
        ADDRESSES | {"short_message": UCS2, "data_coding": 8, "service_type": "CMT"},
        {Tag.USER_MESSAGE_REFERENCE: b"\x12\x34"},
        {"user_message_reference": 0x1234},
    ),
    "submit_sm, a part by its header": Same(
        SUBMIT_SM, ADDRESSES | {"short_message": b"\5\0\3\x2a\3\2world", "esm_class": 0x40}
    ),
    "submit_sm, a part by its parameters": Same(
        SUBMIT_SM,
        ADDRESSES | {"short_message": b"part"},
        parts.sar(parts.Part(0x1234, 3, 2, "sar")),
        {"sar_msg_ref_num": 0x1234, "sar_total_segments": 3, "sar_segment_seqnum": 2},
    ),
    "submit_sm with a payload": Same(
        SUBMIT_SM, ADDRESSES, {Tag.MESSAGE_PAYLOAD: b"x" * 250}, {"message_payload": b"x" * 250}
    ),
    "submit_sm answered": Same(SUBMIT_SM_RESP, ID),
    "deliver_sm, a receipt": Same(
        DELIVER_SM,
        ADDRESSES | {"short_message": RECEIPT.encode(), "esm_class": 4},
        {Tag.NETWORK_ERROR_CODE: b"\3\0\1", **receipts.tlvs("39f99dd5", "DELIVRD")},
        {"network_error_code": b"\3\0\1", "message_state": 2, "receipted_message_id": "39f99dd5"},
    ),
    "deliver_sm answered": Same(DELIVER_SM_RESP, {"message_id": ""}),
    "query_sm": Same(QUERY_SM, ID | {"source_addr_ton": 5, "source_addr": "Heliograph"}),
    "query_sm answered": Same(QUERY_SM | RESPONSE, ID | {"message_state": 2, "error_code": 1}),
    "data_sm": Same(DATA_SM, ADDRESSES, {Tag.MESSAGE_PAYLOAD: b"hello"}, {"message_payload": b"hello"}),
    "enquire_link": Same(ENQUIRE_LINK),
    "enquire_link answered": Same(ENQUIRE_LINK | RESPONSE),
    "unbind": Same(UNBIND),
    "unbind answered": Same(UNBIND | RESPONSE),
    "generic_nack": Same(GENERIC_NACK),
}
EVERY_PDU: Final = pytest.mark.parametrize("same", SAME.values(), ids=SAME.keys())


class Numbers:
    """Where smpplib's PDUs get their numbers."""

    sequence = 77

    def next_sequence(self) -> int:
        return self.sequence


def theirs(same: Same) -> bytes:
    pdu = smpplib.smpp.make_pdu(name_of(same.command), client=Numbers(), **same.fields, **same.params)
    pdu.sequence = 77
    written: bytes = pdu.generate()
    return written


def ours(same: Same, status: int = 0) -> bytes:
    return encode(Pdu(same.command, same.fields, status=status, sequence=77, tlvs=same.tlvs))


@EVERY_PDU
def test_what_they_write_is_what_we_write(same: Same) -> None:
    assert decode(theirs(same)) == decode(ours(same))
    assert sorted(theirs(same)) == sorted(ours(same))  # the order of optional parameters is free


@EVERY_PDU
def test_what_we_write_they_read(same: Same) -> None:
    found = smpplib.smpp.parse_pdu(ours(same), client=Numbers())
    assert (found.command, found.status, found.sequence) == (name_of(same.command), 0, 77)
    for field, value in {**same.fields, **same.params}.items():
        assert getattr(found, field) == (value.encode() if isinstance(value, str) else value)


def test_a_receipt_of_theirs_is_read() -> None:
    pdu = decode(theirs(SAME["deliver_sm, a receipt"]))
    assert receipts.read(pdu.fields["short_message"].decode(), pdu.tlvs) == receipts.read(RECEIPT)


@pytest.mark.parametrize("command", [SUBMIT_SM_RESP, BIND_TRANSCEIVER | RESPONSE, GENERIC_NACK], ids=name_of)
def test_our_errors_are_errors_to_them(command: int) -> None:
    found = smpplib.smpp.parse_pdu(ours(Same(command), 0x58), client=Numbers())
    assert (found.is_error(), found.status) == (True, 0x58)


# -- its client, our session


class Server(Thread):
    """One connection, served until its end: every message is taken and its receipt sent at once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.bound: list[dict[str, Any]] = []
        self.taken: list[parts.Payload] = []
        self.acknowledged: list[object] = []
        self.end = ""

    def run(self) -> None:
        with self.listener.accept()[0] as wire:
            wire.settimeout(10)
            session = Session(0.0, is_server=True)
            while session.state != CLOSED:
                for event in session.receive(wire.recv(65_536), 0.0):
                    self.see(session, event)
                wire.sendall(session.output())

    def see(self, session: Session, event: object) -> None:
        match event:
            case Binding(pdu):
                self.bound.append(dict(pdu.fields))
                if pdu.fields["password"] == "secret08":
                    session.accept("server", 0.0)
                else:
                    session.refuse(0x0E, 0.0)
            case Asked(pdu):
                self.taken.append(parts.payload(pdu))
                session.respond(pdu, fields=ID)
                receipt = {"short_message": RECEIPT.encode(), "esm_class": 4}
                session.request(Pdu(DELIVER_SM, receipt, tlvs=receipts.tlvs("39f99dd5", "DELIVRD")), "receipt", 0.0)
            case Answered(token, _) | Silent(token):
                self.acknowledged.append(token)
            case Over(reason, _):
                self.end = reason


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    started.start()
    yield started
    started.join(10)
    started.listener.close()
    assert not started.is_alive()


def client_of(server: Server) -> Any:
    client = smpplib.client.Client("127.0.0.1", server.port, timeout=10, allow_unknown_opt_params=False)
    client.connect()
    return client


def test_its_client_binds_sends_gets_receipts_and_unbinds(server: Server) -> None:
    client = client_of(server)
    seen: list[tuple[str, Any]] = []
    client.set_message_sent_handler(lambda pdu, **_: seen.append(("sent", pdu.message_id)))
    client.set_message_received_handler(lambda pdu, **_: seen.append(("received", pdu.receipted_message_id)))
    client.bind_transceiver(system_id="acme", password="secret08", interface_version=0x34)
    texts, data_coding, esm_class = smpplib.gsm.make_parts("Привет, " * 12)
    for text in texts:
        client.send_message(**ADDRESSES, data_coding=data_coding, esm_class=esm_class, short_message=text)
        client.read_once()
        client.read_once()
    client.unbind()
    client.disconnect()
    server.join(10)
    assert seen == [("sent", b"39f99dd5"), ("received", b"39f99dd5")] * 2
    assert server.bound[0]["system_id"] == "acme"
    assert [payload.part and payload.part[1:] for payload in server.taken] == [(2, 1, "8"), (2, 2, "8")]
    assert b"".join(payload.text for payload in server.taken).decode("utf-16-be") == "Привет, " * 12
    assert (server.acknowledged, server.end) == (["receipt"] * 2, "the peer unbound")


def test_its_client_understands_a_refusal(server: Server) -> None:
    client = client_of(server)
    with pytest.raises(smpplib.exceptions.PDUError, match="Invalid Password"):
        client.bind_transceiver(system_id="acme", password="guessed", interface_version=0x34)
    client.disconnect()
