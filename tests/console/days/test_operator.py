"""A day of an operator: a carrier breaks for one country, those on call are told, and traffic takes another way."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.days.clock import Ahead
from tests.console.days.conftest import Hires
from tests.process.server import Api, Server
from tests.process.sink import Heard, Sink

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[connectors.north]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
price_per_segment = "0.04"
currency = "EUR"
[connectors.south]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
price_per_segment = "0.05"
currency = "EUR"
[[routes]]
name = "all"
via = ["north", "south"]
[policies.alarms]
webhooks = ["{page}"]
"""
BREAKS = '[[rules]]\nprefix = "+46"\nfate = "content"\n'  # from now on it filters what goes to Sweden
SWEDEN, BRITAIN = "+46701740{:03}", "+447700900{:03}"


@pytest.fixture(scope="module")
def on_call() -> Iterator[Sink]:
    with Sink() as listening:
        yield listening


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory, on_call: Sink) -> Ahead:
    return Ahead(tmp_path_factory.mktemp("operator"), CONFIG.format(page=f"{on_call.url}/page"))


@pytest.fixture(scope="module")
def server(ahead: Ahead) -> Iterator[Server]:
    with ahead.server as running:
        yield running


def sends(app: Api, *ends: str) -> list[str]:
    """To Sweden and to Britain, fifteen each; the connectors that took them, once all have come to an end."""
    numbers = [numbers.format(600 + n) for numbers in (SWEDEN, BRITAIN) for n in range(30, 45)]
    ids = [app.send(number, "Your order is on its way.")["id"] for number in numbers]
    return [app.until(one, *ends)["connector"] for one in ids]


def texts(heard: list[Heard]) -> list[str]:
    return [one.body.decode() for one in heard]


def test_a_carrier_that_breaks_is_seen_drained_and_let_go_on(
    walks: Hires, server: Server, ahead: Ahead, on_call: Sink, tmp_path: Path
) -> None:
    app = Api(server, server.key("messages:send", "messages:read", environment="live"))
    assert set(sends(app, "delivered")) == {"north"}
    ahead.pass_by(60)
    walk = walks("operator", "live:operator")
    page = walk.page
    walk.see("Delivery rate")
    walk.look("a quiet morning")

    # the carrier breaks for one country; a minute later those on call know
    broken(server, tmp_path, BREAKS)
    sends(app, "delivered", "failed")
    ahead.pass_by(1)
    rung = on_call.until(lambda heard: any("Messages fail together" in text for text in texts(heard)))
    (text,) = (text for text in texts(rung) if "Messages fail together" in text)
    assert "SE" in text and "north" in text

    alarms = page.get_by_label("Open alarms")
    alarms.get_by_role("link", name="Messages fail together").wait_for(timeout=8_000)
    walk.look("the overview says so")
    alarms.get_by_role("link", name="Messages fail together").click()
    heading = page.locator(".heading")
    heading.get_by_text("SE").wait_for()
    assert "north" in heading.inner_text()
    walk.look("the incident")
    walk.press("I look after it")
    walk.see("It is yours")
    incident = page.url.partition("?")[0]

    walk.follow("Messages that did not arrive")
    walk.see("content_filtered")
    walk.look("what did not arrive")
    assert page.locator("#messages tbody tr").count() >= 12
    page.goto(incident)
    walk.follow("north: errors, countries, pause and drain")
    sweden, britain = (page.locator("#countries tbody tr", has_text=country) for country in ("SE", "GB"))
    assert re.search(r"\b(50|4\d)\.\d %", sweden.inner_text()) and "\t0.0 %" in britain.inner_text()
    walk.look("the connector")

    # drained: the other connector takes over
    page.locator("#actions summary", has_text="Pause and drain").click()
    walk.look("asked before it is drained")
    walk.press("Pause and drain", "#actions")
    page.locator("#state").get_by_text("drained").wait_for()
    walk.look("drained")
    assert set(sends(app, "delivered")) == {"south"}

    # its carrier is well again
    broken(server, tmp_path, "")
    walk.press("Let it go on", "#actions")
    walk.see("north goes on")
    assert set(sends(app, "delivered")) == {"north"}
    ahead.pass_by(31)
    page.goto(incident)
    walk.see("Somebody looks after it")
    page.wait_for_timeout(1_000)
    ahead.pass_by(6)
    walk.see("It is over", "#timeline")
    walk.look("over by itself")
    on_call.until(lambda heard: any("OVER: Messages fail together" in text for text in texts(heard)))
    walk.go("Alarms")
    walk.see("Nothing is wrong")
    affected = int(re.search(r": (\d+), usually", text)[1])  # type: ignore[index]
    worst = page.locator("#past tbody tr", has_text="content_filtered").get_by_role("cell").first
    assert affected >= 12 and int(worst.inner_text().split()[0]) >= affected, "some more failed after it was told"
    walk.look("nothing is open")


def broken(server: Server, folder: Path, scenario: str) -> None:
    """The fault, or its end: it is in the network behind the connector."""
    script = folder / f"scenario-{len(scenario)}.toml"
    script.write_text(scenario)
    spec = {"kind": "sandbox", "answer_delay_ms": 5, "receipt_delay_ms": 20, "scenario": str(script)}
    spec |= {"price_per_segment": "0.04", "currency": "EUR"}
    admin = Api(server, server.key("admin", environment="live"))
    answer = admin("POST", "/v1/apply", {"document": {"connectors": {"north": spec}}})
    assert answer.status_code == 200, answer.text
