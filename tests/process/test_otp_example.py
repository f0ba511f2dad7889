"""The example application from its pages to the phone: a real gateway, a real browser session, providers that fail."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from tests.process.server import Api, Server, free_port
from tests.process.sink import Heard, Sink

ROOT = Path(__file__).parents[2]
CONFIG = """
[connectors.main]
kind = "http"
request = {{ method = "POST", url = "{main}/sms", body = {{ format = "json", fields = {{ to = "{{to}}", text = "{{text}}" }} }} }}
answer = {{ id = {{ ours = true }}, success = [{{ status = 200 }}] }}
[connectors.other]
kind = "http"
request = {{ method = "POST", url = "{other}/sms", body = {{ format = "json", fields = {{ to = "{{to}}", text = "{{text}}" }} }} }}
answer = {{ id = {{ ours = true }}, success = [{{ status = 200 }}] }}
[[routes]]
name = "all"
via = ["main", "other"]
"""  # noqa: E501  inline tables of TOML are one line
GOOD, REFUSED, NOBODY = "+447400123456", "+447400123457", "+447400123459"


class Rig(NamedTuple):
    """The example's address, and the two networks with the phones behind them."""

    url: str
    main: Sink
    other: Sink


def answer(heard: Heard) -> int:
    return 400 if heard.event["to"] in (REFUSED, NOBODY) else 200


def answer_of_other(heard: Heard) -> int:
    return 400 if heard.event["to"] == NOBODY else 200


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    pytest.importorskip("flask")
    folder = tmp_path_factory.mktemp("otp")
    with ExitStack() as stack:
        main, other = stack.enter_context(Sink(answer)), stack.enter_context(Sink(answer_of_other))
        with Server(folder, CONFIG.format(main=main.url, other=other.url)) as server:
            admin = Api(server, server.key("admin", environment="live"))
            limits = {"near_per_10_minutes": 0}
            assert admin.policy("verify", countries=["GB"], pauses_s=[1], limits=limits).status_code == 200
            key, port = server.key("verify", "messages:read", environment="live"), free_port()
            environ = {**os.environ, "HELIOGRAPH_URL": server.url, "HELIOGRAPH_KEY": key}
            command = [sys.executable, "-m", "flask", "--app", "examples/otp/app.py", "run", "--port", str(port)]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = subprocess.Popen(command, cwd=ROOT, env=environ, **quiet)  # type: ignore[call-overload]
            try:
                yield Rig(wait_for(f"http://127.0.0.1:{port}"), main, other)
            finally:
                process.terminate()
                process.wait(10)


def wait_for(url: str) -> str:
    end = time.monotonic() + 20
    while True:
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            assert time.monotonic() < end, "the example did not start"
            time.sleep(0.05)
        else:
            return url


def code_at(sink: Sink, to: str, count: int = 1) -> str:
    """What stands on the phone's screen, once so many texts have come."""
    end = time.monotonic() + 15
    while len(found := [one.event["text"] for one in sink.heard if one.event["to"] == to]) < count:
        assert time.monotonic() < end, "no text came"
        time.sleep(0.02)
    return re.findall(r"^\d{6}", found[-1])[0]


def test_a_person_logs_in_with_the_code_on_the_phone(rig: Rig) -> None:
    browser = requests.Session()
    assert "Your phone" in browser.get(rig.url, timeout=5).text
    assert "Code" in browser.post(f"{rig.url}/start", data={"to": GOOD}, timeout=5).text
    code = code_at(rig.main, GOOD)
    bad = f"{(int(code) + 1) % 1_000_000:06}"
    assert "That is not the code" in browser.post(f"{rig.url}/check", data={"code": bad}, timeout=5).text
    assert f"Welcome, {GOOD}" in browser.post(f"{rig.url}/check", data={"code": code}, timeout=5).text


def test_what_one_network_refuses_comes_over_the_other(rig: Rig) -> None:
    browser = requests.Session()
    browser.post(f"{rig.url}/start", data={"to": REFUSED}, timeout=5)
    code = code_at(rig.other, REFUSED)  # the plan's second step, without anybody asking
    assert f"Welcome, {REFUSED}" in browser.post(f"{rig.url}/check", data={"code": code}, timeout=5).text


def test_whoever_gets_nothing_asks_again(rig: Rig) -> None:
    browser, to = requests.Session(), "+447400123458"
    browser.post(f"{rig.url}/start", data={"to": to}, timeout=5)
    code = code_at(rig.main, to)
    end = time.monotonic() + 15
    while "on its way" not in browser.post(f"{rig.url}/resend", timeout=5).text:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert code_at(rig.other, to) == code
    assert f"Welcome, {to}" in browser.post(f"{rig.url}/check", data={"code": code}, timeout=5).text


def test_whom_no_way_reaches_hears_of_it_and_can_give_another_number(rig: Rig) -> None:
    browser = requests.Session()
    browser.post(f"{rig.url}/start", data={"to": NOBODY}, timeout=5)
    end = time.monotonic() + 15
    while "It did not arrive" not in (text := browser.get(rig.url, timeout=5).text):
        assert time.monotonic() < end, text
        time.sleep(0.1)
    assert "Your phone" in text


def test_a_country_that_is_not_served_is_refused(rig: Rig) -> None:
    text = requests.post(f"{rig.url}/start", data={"to": "+992901234567"}, timeout=5).text
    assert "We can&#39;t text this number" in text


def test_the_example_is_short() -> None:
    assert len((ROOT / "examples/otp/app.py").read_text().splitlines()) <= 80
