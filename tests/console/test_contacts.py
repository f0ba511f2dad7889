"""Contacts and consent: a person is found, what they said is recorded and proven, and they are erased."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

ADA = "+447700900501"
PLACE = "/console/contacts"


@pytest.fixture(scope="module")
def officer(server: Server) -> Console:
    return joins(server, "kim@example.com", "live:compliance", environment="live")


@pytest.fixture(scope="module")
def record(server: Server) -> Api:
    return Api(server, server.key("consent:manage", "messages:send", environment="live"))


@pytest.fixture(scope="module")
def ada(record: Api) -> str:
    """The id of somebody with a number and an e-mail address."""
    body = {"name": "Ada Okafor", "external_id": "c-77", "addresses": [ADA, "ada@example.com"]}
    return str(record("POST", "/v1/contacts", body).json()["id"])


def said(record: Api, to: str) -> list[tuple[str, str, str]]:
    found = record("GET", f"/v1/consents?to={to.replace('+', '%2B')}").json()["data"]
    return [(one["action"], one["scope"], one["source"]) for one in found]


@pytest.mark.parametrize(
    "query", ["%2B447700900501", "00447700900501", "%2B44+7700+900+501", "ada@example.com", "c-77", "okaf", "ADA"]
)
def test_a_person_is_found_by_what_one_has(officer: Console, ada: str, query: str) -> None:
    answer = officer("GET", f"{PLACE}?q={query}")
    while answer.status_code == 303:
        answer = officer("GET", answer.headers["location"])
    assert ada in answer.text and "Ada Okafor" in answer.text


def test_an_id_leads_to_its_contact_and_a_stranger_to_what_is_known(officer: Console, ada: str) -> None:
    assert officer("GET", f"{PLACE}?q={ada}").headers["location"] == f"{PLACE}/{ada}"
    page = officer.page(f"{PLACE}?q=%2B447700900599")
    assert "Nobody is named who has +447700900599" in page
    assert "Nothing is recorded" in officer.page(f"{PLACE}/of/+447700900599")
    assert "Nobody found" in officer.page(f"{PLACE}?q=100%25_nobody")


def test_a_no_on_the_phone_is_recorded_and_proven(
    window: Callable[..., Page], officer: Console, record: Api, ada: str
) -> None:
    page = window(officer)
    page.goto(f"{PLACE}/{ada}")
    assert judged(page) == []
    page.get_by_label("What they said").select_option("opt_out")
    page.get_by_label("About", exact=True).select_option("promotional")
    page.get_by_label("How you know").select_option("verbal")
    page.get_by_label("How it came about").fill("called, wants no more offers")
    page.get_by_role("button", name="Record it").click()
    page.get_by_text("Nothing that it covers leaves any more.").wait_for()
    assert page.locator("#record").get_by_text("Said no to promotional").is_visible()
    assert page.locator("#record").get_by_text("reason: called, wants no more offers").is_visible()
    assert said(record, ADA) == [("opt_out", "promotional", "verbal")]
    refused = record("POST", "/v1/messages", {"to": ADA, "text": "x", "kind": "promotional"})
    assert refused.json()["code"] == "opted_out"
    page.get_by_text("Export").click()
    assert judged(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Proof of consent, JSON").click()
    proof = json.loads(download.value.path().read_text())
    assert proof["person"]["id"] == ada and proof["made_by"] == "user:kim@example.com"
    assert [one["action"] for one in proof["record"]] == ["opt_out"]
    listed = officer.page(f"{PLACE}/suppressed")
    assert ADA in listed and "ada@example.com" in listed, "a no is the person's, on every address"
    assert f"{ADA},opt_out,promotional" in officer("GET", f"{PLACE}/suppressed.csv").text.replace("'", "")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": "opt_out", "source": "verbal", "purpose": "all", "reason": " "}, "reason"),
        ({"action": "nonsense", "source": "verbal", "purpose": "all", "reason": "x"}, "action"),
        ({"action": "opt_in", "source": "carrier", "purpose": "all", "reason": "x"}, "source"),
        ({"action": "opt_in", "source": "paper", "purpose": "No Topic", "reason": "x"}, "purpose"),
    ],
)
def test_what_is_not_complete_is_not_recorded(
    officer: Console, record: Api, fields: dict[str, str], field: str
) -> None:
    answer = officer.send(f"{PLACE}/of/+447700900502/consent", **fields)
    assert answer.status_code == 422 and f'id="p-{field}"' in answer.text
    assert said(record, "+447700900502") == []


def test_a_contact_is_added_and_changed(window: Callable[..., Page], officer: Console) -> None:
    page = window(officer)
    page.goto(f"{PLACE}/new?address=%2B447700900503")
    assert judged(page) == []
    page.get_by_label("Name").fill("Bo Lind")
    page.get_by_label("Attributes").fill("city: Leeds\ntier: gold")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("heading", name="Bo Lind").wait_for()
    assert page.get_by_text("Leeds").is_visible() and page.get_by_text("+447700900503").first.is_visible()
    page.get_by_role("link", name="Change").click()
    page.get_by_label("Time zone").fill("Europe/Stockholm")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Europe/Stockholm").wait_for()


@pytest.mark.parametrize(
    ("fields", "field", "status"),
    [
        ({"addresses": "12"}, "addresses", 422),
        ({"time_zone": "Mars/Base"}, "time_zone", 422),
        ({"locale": "klingon!"}, "locale", 422),
        ({"attributes": "no colon"}, "attributes", 422),
        ({"name": "x" * 201}, "name", 422),
        ({"external_id": "c-77"}, "external_id", 409),
    ],
)
def test_what_is_wrong_with_a_contact_is_said_at_its_field(
    officer: Console, ada: str, fields: dict[str, str], field: str, status: int
) -> None:
    answer = officer.send(PLACE, **{"name": "Somebody", **fields})
    assert answer.status_code == status and f'id="p-{field}"' in answer.text


def test_a_file_is_looked_at_before_it_is_recorded(window: Callable[..., Page], officer: Console, record: Api) -> None:
    number = "+447700900504"
    page = window(officer)
    page.goto(f"{PLACE}/import")
    assert judged(page) == []
    lines = f"to,purpose\n{number},promotional\n12,all\n"
    page.get_by_label("CSV file").set_input_files({"name": "no.csv", "mimeType": "text/csv", "buffer": lines.encode()})
    page.get_by_label("The lines are").select_option("opt_out")
    page.get_by_role("button", name="Look at it first").click()
    report = page.locator("#report")
    report.get_by_text("1 of 2 lines can be recorded").wait_for()
    assert judged(page) == [] and report.get_by_role("rowheader", name="3").is_visible()
    assert said(record, number) == []
    page.get_by_role("button", name="Record 1 entry").click()
    page.get_by_text("1 entry recorded. 1 could not be read.").wait_for()
    assert [one[:2] for one in said(record, number)] == [("opt_out", "promotional")]


@pytest.mark.parametrize("text", ["", "who,what\nx,y\n", "to,action\n+447700900507,opt_out\n"])
def test_what_nobody_has_looked_at_is_not_recorded(officer: Console, record: Api, text: str) -> None:
    answer = officer.send(f"{PLACE}/import", csv=text, do="record")
    assert answer.status_code == 422 and 'id="p-file"' in answer.text
    assert said(record, "+447700900507") == []


def test_what_may_be_a_no_is_decided(officer: Console, record: Api) -> None:
    to = "+447700900505"
    record("POST", "/v1/consents", {"to": to, "action": "doubt", "purpose": "promotional", "text": "pls dont"})
    assert "pls dont" in officer.page(f"{PLACE}/reviews") and to in officer.page(f"{PLACE}/reviews")
    fields = {"action": "dismissed", "purpose": "promotional", "source": "verbal", "reason": "asked them"}
    assert officer.send(f"{PLACE}/of/{to}/consent", **fields).status_code == 303
    assert to not in officer.page(f"{PLACE}/reviews")


def test_a_person_is_erased_by_whoever_means_it(window: Callable[..., Page], officer: Console, record: Api) -> None:
    to = "+447700900506"
    record("POST", "/v1/contacts", {"name": "Cy Gone", "addresses": [to]})
    record("POST", "/v1/consents", {"to": to, "action": "opt_out"})
    place = f"{PLACE}/of/{to}"
    for fields, field in (
        ({"erase_reason": "asked", "sure": "yes"}, "sure"),
        ({"erase_reason": "", "sure": "erase"}, "erase_reason"),
    ):
        answer = officer.send(f"{place}/erase", **fields)
        assert answer.status_code == 422 and f'id="p-{field}"' in answer.text
    page = window(officer)
    page.goto(place)
    page.get_by_text("Erase", exact=True).click()
    assert judged(page) == []
    page.get_by_label("Who asked, and why").fill("they did, by letter")
    page.get_by_label("Type “erase”").fill("erase")
    page.get_by_role("button", name="Erase for good").click()
    page.get_by_text("Their no goes on to hold.").wait_for()
    assert "Cy Gone" not in officer.page(f"{PLACE}?q=Cy")
    refused = record("POST", "/v1/messages", {"to": to, "text": "x"})
    assert refused.json()["code"] == "opted_out"


@pytest.mark.parametrize(
    "place", ["", "/suppressed", "/suppressed.csv", "/reviews", "/import", "/new", "/of/+447700900501"]
)
def test_support_does_not_look_through_everybody(server: Server, support: Console, place: str) -> None:
    assert support("GET", f"{PLACE}{place}").status_code == 403


@pytest.fixture(scope="module")
def support(server: Server) -> Console:
    return joins(server, "sam@example.com", "live:support", environment="live")


def test_no_workspace_sees_another(server: Server, ada: str) -> None:
    server.run("workspaces", "create", "acme")
    theirs = joins(server, "them@example.com", "live:owner", "test:owner", workspace="acme")
    theirs.page(f"{PLACE}/{ada}", 404)
    theirs.page(f"{PLACE}/{ada}/edit", 404)
    assert theirs.send(f"{PLACE}/{ada}/edit", name="Mine").status_code == 404
    assert "Nothing is recorded" in theirs.page(f"{PLACE}/of/{ADA}")
    for place in (f"{PLACE}?q={ADA.replace('+', '%2B')}", f"{PLACE}?q=c-77", f"{PLACE}?q=Ada", f"{PLACE}/suppressed"):
        assert not re.search("Ada Okafor|cnt_", theirs.page(place))
