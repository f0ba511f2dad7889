"""Messages from phones reach the SMPP accounts that hear them: smpplib and real sockets, on both engines."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from heliograph.core import gsm
from heliograph.engine.secrets import new_key
from heliograph.smpp import parts
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import DELIVER_SM
from tests.process.app import App, id_of
from tests.process.database import database
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
STORE = '[store]\nurl = "{url}"\n'
PHONE = "+447700900123"
OURS = "+447700900200"
LONG = {
    "gsm": "All of this is one message. " * 10,
    "escaped": "€" * 200,
    "unicode": "Это всё одно сообщение. " * 10,
    "emoji": "Parcel 📦 is there. " * 10,
}


def account(api: Api, **more: Any) -> dict[str, Any]:
    answer = api("POST", "/v1/keys", {"name": "app", "smpp": True, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def phone_texts(api: Api, text: str, *, to: str = OURS, connector: str = "sandbox") -> None:
    body = {"from": PHONE, "to": to, "text": text, "connector": connector}
    answer = api("POST", "/v1/sandbox/inbound", body)
    assert answer.status_code == 202, answer.text


def text_of(heard: Any) -> str:
    """The text of one deliver_sm, or of the part that it is."""
    octets = _payload(heard).text
    return octets.decode("utf-16-be") if heard.data_coding == 8 else gsm.decode(octets)


def _payload(heard: Any) -> parts.Payload:
    fields = {"esm_class": heard.esm_class, "short_message": heard.short_message or b""}
    tlvs = {0x0424: heard.message_payload} if heard.message_payload else {}
    return parts.payload(Pdu(DELIVER_SM, fields, tlvs=tlvs))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    port = free_port()
    with ExitStack() as stack:
        config = CONFIG.format(port=port)
        if request.param == "postgres":
            config += STORE.format(url=stack.enter_context(database()))
        yield stack.enter_context(Server(tmp_path_factory.mktemp("accounts"), config)), port


@pytest.fixture(scope="module")
def api(running: tuple[Server, int]) -> Api:
    return Api(running[0], running[0].key("admin"))


def test_an_account_hears_what_a_phone_texts(running: tuple[Server, int], api: Api) -> None:
    with App(running[1], account(api)) as app:
        phone_texts(api, "Is anybody there? €5")
        app.until(lambda: app.heard)
        heard = app.heard[0]
        assert text_of(heard) == "Is anybody there? €5"
        assert (heard.source_addr, heard.source_addr_ton, heard.source_addr_npi) == (PHONE[1:].encode(), 1, 1)
        assert (heard.destination_addr, heard.dest_addr_ton) == (OURS[1:].encode(), 1)
        assert (heard.esm_class, heard.data_coding) == (0, 0)
        phone_texts(api, "Привет 📦", to="12345")
        app.until(lambda: len(app.heard) == 2)
        heard = app.heard[1]
        assert (text_of(heard), heard.data_coding) == ("Привет 📦", 8)
        assert (heard.destination_addr, heard.dest_addr_ton, heard.dest_addr_npi) == (b"12345", 3, 0), "a short code"


def test_messages_wait_until_the_account_binds_to_receive(running: tuple[Server, int], api: Api) -> None:
    port, late = running[1], account(api)
    phone_texts(api, "While nobody is there")
    with App(port, late, mode="transmitter") as sending:
        phone_texts(api, "While it only sends")
        assert sending.submit().status == 0
        with App(port, late, mode="receiver") as app:
            app.until(lambda: len(app.heard) >= 3)
            texts = {text_of(one) for one in app.heard if one.esm_class == 0}
            assert texts == {"While nobody is there", "While it only sends"}
        assert not [one for one in sending.heard if one.esm_class == 0]


@pytest.mark.parametrize(
    ("more", "hears"),
    [
        ({}, {"to ours", "to a short code", "to another"}),
        ({"inbound": ["*"]}, {"to ours", "to a short code", "to another"}),
        ({"inbound": [OURS]}, {"to ours"}),
        ({"inbound": [OURS[1:], "12345"]}, {"to ours", "to a short code"}),
        ({"inbound": []}, set()),
        ({"scopes": ["messages:send"]}, set()),
    ],
)
def test_an_account_hears_the_senders_that_it_serves(
    running: tuple[Server, int], api: Api, more: dict[str, Any], hears: set[str]
) -> None:
    with App(running[1], account(api, **more)) as app:
        for to, text in ((OURS, "to ours"), ("12345", "to a short code"), ("+447700900201", "to another")):
            phone_texts(api, text, to=to)
        assert app.submit().status == 0
        # Its receipt is told after them: what comes, comes before it, or beside it.
        app.until(lambda: any(one.esm_class for one in app.heard) and len(app.heard) > len(hears))
        assert {text_of(one) for one in app.heard if not one.esm_class} == hears


def test_no_account_hears_what_another_environment_is_told(running: tuple[Server, int], api: Api) -> None:
    theirs = Api(running[0], running[0].key("admin", environment="live"))
    with App(running[1], account(api)) as app, App(running[1], account(theirs, environment="live")) as live:
        phone_texts(theirs, "to the live one", connector="play")
        phone_texts(api, "to the other")
        live.until(lambda: live.heard)
        app.until(lambda: app.heard)
        assert [text_of(one) for one in live.heard] == ["to the live one"]
        assert [text_of(one) for one in app.heard] == ["to the other"]


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("long_messages", ["udh", "sar", "payload"])
def test_a_long_message_comes_as_the_account_wants_it(
    running: tuple[Server, int], api: Api, long_messages: str, text: str
) -> None:
    with App(running[1], account(api, long_messages=long_messages)) as app:
        phone_texts(api, text)
        if long_messages == "payload":
            app.until(lambda: app.heard)
            assert not app.heard[0].short_message and text_of(app.heard[0]) == text
            return
        app.until(lambda: app.heard and len(app.heard) == _total(app.heard[0], long_messages))
        total = len(app.heard)
        assert total > 1 and all(len(one.short_message) <= 159 for one in app.heard)
        assert [_number(one, long_messages) for one in app.heard] == list(range(1, total + 1))
        assert "".join(map(text_of, app.heard)) == text
        assert {one.esm_class for one in app.heard} == {0x40 if long_messages == "udh" else 0}


def _total(heard: Any, way: str) -> int:
    if way == "sar":
        return _octet(heard.sar_total_segments)
    part = _payload(heard).part
    assert part is not None
    return part.total


def _number(heard: Any, way: str) -> int:
    if way == "sar":
        return _octet(heard.sar_segment_seqnum)
    part = _payload(heard).part
    assert part is not None
    return part.number


def _octet(value: Any) -> int:
    return value[0] if isinstance(value, bytes) else int(value)


def test_the_account_of_a_key_that_was_rotated_goes_on(running: tuple[Server, int], api: Api) -> None:
    server, port = running
    old = account(api, inbound=[OURS])
    with App(port, old, mode="transmitter") as app:
        sent = app.submit(text="by the old key")
        assert sent.status == 0
        Api(server, old["key"]).until(id_of(sent), "delivered")
    phone_texts(api, "to the old key")
    new = api("POST", f"/v1/keys/{old['id']}/rotate", {}).json()
    assert new["smpp"] == {"inbound": [OURS], "long_messages": "udh"}
    with App(port, new) as app:
        app.until(lambda: len(app.heard) == 2)
        assert {text_of(one) for one in app.heard if not one.esm_class} == {"to the old key"}
        with App(port, old) as before:
            phone_texts(api, "to one of them")
            _until(app, before, lambda: len(app.heard) + len(before.heard) == 3)
            phone_texts(api, "to one of them again")
            _until(app, before, lambda: any(text_of(one).endswith("again") for one in (*app.heard, *before.heard)))
            assert len(app.heard) + len(before.heard) == 4, "once, not to each"


def _until(first: App, second: App, holds: Any, within_s: float = 10.0) -> None:
    end = time.monotonic() + within_s
    for app in (first, second):
        app.client._socket.settimeout(0.1)
    while not holds():
        assert time.monotonic() < end, "not in time"
        for app in (first, second):
            app.client.poll(ignore_error_codes=None)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"smpp": True, "inbound": ["no number at all"]}, "/inbound/0"),
        ({"inbound": ["*"]}, "/inbound"),
        ({"smpp": True, "long_messages": "pigeon"}, "/long_messages"),
    ],
)
def test_a_wrong_account_is_refused(api: Api, body: dict[str, Any], pointer: str) -> None:
    answer = api("POST", "/v1/keys", {"name": "wrong", **body})
    assert answer.status_code in (400, 422), answer.text
    assert pointer in answer.text


def test_an_account_made_over_http_binds(running: tuple[Server, int], api: Api) -> None:
    made = account(api, inbound=["12345"])
    assert made["smpp"] == {"inbound": ["12345"], "long_messages": "udh"}
    with App(running[1], made) as app:
        phone_texts(api, "Hello", to="12345")
        app.until(lambda: app.heard)
    shown = api("GET", f"/v1/keys/{made['id']}").json()
    assert shown["smpp"] == made["smpp"] and "password" not in shown


# -- several processes


class Pair:
    """Two processes on one database; the connectors are the first one's."""

    def __init__(self, first: Server, second: Server, ports: tuple[int, int]) -> None:
        self.first, self.second, self.ports = first, second, ports
        self.api = Api(first, first.key("admin"))


@pytest.fixture(scope="module", params=["api,engine", "api"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    ports = free_port(), free_port()
    with ExitStack() as stack:
        url = stack.enter_context(database())
        servers, environ = [], {"HELIOGRAPH_MASTER_KEY": new_key()}
        for port, roles in zip(ports, ("api,engine", request.param), strict=True):
            config = CONFIG.format(port=port) + STORE.format(url=url)
            server = Server(tmp_path_factory.mktemp("pair"), config, environ=environ)
            stack.push(server)
            servers.append(server.start("--roles", roles))
        yield Pair(servers[0], servers[1], ports)


def test_a_message_reaches_an_account_that_is_bound_at_another_process(pair: Pair) -> None:
    made = account(pair.api)
    with App(pair.ports[1], made) as app:
        for number in range(20):
            phone_texts(pair.api, f"text {number}")
        sent = app.submit(text="The connector is elsewhere")
        assert sent.status == 0
        app.until(lambda: len(app.heard) == 21, within_s=5.0)
        assert {text_of(one) for one in app.heard if not one.esm_class} == {f"text {number}" for number in range(20)}
    end = time.monotonic() + 5.0
    while any(one["status"] == "pending" for one in _deliveries(pair)):  # the last answers are being written down
        assert time.monotonic() < end, _deliveries(pair)
        time.sleep(0.05)
    assert {one["tries"] for one in _deliveries(pair)} == {1}, "nobody tried in vain"


def test_what_waits_is_brought_by_whichever_process_is_bound_next(pair: Pair) -> None:
    made = account(pair.api)
    for port in pair.ports:
        phone_texts(pair.api, f"for {port}")
        time.sleep(1.5)  # both processes have looked, and left it
        newest = _deliveries(pair)[0]
        assert (newest["status"], newest["tries"]) == ("pending", 0)
        with App(port, made) as app:
            app.until(lambda: app.heard, within_s=5.0)
            assert [text_of(one) for one in app.heard] == [f"for {port}"]


def test_an_account_that_is_bound_at_both_hears_each_message_once(pair: Pair) -> None:
    made = account(pair.api)
    with App(pair.ports[0], made) as first, App(pair.ports[1], made) as second:
        for number in range(30):
            phone_texts(pair.api, f"text {number}")
        _until(first, second, lambda: len(first.heard) + len(second.heard) >= 30)
        texts = sorted(text_of(one) for one in (*first.heard, *second.heard))
        assert texts == sorted(f"text {number}" for number in range(30))


def _deliveries(pair: Pair) -> list[dict[str, Any]]:
    """Those to the account that was made last."""
    answer: requests.Response = pair.api("GET", "/v1/deliveries?limit=200")
    found = [one for one in answer.json()["data"] if one["target"].partition("smpp://")[1]]
    newest = max(int(one["target"].rpartition("/")[2]) for one in found)
    return [one for one in found if one["target"].endswith(f"/{newest}")]
