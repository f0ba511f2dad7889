"""Applications bind to us: with smpplib, a client that we did not write."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from tests.process.app import App, id_of
from tests.process.server import Api, Server, free_port

CONFIG = """
[connectors.play]
kind = "sandbox"
answer_delay_ms = 0
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["play"]
[smpp_server]
listen = "127.0.0.1:{port}"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    port = free_port()
    with Server(tmp_path_factory.mktemp("smpp"), CONFIG.format(port=port)) as server:
        yield server, port


@pytest.fixture(scope="module")
def account(running: tuple[Server, int]) -> dict[str, Any]:
    made: dict[str, Any] = running[0].run("keys", "create", "--name", "app", "--environment", "test", "--smpp")
    return made


def test_a_message_goes_out_and_its_receipt_comes_back(running: tuple[Server, int], account: dict[str, Any]) -> None:
    server, port = running
    app = App(port, account)
    answer = app.submit()
    assert answer.status == 0
    found = app.receipt()
    assert (found.id, found.stat) == (id_of(answer), "DELIVRD")
    heard = app.heard[0]
    assert (heard.source_addr, heard.destination_addr) == (b"447700900123", b"Acme"), "exchanged"
    assert heard.receipted_message_id.decode().rstrip("\0") == id_of(answer) and heard.message_state in (2, b"\x02")
    message = Api(server, account["key"])("GET", f"/v1/messages/{id_of(answer)}").json()
    assert (message["text"], message["sender"], message["status"]) == ("Hello", "Acme", "delivered")
    app.close()


def test_no_receipt_without_being_asked(running: tuple[Server, int], account: dict[str, Any]) -> None:
    server, port = running
    app = App(port, account)
    quiet = app.submit(text="Quiet", registered_delivery=False)
    Api(server, account["key"]).until(id_of(quiet), "delivered")
    loud = app.submit(text="Loud")
    assert app.receipt().id == id_of(loud), "the first that is heard is of the second"
    app.close()


def test_a_long_message_in_parts_is_one_message_with_a_receipt_for_each_part(
    running: tuple[Server, int], account: dict[str, Any]
) -> None:
    server, port = running
    text = "All of this is one message. " * 10
    parts, coding, esm_class = smpplib.gsm.make_parts(text)
    app = App(port, account)
    answers = [app.submit(short_message=part, data_coding=coding, esm_class=esm_class) for part in reversed(parts)]
    named = {id_of(answer) for answer in answers}
    assert len(named) == len(parts)
    app.until(lambda: len(app.heard) == len(parts))
    assert {app.receipt(place).id for place in range(len(parts))} == named
    messages = Api(server, account["key"])("GET", "/v1/messages").json()["data"]
    assert messages[0]["text"] == text and messages[0]["segments"] == 2
    app.close()


def test_receipts_wait_until_the_account_binds_again(running: tuple[Server, int], account: dict[str, Any]) -> None:
    server, port = running
    app = App(port, account, mode="transmitter")
    answer = app.submit(text="Later")
    Api(server, account["key"]).until(id_of(answer), "delivered")
    app.close()
    time.sleep(0.3)
    again = App(port, account, mode="receiver")
    assert again.receipt().id == id_of(answer)
    again.close()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"destination_addr": "4477"}, 0x0B),
        ({"source_addr": "A sender that is far too long"[:20]}, 0x0A),
        ({"short_message": b"x" * 250, "data_coding": 99}, 0x104),
        ({"short_message": b""}, 0x01),
        ({"esm_class": 0x04}, 0x43),
        ({"validity_period": "000000000000000R"}, 0x62),
        ({"schedule_delivery_time": "nonsense00000000"}, 0x61),
    ],
)
def test_each_refusal_names_its_cause(
    running: tuple[Server, int], account: dict[str, Any], changes: dict[str, Any], status: int
) -> None:
    app = App(running[1], account)
    assert app.submit(**changes).status == status
    assert app.submit().status == 0, "the session goes on"
    app.close()


def test_a_message_that_waits_can_be_asked_for_and_canceled(
    running: tuple[Server, int], account: dict[str, Any]
) -> None:
    app = App(running[1], account)
    answer = app.submit(text="Tomorrow", schedule_delivery_time="000001000000000R")
    state: list[Any] = []
    app.client.set_query_resp_handler(lambda pdu, **_: state.append(pdu))
    app.client.query_message(message_id=id_of(answer), source_addr_ton=5, source_addr_npi=0, source_addr="Acme")
    app.until(lambda: state)
    assert state[0].message_state == 0, "SCHEDULED"
    app.close()


@pytest.mark.parametrize("wrong", ["password", "system_id"])
def test_wrong_credentials_are_refused_without_saying_which(
    running: tuple[Server, int], account: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(smpplib.exceptions.PDUError) as refused:
        App(running[1], {**account, wrong: "nobody"})
    assert refused.value.args[1] == smpplib.consts.SMPP_ESME_RBINDFAIL


def test_a_key_that_is_revoked_ends_its_binds(running: tuple[Server, int]) -> None:
    server, port = running
    account = server.run("keys", "create", "--name", "gone", "--environment", "test", "--smpp")
    app = App(port, account)
    assert app.submit().status == 0
    server.run("keys", "revoke", account["id"])
    ended = threading.Event()

    def read() -> None:
        try:
            for _ in range(200):
                app.client.read_once(auto_send_enquire_link=False)
        except Exception:  # however smpplib says that it is over
            ended.set()

    reading = threading.Thread(target=read)
    reading.start()
    assert ended.wait(20), "within ten seconds or so"
    reading.join()
    app.close()


def test_one_that_speaks_http_is_sent_away(running: tuple[Server, int], tmp_path: Path) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", running[1]), timeout=5) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = b""
        while more := stranger.recv(100):
            answer += more
    assert len(answer) == 16, "a generic_nack, and the end"


def test_a_code_to_a_number_that_can_not_take_it_is_refused_where_that_is_declared(
    running: tuple[Server, int], account: dict[str, Any]
) -> None:
    server, port = running
    api = Api(server, server.key("admin"))
    assert api.policy("lookup", before=["otp"], provider="play").status_code == 200
    try:
        with App(port, account) as app:
            assert app.submit("447700900104", service_type="OTP").status != 0  # …04: not in use, says the sandbox
            assert app.submit("447700900123", service_type="OTP").status == 0
            assert app.submit("447700900104").status == 0, "other kinds are not asked about"
            parts, coding, esm_class = smpplib.gsm.make_parts("Your code is 1234. " * 10)
            codes = {"data_coding": coding, "esm_class": esm_class, "service_type": "OTP"}
            answers = [app.submit("447700900104", short_message=part, **codes) for part in parts]
            assert answers[-1].status != 0, "a long one too"
    finally:
        api.policy("lookup")
