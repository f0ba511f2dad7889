"""Carriers in the console: how they are, drained and let go on, and which way a message would take."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import CONFIG, Console, joins
from tests.process.server import Api, Server

MORE = """
[connectors.nordic]
kind = "sandbox"
price_per_segment = "0.029"
currency = "EUR"
max_segments_per_second = 100
[connectors.dead]
kind = "smpp"
host = "127.0.0.1"
port = 9
system_id = "acme"
password = "kept-quiet"
[senders.Acme]
type = "alphanumeric"
default = true
registration = { GB = "pending" }
"""
NORDICS = """[[routes]]
name = "nordics"
match = { country = ["SE"] }
via = ["nordic", "telco"]
"""
PLACES = (
    *("/console/carriers", "/console/carriers/connectors/telco", "/console/carriers/connectors/dead"),
    *("/console/carriers/routes?to=%2B46701740605&text=Hej", "/console/carriers/senders"),
    *("/console/carriers/prices?country=GB", "/console/carriers/quality"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(
        tmp_path_factory.mktemp("carriers"), CONFIG.replace("[[routes]]", f"{NORDICS}[[routes]]") + MORE
    ) as running:
        yield running


@pytest.fixture(scope="module")
def owner(server: Server) -> Console:
    return joins(server, "owner@example.com", "live:owner", "test:owner", environment="live")


@pytest.fixture(scope="module")
def traffic(server: Server) -> None:
    api = Api(server, server.key("messages:send", "messages:read", environment="live"))
    for to in ("+447700900123", "+447700900001", "+447712345678"):
        api.until(api.send(to)["id"], "delivered", "undelivered")


def test_a_connector_is_drained_and_goes_on(
    window: Callable[..., Page], server: Server, owner: Console, traffic: None
) -> None:
    page = window(owner)
    page.goto("/console/carriers")
    page.get_by_role("link", name="telco", exact=True).click()
    page.locator("#countries").get_by_role("link", name="GB").wait_for()
    page.locator("#networks").get_by_role("link", name="GB O2").wait_for()
    page.get_by_role("link", name="absent_subscriber").wait_for()
    page.get_by_text("Pause and drain").first.click()
    page.get_by_role("button", name="Pause and drain").click()
    page.locator("#state").get_by_text("drained").wait_for()
    api = Api(server, server.key("messages:send", "messages:read", environment="live"))
    waits = api.send()
    page.get_by_role("button", name="Let it go on").click()
    page.get_by_text("telco goes on").wait_for()
    api.until(waits["id"], "delivered")


def test_a_connector_that_is_down_says_why_and_keeps_its_password(owner: Console) -> None:
    page = owner.page("/console/carriers/connectors/dead")
    assert "refused" in page and "kept-quiet" not in page and "acme" in page


@pytest.mark.parametrize(("format", "begins"), [("jsonl", b""), ("pcap", b"\xd4\xc3\xb2\xa1"), ("scenario", b"")])
def test_a_recording_is_taken_out_and_noted(server: Server, owner: Console, format: str, begins: bytes) -> None:
    answer = owner.send("/console/carriers/connectors/dead/recording", format=format)
    assert answer.status_code == 200 and "attachment" in answer.headers["content-disposition"]
    assert answer.content.startswith(begins) and b"kept-quiet" not in answer.content
    entries = owner("GET", "/v1/audit?action=recording.export").json()["data"]
    assert entries[0]["object"] == "connector:dead" and entries[0]["detail"]["format"] == format


def test_a_recording_that_there_is_not(owner: Console) -> None:
    assert owner.send("/console/carriers/connectors/telco/recording", format="jsonl").status_code == 404
    assert owner.send("/console/carriers/connectors/dead/recording", format="doc").status_code == 422


def test_which_way_a_message_would_take_is_drawn_and_nothing_is_sent(
    window: Callable[..., Page], owner: Console
) -> None:
    page = window(owner)
    page.goto("/console/carriers/routes")
    page.get_by_label("To", exact=True).fill("+46 70 174 06 05")
    page.get_by_role("button", name="Try").click()
    way = page.get_by_label("The way it would take")
    way.get_by_text("nordics").wait_for()
    assert way.get_by_role("link").all_inner_texts() == ["nordic", "telco"]
    assert "Acme" in way.inner_text() and "0.029" in way.inner_text()
    assert "+46701740605" not in owner.page("/console/messages")


@pytest.mark.parametrize(
    ("query", "said"),
    [("to=12", "number"), ("to=%2B447700900123&kind=gossip", "kind"), ("to=%2B447700900123&sender=Nobody", "sender")],
)
def test_a_try_that_would_be_refused_says_why(owner: Console, query: str, said: str) -> None:
    page = owner.page(f"/console/carriers/routes?{query}")
    assert said in page and "The way it would take" not in page and ("problem" in page or "notice bad" in page)


def test_prices_stand_beside_each_other_the_cheapest_first(owner: Console, traffic: None) -> None:
    page = owner.page("/console/carriers/prices?country=GB")
    assert page.index("nordic</a>") < page.index("telco</a>") and "cheapest" in page
    assert "Two letters" in owner.page("/console/carriers/prices?country=Britain", 422)


def test_carriers_can_be_used_by_everybody(window: Callable[..., Page], owner: Console, traffic: None) -> None:
    for dark, width in ((True, 1280), (False, 390)):
        page = window(owner, dark=dark, width=width)
        for place in PLACES:
            page.goto(place)
            assert judged(page) == [], place
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place


def test_a_connector_is_stopped_by_those_who_run_the_gateway_alone(server: Server, owner: Console) -> None:
    support = joins(server, "s@example.com", "live:support", environment="live")
    for place in PLACES:
        assert support("GET", place).status_code == 403
    server.run("workspaces", "create", "tenant")
    tenant = joins(server, "t@tenant.example.com", "live:owner", environment="live", workspace="tenant")
    shared = "/console/carriers/connectors/telco"
    assert "As declared" not in tenant.page(shared) and "Pause and drain" not in tenant.page(shared)
    assert tenant.send(f"{shared}/pause").status_code == 403
    assert tenant.send("/console/carriers/connectors/dead/recording", format="jsonl").status_code == 403
