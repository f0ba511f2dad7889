"""Templates in the console: written with a preview, handed in, approved, compared, taken out and read in."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.console.accessibility import judged
from tests.console.conftest import Console, joins
from tests.process.server import Api, Server

PLACE = "/console/templates"
SHIPPED = {
    "kind": "transactional",
    "topic": "orders",
    "owner": "shop@example.com",
    "texts": {
        "en": "Acme: hello {{name|there}}, your order {{order|upper}} is on its way.",
        "pl": "Acme: cześć {{name|klient}}, zamówienie {{order|upper}} jest w drodze.",
    },
    "variables": {
        "name": {"example": "Maria", "max_length": 20},
        "order": {"type": "code", "example": "ab-1742", "max_length": 10},
    },
}


@pytest.fixture(scope="module")
def admin(server: Server) -> Api:
    return Api(server, server.key("admin"))


@pytest.fixture(scope="module")
def shipped(admin: Api) -> str:
    assert admin("PUT", "/v1/templates/order-shipped", SHIPPED).status_code == 200
    return f"{PLACE}/order-shipped"


def test_a_template_is_written_previewed_and_approved(window: Callable[..., Page], owner: Console) -> None:
    page = window(owner)
    page.goto(PLACE)
    page.get_by_role("link", name="New template").click()
    page.get_by_label("Name", exact=True).fill("pickup-ready")
    page.get_by_label("Text", exact=True).fill("Hello {{name}}, it’s ready: code {{code}}")
    preview = page.locator("#preview")
    preview.get_by_text("Hello Maria, it").wait_for()
    preview.get_by_text("U+2019 RIGHT SINGLE QUOTATION MARK").wait_for()
    assert preview.locator("mark").inner_text() == "’"
    preview.get_by_text("UCS-2 · 1 part · 0.04 EUR in GB").wait_for()
    page.get_by_label("Text", exact=True).fill("Hello {{name}}, it's ready: code {{code}}")
    preview.get_by_text("GSM-7 · 1 part").wait_for()
    assert judged(page) == []
    page.get_by_role("button", name="Save the draft").click()
    assert page.locator("#f-variable-0-example").input_value() == "482913", "used, so it is declared"
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("button", name="Hand in for review").click()
    page.get_by_text("pickup-ready@1: It is in review.").wait_for()
    page.locator("summary", has_text="Approve").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("It is approved: live messages may use it.").wait_for()
    assert judged(page) == []


def test_what_makes_a_text_long_is_shown_for_each_language(owner: Console, shipped: str) -> None:
    page = owner.page(shipped)
    assert "LATIN SMALL LETTER S WITH ACUTE" in page and "<mark" in page
    assert "hello Maria, your order AB-1742" in page and "0.04 EUR" in page
    assert "at worst" in page and "parts with the shortest values" not in page


def test_a_new_version_shows_what_differs(owner: Console, admin: Api, shipped: str) -> None:
    changed = {
        **SHIPPED,
        "texts": {**SHIPPED["texts"], "en": "Acme: hi {{name|there}}, order {{order|upper}} is here."},
    }  # type: ignore[dict-item]
    assert admin("PUT", "/v1/templates/order-shipped", changed).status_code == 200
    page = owner.page(shipped)
    assert "Changed since @1" in page and "<del>hello</del><ins>hi</ins>" in page
    assert "Text pl" not in page, "only what differs"
    assert "Changed since" not in owner.page(f"{shipped}?version=1")
    assert owner.page(f"{shipped}?version=9", 404)


def test_what_is_wrong_stands_at_its_field(owner: Console) -> None:
    fields = {"do": "save", "name": "Bad Name", "kind": "transactional", "default_locale": "en"}
    text = {"text-0-locale": "en", "text-0-country": "", "text-0-body": "Hello"}
    for changed, field in (
        ({}, "name"),
        ({"name": "fine", "text-0-body": "Hello {{name"}, "text-0-body"),
        ({"name": "fine", "text-0-locale": "english"}, "text-0-locale"),
        ({"name": "fine", "max_segments": "many"}, "max_segments"),
        ({"name": "fine", "topic": "No Topic"}, "topic"),
        ({"name": "fine", "text-1-locale": "en", "text-1-country": "", "text-1-body": "x"}, "text-1-locale"),
    ):
        answer = owner.send(f"{PLACE}/_new", **{**fields, **text, **changed})
        assert answer.status_code == 422 and f'id="p-{field}"' in answer.text, (field, answer.status_code)


def test_another_pair_of_eyes_is_asked_for(owner: Console, admin: Api, server: Server) -> None:
    policy = {"policies": {"templates": {"four_eyes": True}}}
    assert admin("POST", "/v1/apply", {"document": policy}).status_code == 200
    try:
        form = {"do": "save", "name": "eyes", "kind": "transactional", "default_locale": "en"}
        owner.send(f"{PLACE}/_new", **form, **{"text-0-locale": "en", "text-0-country": "", "text-0-body": "Hello"})
        assert owner.send(f"{PLACE}/eyes/submit", version="1").status_code == 303
        own = owner.send(f"{PLACE}/eyes/approve", version="1")
        assert own.status_code == 403 and "another pair of eyes" in own.text
        other = joins(server, "eyes@example.com", "test:owner", "live:owner")
        assert other.send(f"{PLACE}/eyes/approve", version="1").status_code == 303
        again = owner.send(f"{PLACE}/eyes/submit", version="1")
        assert again.status_code == 409 and "in the state approved" in again.text
    finally:
        policy["policies"]["templates"]["four_eyes"] = False
        admin("POST", "/v1/apply", {"document": policy})


def test_what_costs_more_than_its_budget_is_approved_with_a_reason(owner: Console, admin: Api) -> None:
    spec = {"texts": {"en": "{{a}} {{a}} {{a}}"}, "variables": {"a": {"example": "x", "max_length": 120}}}
    assert admin("PUT", "/v1/templates/long", {**spec, "max_segments": 1}).status_code == 200
    owner.send(f"{PLACE}/long/submit", version="1")
    refused = owner.send(f"{PLACE}/long/approve", version="1")
    assert refused.status_code == 422 and 'id="p-acknowledge"' in refused.text
    assert owner.send(f"{PLACE}/long/approve", version="1", acknowledge="the law wants it").status_code == 303
    assert "the law wants it" in owner.page(f"{PLACE}/long")
    assert owner.send(f"{PLACE}/long/retire", version="1").status_code == 303
    assert "are retired" in owner.page(owner.send(f"{PLACE}/long/remove").headers["location"])


def test_templates_are_taken_out_and_read_in(
    window: Callable[..., Page], owner: Console, shipped: str, server: Server
) -> None:
    document = owner("GET", f"{PLACE}/_export")
    assert document.headers["content-disposition"] == 'attachment; filename="templates.json"'
    assert "order-shipped" in document.json()["templates"]
    server.run("workspaces", "create", "reading")
    theirs = joins(server, "reads@example.com", "test:owner", "live:owner", workspace="reading")
    page = window(theirs)
    page.goto(f"{PLACE}/_import")
    assert judged(page) == []
    chosen = {"name": "templates.json", "mimeType": "application/json", "buffer": document.content}
    page.get_by_label("File").set_input_files([chosen])  # type: ignore[list-item]
    page.get_by_role("button", name="See what it changes").click()
    page.get_by_role("rowheader", name="order-shipped").wait_for()
    assert "order-shipped" not in theirs.page(PLACE), "so far it was only looked at"
    page.get_by_role("button", name="Read it in").click()
    page.get_by_role("link", name="order-shipped").wait_for()
    wrong = theirs.send(f"{PLACE}/_import", text="[templates.x]\ntexts = 3", do="apply")
    assert wrong.status_code == 422 and 'id="p-text"' in wrong.text
    assert theirs.send(f"{PLACE}/_import", text="{", do="apply").status_code == 422


def test_who_may_not_manage_them_reads_only_and_others_see_nothing(
    owner: Console, server: Server, shipped: str
) -> None:
    reader = joins(server, "templates@example.com", "test:marketing")
    assert "New template" not in reader.page(PLACE) and ">Edit<" not in reader.page(shipped)
    reader.page(f"{PLACE}/_new", 403)
    for path in ("_new", "_import", "order-shipped/edit", "order-shipped/approve", "order-shipped/retire"):
        assert reader.send(f"{PLACE}/{path}", version="1").status_code == 403
    server.run("workspaces", "create", "apart")
    theirs = joins(server, "apart@example.com", "test:owner", "live:owner", workspace="apart")
    assert "No template yet" in theirs.page(PLACE)
    theirs.page(shipped, 404)
    theirs.page(f"{shipped}/edit", 404)
    for what in ("submit", "approve", "retire", "remove"):
        assert theirs.send(f"{shipped}/{what}", version="1").status_code == 404
