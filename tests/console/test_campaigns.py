"""Campaigns and audiences in the console: uploaded, built, checked, started, paused, stopped, and how they went."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

PLACE = "/console/campaigns"
PEOPLE = "to,name,city\n" + "".join(f"+4477009003{n:02},Ann {n},Leeds\n" for n in range(60, 80)) + "nonsense,Cid,York\n"
FORM = {"do": "make", "kind": "promotional", "variant-0-name": "", "variant-0-share": "1"}


@pytest.fixture(scope="module")
def admin(server: Server) -> Api:
    return Api(server, server.key("admin", environment="test"))


@pytest.fixture(scope="module")
def people(owner: Console, admin: Api) -> str:
    """An audience of twenty, of whom one wants nothing."""
    answer = owner.send("/console/audiences/_new", do="upload", name="people", csv=PEOPLE)
    assert answer.status_code == 303, answer.text
    no = {"to": "+447700900360", "action": "opt_out", "source": "support"}
    assert admin("POST", "/v1/consents", no).status_code < 300
    return "people"


def made(console: Console, name: str, **more: str) -> str:
    form = {**FORM, "name": name, "audience": "people", "variant-0-text": "Hello {{name}}, it is spring. STOP to end"}
    answer = console.send(f"{PLACE}/_new", **{**form, **more})
    assert answer.status_code == 303, re.findall(r'class="problem"[^>]*>.*?</p>|role="alert">.*?</p>', answer.text)
    return f"{PLACE}/{name}"


def until(console: Console, path: str, words: str) -> str:
    for _ in range(100):
        page = console.page(path)
        if words in page:
            return page
        time.sleep(0.1)
    raise AssertionError(f"{words!r} never stood on {path}")


def test_marketing_uploads_builds_checks_and_starts(
    window: Callable[..., Page], server: Server, owner: Console, people: str
) -> None:
    page = window(joins(server, "market@example.com", "test:marketing"))
    page.goto(PLACE)
    page.get_by_role("link", name=re.compile("New campaign|Make the first one")).click()
    page.get_by_label("Name of the campaign").fill("spring")
    chosen = {"name": "spring.csv", "mimeType": "text/csv", "buffer": PEOPLE.encode()}
    page.get_by_label("Or a CSV file").set_input_files([chosen])  # type: ignore[list-item]
    page.get_by_label("Text", exact=True).fill("Hello {{name|there}}, it’s spring. STOP to end")
    preview = page.locator("#preview")
    preview.get_by_text("UCS-2 · 1 part").wait_for()
    preview.locator("mark").wait_for()
    assert judged(page) == []
    page.get_by_role("button", name="Make and check it").click()
    page.get_by_text("If it started now").wait_for()
    page.get_by_text("They said that they want no such messages.").wait_for(timeout=8_000)
    page.locator("#estimate").get_by_text("19", exact=True).first.wait_for()
    assert judged(page) == []
    page.locator("#actions summary", has_text="Start").click()
    page.locator("#actions").get_by_role("button", name="Start").click()
    page.get_by_text("It starts now.").wait_for()
    page.locator("#state").get_by_text("done").wait_for(timeout=15_000)
    page.locator("#progress").get_by_text("20 of 20 taken up").wait_for()
    assert judged(page) == []


def test_what_is_wrong_stands_at_its_field(owner: Console, people: str) -> None:
    right = {**FORM, "name": "wrong", "audience": people, "variant-0-text": "Hello"}
    for changed, field in (
        ({"name": "Wrong Name"}, "name"),
        ({"audience": ""}, "audience"),
        ({"variant-0-text": "Hello {{surname}}"}, "variant-0-text"),
        ({"per_minute": "many"}, "per_minute"),
        ({"ends_at": "2001-01-01T10:00"}, "ends_at"),
        ({"window_days": "mon-sun", "window_from": "20:00", "window_to": ""}, "window_from"),
        ({"spread": "a while"}, "spread"),
        (
            {"variant-0-name": "a", "variant-1-name": "b", "variant-1-share": "0", "variant-1-text": "x"},
            "variant-1-share",
        ),
    ):
        answer = owner.send(f"{PLACE}/_new", **{**right, **changed})
        assert answer.status_code in (400, 422) and f'id="p-{field}"' in answer.text, (field, answer.status_code)
    assert "wrong" not in owner.page(PLACE)


def test_variants_are_compared_and_copied(owner: Console, people: str) -> None:
    more = {
        "variant-0-name": "short",
        "variant-1-name": "long",
        "variant-1-share": "3",
        "variant-1-text": "Dear {{name}}",
    }
    place = made(owner, "compared", **more, per_minute="6000")
    until(owner, place, "Can be reached")
    assert owner.send(f"{place}/start").status_code == 303
    page = until(owner, place, "over ")
    assert "Results by variant" in page and ">short" in page and ">long" in page
    copied = owner.page(f"{PLACE}/_new?from=compared")
    assert (
        "Dear {{name}}" in copied and 'value="6000"' in copied and 'value="compared"' not in copied.split("Audience")[0]
    )


def test_it_is_paused_resumed_and_stopped(owner: Console, people: str) -> None:
    place = made(owner, "slow", per_minute="60")
    until(owner, place, "Can be reached")
    owner.send(f"{place}/start")
    until(owner, place, "Pause")
    assert "Paused" in owner.page(owner.send(f"{place}/pause").headers["location"])
    assert owner.send(f"{place}/pause").status_code == 409
    assert "It goes on" in owner.page(owner.send(f"{place}/resume").headers["location"])
    owner.send(f"{place}/stop")
    until(owner, place, "stopped")
    assert "forgotten" in owner.page(owner.send(f"{place}/delete").headers["location"])
    owner.page(place, 404)


def test_it_may_start_later_and_never_in_the_wrong_form(owner: Console, people: str) -> None:
    place = made(owner, "later")
    until(owner, place, "Can be reached")
    wrong = owner.send(f"{place}/start", at="soon")
    assert wrong.status_code == 422 and 'id="p-at"' in wrong.text
    tomorrow = time.strftime("%Y-%m-%dT09:00", time.gmtime(time.time() + 86_400))
    assert owner.send(f"{place}/start", at=tomorrow).status_code == 303
    assert "It starts <time" in owner.page(place)
    owner.send(f"{place}/stop")


def test_a_test_goes_to_own_numbers_with_own_values(owner: Console, people: str, api: Api) -> None:
    place = made(owner, "tested")
    answer = owner.send(f"{place}/test", to="+447700900999\n07700 900998", **{"value-name": "Zoe"})
    wrong = "give 1 to 20 numbers" in owner.send(f"{place}/test", to="").text
    assert answer.status_code == 422 and 'id="p-to"' in answer.text and wrong, "no country is known for 07700"
    answer = owner.send(f"{place}/test", to="+447700900999", **{"value-name": "Zoe"})
    (sent,) = re.findall(r'href="/console/messages/(msg_\w+)"', answer.text)
    assert api("GET", f"/v1/messages/{sent}").json()["text"].startswith("Hello Zoe")


def test_somebody_else_approves(owner: Console, people: str, admin: Api, server: Server) -> None:
    policy = {"policies": {"campaigns": {"approval": "four_eyes"}}}
    apply = Api(server, server.key("admin"))
    assert apply("POST", "/v1/apply", {"document": policy}).status_code == 200
    try:
        place = made(owner, "approved")
        page = until(owner, place, "must answer for it")
        assert "/start" not in page
        assert owner.send(f"{place}/start").status_code == 409
        own = owner.send(f"{place}/approve")
        assert own.status_code == 403 and "somebody else than its author" in own.text
        marketing = joins(server, "noapprove@example.com", "test:marketing")
        assert marketing.send(f"{place}/approve").status_code == 403
        other = joins(server, "approves@example.com", "test:owner")
        assert "Approved." in other.page(other.send(f"{place}/approve").headers["location"])
        assert owner.send(f"{place}/start").status_code == 303
    finally:
        policy["policies"]["campaigns"]["approval"] = "none"
        apply("POST", "/v1/apply", {"document": policy})


def test_words_of_a_template_are_taken(owner: Console, people: str, server: Server) -> None:
    admin = Api(server, server.key("admin"))
    spec = {"kind": "promotional", "texts": {"en": "Words of {{name|us}}"}, "variables": {"name": {"example": "Ann"}}}
    assert admin("PUT", "/v1/templates/words", spec).status_code == 200
    answer = owner.send(f"{PLACE}/_new", **{**FORM, "do": "template", "template": "words en", "variant-0-text": ""})
    assert answer.status_code == 200 and ">Words of {{name|us}}</textarea>" in answer.text


def test_an_audience_says_what_could_not_be_used(owner: Console, people: str) -> None:
    page = owner.page("/console/audiences/people")
    assert "Lines that could not be used" in page and "nonsense" not in page
    assert re.search(r'<th scope="row" class="number">22</th>', page)
    again = owner.send("/console/audiences/_new", do="upload", name="people", csv=PEOPLE)
    assert again.status_code == 409 and 'id="p-name"' in again.text
    none = owner.send("/console/audiences/_new", do="upload", name="none", csv="")
    assert none.status_code == 422 and 'id="p-file"' in none.text
    bad = owner.send("/console/audiences/_new", do="upload", name="bad", csv="city\nLeeds")
    assert bad.status_code == 422 and 'id="p-file"' in bad.text
    field = owner.send("/console/audiences/_new", **{"do": "contacts", "name": "x", "field-0": "shoe size"})
    assert field.status_code == 422 and 'id="p-field-0"' in field.text
    taken = owner.send(
        "/console/audiences/_new", **{"do": "contacts", "name": "all", "field-0": "country", "how-0": "is"}
    )
    assert taken.status_code == 303
    assert "is deleted" in owner.page(owner.send("/console/audiences/all/delete").headers["location"])


def test_others_see_and_steer_nothing(owner: Console, people: str, server: Server) -> None:
    place = made(owner, "ours")
    support = joins(server, "nocampaign@example.com", "test:support")
    for path in (PLACE, place, f"{PLACE}/_new", "/console/audiences", "/console/audiences/people"):
        support.page(path, 403)
    server.run("workspaces", "create", "elsewhere")
    theirs = joins(server, "theirs@example.com", "test:owner", "live:owner", workspace="elsewhere")
    assert "No campaign yet" in theirs.page(PLACE) and "No audience yet" in theirs.page("/console/audiences")
    for path in (place, "/console/audiences/people"):
        theirs.page(path, 404)
    for what in ("start", "approve", "pause", "resume", "stop", "delete", "test"):
        assert theirs.send(f"{place}/{what}").status_code == 404
    assert theirs.send("/console/audiences/people/delete").status_code == 404
    answer = theirs.send(f"{PLACE}/_new", **{**FORM, "name": "x", "audience": "people", "variant-0-text": "x"})
    assert answer.status_code == 422 and 'id="p-audience"' in answer.text
