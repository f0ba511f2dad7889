"""A day of somebody in support: a customer is on the phone and has heard nothing."""

from tests.console.days.conftest import Hires
from tests.process.server import Api, Server
from tests.process.sink import Sink

NUMBER = "+447700900001"  # of fiction: its phone is never reached


def test_a_message_that_never_came_is_found_explained_and_sent_again(walks: Hires, server: Server, sink: Sink) -> None:
    app = Api(server, server.key("messages:send", "messages:read", environment="live"))
    sent = app.send(NUMBER, "Your order 1742 is on its way.", correlation_id="order-1742", callback_url=sink.url)
    app.until(sent["id"], "undelivered")
    sink.until(lambda heard: len(heard) == 2)
    walk = walks("support", "live:support")
    page = walk.page
    walk.see("Your order 1742")
    walk.look("home is the list of messages")

    for asked in ("07700 900001", "0044 7700 900-001", "+44 7700 900001", "order-1742"):
        page.keyboard.press("/")
        page.keyboard.type(asked)
        page.keyboard.press("Enter")
        walk.see("Found by")
        assert page.get_by_role("link", name=NUMBER).count() == 1, asked
    walk.look("found")

    walk.follow(NUMBER)
    tell = page.locator("#tell")
    tell.get_by_text("Please switch it on").wait_for()
    tell.get_by_text("absent_subscriber").wait_for()
    walk.see("The carrier telco took it", "#timeline")
    page.locator("#webhooks").get_by_text("undelivered").first.wait_for()
    walk.sees_no("Cancel")
    walk.look("explained")

    page.locator("#actions summary", has_text="Tell webhooks again").click()
    walk.press("Tell webhooks again", "#actions")
    walk.see("told again, with the ids that the events had before")
    walk.look("told again")

    page.locator("#actions summary", has_text="Send again").click()
    walk.see("to a real phone, at its price", "#actions")
    walk.look("asked before it is sent again")
    walk.press("Send again", "#actions")
    walk.see("Sent once more")
    assert page.url != f"{server.url}/console/messages/{sent['id']}"
    page.locator("#state").get_by_text("undelivered").wait_for()
    walk.look("sent again")
    listed = app("GET", f"/v1/messages?to={NUMBER.replace('+', '%2B')}").json()["data"]
    assert len(listed) == 2 and {one["status"] for one in listed} == {"undelivered"}
