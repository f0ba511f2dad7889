"""Applications bind to us: with Kannel, an SMS gateway that we did not write. It needs Debian's package `kannel`."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.process.server import Api, Server, free_port

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian has them; not on everybody's PATH
PROGRAMS = [shutil.which(name) or shutil.which(name, path=_SBIN) for name in ("bearerbox", "smsbox")]
pytestmark = pytest.mark.skipif(not all(PROGRAMS), reason="bearerbox or smsbox is missing: apt install kannel")

NO_DOOR = """
[connectors.play]
kind = "sandbox"
answer_delay_ms = 0
receipt_delay_ms = 20
[[routes]]
name = "all"
via = ["play"]
"""
CONFIG = (
    NO_DOOR
    + """
[smpp_server]
listen = "127.0.0.1:{port}"
"""
)
KANNEL = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1

group = smsc
smsc = smpp
smsc-id = heliograph
host = 127.0.0.1
port = {smpp}
smsc-username = {system_id}
smsc-password = {password}
system-type = ""
transceiver-mode = true
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
sendsms-interface = 127.0.0.1

group = sms-service
keyword = default
accepted-smsc = heliograph
catch-all = true
concatenation = true
get-url = "{phones}&from=%p&to=%P&text=%b&charset=%C&coding=%c"
max-messages = 0

group = sendsms-user
username = app
password = secret
concatenation = true
max-messages = 10
"""
DELIVERED, NOT_DELIVERED, TAKEN, REFUSED = 1, 2, 8, 16  # types of Kannel's delivery reports
_REPORTS = DELIVERED | NOT_DELIVERED | TAKEN | REFUSED


class Reports:
    """The application's web server, which Kannel calls with each delivery report."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []
        self._changed = threading.Condition()
        reports = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with reports._changed:
                    reports.heard.append(
                        dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True, encoding="latin-1"))
                    )
                    reports._changed.notify_all()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/dlr"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Reports":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, name: str) -> list[dict[str, str]]:
        return [one for one in self.heard if one["name"] == name]

    def until(self, name: str, kind: int, within_s: float = 15.0) -> dict[str, str]:
        """The report of this type on the text of this name."""
        end = time.monotonic() + within_s
        with self._changed:
            while True:
                for one in self.of(name):
                    if one["type"] == str(kind):
                        return one
                left = end - time.monotonic()
                assert left > 0, f"no report of type {kind} on {name}, only {self.of(name)}"
                self._changed.wait(left)


class Kannel:
    """bearerbox, which binds to us, and smsbox, which takes texts by HTTP. Both are ours alone, and end with us."""

    def __init__(self, folder: Path, smpp: int, account: dict[str, Any], reports: Reports) -> None:
        self._folder = folder
        self._reports = reports
        self._admin, self._send = free_port(), free_port()
        self._config = folder / "kannel.conf"
        ports = {"admin": self._admin, "send": self._send, "boxes": free_port(), "smpp": smpp}
        names = {"system_id": account["system_id"], "password": account["password"]}
        phones = f"{reports.url}?name=phone"
        self._config.write_text(KANNEL.format(phones=phones, **ports, **names))
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Kannel":
        try:
            self._start(PROGRAMS[0])
            self.until_online()
            self._start(PROGRAMS[1])
            _until(self._takes_texts, "smsbox did not start", self.log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def _start(self, program: str | None) -> None:
        assert program is not None
        with (self._folder / "kannel.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen([program, "-v", "1", str(self._config)], stdout=log, stderr=log, cwd=self._folder)
            )

    def log(self) -> str:
        return (self._folder / "kannel.log").read_text(errors="replace")[-4_000:]

    def status(self) -> str:
        """What Kannel itself says about its link to us."""
        with suppress(requests.ConnectionError):
            return requests.get(f"http://127.0.0.1:{self._admin}/status.txt?password=secret", timeout=5).text
        return ""

    def is_online(self) -> bool:
        return "(online" in self.status()

    def until_online(self, within_s: float = 15.0) -> None:
        _until(self.is_online, "Kannel did not bind", self.log, within_s)

    def _takes_texts(self) -> bool:
        with suppress(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{self._send}/cgi-bin/sendsms", timeout=5)
            return "smsbox:" in self.status()
        return False

    def send(self, name: str, text: str, *, to: str = "+447700900123", coding: int = 0, mask: int = _REPORTS) -> None:
        """Hand a text to sendsms; reports on it bear its name."""
        query: dict[str, str | int] = {
            "username": "app",
            "password": "secret",
            "from": "Acme",
            "to": to,
            "text": text,
            "charset": "UTF-8",
            "coding": coding,
            "dlr-mask": mask,
            "dlr-url": f"{self._reports.url}?name={name}&type=%d&id=%F&answer=%A",
        }
        url = f"http://127.0.0.1:{self._send}/cgi-bin/sendsms"
        answer = requests.get(url, query, timeout=10)
        assert answer.status_code == 202, answer.text


def _until(holds: Callable[[], bool], what: str, log: Callable[[], str], within_s: float = 15.0) -> None:
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"{what}:\n{log()}"
        time.sleep(0.05)


class Rig:
    """Everything together."""

    def __init__(self, server: Server, config: str, account: dict[str, Any], kannel: Kannel, reports: Reports) -> None:
        self.server, self.config = server, config
        self.kannel, self.reports = kannel, reports
        self.api = Api(server, account["key"])

    def messages(self, text: str | None = None) -> list[dict[str, Any]]:
        """The newest first."""
        found: list[dict[str, Any]] = self.api("GET", "/v1/messages?limit=200").json()["data"]
        return [one for one in found if text in (None, one["text"])]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder, port = tmp_path_factory.mktemp("kannel"), free_port()
    config = CONFIG.format(port=port)
    with Server(folder, config) as server, Reports() as reports:
        account = server.run("keys", "create", "--name", "kannel", "--environment", "test", "--smpp")
        with Kannel(folder, port, account, reports) as kannel:
            yield Rig(server, config, account, kannel, reports)


_TO = "+447700900123"
_UNREACHABLE = "+447700900101"  # the sandbox knows by the last digits


class Text(NamedTuple):
    text: str
    coding: int  # Kannel's: 0 GSM, 2 UCS-2
    segments: int = 1


TEXTS = {
    "plain": Text("Hello from Kannel", 0),
    "gsm": Text("@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà", 0),
    "escaped": Text("{[~]} \\ ^ | and 5 €", 0),
    "full": Text("x" * 160, 0),
    "unicode": Text("Привет, мир! 你好", 2),
    "emoji": Text("Parcel 📦 is there 🎉", 2),
}
LONG = {
    "long": Text("All of this is one message, whatever it costs. " * 8, 0, 3),
    "long-escaped": Text("€" * 200, 0, 3),
    "long-unicode": Text("Это всё одно сообщение. " * 8, 2, 3),
    "long-announced-as-unicode": Text("abcdefghij" * 10, 2, 1),  # two parts that we write in one
    "long-with-cut-emoji": Text("ы" * 66 + "😀" + "ы" * 60, 2, 2),  # Kannel cuts after 67 units of 16 bits
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_arrives_and_kannel_hears_that_it_was_delivered(rig: Rig, name: str) -> None:
    wanted = TEXTS[name]
    rig.kannel.send(name, wanted.text, coding=wanted.coding)
    report = rig.reports.until(name, DELIVERED)
    [message] = rig.messages(wanted.text)
    assert (message["sender"], message["to"], message["status"]) == ("Acme", _TO, "delivered")
    assert message["id"] == report["id"], "ours, as Kannel kept it"


@pytest.mark.parametrize("name", LONG)
def test_a_text_in_several_parts_arrives_as_one_message(rig: Rig, name: str) -> None:
    wanted = LONG[name]
    before = len(rig.messages())
    rig.kannel.send(f"{name}-unreported", wanted.text, coding=wanted.coding, mask=0)
    _until(lambda: len(rig.messages()) > before, "nothing came", rig.kannel.log)
    rig.kannel.send(f"{name}-after", "After it")
    rig.reports.until(f"{name}-after", DELIVERED)
    after, message = rig.messages()[: len(rig.messages()) - before]
    assert (after["text"], message["text"], message["segments"]) == ("After it", wanted.text, wanted.segments)
    assert (message["sender"], message["to"]) == ("Acme", _TO)


@pytest.mark.parametrize(
    "name",
    ["long", "long-unicode", "long-announced-as-unicode"],
)
def test_kannel_hears_that_a_text_in_several_parts_was_delivered(rig: Rig, name: str) -> None:
    wanted = LONG[name]
    before = len(rig.messages())
    rig.kannel.send(name, wanted.text, coding=wanted.coding)
    _until(lambda: len(rig.messages()) > before, "nothing came", rig.kannel.log)
    rig.api.until(rig.messages()[0]["id"], "delivered")
    rig.reports.until(name, DELIVERED, within_s=1.0)
    assert len([one for one in rig.reports.of(name) if one["type"] == str(DELIVERED)]) == 1


def test_kannel_hears_what_did_not_arrive_and_what_was_refused(rig: Rig) -> None:
    rig.kannel.send("unreachable", "Are you there?", to=_UNREACHABLE)
    rig.kannel.send("refused", "Hello", to="+4477")
    assert rig.reports.until("unreachable", NOT_DELIVERED)["id"] == rig.messages("Are you there?")[0]["id"]
    assert rig.reports.until("refused", REFUSED)["answer"].startswith("NACK/0x0000000b"), "RINVDSTADR"


@pytest.mark.parametrize("name", ["plain", "gsm", "unicode", "emoji", "long", "long-unicode"])
def test_kannel_hears_what_a_phone_texts(rig: Rig, name: str) -> None:
    text, before = (TEXTS | LONG)[name].text, len(rig.reports.of("phone"))
    phone = {"from": _TO, "to": "+447700900200", "text": text}
    assert rig.api("POST", "/v1/sandbox/inbound", phone).status_code == 202
    _until(lambda: len(rig.reports.of("phone")) > before, "Kannel did not hear it", rig.kannel.log)
    [heard] = rig.reports.of("phone")[before:]
    assert (heard["from"].removeprefix("+"), heard["to"].removeprefix("+")) == (_TO[1:], "447700900200")
    octets = heard["text"].encode("latin-1")
    assert octets.decode("utf-16-be" if heard["coding"] == "2" else "utf-8") == text


def test_kannel_binds_again_after_our_restart_and_gets_the_report_that_waited(rig: Rig) -> None:
    admin = Api(rig.server, rig.server.key("admin", environment="live"))
    tap = {"scope": "connector", "value": "play"}
    assert admin("PUT", "/v1/pauses", tap).status_code == 200
    rig.kannel.send("waiting", "Wait for it")
    assert rig.reports.until("waiting", TAKEN)["answer"] == "ACK/"
    [message] = rig.messages("Wait for it")
    rig.server.kill()
    rig.server.configure(NO_DOOR)  # nobody is bound when the receipt comes
    rig.server.start()
    assert not rig.kannel.is_online()
    assert admin("DELETE", "/v1/pauses", params=tap).status_code == 200
    rig.api.until(message["id"], "delivered")
    rig.server.stop()
    rig.server.configure(rig.config)
    rig.server.start()
    assert rig.reports.until("waiting", DELIVERED)["id"] == message["id"]
    assert rig.kannel.is_online()
    rig.kannel.send("again", "And on it goes")
    rig.reports.until("again", DELIVERED)
