"""The fraud guard over HTTP: who is kept back, how that is told, what it saved, and what another policy would do."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.process.server import Api, Server

CONFIG = """
[connectors.first]
kind = "sandbox"
price_per_segment = "0.05"
currency = "EUR"
[[routes]]
name = "all"
via = ["first"]
"""
OPEN = {"near_per_10_minutes": 0, "phone_per_hour": 0, "phone_per_day": 0}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("guard"), CONFIG) as running:
        yield running


@pytest.fixture
def api(shop: Server, request: pytest.FixtureRequest) -> Api:
    """A workspace of its own: what one test counts is no other's business."""
    name = f"w{abs(hash(request.node.name)) % 10**9}"
    shop.run("workspaces", "create", name)
    return Api(shop, shop.key("admin", workspace=name))


def ask(api: Api, to: str, **more: Any) -> requests.Response:
    return api("POST", "/v1/verifications", {"to": to, **more})


def code_of(answer: requests.Response) -> str:
    return "" if answer.status_code == 201 else str(answer.json()["code"])


def test_a_phone_gets_so_many_codes_and_then_has_to_wait(api: Api) -> None:
    answers = [ask(api, "+447400123456") for _ in range(6)]
    assert [code_of(answer) for answer in answers] == [""] * 5 + ["verification_delayed"]
    assert answers[-1].status_code == 429 and int(answers[-1].headers["Retry-After"]) > 0
    assert "phone_limit: too many codes for this phone" in answers[-1].json()["detail"]


def test_an_address_that_asks_for_many_is_challenged_and_goes_on_when_it_passed(api: Api) -> None:
    answers = [ask(api, f"+4474{serial:02}123456", ip="2001:db8::1") for serial in range(6)]
    assert [code_of(answer) for answer in answers] == [""] * 5 + ["challenge_needed"]
    assert answers[-1].status_code == 403
    other = ask(api, "+447400123457", ip="2001:db8::2")  # of the same household
    assert code_of(other) == "challenge_needed"
    assert code_of(ask(api, "+447400123457", ip="2001:db8::2", challenge_passed=True)) == ""


def test_only_countries_that_were_named_are_served(api: Api) -> None:
    assert api.policy("verify", countries=["DE"], limits=OPEN).status_code == 200
    refused = ask(api, "+447400123456")
    assert (refused.status_code, code_of(refused)) == (403, "verification_blocked")
    assert "country_not_served" in refused.json()["detail"]
    assert code_of(ask(api, "+4915112345678")) == ""


def test_live_keys_serve_no_country_until_one_is_named(shop: Server, api: Api) -> None:
    """Where a sandbox is all that there is nothing can reach a phone; with a real connector something can."""
    with_real = '[connectors.real]\nkind = "smpp"\nhost = "127.0.0.1"\nport = 9\nsystem_id = "a"\npassword = "b"\n'
    admin = Api(shop, shop.key("admin"))
    made = admin("POST", "/v1/apply", {"toml": with_real})
    if made.status_code != 200:
        spec = {"kind": "smpp", "host": "127.0.0.1", "port": 9, "system_id": "a", "password": "b"}
        made = admin("POST", "/v1/apply", {"document": {"connectors": {"real": spec}}})
    assert made.status_code == 200, made.text
    live = Api(shop, shop.key("admin", environment="live"))
    assert "country_not_served" in ask(live, "+447400123456").json()["detail"]
    assert live.policy("verify", countries=["GB"]).status_code == 200
    assert code_of(ask(live, "+447400123456")) == ""
    assert "test_code" not in {k for k, v in ask(live, "+447400123457").json().items() if v}
    live.policy("verify")
    assert admin("DELETE", "/v1/declared/connector/real").status_code == 200


def test_what_costs_too_much_is_kept_back_and_the_feed_says_what_that_saved(api: Api) -> None:
    assert api.policy("verify", max_price="0.04", limits=OPEN).status_code == 200
    for serial in range(3):
        assert "high_cost" in ask(api, f"+44740012345{serial}").json()["detail"]
    feed = api("GET", "/v1/verify/kept-back").json()["data"]
    assert [one["to"] for one in feed] == [f"+44740012345{serial}" for serial in (2, 1, 0)]
    assert feed[0]["status"] == "blocked" and feed[0]["guard"] == {"action": "block", "reasons": ["high_cost"]}
    found = api("GET", "/v1/verify/statistics").json()
    assert found["saved"] == [{"amount": "0.15", "currency": "EUR"}]
    assert (found["total"]["started"], found["total"]["sent"], found["total"]["blocked"]) == (3, 0, 3)
    assert found["prefixes"][0]["name"] == "+44740012"


def test_in_shadow_nothing_is_kept_back_but_all_is_told(api: Api) -> None:
    assert api.policy("verify", mode="shadow", max_price="0.04").status_code == 200
    assert code_of(ask(api, "+447400123456")) == ""
    (shown,) = api("GET", "/v1/verify/kept-back").json()["data"]
    assert (shown["status"], shown["guard"]["action"]) == ("pending", "block")


def test_wrong_codes_count_over_all_verifications_of_a_phone(api: Api) -> None:
    assert api.policy("verify", limits=OPEN).status_code == 200
    for _ in range(2):
        made = ask(api, "+447400123456").json()
        wrong = f"{(int(made['test_code']) + 1) % 1_000_000:06}"
        for _ in range(5):
            api("POST", f"/v1/verifications/{made['id']}/check", {"code": wrong})
    assert "too_many_failures" in ask(api, "+447400123456").json()["detail"]
    assert code_of(ask(api, "+447400654321")) == ""


def test_a_policy_is_tried_out_on_the_past(api: Api) -> None:
    assert api.policy("verify", limits=OPEN | {"prefix_per_10_minutes": 0, "prefix_per_hour": 0}).status_code == 200
    for serial in range(12):
        made = ask(api, f"+4474001{serial:05}").json()
        if serial == 11:
            api("POST", f"/v1/verifications/{made['id']}/check", {"code": made["test_code"]})
    found = api("POST", "/v1/verify/trial", {"policy": {"countries": ["GB"], "limits": OPEN}}).json()
    assert found == {
        "requests": 12,
        "actions": {"allow": 10, "block": 2},
        "reasons": {"prefix_limit": 2},
        "approved_held_back": 1,
        "saved": [{"amount": "0.10", "currency": "EUR"}],
    }
    nobody = api("POST", "/v1/verify/trial", {"policy": {}}).json()
    assert nobody["reasons"]["country_not_served"] == 12
    wrong = api("POST", "/v1/verify/trial", {"policy": {"pauses_s": [9, 3]}}).json()
    assert (wrong["code"], wrong["errors"][0]["pointer"]) == ("bad_value", "/policy/pauses_s")


def test_a_flood_is_stopped_while_people_go_on(api: Api) -> None:
    """The simulation's small sister, over HTTP: 200 numbers of one prefix, and forty people of many."""
    people = hindered = stopped = 0
    for serial in range(200):
        stopped += code_of(ask(api, f"+44782345{serial * 37 % 10_000:04}")) != ""
        if serial % 5 == 0:
            people += 1
            answer = ask(api, f"+447{400 + serial * 7 % 90:03}{serial * 7919 % 1_000_000:06}")
            hindered += answer.status_code != 201
            if answer.status_code == 201:
                made = answer.json()
                assert api("POST", f"/v1/verifications/{made['id']}/check", {"code": made["test_code"]}).ok
    assert stopped >= 190 and (people, hindered) == (40, 0)
