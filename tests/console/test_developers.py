"""Keys and webhooks in the console: from a clean start to a first message, told and told again."""

import re
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server
from tests.process.sink import Sink


def made(page: str) -> str:
    """The key on the page that shows it once."""
    found = re.search(r'<pre id="key"[^>]*><code>(hg_\w+)</code>', page)
    assert found is not None
    return found[1]


# -- keys


def test_a_key_is_made_shown_once_and_sends_a_first_message(
    window: Callable[..., Page], server: Server, owner: Console
) -> None:
    page = window(owner)
    page.goto("/console/keys")
    page.get_by_label("Name").fill("orders service")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_text("It is shown this once").wait_for()
    key = page.locator("#key").inner_text()
    assert judged(page) == []
    line = page.locator("#start-1").inner_text()
    assert key in line
    done = subprocess.run(["sh", "-c", line.replace("curl ", "curl -sS ", 1)], capture_output=True, timeout=20)
    assert b'"queued"' in done.stdout, done.stderr
    for name in ("Python", "Node.js", "PHP"):
        page.get_by_text(name, exact=True).click()
        assert key in page.locator(".languages details[open] pre").last.inner_text()
    page.goto("/console/keys")
    page.get_by_role("link", name="orders service").click()
    assert key not in page.content()


def test_the_python_of_a_first_message_runs(owner: Console) -> None:
    page = owner.send("/console/keys", name="python", scopes="messages:send").text
    text = re.search(r'<pre id="start-2"[^>]*><code>(.*?)</code>', page, re.DOTALL)
    assert text is not None
    code = text[1].replace("&#34;", '"').replace("&#39;", "'").replace("&gt;", ">")
    done = subprocess.run(["python", "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("msg_"), done.stderr


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, 'id="p-name"'),
        ({"name": "x", "scopes": "messages:eat"}, "is not a scope"),
        ({"name": "x", "ip_allowlist": "203.0.113.0/24, here"}, 'id="p-ip_allowlist"'),
        ({"name": "x", "messages_per_second": "many"}, 'id="p-messages_per_second"'),
        ({"name": "x", "environment": "nowhere"}, 'id="p-environment"'),
    ],
)
def test_a_key_that_can_not_be_says_why_at_the_field(owner: Console, fields: dict[str, str], said: str) -> None:
    answer = owner.send("/console/keys", **fields)
    assert answer.status_code == 422 and said in answer.text


def test_a_key_keeps_to_its_addresses(server: Server, owner: Console) -> None:
    key = made(owner.send("/console/keys", name="far", scopes="messages:read", ip_allowlist="203.0.113.0/24").text)
    assert Api(server, key)("GET", "/v1/me").json()["code"] == "ip_not_allowed"


def test_a_key_is_replaced_without_a_gap_and_ended_at_once(server: Server, owner: Console) -> None:
    first = Api(server, made(owner.send("/console/keys", name="turned", scopes="messages:read").text))
    place = f"/console/keys/{first('GET', '/v1/me').json()['key_id']}"
    answer = owner.send(f"{place}/rotate", overlap="24")
    second = Api(server, made(answer.text))
    assert (
        answer.status_code == 201 and first("GET", "/v1/me").status_code == second("GET", "/v1/me").status_code == 200
    )
    assert owner.send(f"{place}/revoke").status_code == 303
    assert first("GET", "/v1/me").json()["code"] == "key_revoked" and second("GET", "/v1/me").status_code == 200
    assert owner.send(f"{place}/rotate", overlap="24").status_code == 409
    assert "revoked" in owner.page(place)


# -- webhooks


def test_an_endpoint_is_added_tested_and_told_again(
    window: Callable[..., Page], server: Server, owner: Console, api: Api, sink: Sink
) -> None:
    page = window(owner)
    page.goto("/console/webhooks")
    page.get_by_text("Nobody is told yet").wait_for()
    page.get_by_label("Name").fill("orders")
    page.get_by_label("URL").fill(f"{sink.url}/hook")
    page.get_by_role("button", name="Add").click()
    assert page.locator("#secret").inner_text().startswith("whsec_")
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("button", name="Send a test").click()
    page.locator("#deliveries").get_by_text("done").first.wait_for(timeout=10_000)
    assert judged(page) == []
    sink.until(lambda heard: any(one.event["type"] == "webhook.test" for one in heard))
    api.until(api.send(text="told of")["id"], "delivered")
    sink.until(lambda heard: any(one.event["type"] == "message.delivered" for one in heard))
    page.get_by_role("link", name="message.delivered").first.click()
    page.get_by_role("heading", name="What is sent").wait_for()
    assert '"message.delivered"' in page.locator("#body").inner_text() and judged(page) == []
    before = len(sink.heard)
    page.get_by_role("button", name="Tell it again").click()
    page.get_by_role("status").get_by_text("Told again").wait_for()
    ids = [one.headers["webhook-id"] for one in sink.until(lambda heard: len(heard) > before)]
    assert len(ids) > len(set(ids)), "with the id that it had"
    page.get_by_text("Tell again").first.click()
    page.locator(".panel").get_by_role("button", name="Tell again").click()
    page.get_by_role("status").get_by_text("events are told again").wait_for()
    owner.send("/console/webhooks/orders/remove")


def test_a_secret_turns_over_in_two_steps(server: Server, owner: Console, sink: Sink) -> None:
    first = owner.send("/console/webhooks", name="turning", url=f"{sink.url}/turn")
    assert first.status_code == 201 and "whsec_" in first.text
    second = owner.send("/console/webhooks/turning/rotate")
    assert second.status_code == 201 and "whsec_" in second.text and second.text != first.text
    owner.send("/console/webhooks/turning/test")
    heard = sink.until(lambda heard: len(heard) > 0)[0]
    assert len(heard.headers["webhook-signature"].split()) == 2
    assert owner.send("/console/webhooks/turning/retire").status_code == 303
    assert "both sign" not in owner.page("/console/webhooks/turning")
    owner.send("/console/webhooks/turning/remove")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "Bad Name", "url": "http://127.0.0.1:1/"}, 'id="p-name"'),
        ({"name": "inside", "url": "http://10.0.0.1/"}, 'id="p-url"'),
        ({"name": "odd", "url": "http://127.0.0.1:1/", "events": "message.eaten"}, 'id="p-events"'),
    ],
)
def test_an_endpoint_that_can_not_be_says_why_at_the_field(owner: Console, fields: dict[str, str], said: str) -> None:
    answer = owner.send("/console/webhooks", **fields)
    assert answer.status_code == 422 and said in answer.text


def test_what_failed_shows_its_tries(server: Server, owner: Console) -> None:
    with Sink(lambda heard: (503, b"later")) as sick:
        owner.send("/console/webhooks", name="sick", url=f"{sick.url}/hook")
        owner.send("/console/webhooks/sick/test")
        sick.until(lambda heard: len(heard) > 1)
        page = owner.page("/console/webhooks/sick")
        delivery = re.search(r'href="(/console/webhooks/sick/deliveries/dlv_\w+)"', page)
        assert delivery is not None and "503" in owner.page(delivery[1])
    owner.send("/console/webhooks/sick/remove")


def test_roles_and_walls(server: Server, owner: Console, sink: Sink) -> None:
    developer = joins(server, "dev@example.com", "test:developer")
    assert developer("GET", "/console/keys").status_code == 403
    assert developer.send("/console/keys", name="mine").status_code == 403
    assert "Add an endpoint" in developer.page("/console/webhooks")
    support = joins(server, "support@example.com", "test:support")
    assert "Add an endpoint" not in support.page("/console/webhooks")
    assert support.send("/console/webhooks", name="mine", url=f"{sink.url}/").status_code == 403
    owner.send("/console/webhooks", name="walled", url=f"{sink.url}/wall")
    key = re.search(r'href="(/console/keys/\w+)"', owner.page("/console/keys"))
    assert key is not None
    server.run("workspaces", "create", "apart")
    others = joins(server, "o@apart.example.com", "live:owner", "test:owner", workspace="apart")
    for place in (key[1], "/console/webhooks/walled"):
        assert others("GET", place).status_code == 404
    assert others.send(f"{key[1]}/revoke").status_code == 404
    assert others.send("/console/webhooks/walled/rotate").status_code == 404
    live = joins(server, "l@example.com", "live:owner", environment="live")
    assert live("GET", "/console/webhooks/walled").status_code == 404, "it is of another environment"


def test_nothing_made_up_is_told_in_live_and_only_what_there_is(server: Server, owner: Console, sink: Sink) -> None:
    place, hook = "/console/webhooks/sampled", f"{sink.url}/hook"
    owner.send("/console/webhooks", name="sampled", url=hook, events="message.delivered")
    for unheard in ("message.eaten", "message.failed"):
        assert owner.send(f"{place}/sample", type=unheard).status_code == 422
    owner.send(f"{place}/remove")
    live = joins(server, "live@samples.example.com", "live:owner", environment="live")
    live.send("/console/webhooks", name="sampled", url=hook)
    assert "Send the sample" not in live.page(place)
    assert live.send(f"{place}/sample", type="message.delivered").status_code == 422
    assert sink.heard == []
