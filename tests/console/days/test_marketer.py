"""A day in marketing: a list, words, a campaign that somebody else answers for, and what came of it."""

import re
from collections.abc import Iterator

import pytest

from tests.console.conftest import CONFIG
from tests.console.days.conftest import Hires
from tests.process.server import Api, Server

POLICIES = """
[policies.campaigns]
approval = "four_eyes"
[policies.quiet_hours]
kinds = []
"""
OWN = "+447700900999"  # the marketer's phone
PEOPLE = "to,name,city\n" + "".join(f"+4477009006{n},Ann {n},Leeds\n" for n in range(40, 90)) + "nonsense,Cid,York\n"
SPEC = {
    "kind": "promotional",
    "texts": {"en": "Hello {{name|there}}, spring is here. STOP to end"},
    "variables": {"name": {"example": "Ann"}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("marketer"), CONFIG + POLICIES) as running:
        yield running


def test_a_campaign_from_a_list_to_its_figures(walks: Hires, server: Server) -> None:
    admin = Api(server, server.key("admin", environment="live"))
    assert admin("PUT", "/v1/templates/spring", SPEC).status_code == 200
    said = "".join(f"+4477009006{n},opt_in,promotional\n" for n in range(40, 90))
    said += f"{OWN},opt_in,promotional\n+447700900640,opt_out,promotional\n"
    assert admin("POST", "/v1/consents/import", {"csv": f"to,action,purpose\n{said}"}).status_code < 300
    walk = walks("marketer", "live:marketing")
    page = walk.page
    walk.look("home")

    # whom
    walk.go("Audiences")
    walk.look("no audience yet")
    walk.follow("Make the first one")
    page.locator("#f-name").fill("customers")
    people = {"name": "customers.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}
    page.get_by_label("CSV file").set_input_files([people])  # type: ignore[list-item]
    walk.look("a file is chosen")
    walk.press("Upload")
    walk.see("50 can be texted, 1 line can't be used.")
    walk.see("Lines that could not be used")
    walk.look("the audience")

    # what
    walk.go("Templates")
    walk.follow("spring")
    walk.see("spring is here")
    walk.sees_no("Edit", "Submit", "Approve", "Retire")
    walk.look("the words")

    # the campaign
    walk.go("Campaigns")
    walk.follow("Make the first one")
    page.get_by_label("Name of the campaign").fill("spring-sale")
    page.get_by_label("Audience", exact=True).select_option("customers")
    page.get_by_label("Words of a template").select_option("spring en")
    walk.press("Take them")
    page.get_by_label("A minute at most").fill("240")  # long enough to be held in the middle, however slow the pages
    page.locator("#preview").get_by_text("Hello Ann 40, spring is here").wait_for()
    walk.look("the builder")
    walk.press("Make and check it")
    page.locator("#estimate").get_by_text("They said that they want no such messages.").wait_for(timeout=10_000)
    assert re.search(r"Can be reached\s*49", page.locator("#estimate").inner_text())
    walk.see("must answer for it")
    walk.sees_no("Approve", "Start")
    walk.look("what it would reach and cost")
    page.get_by_label("Numbers, one in each line").fill(OWN)
    page.get_by_label("name", exact=True).fill("Zoe")
    walk.press("Send the test")
    walk.follow(re.compile("^sent$"))
    walk.see("Hello Zoe, spring is here")
    walk.look("the test as it went out")

    # somebody else answers for it
    other = walks("approver", "live:compliance")
    other.go("Campaigns")
    other.follow("spring-sale")
    other.sees_no("Pause", "Stop", "Start", "Copy")
    other.page.locator("#actions summary", has_text="Approve").click()
    other.look("asked to answer for it")
    other.press("Approve", "#actions")
    other.see("Approved.")
    other.look("approved")

    # it runs, is held, goes on, and is done
    walk.go("Campaigns")
    walk.follow("spring-sale")
    page.locator("#actions summary", has_text="Start").click()
    walk.look("asked before it starts")
    walk.press("Start", "#actions")
    walk.press("Pause")
    walk.see("What waits is held")
    walk.look("paused")
    walk.press("Resume")
    page.locator("#state").get_by_text("done").wait_for(timeout=25_000)
    page.locator("#progress").get_by_text("50 of 50 taken up").wait_for()
    assert re.search(r"Delivered\s*49", page.locator("#progress").inner_text())
    walk.look("what came of it")
    walk.follow("Its messages")
    walk.see("Hello Ann")
    walk.look("its messages")
