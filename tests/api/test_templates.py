"""Templates over HTTP: written, previewed, approved, used by messages, and where each refusal points."""

import json
import subprocess
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import requests

from tests.process.server import BIN, Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
price_per_segment = "0.05"
currency = "EUR"
[[routes]]
name = "all"
via = ["quick"]
"""
TO = "+447400123456"
SHIPPED: dict[str, Any] = {
    "kind": "transactional",
    "topic": "orders",
    "owner": "shop@example.com",
    "texts": {
        "en": "Hello {{name|there}}, order {{order}} left on {{day|date}}.",
        "pt": "Oi {{name|cliente}}, o pedido {{order}} saiu em {{day|date}}.",
        "pt-BR": "Oi {{name|cliente}}, seu pedido {{order}} saiu em {{day|date}}.",
    },
    "countries": {"US": {"en": "Hello {{name|there}}, order {{order}} left on {{day|date}}. Reply STOP to end"}},
    "variables": {
        "name": {"example": "Maria", "max_length": 20},
        "order": {"type": "code", "example": "AB-17", "max_length": 10},
        "day": {"type": "date", "example": "2026-11-20"},
    },
}
VALUES = {"name": "Ann", "order": "AB-17", "day": "2026-11-05"}
LONG = {
    "texts": {"en": "Hi", "pl": "Zamowienie dla {{name}} jest w drodze. " + "a" * 115},
    "variables": {"name": {"example": "Maria", "max_length": 20}},
    "max_segments": 1,
}
_names = (f"shipped-{number}" for number in count())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway of its own, whose policies nobody else relies on."""
    with Server(tmp_path_factory.mktemp("templates"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def admin(shop: Server) -> Api:
    return Api(shop, shop.key("admin"))


@pytest.fixture(scope="module")
def live(shop: Server) -> Api:
    return Api(shop, shop.key("admin", environment="live"))


@pytest.fixture
def name() -> str:
    return next(_names)


def put(api: Api, name: str, spec: dict[str, Any] = SHIPPED, **more: Any) -> dict[str, Any]:
    answer = api("PUT", f"/v1/templates/{name}", {**spec, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def step(api: Api, name: str, what: str, **more: Any) -> requests.Response:
    return api("POST", f"/v1/templates/{name}/{what}", more)


def approve(live: Api, name: str) -> None:
    assert step(live, name, "submit").status_code == 200
    assert step(live, name, "approve").status_code == 200


def post(api: Api, name: str, variables: dict[str, str] | None = None, **more: Any) -> requests.Response:
    body = {"to": TO, "template": name, "variables": VALUES if variables is None else variables, **more}
    return api("POST", "/v1/messages", body)


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    problem = answer.json()
    pointers = [error["pointer"] for error in problem["errors"]]
    return answer.status_code, problem["code"], pointers[0] if pointers else ""


def test_a_message_names_a_template_instead_of_a_text_and_keeps_its_version(admin: Api, name: str) -> None:
    put(admin, name)
    sent = post(admin, name)
    assert sent.status_code == 202, sent.text
    message = admin("GET", f"/v1/messages/{sent.json()['id']}").json()
    assert message["text"] == "Hello Ann, order AB-17 left on 05/11/2026."
    assert message["template"] == f"{name}@1"
    assert message["kind"] == "transactional"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"locale": "pt_br"}, "Oi Ann, seu pedido AB-17 saiu em 05/11/2026."),
        ({"locale": "pt-PT"}, "Oi Ann, o pedido AB-17 saiu em 05/11/2026."),
        ({"locale": "fr"}, "Hello Ann, order AB-17 left on 05/11/2026."),
        ({"variables": {"order": "X", "day": "2026-11-05"}}, "Hello there, order X left on 05/11/2026."),
        ({"to": "+12015550123"}, "Hello Ann, order AB-17 left on 05/11/2026. Reply STOP to end"),
    ],
)
def test_the_nearest_language_and_the_countrys_own_text_are_taken(
    admin: Api, name: str, more: dict[str, Any], text: str
) -> None:
    put(admin, name)
    assert post(admin, name, **{"dry_run": True, **more}).json()["text"] == text


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"variables": {"order": "X"}}, (422, "missing_variable", "/variables/day")),
        ({"variables": {**VALUES, "nmae": "Ann"}}, (422, "unknown_variable", "/variables/nmae")),
        ({"variables": {**VALUES, "day": "soon"}}, (422, "bad_variable", "/variables/day")),
        ({"variables": {**VALUES, "name": "{{first_name}}"}}, (422, "bad_variable", "/variables/name")),
        ({"variables": {**VALUES, "name": "Paweł"}}, (422, "bad_variable", "/variables/name")),
        ({"variables": {**VALUES, "name": "a" * 21}}, (422, "bad_variable", "/variables/name")),
        ({"template": "nobody"}, (422, "unknown_template", "/template")),
        ({"text": "Hello"}, (422, "ambiguous_field", "/template")),
        ({"template": None}, (422, "missing_field", "/template")),
        ({"locale": "english"}, (422, "bad_locale", "/locale")),
        ({"kind": "promotional"}, (422, "template_conflict", "/kind")),
        ({"kind": "loud"}, (422, "unknown_kind", "/kind")),
        ({"topic": "news"}, (422, "template_conflict", "/topic")),
        ({"variables": {"day": 5}}, (422, "wrong_type", "/variables")),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(
    admin: Api, name: str, more: dict[str, Any], wanted: tuple[int, str, str]
) -> None:
    put(admin, name)
    found = refusal(post(admin, name, **more))
    assert found[:2] == wanted[:2] and found[2].startswith(wanted[2]), found


def test_live_messages_read_only_what_was_approved(admin: Api, live: Api, name: str) -> None:
    put(admin, name)
    assert refusal(post(live, name)) == (422, "template_not_approved", "/template")
    approve(live, name)
    assert post(live, name, dry_run=True).json()["template"] == f"{name}@1"
    put(admin, name, texts={"en": "Ho {{name|there}} {{order}} {{day|date}}"}, countries={})
    assert post(live, name, dry_run=True).json()["template"] == f"{name}@1"
    assert post(admin, name, dry_run=True).json()["template"] == f"{name}@2"
    approve(live, name)
    assert post(live, name, dry_run=True).json()["text"].startswith("Ho Ann")
    assert post(live, f"{name}@1", dry_run=True).json()["text"].startswith("Hello Ann")
    assert step(live, name, "retire", version=1).json()["state"] == "retired"
    assert refusal(post(live, f"{name}@1")) == (422, "unknown_template", "/template")


def test_a_batch_takes_templates_too_also_from_its_defaults(admin: Api, name: str) -> None:
    put(admin, name)
    answer = admin(
        "POST",
        "/v1/messages/batch",
        {
            "defaults": {"template": name, "locale": "pt", "variables": {"order": "A-1", "day": "2026-11-05"}},
            "messages": [{"to": TO, "variables": {"name": "Bia"}}, {"to": TO, "variables": {"day": "never"}}],
        },
    ).json()
    sent, refused = answer["data"]
    message = admin("GET", f"/v1/messages/{sent['id']}").json()
    assert message["text"] == "Oi Bia, o pedido A-1 saiu em 05/11/2026."
    assert (refused["code"], refused["pointer"]) == ("bad_variable", "/variables/day")


def test_a_changed_text_is_no_longer_the_templates(admin: Api, name: str) -> None:
    put(admin, name)
    sent = post(admin, name, send_at="2027-01-01T00:00:00Z").json()
    path = f"/v1/messages/{sent['id']}"
    assert admin("PATCH", path, {"valid_until": "2027-01-01T05:00:00Z"}).json()["template"] == f"{name}@1"
    assert admin("PATCH", path, {"text": "Other"}).json()["template"] is None


def test_approval_takes_its_steps_with_who_and_when(admin: Api, live: Api, name: str) -> None:
    put(admin, name)
    assert refusal(step(live, name, "approve")) == (409, "wrong_template_state", "/version")
    approve(live, name)
    assert step(admin, name, "submit").status_code == 409
    assert step(admin, name, "submit", version=7).status_code == 404
    [version] = admin("GET", f"/v1/templates/{name}").json()["versions"]
    assert version["state"] == "approved"
    for done in ("written", "submitted", "approved"):
        assert version[done]["by"].startswith("key:") and version[done]["at"]
    entries = admin("GET", "/v1/audit?limit=50").text
    assert all(f'"template.{done}"' in entries for done in ("created", "submitted", "approved"))


def test_a_test_key_does_not_decide_what_live_messages_read(admin: Api, live: Api, name: str) -> None:
    put(admin, name)
    step(admin, name, "submit")
    for answer in (
        step(admin, name, "approve"),
        step(admin, name, "retire"),
        admin("DELETE", f"/v1/templates/{name}"),
    ):
        assert refusal(answer)[:2] == (403, "foreign_environment")
    assert admin("GET", f"/v1/templates/{name}").json()["state"] == "review"


def test_who_wrote_a_version_cannot_approve_it_where_four_eyes_are_wanted(
    shop: Server, admin: Api, live: Api, name: str
) -> None:
    assert admin.policy("templates", four_eyes=True).status_code == 200
    try:
        put(live, name)
        step(admin, name, "submit")
        assert refusal(step(live, name, "approve"))[:2] == (403, "four_eyes")
        other = Api(shop, shop.key("templates:manage", environment="live"))
        assert step(other, name, "approve").status_code == 200
    finally:
        assert admin.policy("templates").status_code == 200


def test_a_worst_case_over_the_budget_is_not_approved_unless_somebody_says_why(
    admin: Api, live: Api, name: str
) -> None:
    put(admin, name, LONG)
    step(admin, name, "submit")
    answer = step(live, name, "approve")
    assert refusal(answer) == (422, "template_over_budget", "/texts/pl")
    assert "a name longer than 14 characters makes it two parts" in answer.json()["detail"]
    assert step(live, name, "approve", acknowledge="few have such names").json()["acknowledged"]
    assert "few have such names" in admin("GET", "/v1/audit?limit=10").text


def test_a_text_that_the_content_rules_block_is_not_approved(admin: Api, live: Api, name: str) -> None:
    put(admin, name, {"kind": "promotional", "texts": {"en": "Acme: boots at https://bit.ly/3x. Reply STOP to end"}})
    step(admin, name, "submit")
    assert refusal(step(live, name, "approve")) == (422, "content_blocked", "/texts/en")


def test_a_preview_tells_parts_price_findings_and_the_worst_case_of_every_text(admin: Api, name: str) -> None:
    put(admin, name, LONG)
    found = step(admin, name, "preview", country="PL").json()
    english, polish = found["data"]
    assert (english["locale"], english["segments"], english["price"]) == ("en", 1, "0.05")
    assert polish["sizes"]["maximal"] == 2 and not polish["within_budget"]
    longer = step(admin, name, "preview", country="PL", locale="pl", variables={"name": "a" * 15}).json()["data"]
    assert [(one["segments"], one["price"], one["currency"]) for one in longer] == [(2, "0.10", "EUR")]
    assert refusal(step(admin, name, "preview", variables={"name": "Łukasz"}))[2] == "/variables/name"


def test_the_same_content_is_no_new_version_and_what_was_approved_stays_so(admin: Api, live: Api, name: str) -> None:
    put(admin, name)
    approve(live, name)
    assert put(admin, name)["version"] == 1
    assert put(admin, name, owner="other@example.com")["version"] == 2
    again = put(admin, name)
    assert (again["version"], again["state"]) == (3, "approved")  # the content of version 1
    assert post(live, name, dry_run=True).json()["template"] == f"{name}@3"


def test_a_removed_template_is_nowhere_and_its_versions_stay(admin: Api, live: Api, name: str) -> None:
    put(admin, name)
    assert live("DELETE", f"/v1/templates/{name}").status_code == 200
    assert live("DELETE", f"/v1/templates/{name}").status_code == 404
    assert refusal(post(admin, name))[1] == "unknown_template"
    assert admin("GET", f"/v1/templates/{name}").json()["state"] == "retired"
    assert put(admin, name)["version"] == 2


def test_templates_are_exported_and_read_in_again(shop: Server, admin: Api, name: str) -> None:
    put(admin, name)
    document = admin("GET", "/v1/exports/templates").json()
    assert document["templates"][name]["texts"] == SHIPPED["texts"]
    shop.run("workspaces", "create", name)
    other = Api(shop, shop.key("templates:manage", workspace=name))
    assert {row["action"] for row in other("POST", "/v1/templates", document).json()["data"]} == {"created"}
    assert other("GET", "/v1/exports/templates").json() == document
    wrong = {"templates": {"a": {"texts": {"en": "{{x}}"}}}}
    assert refusal(other("POST", "/v1/templates", wrong)) == (422, "bad_template", "/templates/a/texts/en")


def test_reading_needs_no_right_to_write(shop: Server, admin: Api, name: str) -> None:
    put(admin, name)
    reader = Api(shop, shop.key("messages:read"))
    assert reader("GET", f"/v1/templates/{name}").status_code == 200
    assert step(reader, name, "preview").status_code == 200
    for answer in (reader("PUT", f"/v1/templates/{name}", SHIPPED), step(reader, name, "submit")):
        assert refusal(answer)[:2] == (403, "missing_scope")


def test_a_file_declares_templates_and_the_command_line_takes_them_further(shop: Server, admin: Api) -> None:
    file = shop.folder / "more.toml"
    file.write_text(
        '[templates.hello]\nowner = "Ada"\n[templates.hello.texts]\nen = "Hello {{name}}"\n'
        '[templates.hello.variables.name]\nexample = "Ann"\n'
    )
    assert shop.run("apply", str(file))["data"][0]["action"] == "created"
    assert shop.run("apply", str(file))["data"][0]["action"] == "unchanged"
    key = shop.key("templates:manage", "messages:send", environment="live")
    assert command(shop, key, "submit", "hello").stdout == "hello@1: review\n"
    assert command(shop, key, "approve", "hello").stdout == "hello@1: approved\n"
    assert "approved" in command(shop, key, "list").stdout
    shown = command(shop, key, "show", "hello").stdout
    assert "Ada" in shown and "AT MOST" in shown
    preview = command(shop, key, "preview", "hello", "--var", "name=Bo", "--country", "GB").stdout
    assert "Hello Bo" in preview and "0.05 EUR" in preview
    sent = command(shop, key, "+447400123456", "--template", "hello", "--var", "name=Bo", "--json", program="explain")
    assert json.loads(sent.stdout)["text"] == "Hello Bo"
    (exported := shop.folder / "out.json").write_text(command(shop, key, "export").stdout)
    assert "unchanged" in command(shop, key, "import", str(exported)).stdout
    assert command(shop, key, "retire", "hello").stdout == "hello@1: retired\n"
    file.write_text('[templates.hello.texts]\nen = "Hello {{name"\n')
    done = subprocess.run(shop.command("apply", str(file)), capture_output=True, text=True, timeout=60)
    assert (done.returncode, "more.toml:2: " in done.stderr, "must close with" in done.stderr) == (1, True, True)


def command(shop: Server, key: str, *words: str, program: str = "templates") -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [str(BIN / "heliograph"), program, *words, "--url", shop.url, "--key", key],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done
