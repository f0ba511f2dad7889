"""What was spent, from the first estimate to the sum, over HTTP."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.process.server import Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
receipt_delay_ms = 5
[connectors.priced]
kind = "sandbox"
price_per_part = "0.07"
price_currency = "EUR"
[[routes]]
name = "priced"
via = ["priced"]
match = { tag = "priced" }
[[routes]]
name = "all"
via = ["quick"]
[senders."+447700900500"]
two_way = true
rental_per_month = "2.50"
rental_currency = "EUR"
[senders.Acme]
default = true
"""
TABLE = """connector,item,country,network,kind,price,currency
quick,,GB,,,0.03,EUR
quick,,GB,O2,,0.02,EUR
quick,,,,,0.05,EUR
quick,surcharge,GB,,,0.01,EUR
quick,inbound,,,,0.004,EUR
priced,,,,,0.06,EUR
priced,surcharge,,,,0.01,EUR
"""
TO = "+447700900123"
O2 = "+447712345678"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("costs"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def live(shop: Server) -> Api:
    api = Api(shop, shop.key("admin", environment="live"))
    assert api("PUT", "/v1/prices", {"csv": TABLE}).status_code == 200
    return api


def delivered(api: Api, to: str = TO, **more: Any) -> Any:
    return api.until(api.send(to, **more)["id"], "delivered")


def test_a_surcharge_is_a_line_of_its_own_from_the_trace_to_the_sum(live: Api) -> None:
    shown = delivered(live, tags=["spring"])
    assert (shown["price"], shown["surcharge"], shown["currency"]) == ("0.04", "0.01", "EUR")
    steps = {step["rule"]: step for step in shown["decision"]}
    assert (steps["price"]["price"], steps["surcharge"]["total"]) == ("0.03", "0.04")
    (spring,) = [one for one in live("GET", "/v1/costs?by=tag").json()["data"] if one["group"] == "spring"]
    assert (spring["message"], spring["surcharge"], spring["total"]) == ("0.03", "0.01", "0.04")
    assert (spring["messages"], spring["delivered"], spring["cost_per_delivered"]) == (1, 1, "0.040000")


def test_a_network_has_a_price_of_its_own(live: Api) -> None:
    shown = delivered(live, O2)
    assert shown["price"] == "0.03"
    assert {step["rule"]: step for step in shown["decision"]}["price"]["line"] == "country GB, network O2"
    assert shown["network"] == "O2"
    (listed,) = live("GET", "/v1/messages?network=O2").json()["data"]
    assert listed["id"] == shown["id"]
    groups = {one["group"]: one for one in live("GET", "/v1/costs?by=network").json()["data"]}
    assert (groups["O2"]["messages"], groups["O2"]["total"]) == (1, "0.03")
    assert groups[None]["messages"] >= 1, "numbers for fiction are of no network"
    end = time.monotonic() + 20
    while True:
        found = live("GET", "/v1/insights?measures=delivered,cost&by=country,network").json()["data"]
        if {"country": "GB", "network": "O2"} in [one["group"] for one in found]:
            break
        assert time.monotonic() < end
        time.sleep(0.1)


def test_what_the_carrier_asks_counts_and_the_estimate_stays_in_the_trace(live: Api) -> None:
    shown = delivered(live, tags=["priced"])
    assert (shown["price"], shown["surcharge"]) == ("0.08", "0.01")
    assert {step["rule"]: step for step in shown["decision"]}["surcharge"]["total"] == "0.07"
    events = live("GET", f"/v1/messages/{shown['id']}/events").json()["data"]
    assert [one["data"]["price"] for one in events if one["type"] == "message.delivered"] == ["0.08"]


def test_a_message_from_a_phone_has_its_price(live: Api) -> None:
    words = {"connector": "quick", "from": TO, "to": "+447700900500", "text": "x" * 200}
    assert live("POST", "/v1/sandbox/inbound", words).status_code == 202
    end = time.monotonic() + 10
    while True:
        found = [one for one in live("GET", "/v1/events").json()["data"] if one["type"] == "inbound.received"]
        if found:
            break
        assert time.monotonic() < end
        time.sleep(0.02)
    assert (found[0]["data"]["price"], found[0]["data"]["currency"]) == ("0.008", "EUR")
    (quick,) = [one for one in live("GET", "/v1/costs?by=connector").json()["data"] if one["group"] == "quick"]
    assert quick["inbound"] == "0.008"


def test_the_rent_of_a_number_is_in_the_sum(live: Api) -> None:
    found = live("GET", "/v1/costs").json()
    assert {one["rental"] for one in found["data"]} == {"2.50"}
    assert [one["rental"] for one in found["totals"]] == ["2.50"]


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("by=colour", "bad_value", "/by"),
        ("from=2026-01-01&to=2026-12-01", "bad_value", "/from"),
        ("from=2026-02-01&to=2026-01-01", "bad_value", "/from"),
        ("from=yesterday", "bad_time", "/from"),
        ("until=2026-01-01", "unknown_parameter", "/until"),
        ("workspace=nobody", "unknown_workspace", "/workspace"),
    ],
)
def test_what_can_not_be_asked_is_refused(live: Api, query: str, code: str, pointer: str) -> None:
    problem = live("GET", f"/v1/costs?{query}").json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer), problem


def test_days_bound_a_span(live: Api) -> None:
    delivered(live)
    assert live("GET", "/v1/costs?from=2020-01-01&to=2020-01-31").json()["data"] == []
    assert live("GET", "/v1/costs?by=kind").json()["data"] != []


def test_costs_are_for_who_may_read_numbers(shop: Server) -> None:
    assert Api(shop, shop.key("analytics:read"))("GET", "/v1/costs").status_code == 200
    assert Api(shop, shop.key("messages:read"))("GET", "/v1/costs").json()["code"] == "missing_scope"


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("quick,fee,,,,1,EUR", "unknown_item", "line 2: 'fee' has no price"),
        ("quick,,GB,Otwo,,1,EUR", "unknown_network", "line 2"),
        ("quick,inbound,GB,O2,,1,EUR", "bad_value", "leave network and kind empty"),
        ("quick,surcharge,GB,,,1,USD\nquick,,,,,1,EUR", "bad_currency", "a surcharge in USD"),
        ("quick,surcharge,,,,1,USD\nquick,,GB,,,1,EUR", "bad_currency", "prices in EUR (GB)"),
        ("quick,,GB,,,1,EUR\nquick,message,GB,,,2,EUR", "duplicate_price", "line 3: the price of line 2"),
    ],
)
def test_a_line_that_can_not_be_right_is_refused(live: Api, line: str, code: str, told: str) -> None:
    table = f"connector,item,country,network,kind,price,currency\n{line}\n"
    problem = live("PUT", "/v1/prices", {"csv": table}).json()
    assert problem["code"] == code and told in problem["detail"], problem


def test_surcharges_of_other_countries_may_be_in_other_currencies(live: Api) -> None:
    table = "connector,item,country,price,currency\npriced,,GB,1,EUR\npriced,,US,1,USD\npriced,surcharge,US,1,USD\n"
    assert live("PUT", "/v1/prices", {"csv": table}).status_code == 200


def test_a_rent_without_its_currency_is_refused(live: Api) -> None:
    senders = {"Acme": {"rental_per_month": "1"}}
    answer = live("POST", "/v1/apply", {"document": {"senders": senders}})
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_field"), answer.text


def test_the_month_and_carriers_are_told(live: Api) -> None:
    assert "weekday" in live("GET", "/v1/costs/month").json()["method"]
    assert live("GET", "/v1/costs/comparison?country=NZ").json() == {"data": []}
    answer = live("GET", "/v1/costs/comparison?from=2026-11-02&to=2026-11-01")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_value")
