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
    modes = {"otp": "off", "transactional": "off", "support": "off", "promotional": "block"}
    assert change(api, modes=modes, rules={}, brands=[], domains=[]).status_code == 200


def change(api: Api, **asked: Any) -> requests.Response:
    return api("PATCH", "/v1/content", asked)


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
    made = change(admin, brands=["Acme"], domains=["ACME.example"])
    assert (made.json()["brands"], made.json()["domains"]) == (["Acme"], ["acme.example"])
    assert findings(admin, text) == ["brand_missing", "url_unregistered_domain"]
    assert findings(admin, "Acme: boots at https://shop.acme.example. Reply STOP to opt out") is None


def test_a_rule_can_be_allowed_or_made_strict_and_that_holds_at_once(admin: Api) -> None:
    change(admin, rules={"public_shortener": "off", "opt_out_missing": "block"})
    assert post(admin, SHORT).status_code == 202
    assert post(admin, "Acme: new boots are in").json()["detail"].startswith("opt_out_missing: ")
    change(admin, rules={"public_shortener": "warn"})
    assert findings(admin, SHORT) == ["public_shortener"]
    assert post(admin, "Acme: new boots are in").status_code == 202


def test_a_change_stands_in_the_audit_log_with_before_and_after(admin: Api) -> None:
    change(admin, rules={"gambling": "warn"})
    entry = admin("GET", "/v1/audit?limit=1").json()["data"][0]
    assert (entry["action"], entry["object"]) == ("content.changed", "content")
    assert (entry["detail"]["before"]["rules"], entry["detail"]["after"]["rules"]) == ({}, {"gambling": "warn"})
    assert admin("GET", "/v1/content").json()["rules"] == {"gambling": "warn"}


@pytest.mark.parametrize(
    ("asked", "code", "pointer", "told"),
    [
        ({"modes": {"promo": "off"}}, "unknown_kind", "/modes", "promotional"),
        ({"modes": {"otp": "loud"}}, "bad_value", "/modes/otp", "off, warn, block"),
        ({"rules": {"public_shortner": "off"}}, "unknown_rule", "/rules", "Did you mean 'public_shortener'?"),
        ({"rules": {"gambling": "info"}}, "bad_value", "/rules/gambling", "off, warn, block"),
        ({"domains": ["https://acme.example"]}, "bad_value", "/domains/0", "without scheme"),
        ({"domains": ["acme"]}, "bad_value", "/domains/0", "a domain such as"),
        ({"brands": ["Acme", " "]}, "bad_value", "/brands/1", "not a name"),
        ({"brands": [f"Acme {n}" for n in range(101)]}, "bad_value", "/brands", "100 entries"),
        ({"mode": "off"}, "unknown_field", "/mode", "Did you mean 'modes'?"),
    ],
)
def test_a_choice_that_can_not_be_changes_nothing(
    admin: Api, asked: dict[str, Any], code: str, pointer: str, told: str
) -> None:
    before = admin("GET", "/v1/content").json()
    answer = change(admin, **asked)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer and told in answer.json()["detail"]
    assert admin("GET", "/v1/content").json() == before


def test_only_administrators_change_the_choice_and_only_their_own(shop: Server, admin: Api) -> None:
    sender = Api(shop, shop.key("messages:send", "messages:read"))
    refused = change(sender, rules={"gambling": "off"})
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert sender("GET", "/v1/content").status_code == 200
    shop.run("workspaces", "create", "neighbour")
    neighbour = Api(shop, shop.key("admin", workspace="neighbour"))
    change(neighbour, modes={"promotional": "off"})
    assert post(neighbour, SHORT).status_code == 202
    assert post(admin, SHORT).json()["code"] == "content_blocked"
    assert admin("GET", "/v1/content").json()["modes"]["promotional"] == "block"


def test_a_test_key_hears_what_a_live_one_would(shop: Server) -> None:
    for environment in ("test", "live"):
        key = Api(shop, shop.key("messages:send", environment=environment))
        assert post(key, SHORT).json()["code"] == "content_blocked"
