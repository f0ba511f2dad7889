"""Messages in the console: found by what people hold in their hands, explained, acted on, exported."""

import csv
import io
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.conftest import Console, joins
from tests.process.server import Api, Server
from tests.process.sink import Sink

FATES = {"delivered": "+447700900123", "undelivered": "+447700900001", "failed": "+447700900004"}


@pytest.fixture(scope="module")
def sent(api: Api) -> dict[str, str]:
    """Some messages by their text."""
    made = {
        "an order": api.send(text="an order", correlation_id="order-77", tags=["orders"]),
        "a reminder": api.send("+447700900001", text="a reminder", tags=["reminders"], kind="support"),
        "a wrong number": api.send("+447700900004", text="a wrong number"),
    }
    for one in made.values():
        api.until(one["id"], *FATES)
    return {text: one["id"] for text, one in made.items()}


def found(page: str) -> set[str]:
    return set(re.findall(r'href="/console/messages/(msg_\w+)"', page))


@pytest.mark.parametrize(
    ("query", "texts", "meant"),
    [
        ("q=%2B447700900001", {"a reminder"}, "number +447700900001"),
        ("q=00447700900001", {"a reminder"}, "number +447700900001"),
        ("q=%2B44+7700+900-001", {"a reminder"}, "number +447700900001"),
        ("q=07700900001", {"a reminder"}, "the last digits 7700900001"),
        ("q=900001", {"a reminder"}, "the last digits 900001"),
        ("q=order-77", {"an order"}, "correlation id"),
        ("q=reminders", {"a reminder"}, "tag"),
        ("q=absent_subscriber", {"a reminder"}, "error"),
        ("q=SB-11", {"a wrong number"}, "error"),
        ("q=nothing+of+ours", set(), ""),
        ("state=failed", {"a wrong number"}, ""),
        ("kind=support", {"a reminder"}, ""),
        ("country=gb&since=1h", {"an order", "a reminder", "a wrong number"}, ""),
        ("country=FR", set(), ""),
        ("connector=telco", {"an order", "a reminder", "a wrong number"}, ""),
        ("connector=sandbox", set(), ""),
        ("q=order-77&state=failed", set(), ""),
        ("state=nonsense&kind=nonsense&since=nonsense&cursor=nonsense", set(FATES), ""),
    ],
)
def test_a_message_is_found_by_what_one_has(
    owner: Console, sent: dict[str, str], query: str, texts: set[str], meant: str
) -> None:
    page = owner.page(f"/console/messages?{query}")
    if texts == set(FATES):
        texts = {*sent}
    assert found(page) == {sent[text] for text in texts}
    assert (f"Found by {meant}." in page) == bool(meant)
    assert texts or "Nothing found" in page


def test_an_id_leads_to_its_message(owner: Console, sent: dict[str, str]) -> None:
    answer = owner("GET", f"/console/messages?q={sent['an order']}")
    assert answer.headers["location"] == f"/console/messages/{sent['an order']}"


def test_pages_follow_each_other_without_gap_or_repetition(server: Server, api: Api) -> None:
    console = joins(server, "pages@example.com", "test:support")
    wanted = [api.send(text="one of many", tags=["many"])["id"] for _ in range(60)]
    first = console.page("/console/messages?q=many")
    more = re.search(r'rel="next" href="(\?[^"]+)"', first)
    assert more is not None
    second = console.page("/console/messages" + more[1].replace("&amp;", "&"))
    assert len(found(first)) == 50 and not found(first) & found(second)
    assert found(first) | found(second) == set(wanted)


def test_what_happened_and_what_one_may_say_of_it(owner: Console, sent: dict[str, str]) -> None:
    page = owner.page(f"/console/messages/{sent['a reminder']}")
    for words in (
        "The carrier telco took it",
        "The phone could not be reached for as long as the carrier tried.",
        "Please switch it on",
        "absent_subscriber",
        "SB-27",
        "0.04 EUR",
        "test traffic",  # the reason of its route
    ):
        assert words in page, words


def test_the_character_that_made_it_long_is_marked(api: Api, owner: Console) -> None:
    message = api.send(text="It’s here")
    page = owner.page(f"/console/messages/{message['id']}")
    assert re.search(r'<mark title="U\+2019 RIGHT SINGLE QUOTATION MARK, could be &#34;&#39;&#34;">’</mark>', page)
    assert "UCS-2" in page and "9 of 70" in page


def test_what_people_wrote_is_never_markup(api: Api, owner: Console) -> None:
    message = api.send(text="<script>alert(1)</script>", metadata={"<b>": "<i>"}, tags=["<u>"], correlation_id="'\"<")
    for path in (
        f"/console/messages/{message['id']}",
        "/console/messages",
        "/console/phone",
        "/console/messages?q=<u>",
    ):
        page = owner.page(path)
        assert "<script>alert" not in page and "<i>" not in page and "<u>" not in page


def test_no_code_of_a_verification_is_shown(server: Server, owner: Console) -> None:
    verify = Api(server, server.key("verify", "messages:read"))
    answer = verify("POST", "/v1/verifications", {"to": "+447700900222"})
    assert answer.status_code in (201, 202), answer.text
    page = owner.page("/console/messages?q=%2B447700900222")
    (one,) = found(page)
    assert "which is not shown" in page
    page = owner.page(f"/console/messages/{one}")
    assert "nobody's business" in page and not re.search(r"\b\d{6}\b(?! )", re.sub(r"msg_\w+|datetime=\S+", "", page))


# -- acting


def test_a_message_that_waits_can_be_taken_back(api: Api, owner: Console) -> None:
    message = api.send(text="later", send_at=_in_an_hour())
    place = f"/console/messages/{message['id']}"
    assert "Take this message back?" in owner.page(place)
    answer = owner.send(f"{place}/cancel")
    assert "The message is canceled." in owner.page(answer.headers["location"])
    assert api.until(message["id"], "canceled")
    again = owner.send(f"{place}/cancel")
    assert again.status_code == 409 and "is canceled" in again.text


def _in_an_hour() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3_600))


def test_the_same_words_go_again_once_however_often_one_clicks(
    server: Server, api: Api, owner: Console, sent: dict[str, str]
) -> None:
    place = f"/console/messages/{sent['a reminder']}/again"
    first, second = owner.send(place, once="7"), owner.send(place, once="7")
    (one,), (two,) = (re.findall(r"msg_\w+", answer.headers["location"]) for answer in (first, second))
    assert one == two != sent["a reminder"]
    fresh = api("GET", f"/v1/messages/{one}").json()
    assert (fresh["text"], fresh["to"], fresh["kind"], fresh["tags"]) == (
        *("a reminder", "+447700900001", "support"),
        ["reminders"],
    )
    entries = Api(server, server.key("admin"))("GET", "/v1/audit?action=message.sent_again").json()["data"]
    assert entries[0]["actor"] == "user:owner@example.com" and entries[0]["detail"]["as"] == one


def test_who_opted_out_is_not_sent_to_again(server: Server, api: Api, owner: Console) -> None:
    message = api.send("+447700900333", text="before the opt-out", kind="promotional")
    api.until(message["id"], "delivered")
    consent = Api(server, server.key("consent:manage", environment="test"))
    made = consent("POST", "/v1/consents", {"to": "+447700900333", "action": "opt_out", "source": "support"})
    assert made.status_code < 300, made.text
    answer = owner.send(f"/console/messages/{message['id']}/again", once="1")
    assert answer.status_code == 422 and "opted out" in answer.text


def test_a_webhook_is_told_again_with_the_id_that_it_had(api: Api, owner: Console, sink: Sink) -> None:
    message = api.send(text="told", callback_url=sink.url)
    api.until(message["id"], "delivered")
    sink.until(lambda heard: len(heard) == 2)
    place = f"/console/messages/{message['id']}"
    page = owner.page(place)
    assert page.count('aria-label="Tell message.') == 2
    answer = owner.send(f"{place}/replay")
    assert "2 told again" in owner.page(answer.headers["location"])
    told = sink.until(lambda heard: len(heard) == 4)
    ids = [post.headers["webhook-id"] for post in told]
    assert sorted(ids[2:]) == sorted(ids[:2])


def test_who_helps_people_tells_webhooks_again(server: Server, api: Api, sink: Sink) -> None:
    helper = joins(server, "helper@example.com", "test:support")
    message = api.send(text="told", callback_url=sink.url, callback_events=["message.delivered"])
    sink.until(lambda heard: len(heard) == 1)
    place = f"/console/messages/{message['id']}"
    page = helper.page(place)
    assert "Tell webhooks again" in page and page.count('aria-label="Tell message.') == 1
    assert "1 told again" in helper.page(helper.send(f"{place}/replay").headers["location"])
    sink.until(lambda heard: len(heard) == 2)
    entries = Api(server, server.key("admin"))("GET", "/v1/audit?action=delivery.replayed").json()["data"]
    assert (entries[0]["actor"], entries[0]["object"]) == ("user:helper@example.com", message["id"])


def test_who_only_reads_changes_nothing(server: Server, sent: dict[str, str]) -> None:
    reader = joins(server, "reader@example.com", "test:marketing")
    place = f"/console/messages/{sent['a reminder']}"
    assert {reader.send(f"{place}/{action}").status_code for action in ("cancel", "again", "replay")} == {403}
    page = reader.page(place)
    assert "Send again" not in page and "Tell webhooks again" not in page
    assert reader.page("/console/messages.csv", 403)


def test_a_message_of_another_environment_or_workspace_is_not_there(server: Server, owner: Console) -> None:
    live = Api(server, server.key("messages:send", environment="live")).send(text="live one")
    assert "There is no message" in owner.page(f"/console/messages/{live['id']}", 404)
    for action in ("cancel", "again", "replay"):
        assert owner.send(f"/console/messages/{live['id']}/{action}").status_code == 404
    assert owner.page("/console/messages/msg_nonsense", 404)


def test_the_export_has_what_the_list_has_and_is_known(server: Server, owner: Console, sent: dict[str, str]) -> None:
    answer = owner("GET", "/console/messages.csv?q=order-77")
    assert answer.headers["content-disposition"] == 'attachment; filename="messages.csv"'
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["id"], row["status"], row["text"]) == (sent["an order"], "delivered", "")
    (row,) = csv.DictReader(io.StringIO(owner("GET", "/console/messages.csv?q=order-77&texts=1").text))
    assert row["text"] == "an order"
    every = list(csv.DictReader(io.StringIO(owner("GET", "/console/messages.csv").text)))
    assert {*sent.values()} <= {row["id"] for row in every} and len({row["id"] for row in every}) == len(every)
    entries = Api(server, server.key("admin"))("GET", "/v1/audit?action=messages.exported").json()["data"]
    assert len(entries) == 3 and entries[-1]["detail"]["filters"] == {"q": "order-77"}


def test_a_message_is_followed_live(window: Callable[..., Page], api: Api, owner: Console) -> None:
    message = api.send(text="followed", send_at=_in_an_hour())
    page = window(owner)
    page.goto(f"/console/messages/{message['id']}")
    page.get_by_text("It waits for the time that was set.").wait_for()
    api("POST", f"/v1/messages/{message['id']}/cancel")
    page.locator("#timeline").get_by_text("It was taken back").wait_for(timeout=8_000)


def test_support_finds_explains_and_sends_again_with_the_keyboard(
    window: Callable[..., Page], server: Server, api: Api
) -> None:
    message = api.send("+447700900001", text="from support")
    api.until(message["id"], "undelivered")
    page = window(joins(server, "keys@example.com", "test:support"))
    page.goto("/console/messages")
    page.keyboard.press("/")
    page.keyboard.type("+44 7700 900001")
    page.keyboard.press("Enter")
    page.get_by_text("Found by number +447700900001").wait_for()
    page.get_by_role("link", name="+447700900001").first.click()
    page.get_by_text("Please switch it on").wait_for()
    page.get_by_text("Send again").first.click()
    page.get_by_role("button", name="Send again").click()
    page.get_by_text("Sent once more").wait_for()
    assert "said=" not in page.url, "a reload does not say it again"


def test_the_copied_line_is_what_stands_there(
    window: Callable[..., Page], owner: Console, sent: dict[str, str]
) -> None:
    page = window(owner)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/console/messages/{sent['an order']}")
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl {owner.server.url}/v1/messages") and "$HELIOGRAPH_KEY" in copied
    assert '"text":"an order"' in copied
