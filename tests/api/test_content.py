"""Content rules over HTTP: what is refused, what a preview tells, and who may change what is made of them."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.process.server import Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
[[routes]]
name = "all"
via = ["quick"]
"""
GOOD = "Acme: new boots are in. Reply STOP to opt out"
SHORT = "Acme: new boots at https://bit.ly/3x. Reply STOP to opt out"
TO = "+447400123456"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway of its own, whose settings nobody else relies on."""
    with Server(tmp_path_factory.mktemp("content"), CONFIG) as running:
        yield running


@pytest.fixture
def admin(shop: Server) -> Iterator[Api]:
    api = Api(shop, shop.key("admin"))
    yield api
    assert change(api).status_code == 200


def change(api: Api, **asked: Any) -> requests.Response:
    """Declares the choice; what is left out is as it comes."""
    return api("POST", "/v1/apply", {"document": {"policies": {"content": asked}}})


def post(api: Api, text: str, kind: str = "promotional", **more: Any) -> requests.Response:
    return api("POST", "/v1/messages", {"to": TO, "text": text, "kind": kind, **more})


def findings(api: Api, text: str, **more: Any) -> Any:
    """What stands in the trace of a dry run; nothing when it has no such step."""
    steps = post(api, text, dry_run=True, **more).json()["decision"]
    return next((step["findings"] for step in steps if step["rule"] == "content"), None)


def test_a_promotional_text_that_carriers_filter_is_refused_with_the_place_and_what_would_be_right(admin: Api) -> None:
    answer = post(admin, SHORT)
    assert (answer.status_code, answer.json()["code"]) == (422, "content_blocked")
    detail = answer.json()["detail"]
    assert detail.startswith("public_shortener: ") and "'https://bit.ly/3x'" in detail and "at 19 to 36" in detail
    assert detail.endswith("link to a domain of your own")
    assert answer.json()["errors"][0]["pointer"] == "/text"
    assert post(admin, GOOD).status_code == 202


def test_other_kinds_are_sent_as_they_are_unless_the_workspace_wants_otherwise(admin: Api) -> None:
    assert post(admin, SHORT, "transactional").status_code == 202
    change(admin, modes={"transactional": "block"})
    assert post(admin, SHORT, "transactional").json()["code"] == "content_blocked"
    assert post(admin, "Your order has shipped", "transactional").status_code == 202
    change(admin, modes={"transactional": "warn"})
    sent = post(admin, SHORT, "transactional")
    assert sent.status_code == 202


def test_a_warning_stands_in_the_trace_and_nothing_does_when_nothing_was_found(admin: Api) -> None:
    assert findings(admin, "New boots are in") == ["opt_out_missing"]
    assert findings(admin, GOOD) is None
    assert set(findings(admin, "Sale!! Discount at http://acme.example/x", kind="transactional")) == {
        *("class_mismatch", "punctuation_runs", "url_not_https")
    }


def test_a_batch_refuses_the_texts_that_are_blocked_and_no_other(admin: Api) -> None:
    items = [{"to": TO, "text": text, "kind": "promotional"} for text in (GOOD, SHORT, GOOD, SHORT)]
    data = admin("POST", "/v1/messages/batch", {"messages": items}).json()["data"]
    assert [item.get("code") for item in data] == [None, "content_blocked", None, "content_blocked"]


def test_a_preview_tells_what_the_rules_find_in_any_kind(admin: Api) -> None:
    def preview(**asked: Any) -> Any:
        return admin("POST", "/v1/segments", asked).json()

    shown = preview(text=SHORT, kind="promotional")
    assert shown["findings"] == [
        {
            "rule": "public_shortener",
            "severity": "block",
            "detail": "a link on a public shortener, which carriers filter: 'https://bit.ly/3x'",
            "where": [19, 36],
            "suggestion": "link to a domain of your own",
        }
    ]
    assert shown["within_content_rules"] is False
    transactional = preview(text=SHORT)
    assert [f["rule"] for f in transactional["findings"]] == ["public_shortener"]
    assert transactional["within_content_rules"] is True
    abroad = preview(text="Your bill: https://acme.example", country="AE")
    assert [f["rule"] for f in abroad["findings"]] == ["url_forbidden_country"]
    named = preview(text=GOOD, kind="promotional", sender="Acme")
    assert [f["rule"] for f in named["findings"]] == ["opt_out_dead_end"]
    assert preview(text="Hello", kind="spam")["code"] == "unknown_kind"


def test_brands_and_domains_are_looked_for_once_they_are_known(admin: Api) -> None:
    text = "Boots at https://other.example. Reply STOP to opt out"
    assert findings(admin, text) is None
    change(admin, brands=["Acme"], domains=["ACME.example"])
    assert findings(admin, text) == ["brand_missing", "url_unregistered_domain"]
    assert findings(admin, "Acme: boots at https://shop.acme.example. Reply STOP to opt out") is None


def test_a_rule_can_be_allowed_or_made_strict_and_that_holds_at_once(admin: Api) -> None:
    change(admin, rules={"public_shortener": "off", "opt_out_missing": "block"})
    assert post(admin, SHORT).status_code == 202
    assert post(admin, "Acme: new boots are in").json()["detail"].startswith("opt_out_missing: ")
    change(admin, rules={"public_shortener": "warn"})
    assert findings(admin, SHORT) == ["public_shortener"]
    assert post(admin, "Acme: new boots are in").status_code == 202


@pytest.mark.parametrize(
    ("asked", "code", "pointer", "told"),
    [
        ({"modes": {"promo": "off"}}, "bad_value", "/modes", "promo"),
        ({"modes": {"otp": "loud"}}, "bad_value", "/modes", "loud"),
        ({"rules": {"public_shortner": "off"}}, "unknown_rule", "/rules", "public_shortner"),
        ({"rules": {"gambling": "info"}}, "bad_value", "/rules", "info"),
        ({"domains": ["https://acme.example"]}, "bad_value", "/domains/0", "without scheme"),
        ({"domains": ["acme"]}, "bad_value", "/domains/0", "a domain such as"),
        ({"brands": ["Acme", " "]}, "bad_value", "/brands/1", "is not a name"),
        ({"brands": [f"Acme {n}" for n in range(101)]}, "bad_value", "/brands", "100"),
        ({"mode": "off"}, "unknown_field", "/mode", "Did you mean 'modes'?"),
    ],
)
def test_a_choice_that_can_not_be_changes_nothing(
    admin: Api, asked: dict[str, Any], code: str, pointer: str, told: str
) -> None:
    before = admin("GET", "/v1/declared").json()
    answer = change(admin, **asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    place = answer.json()["errors"][0]["pointer"]
    assert place.startswith(f"/document/policies/content{pointer}") and told in answer.json()["detail"], answer.text
    assert admin("GET", "/v1/declared").json() == before


def test_a_choice_is_the_workspaces_own(shop: Server, admin: Api) -> None:
    shop.run("workspaces", "create", "neighbour")
    neighbour = Api(shop, shop.key("admin", workspace="neighbour"))
    change(neighbour, modes={"promotional": "off"})
    assert post(neighbour, SHORT).status_code == 202
    assert post(admin, SHORT).json()["code"] == "content_blocked"


def test_a_test_key_hears_what_a_live_one_would(shop: Server) -> None:
    for environment in ("test", "live"):
        key = Api(shop, shop.key("messages:send", environment=environment))
        assert post(key, SHORT).json()["code"] == "content_blocked"
