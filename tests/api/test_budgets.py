"""Budgets over HTTP: declared, kept, told, shown; runaway loops."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.process.server import Api, Server
from tests.process.sink import Sink

TO = "+447700900123"


@pytest.fixture(scope="module")
def shop(server: Server) -> Api:
    server.run("workspaces", "create", "budgeted")
    return Api(server, server.key("admin", workspace="budgeted", name="shop"))


@pytest.fixture
def declare(shop: Api) -> Iterator[Callable[..., None]]:
    def put(*budgets: dict[str, Any], **more: Any) -> None:
        answer = shop.policy("budgets", budgets=list(budgets), **more)
        assert answer.status_code == 200, answer.text

    yield put
    put()


def ask(api: Api, text: str = "Hello", **more: Any) -> tuple[int, str]:
    answer = api("POST", "/v1/messages", {"to": TO, "text": text, **more})
    return answer.status_code, answer.json().get("code", "")


OK, FULL = (202, ""), (422, "budget_exceeded")


def test_a_budget_stops_at_its_limit(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "daily", "per": "day", "max_messages": 3})
    assert [ask(shop) for _ in range(5)] == [OK, OK, OK, FULL, FULL]
    problem = shop("POST", "/v1/messages", {"to": TO, "text": "Hello"}).json()
    assert "'daily'" in problem["detail"] and "resets_at: 2" in problem["detail"]
    shown = shop("GET", "/v1/budgets?budget=daily").json()["data"]
    assert [(one["used"], one["limit"], one["remaining"], one["percent"]) for one in shown] == [(3, 3, 0, 100.0)]
    assert shown[0]["forecast"] >= 3 and shown[0]["resets_at"] in problem["detail"]


def test_a_batch_is_cut_where_the_budget_ends(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "batch", "per": "month", "max_segments": 4})
    messages = [{"to": TO, "text": text} for text in ("a", "b" * 200, "c", "d" * 200, "e")]
    data = shop("POST", "/v1/messages/batch", {"messages": messages}).json()["data"]
    assert [one.get("code", "") for one in data] == ["", "", "", "budget_exceeded", "budget_exceeded"]
    whole = shop("POST", "/v1/messages/batch", {"messages": messages[:1], "all_or_none": True})
    assert (whole.status_code, whole.json()["code"]) == FULL


def test_a_dry_run_uses_nothing(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "dry", "per": "day", "max_messages": 1})
    assert ask(shop, dry_run=True)[0] == 200
    assert [ask(shop), ask(shop)] == [OK, FULL]


def test_one_time_codes_may_be_exempt_and_count(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "exempt", "per": "day", "max_messages": 1, "exempt": ["otp"]})
    assert [ask(shop, kind="otp"), ask(shop, kind="otp"), ask(shop)] == [OK, OK, FULL]
    assert shop("GET", "/v1/budgets?budget=exempt").json()["data"][0]["used"] == 2


def test_a_budget_that_only_warns_refuses_nothing(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "soft", "per": "day", "max_messages": 1, "action": "warn"})
    assert [ask(shop), ask(shop)] == [OK, OK]


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        ({"kinds": ["promotional"]}, {"kind": "promotional"}, {"kind": "support"}),
        ({"countries": ["GB"]}, {}, {"to": "+4915112345678"}),
        ({"tags": ["spring"]}, {"tags": ["spring", "x"]}, {"tags": ["autumn"]}),
        ({"each": "tag"}, {"tags": ["one"]}, {"tags": ["two"]}),
        ({"each": "country"}, {}, {"to": "+4915112345678"}),
        ({"each": "kind"}, {}, {"kind": "support"}),
        ({"clients": ["shop"]}, {}, None),
        ({"each": "client"}, {}, None),
    ],
)
def test_what_a_budget_counts(
    server: Server,
    shop: Api,
    declare: Callable[..., None],
    scope: dict[str, Any],
    inside: dict[str, Any],
    outside: dict[str, Any] | None,
) -> None:
    name = f"scope-{'-'.join(scope)}-{next(iter(scope.values()))[0][:3]}".lower()
    declare({"name": name, "per": "week", "max_messages": 1, **scope})
    assert [ask(shop, **inside), ask(shop, **inside)] == [OK, FULL]
    if outside is None:
        other = Api(server, server.key("admin", workspace="budgeted", name="another"))
        assert ask(other) == OK
    else:
        assert ask(shop, **outside) == OK


def test_each_client_is_shown_by_its_key(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "keys", "per": "day", "each": "client", "max_messages": 9})
    assert ask(shop) == OK
    keys = [key["id"] for key in shop("GET", "/v1/keys").json()["data"] if key["name"] == "shop"]
    assert [one["of"] for one in shop("GET", "/v1/budgets?budget=keys").json()["data"]] == keys


def test_money_is_counted_as_carriers_price_it(tmp_path: Any) -> None:
    config = (
        '[connectors.quick]\nkind = "sandbox"\nprice_per_segment = "0.40"\ncurrency = "EUR"\n'
        '[[routes]]\nname = "all"\nvia = ["quick"]\n'
    )
    with Server(tmp_path, config) as server:
        api = Api(server, server.key("admin"))
        money = {"name": "money", "per": "month", "max_spend": "1.00", "currency": "EUR", "time_zone": "Europe/Berlin"}
        dollars = {"name": "dollars", "per": "month", "max_spend": "0.01", "currency": "USD"}
        assert api.policy("budgets", budgets=[money, dollars]).status_code == 200
        assert [ask(api) for _ in range(3)] == [OK, OK, FULL]
        shown = {one["budget"]: one for one in api("GET", "/v1/budgets").json()["data"]}
        assert (shown["money"]["used"], shown["money"]["remaining"]) == ("0.80", "0.20")
        assert shown["dollars"]["used"] == "0.00"
        server.kill()
        server.start()
        assert ask(api) == FULL, "what was counted outlives the process"


def test_a_message_for_next_month_counts_there(shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "ahead", "per": "month", "max_messages": 1})
    later = {"send_at": "2027-08-15T12:00:00Z"}
    assert [ask(shop, **later), ask(shop), ask(shop, **later)] == [OK, OK, FULL]


def test_thresholds_are_told_to_endpoints_once(shop: Api, declare: Callable[..., None], sink: Sink) -> None:
    shop("POST", "/v1/endpoints", {"name": "alarms", "url": sink.url, "events": ["alarm.budget"]})
    try:
        declare({"name": "told", "per": "day", "max_messages": 10})
        for _ in range(13):
            ask(shop)
        heard = sink.until(lambda heard: len(heard) >= 3)
        told = [one.event for one in heard]
        assert [event["type"] for event in told] == ["alarm.budget"] * 3
        assert sorted(event["data"]["threshold"] for event in told) == [50, 80, 100]
        assert {event["data"]["budget"] for event in told} == {"told"}
    finally:
        shop("DELETE", "/v1/endpoints/alarms")


def test_a_runaway_loop_is_stopped(server: Server, declare: Callable[..., None]) -> None:
    loop = Api(server, server.key("messages:send", workspace="budgeted", name="loop"))
    declare(runaway={"at_least": 3, "within": "1d"})
    assert [ask(loop, text=f"Text {place}") for place in range(5)] == [OK] * 3 + [(429, "runaway")] * 2
    calm = Api(server, server.key("messages:send", workspace="budgeted", name="calm"))
    assert ask(calm) == OK, "another client goes on"


def test_the_same_text_to_the_same_number_is_a_loop(server: Server, declare: Callable[..., None]) -> None:
    api = Api(server, server.key("messages:send", workspace="budgeted", name="again"))
    declare(runaway={"repeats": 2, "within": "1h"})
    assert [ask(api, "Again") for _ in range(3)] == [OK, OK, (429, "runaway")]
    assert [ask(api, "Something else"), ask(api, "Again", to="+447700900124")] == [OK, OK]


@pytest.mark.parametrize(
    ("budget", "code", "pointer"),
    [
        ({"max_messages": 1, "time_zone": "Mars"}, "bad_time_zone", "/time_zone"),
        ({}, "bad_budget", ""),
        ({"max_spend": "1.00"}, "bad_budget", ""),
        ({"max_spend": "much", "currency": "EUR"}, "bad_budget", "/max_spend"),
        ({"max_messages": 1, "kinds": ["otpp"]}, "unknown_kind", "/kinds/0"),
        ({"max_messages": 1, "exempt": ["x"]}, "unknown_kind", "/exempt/0"),
        ({"max_messages": 1, "countries": ["gb"]}, "unknown_country", "/countries/0"),
        ({"max_messages": 1, "warn_at": [80, 50]}, "bad_budget", "/warn_at"),
        ({"max_messages": 1, "name": "runaway"}, "already_exists", "/name"),
    ],
)
def test_a_wrong_budget_is_refused_with_its_place(shop: Api, budget: dict[str, Any], code: str, pointer: str) -> None:
    answer = shop.policy("budgets", budgets=[{"name": "wrong", "per": "day", **budget}])
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert (error["code"], error["pointer"].endswith(f"/budgets/0{pointer}")) == (code, True), error


def test_another_workspace_sees_and_uses_nothing_of_it(admin: Api, shop: Api, declare: Callable[..., None]) -> None:
    declare({"name": "walled", "per": "day", "max_messages": 1})
    assert [ask(shop), ask(shop), ask(admin), ask(admin)] == [OK, FULL, OK, OK]
    assert admin("GET", "/v1/budgets").json() == {"data": []}
