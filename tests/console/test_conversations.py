"""The inbox: an agent sees who waits, answers with open eyes, notes, assigns, closes."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import CONFIG, Console, joins
from tests.process.server import Api, Server

NUMBERS = iter(range(447700900430, 447700900499))  # those before have fates
DESK = "60606"
TEAMS = """
[senders.60606]
type = "short_code"
two_way = true
[policies.conversations]
[policies.conversations.canned]
hours = "We are here from nine to five."
[policies.conversations.teams.billing]
[templates.late]
kind = "support"
texts = { en = "Sorry {{name}}, your parcel comes on {{day}}." }
variables = { name = { example = "Ada" }, day = { example = "Tuesday" } }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("inbox"), CONFIG + TEAMS) as running:
        yield running


@pytest.fixture(scope="module")
def agent(server: Server) -> Console:
    return joins(server, "sam@example.com", "test:support", "live:support")


@pytest.fixture
def asks(api: Api, agent: Console) -> Callable[[str], tuple[str, str]]:
    """Somebody who was texted writes back: (number, the place of the conversation)."""

    def ask(words: str) -> tuple[str, str]:
        number = f"+{next(NUMBERS)}"
        api.send(number, text="Your parcel is on its way.", sender=DESK)
        agent.send("/console/phone/reply", number=number, text=words)
        end = time.monotonic() + 15
        while not (found := re.search(r"/console/conversations/cnv_\w+", listed(agent, number))):
            assert time.monotonic() < end, "the conversation never began"
            time.sleep(0.05)
        return number, found[0]

    return ask


def listed(agent: Console, number: str, show: str = "all") -> str:
    return agent.page(f"/console/conversations?show={show}&q=%2B{number[1:]}")


def test_an_agent_takes_a_conversation_answers_and_closes_it(
    window: Callable[..., Page], agent: Console, asks: Callable[[str], tuple[str, str]], api: Api
) -> None:
    number, place = asks("Where is my parcel?")
    page = window(agent)
    page.goto("/console/conversations?show=unassigned")
    assert judged(page) == []
    page.locator(f'a[href="{place}"]').click()
    assert judged(page) == []
    page.get_by_role("button", name="Take it").click()
    page.get_by_text("sam@example.com looks after it now.").wait_for()
    page.get_by_label("Your answer").press_sequentially("It comes tomorrow.")
    page.locator("#outlook").get_by_text("142 left in this part").wait_for()
    page.get_by_label("Your answer").press_sequentially(" “Really”")
    page.locator("#outlook").get_by_text("UCS-2", exact=True).wait_for()
    page.locator("#outlook").get_by_text("a part holds 70 instead of 160").wait_for()
    page.get_by_label("Your answer").fill("It comes tomorrow.")
    page.get_by_role("button", name="Send").click()
    page.locator("#thread").get_by_text("It comes tomorrow.").wait_for()
    page.locator("#thread").get_by_role("link", name="delivered").last.wait_for()
    page.get_by_label("Note", exact=True).fill("Promised for tomorrow")
    page.get_by_role("button", name="Note it").click()
    page.locator(".noted").get_by_text("Promised for tomorrow").wait_for()
    agent.send("/console/phone/reply", number=number, text="Thank you so much")
    page.locator("#thread").get_by_text("Thank you so much").wait_for(timeout=8_000)
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_text("Closed. It opens by itself").wait_for()
    assert place in listed(agent, number, "closed") and place not in listed(agent, number, "mine")
    sent = api("GET", f"/v1/messages?to=%2B{number[1:]}").json()["data"][0]
    assert (sent["text"], sent["kind"], sent["sender"]) == ("It comes tomorrow.", "support", DESK)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_prepared_answer_is_put_in_and_filled(
    window: Callable[..., Page], agent: Console, asks: Callable[[str], tuple[str, str]], scripts: bool
) -> None:
    _, place = asks("When do you open?")
    page = window(agent, scripts=scripts)
    page.goto(place)
    page.get_by_label("Prepared answers").select_option("canned:hours")
    if not scripts:
        page.get_by_role("button", name="Check").click()
    page.locator("#outlook").get_by_text("130 left in this part").wait_for()
    assert page.get_by_label("Your answer").input_value() == "We are here from nine to five."


def test_a_template_that_is_not_filled_is_not_sent(agent: Console, asks: Callable[[str], tuple[str, str]]) -> None:
    _, place = asks("Where is it?")
    page = agent.send(f"{place}/draft", prepared="template:late", text="").text
    assert "Sorry {{name}}, your parcel comes on {{day}}." in page
    answer = agent.send(f"{place}/reply", text="Sorry Ada, your parcel comes on {{day}}.", once="1")
    assert answer.status_code == 422 and "Fill in {{day}} first." in answer.text
    assert 'id="p-text"' in answer.text and "your parcel comes on {{day}}.</textarea>" in answer.text


def test_it_is_said_before_that_somebody_opted_out(agent: Console, asks: Callable[[str], tuple[str, str]]) -> None:
    number, place = asks("hello")
    agent.send("/console/phone/reply", number=number, text="STOP")
    end = time.monotonic() + 15
    while "the person has said no to it" not in (page := agent.page(place)):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert "opted out" in page
    answer = agent.send(f"{place}/reply", text="One more thing", once="1")
    assert answer.status_code == 422 and "opted out" in answer.text and "One more thing</textarea>" in answer.text


def test_an_answer_that_is_sent_twice_goes_once(
    agent: Console, api: Api, asks: Callable[[str], tuple[str, str]]
) -> None:
    number, place = asks("Anybody there?")
    for _ in range(2):
        answer = agent.send(f"{place}/reply", text="Yes, I am", once="5")
        assert answer.status_code == 303, re.findall(r'id="p-text">.*', answer.text)
    sent = api("GET", f"/v1/messages?to=%2B{number[1:]}").json()["data"]
    assert [one["text"] for one in sent].count("Yes, I am") == 1
    assert place in listed(agent, number, "waiting")


@pytest.mark.parametrize(
    ("deed", "fields", "told"),
    [
        ("reply", {"text": " "}, "Write something first."),
        ("reply", {"text": "x" * 2_001}, "2,000 characters"),
        ("notes", {"note": ""}, "Write something first."),
        ("assign", {"agent": "x" * 65}, "At most 64 characters."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    agent: Console, asks: Callable[[str], tuple[str, str]], deed: str, fields: dict[str, str], told: str
) -> None:
    _, place = asks("hm")
    answer = agent.send(f"{place}/{deed}", **fields)
    assert answer.status_code == 422 and told in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_number_that_is_none_is_said(agent: Console) -> None:
    assert "problem" in agent.page("/console/conversations?q=abc")


def test_who_may_only_read_sees_no_form_and_changes_nothing(
    server: Server, asks: Callable[[str], tuple[str, str]]
) -> None:
    _, place = asks("who reads this?")
    reader = joins(server, "dev@example.com", "test:developer")
    page = reader.page(place)
    assert "who reads this?" in page and "Your answer" not in page and "/console/contacts" not in page
    assert reader.send(f"{place}/reply", text="I do").status_code == 403
    analyst = joins(server, "eva@example.com", "test:analyst")
    assert analyst("GET", place).status_code == 403


def test_no_workspace_and_no_environment_sees_another(
    server: Server, owner: Console, asks: Callable[[str], tuple[str, str]]
) -> None:
    number, place = asks("a secret")
    server.run("workspaces", "create", "acme")
    theirs = joins(server, "them@example.com", "live:owner", "test:owner", workspace="acme")
    live = joins(server, "live@example.com", "live:owner", environment="live")
    for stranger in (theirs, live):
        stranger.page(place, 404)
        assert stranger.send(f"{place}/notes", note="mine").status_code == 404
        assert stranger.send(f"{place}/draft", text="x").status_code == 404
        assert place not in listed(stranger, number)
