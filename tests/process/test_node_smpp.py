"""node-smpp, an SMPP library that we did not write, at both ends: as an application that binds to us, and as the
message centre that our connector binds to.

It needs Node.js with npm; the library itself is fetched by npm, the first time.
"""

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from heliograph.core import gsm, segments
from heliograph.smpp import receipts
from tests import node
from tests.process.database import database
from tests.process.server import Api, Server, free_port

HERE = Path(__file__).parent / "node"
MODULES = node.modules("node-smpp")
pytestmark = node.needed

DOOR = """
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
CONNECTOR = """
[connectors.telco]
kind = "smpp"
host = "127.0.0.1"
port = {port}
system_id = "acme"
password = "secret"
bind = "{bind}"
long_messages = "{long_messages}"
reconnect_first_s = 0.1
reconnect_longest_s = 0.2
[[routes]]
name = "all"
via = ["telco"]
"""
EMOJI = "😀"
Event = dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def library() -> None:
    node.installed("node-smpp", HERE / "package.json")


class Script:
    """One of the scripts as a process: told by lines what to do, and tells by lines what happens."""

    def __init__(self, name: str, *words: str) -> None:
        assert node.NODE is not None
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [node.NODE, str(HERE / name), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "NODE_PATH": str(MODULES)},
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        try:
            self.first("ready")
        except BaseException:
            self.close()
            raise

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()

    def tell(self, command: str, **fields: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, "fields": fields}) + "\n")
        self._process.stdin.flush()

    def of(self, event: str) -> list[Event]:
        return [one.get("pdu", one) for one in self.events if one["event"] == event]

    def until(self, event: str, fits: Callable[[list[Event]], bool], within_s: float = 60.0) -> list[Event]:
        """All that it told of this event, once that fits."""
        end = time.monotonic() + within_s
        with self._changed:
            while not fits(found := self.of(event)):
                left = end - time.monotonic()
                assert left > 0, f"{event}: only {found}; events: {[one['event'] for one in self.events]}"
                self._changed.wait(left)
            return found

    def first(self, event: str) -> Event:
        return self.until(event, bool)[0]

    def close(self) -> None:
        """The script ends with its input."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._thread.join(5)
        self._process.stdout.close()


# -- as an application that binds to us

ADDRESSES = {
    "source_addr_ton": 5,
    "source_addr": "Acme",
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": "447700900123",
}


class App(Script):
    """An application with node-smpp."""

    def __init__(self, port: int, account: dict[str, Any], *, mode: str = "transceiver") -> None:
        super().__init__("client.js", str(port))
        self._numbers = itertools.count(1)
        bound = self.ask(f"bind_{mode}", system_id=account["system_id"], password=account["password"])
        self.bind_status: int = bound["command_status"]

    def ask(self, command: str, **fields: Any) -> Event:
        """A request's answer."""
        number = next(self._numbers)
        self.tell(command, sequence_number=number, **fields)
        self.until(f"{command}_resp", lambda found: any(one["sequence_number"] == number for one in found))
        return next(one for one in self.of(f"{command}_resp") if one["sequence_number"] == number)

    def submit(self, **more: Any) -> str:
        """One submit_sm; its id."""
        answer = self.ask("submit_sm", **ADDRESSES | {"registered_delivery": 1} | more)
        assert answer["command_status"] == 0, answer
        return str(answer["message_id"])

    def receipts(self, count: int) -> dict[str, int]:
        """Who is reported in so many receipts, by the optional parameters."""
        heard = self.until("deliver_sm", lambda found: len(found) >= count)
        assert all(one["esm_class"] == 0x04 for one in heard)
        return {one["receipted_message_id"]: one["message_state"] for one in heard}

    def __enter__(self) -> "App":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int]]:
    port = free_port()
    with Server(tmp_path_factory.mktemp("door"), DOOR.format(port=port)) as server:
        yield server, port


@pytest.fixture(scope="module")
def account(server: tuple[Server, int]) -> dict[str, Any]:
    made: dict[str, Any] = server[0].run("keys", "create", "--name", "node", "--environment", "test", "--smpp")
    return made


@pytest.fixture
def app(server: tuple[Server, int], account: dict[str, Any]) -> Iterator[App]:
    with App(server[1], account) as app:
        assert app.bind_status == 0
        yield app


@pytest.fixture(scope="module")
def api(server: tuple[Server, int], account: dict[str, Any]) -> Api:
    return Api(server[0], account["key"])


def newest(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", "/v1/messages?limit=1").json()["data"][0]
    return found


def hexed(octets: bytes) -> dict[str, str]:
    return {"hex": octets.hex()}


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Hello from node", 0),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", 0),
        ("{[~]} \\ ^ | and 5 €", 0),
        ("Façade, naïve, crêpe", 3),
        ("Привет, мир! 你好", 8),
        (f"Parcel {EMOJI} is there", 8),
    ],
)
def test_a_text_arrives_and_its_receipt_is_heard(app: App, api: Api, text: str, coding: int) -> None:
    submitted = app.submit(short_message=text, data_coding=coding)
    assert app.receipts(1) == {submitted: 2}
    message = api("GET", f"/v1/messages/{submitted}").json()
    assert (message["text"], message["sender"], message["to"]) == (text, "Acme", "+447700900123")
    assert message["status"] == "delivered"


@pytest.mark.parametrize("text", ["Chosen by node", "Façade, naïve, crêpe", "Привет, мир!"])
def test_the_alphabet_that_node_chooses_by_itself_is_read(app: App, api: Api, text: str) -> None:
    submitted = app.submit(short_message=text)
    assert app.receipts(1) == {submitted: 2}
    assert api("GET", f"/v1/messages/{submitted}").json()["text"] == text


def test_the_text_of_a_receipt_names_the_message(app: App) -> None:
    submitted = app.submit(short_message="Hello")
    app.receipts(1)
    found = receipts.read(app.first("deliver_sm")["short_message"]["message"])
    assert found is not None and (found.id, found.stat) == (submitted, "DELIVRD")


def test_a_long_text_in_message_payload_is_one_message(app: App, api: Api) -> None:
    text = "All of this is one message. " * 10
    submitted = app.submit(message_payload={"message": text}, data_coding=0)
    assert app.receipts(1) == {submitted: 2}
    assert (newest(api)["id"], newest(api)["text"], newest(api)["segments"]) == (submitted, text, 2)


def headers(way: str, count: int) -> list[dict[str, Any]]:
    """What marks each part: a user data header, or optional parameters."""
    ways: dict[str, Callable[[int], dict[str, Any]]] = {
        "udh8": lambda number: {"udh": hexed(bytes((5, 0, 3, 0x21, count, number)))},
        "udh16": lambda number: {"udh": hexed(bytes((6, 8, 4, 0x12, 0x34, count, number)))},
        "sar": lambda number: {"sar_msg_ref_num": 77, "sar_total_segments": count, "sar_segment_seqnum": number},
    }
    return [ways[way](number) for number in range(1, count + 1)]


def in_parts(way: str, texts: list[Any], **more: Any) -> list[dict[str, Any]]:
    """The submit of each part."""
    found = []
    for text, marks in zip(texts, headers(way, len(texts)), strict=True):
        udh = {"udh": marks.pop("udh")} if "udh" in marks else {}
        found.append({"short_message": {"message": text, **udh}, **marks, **more})
    return found


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize(
    ("texts", "coding"),
    [
        (["All of it is €1 message. " * 6, "And this is the end of it."], 0),
        (["Это всё одно сообщение. " * 2, f"{EMOJI} Вторая часть. " * 4, "Конец."], 8),
    ],
    ids=["gsm", "ucs2"],
)
def test_parts_in_any_order_are_one_message_with_a_receipt_for_each(
    app: App, api: Api, way: str, texts: list[str], coding: int
) -> None:
    submitted = [app.submit(**part) for part in reversed(in_parts(way, texts, data_coding=coding))]
    assert len(set(submitted)) == len(texts)
    assert app.receipts(len(texts)) == dict.fromkeys(submitted, 2)
    assert newest(api)["text"] == "".join(texts)


def test_parts_that_together_need_only_one_segment_have_their_own_receipts(app: App, api: Api) -> None:
    submitted = [app.submit(**part) for part in in_parts("udh8", ["Hello, ", "world"], data_coding=8)]
    api.until(newest(api)["id"], "delivered")
    assert newest(api)["text"] == "Hello, world"
    assert app.receipts(1).keys() <= set(submitted), "ids that the application knows"
    assert app.receipts(2) == dict.fromkeys(submitted, 2)


@pytest.mark.parametrize("asking", [0, 1], ids=["the first part", "the last part"])
def test_a_receipt_for_the_one_part_that_asked_for_it(app: App, api: Api, asking: int) -> None:
    parts = in_parts("udh8", ["Only one of these parts asks for a receipt. " * 3, "It gets one. " * 5], data_coding=0)
    submitted = [app.submit(**part, registered_delivery=int(place == asking)) for place, part in enumerate(parts)]
    api.until(newest(api)["id"], "delivered")
    last = app.submit(short_message="Afterwards")
    app.until("deliver_sm", lambda found: any(one["receipted_message_id"] == last for one in found))
    time.sleep(0.2)  # for one too many
    heard = {one["receipted_message_id"] for one in app.of("deliver_sm")}
    assert heard & set(submitted) == {submitted[asking]}


@pytest.mark.parametrize(
    ("octets", "cut", "coding"),
    [
        (f"{'ы' * 66}{EMOJI} и конец".encode("utf-16-be"), 134, 8),  # Kannel cuts there, too
        (b"x" * 152 + b"\x1be and the end", 153, 0),  # € is an escape and an e
    ],
    ids=["emoji", "euro"],
)
def test_a_character_that_was_cut_between_two_parts_is_whole_again(
    app: App, api: Api, octets: bytes, cut: int, coding: int
) -> None:
    whole = octets.decode("utf-16-be") if coding else "x" * 152 + "€ and the end"
    headed = [bytes((5, 0, 3, 0x22, 2, 1)) + octets[:cut], bytes((5, 0, 3, 0x22, 2, 2)) + octets[cut:]]
    for part in headed:
        app.submit(short_message=hexed(part), data_coding=coding, esm_class=0x40)
    app.receipts(1)
    assert newest(api)["text"] == whole


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_parts_that_come_all_at_once_are_one_message(tmp_path: Path, store: str) -> None:
    port, count = free_port(), 30
    with ExitStack() as stack:
        config = DOOR.format(port=port)
        if store == "postgres":
            config += f'[store]\nurl = "{stack.enter_context(database())}"\n'
        server = stack.enter_context(Server(tmp_path, config))
        account = server.run("keys", "create", "--name", "node", "--environment", "test", "--smpp")
        api, app = Api(server, account["key"]), stack.enter_context(App(port, account))
        for place in range(count):
            for part in in_parts("udh8", ["One, ", "two, ", "three."], data_coding=0):
                app.tell("submit_sm", **ADDRESSES | {"destination_addr": f"4477009{place:05d}"}, **part)
        answers = app.until("submit_sm_resp", lambda found: len(found) == 3 * count)
        assert all(one["command_status"] == 0 for one in answers)
        texts = [one["text"] for one in api("GET", "/v1/messages?limit=200").json()["data"]]
        assert texts == ["One, two, three."] * count


def test_a_message_can_be_asked_for_and_canceled(app: App, api: Api) -> None:
    submitted = app.submit(short_message="Tomorrow", schedule_delivery_time="000001000000000R")
    asked = app.ask("query_sm", message_id=submitted, source_addr="Acme")
    assert (asked["command_status"], asked["message_id"], asked["message_state"]) == (0, submitted, 0)
    assert app.ask("cancel_sm", message_id=submitted, source_addr="Acme")["command_status"] == 0
    app.until("deliver_sm", lambda found: any(one["receipted_message_id"] == submitted for one in found))
    assert app.receipts(1)[submitted] == 4, "DELETED"
    assert api("GET", f"/v1/messages/{submitted}").json()["status"] == "canceled"


@pytest.mark.parametrize(("text", "coding"), [("Never mind: €5", 0), ("Неважно 📦", 8), ("Façade", 3)])
def test_a_message_that_waits_is_replaced(app: App, api: Api, text: str, coding: int) -> None:
    fields = {"schedule_delivery_time": "000001000000000R", "data_coding": coding}
    submitted = app.submit(short_message="Façade" if coding != 8 else "Привет", **fields)
    octets = {0: "latin-1", 3: "latin-1", 8: "utf-16-be"}[coding]
    replaced = app.ask(
        "replace_sm",
        message_id=submitted,
        source_addr_ton=5,
        source_addr="Acme",
        schedule_delivery_time="000000000001000R",
        registered_delivery=1,
        short_message=hexed(gsm.encode(text) if coding == 0 else text.encode(octets)),
    )
    assert replaced["command_status"] == 0
    assert app.receipts(1) == {submitted: 2}
    message = api("GET", f"/v1/messages/{submitted}").json()
    assert (message["text"], message["status"]) == (text, "delivered")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"source_addr": "Other"}, 0x0A),
        ({"message_id": "msg_nothing"}, 0x0C),
        ({"short_message": ""}, 0x01),
        ({"schedule_delivery_time": "nonsense00000000"}, 0x61),
        ({"validity_period": "000000000001000R"}, 0x62),
        ({"validity_period": "nonsense00000000"}, 0x62),
    ],
)
def test_a_replacement_that_can_not_be_changes_nothing(
    app: App, api: Api, changes: dict[str, Any], status: int
) -> None:
    submitted = app.submit(short_message="Tomorrow", schedule_delivery_time="000001000000000R")
    asked = {"message_id": submitted, "source_addr_ton": 5, "source_addr": "Acme", "short_message": "Never"}
    assert app.ask("replace_sm", **asked | changes)["command_status"] == status
    message = api("GET", f"/v1/messages/{submitted}").json()
    assert (message["text"], message["status"]) == ("Tomorrow", "scheduled")


def test_what_is_with_a_carrier_and_what_came_in_parts_is_not_replaced(app: App, api: Api) -> None:
    submitted = app.submit(short_message="At once")
    assert app.receipts(1) == {submitted: 2}
    asked = {"source_addr_ton": 5, "source_addr": "Acme", "short_message": "Too late"}
    assert app.ask("replace_sm", message_id=submitted, **asked)["command_status"] == 0x13
    later = {"schedule_delivery_time": "000001000000000R"}
    parts = [app.submit(**part, **later) for part in in_parts("udh8", ["One, ", "two."], data_coding=0)]
    assert app.ask("replace_sm", message_id=parts[0], **asked)["command_status"] == 0x13


@pytest.mark.parametrize("long_messages", ["udh", "sar", "payload"])
@pytest.mark.parametrize("text", ["Is anybody there? " * 15, "Есть тут кто-нибудь? " * 8, "Short 📦"])
def test_a_text_from_a_phone_reaches_the_account(server: tuple[Server, int], text: str, long_messages: str) -> None:
    api = Api(server[0], server[0].key("admin"))
    body = {"name": "node", "smpp": True, "long_messages": long_messages, "inbound": ["+447700900200"]}
    with App(server[1], api("POST", "/v1/keys", body).json()) as app:
        phone = {"from": "+447700900123", "to": "+447700900200", "text": text}
        assert api("POST", "/v1/sandbox/inbound", phone).status_code == 202
        total = segments.measure(text)[1]
        count = 1 if long_messages == "payload" else total
        heard = app.until("deliver_sm", lambda found: len(found) == count)
        assert {one["source_addr"] for one in heard} == {"447700900123"}
        if long_messages == "sar" and total > 1:
            told = [(one["sar_total_segments"], one["sar_segment_seqnum"]) for one in heard]
            assert told == [(total, number) for number in range(1, total + 1)]
        whole = "message_payload" if long_messages == "payload" and total > 1 else "short_message"
        assert "".join(one[whole]["message"] for one in heard) == text, "as node reads it"


def test_binds_are_refused_kept_and_ended_in_order(server: tuple[Server, int], account: dict[str, Any]) -> None:
    with App(server[1], {**account, "password": "wrong"}) as refused:
        assert refused.bind_status == 0x0D
        refused.first("closed")
    with App(server[1], account, mode="transmitter") as app:
        assert app.ask("enquire_link")["command_status"] == 0
        assert app.ask("unbind")["command_status"] == 0
        app.first("closed")


# -- as the message centre that our connector binds to


class Carrier:
    """A gateway, and node-smpp as what its connector binds to."""

    def __init__(self, server: Server, centre: Script) -> None:
        self.server, self.centre = server, centre
        self.api = Api(server, server.key("messages:send", "messages:read", environment="live"))

    def submits(self, sent: dict[str, Any], count: int = 1) -> list[Event]:
        """What the centre was sent to the message's number."""
        number = sent["to"].removeprefix("+")

        def mine(found: list[Event]) -> list[Event]:
            return [one for one in found if one["destination_addr"] == number]

        return mine(self.centre.until("submit_sm", lambda found: len(mine(found)) >= count))

    def inbound(self, sender: str) -> list[Event]:
        events = self.api("GET", "/v1/events?limit=1000").json()["data"]
        return [one["data"] for one in events if one["type"] == "inbound.received" and one["data"]["from"] == sender]

    def until_inbound(self, sender: str, within_s: float = 10.0) -> list[Event]:
        end = time.monotonic() + within_s
        while not (found := self.inbound(sender)):
            assert time.monotonic() < end, "nothing came in"
            time.sleep(0.05)
        return found


WAYS = {  # bind, long messages, receipts
    "transceiver": ("transceiver", "udh8", "text"),
    "separate": ("separate", "sar", "tlvs"),
}


@pytest.fixture(scope="module", params=WAYS)
def carrier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carrier]:
    bind, long_messages, reports = WAYS[request.param]
    port = free_port()
    centre = Script("centre.js", str(port), reports)
    try:
        config = CONNECTOR.format(port=port, bind=bind, long_messages=long_messages)
        with Server(tmp_path_factory.mktemp("centre"), config) as server:
            yield Carrier(server, centre)
    finally:
        centre.close()


_numbers = itertools.count(447911000000)


@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("Hello, node", 0),
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞ and {[~]} \\ ^ | 5 €", 0),
        (f"Привет {EMOJI} 你好", 8),
    ],
)
def test_a_message_reaches_node_and_ends_delivered(carrier: Carrier, text: str, coding: int) -> None:
    sent = carrier.api.send(to=f"+{next(_numbers)}", text=text, sender="Acme")
    [submit] = carrier.submits(sent)
    assert (submit["short_message"]["message"], submit["data_coding"]) == (text, coding)
    assert (submit["source_addr"], submit["source_addr_ton"], submit["dest_addr_ton"]) == ("Acme", 5, 1)
    carrier.api.until(sent["id"], "delivered")


@pytest.mark.parametrize(
    "text", ["All of this is €1 message. " * 20, f"Это всё {EMOJI} одно. " * 20], ids=["gsm", "ucs2"]
)
def test_a_long_message_reaches_node_in_parts_and_ends_delivered(carrier: Carrier, text: str) -> None:
    sent = carrier.api.send(to=f"+{next(_numbers)}", text=text)
    parts = carrier.submits(sent, sent["segments"])
    assert len(parts) == sent["segments"] > 2
    assert "".join(one["short_message"]["message"] for one in sorted(parts, key=_number_of)) == text
    assert sorted(map(_number_of, parts)) == list(range(1, len(parts) + 1))
    message = carrier.api.until(sent["id"], "delivered")
    assert len({one["carrier_id"] for one in message["attempts"]}) == len(parts)


def _number_of(submit: Event) -> int:
    if "sar_segment_seqnum" in submit:
        return int(submit["sar_segment_seqnum"])
    [header] = submit["short_message"]["udh"]
    return int(header["hex"][-2:], 16)


def arrive(carrier: Carrier, sender: str, *parts: dict[str, Any]) -> list[Event]:
    """Messages from a phone, each acknowledged; the events that came of them."""
    answered = len(carrier.centre.of("deliver_sm_resp"))
    addresses = {"source_addr_ton": 1, "source_addr": sender, "dest_addr_ton": 1, "destination_addr": "447700900999"}
    for part in parts:
        carrier.centre.tell("deliver_sm", **addresses, **part)
    answers = carrier.centre.until("deliver_sm_resp", lambda found: len(found) >= answered + len(parts))
    assert all(one["command_status"] == 0 for one in answers)
    found = carrier.until_inbound(f"+{sender}")
    time.sleep(0.2)  # for one too many
    assert carrier.inbound(f"+{sender}") == found
    return found


@pytest.mark.parametrize(("text", "coding"), [("Yes, it's €5", 0), ("Naïve", 3), (f"Да {EMOJI}", 8)])
def test_a_text_from_a_phone_is_one_event(carrier: Carrier, text: str, coding: int) -> None:
    sender = str(next(_numbers))
    [event] = arrive(carrier, sender, {"short_message": text, "data_coding": coding})
    assert (event["text"], event["to"], event["connector"]) == (text, "+447700900999", "telco")


@pytest.mark.parametrize("way", ["udh8", "udh16", "sar"])
@pytest.mark.parametrize(
    ("texts", "coding"),
    [(["€ and the rest. " * 9, "The end."], 0), ([f"Всё {EMOJI} " * 10, "Конец."], 8)],
    ids=["gsm", "ucs2"],
)
def test_a_text_from_a_phone_in_parts_out_of_order_is_one_event(
    carrier: Carrier, way: str, texts: list[str], coding: int
) -> None:
    sender = str(next(_numbers))
    [event] = arrive(carrier, sender, *reversed(in_parts(way, texts, data_coding=coding)))
    assert event["text"] == "".join(texts)


def test_an_emoji_that_was_cut_between_two_parts_from_a_phone_is_whole_again(carrier: Carrier) -> None:
    text = f"{'ы' * 66}{EMOJI} и конец"
    octets = text.encode("utf-16-be")
    parts = [bytes((5, 0, 3, 9, 2, 1)) + octets[:134], bytes((5, 0, 3, 9, 2, 2)) + octets[134:]]
    fields = [{"short_message": hexed(part), "data_coding": 8, "esm_class": 0x40} for part in parts]
    [event] = arrive(carrier, str(next(_numbers)), *fields)
    assert event["text"] == text
