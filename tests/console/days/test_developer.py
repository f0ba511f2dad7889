"""A developer's first day: from an empty directory to an application that sends, hears and is told again."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.api.browser import PASSWORD
from tests.console.days.conftest import Hires
from tests.process.server import Server
from tests.process.sink import Sink

CONFIG = '[webhooks]\nallow_networks = ["127.0.0.0/8"]\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    clean = Server(tmp_path_factory.mktemp("developer"), CONFIG)
    clean.start("--demo")
    yield clean
    clean.stop()


def test_a_first_message_and_an_application_that_hears(walks: Hires, server: Server, sink: Sink) -> None:
    # three steps to the first message: the printed link, the printed line, a look
    printed = (server.folder / "server.log").read_text()
    (link,) = re.findall(r"http\S+/console/enter/\S+", printed)
    (line,) = re.findall(r"curl .*?}'", printed, re.DOTALL)
    walk = walks("developer")
    page = walk.page
    page.goto(link)
    walk.see("No message yet")
    walk.look("in by the printed link")
    done = subprocess.run(["sh", "-c", line.replace("curl ", "curl -sS ", 1)], capture_output=True, timeout=20)
    assert b'"queued"' in done.stdout, done.stderr
    page.get_by_text("No message yet").wait_for(state="detached", timeout=10_000)  # the page was left open
    walk.go("Sandbox phone")
    walk.see("Hello from Heliograph", "#screen")
    walk.look("it is on the phone")

    # the phone answers; the message's page explains it
    page.get_by_label("Answer", exact=True).fill("Hello yourself")
    page.get_by_role("button", name="Send the answer").click()
    walk.see("Hello yourself", "#screen")
    walk.follow("what happened", "#screen")
    walk.see("It arrived", "#timeline")
    walk.see("test traffic")
    walk.look("explained")

    # a key for the application
    walk.go("Keys")
    walk.look("keys")
    page.get_by_label("Name").fill("orders service")
    walk.press("Make the key")
    walk.see("It is shown this once")
    walk.look("a key, shown once")
    line = page.locator("#start-1").inner_text()

    # a colleague, who builds the application, is let in as a developer
    walk.go("Users and roles")
    walk.look("users")
    page.get_by_label("E-mail address").fill("dev@example.com")
    page.get_by_label("Name", exact=True).fill("Dee")
    for environment in ("live", "test"):
        page.get_by_label(f"developer in {environment}").check()
    walk.press("Make the link")
    invitation = page.locator("#link").inner_text()
    walk.look("a link for them")

    dee = walks("colleague")
    page = dee.page
    page.goto(invitation)
    dee.look("set a password")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.goto("/login")
    dee.look("the entrance")
    dee.log_in("dev@example.com")
    dee.environment("test")
    dee.go("Webhooks")
    dee.look("nobody is told yet")
    page.get_by_label("Name").fill("orders")
    page.get_by_label("URL").fill(f"{sink.url}/hook")
    dee.press("Add")
    assert page.locator("#secret").inner_text().startswith("whsec_")
    dee.look("the secret, shown once")
    dee.follow("Go on")

    # a sample is told and seen, then the real thing, then once more
    page.get_by_label("Sample").select_option("message.delivered")
    dee.press("Send the sample")
    (sample,) = sink.until(lambda heard: bool(heard))
    assert sample.event["type"] == "message.delivered" and sample.event["data"]["sample"] is True
    page.locator("#deliveries").get_by_text("done").first.wait_for()
    dee.look("a sample was told")
    done = subprocess.run(["sh", "-c", line.replace("curl ", "curl -sS ", 1)], capture_output=True, timeout=20)
    assert b'"queued"' in done.stdout, done.stderr
    delivered = "message.delivered"
    heard = sink.until(lambda heard: [one.event["type"] for one in heard].count(delivered) == 2)
    real = next(one for one in heard[1:] if one.event["type"] == delivered)
    told = page.locator("#deliveries").get_by_role("link", name=delivered)
    told.nth(1).wait_for()  # the list stays fresh by itself
    told.first.click()
    dee.see(real.headers["webhook-id"])
    dee.look("one delivery")
    page.go_back()
    page.locator("#deliveries").get_by_role("button", name=f"Tell {delivered} again").first.click()
    again = sink.until(lambda heard: [one.event["type"] for one in heard].count(delivered) == 3)[-1]
    assert again.headers["webhook-id"] == real.headers["webhook-id"]
    page.locator("#deliveries").get_by_text("again", exact=True).first.wait_for()
    dee.look("told again")
