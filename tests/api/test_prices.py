"""Price tables over HTTP: imported whole or not at all, in force at once, the operator's alone."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.process.server import Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
price_per_segment = "0.10"
currency = "EUR"
[connectors.spare]
kind = "sandbox"
[[routes]]
name = "all"
via = ["quick"]
"""
GB = "+447700900123"
DE = "+4915510000000"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway of its own, whose prices nobody else changes."""
    with Server(tmp_path_factory.mktemp("prices"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def operator(shop: Server) -> Api:
    return Api(shop, shop.key("admin"))


def put(api: Api, table: str) -> requests.Response:
    return api("PUT", "/v1/prices", {"csv": table})


def put_text(api: Api, table: bytes, media_type: str = "text/csv") -> requests.Response:
    return api("PUT", "/v1/prices", data=table, headers={"Content-Type": media_type})


def listed(api: Api) -> list[tuple[str, ...]]:
    data = api("GET", "/v1/prices").json()["data"]
    return [tuple(line[name] for name in ("connector", "country", "kind", "price", "currency")) for line in data]


def decided(api: Api, to: str = GB, **more: Any) -> dict[str, Any]:
    answer = api("POST", "/v1/messages", {"to": to, "text": "Hello", "dry_run": True, **more}).json()
    found: dict[str, Any] = next(step for step in answer["decision"] if step["rule"] == "price")
    return found


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_table_is_in_force_at_once_and_replaces_what_its_connectors_had(operator: Api) -> None:
    first = put_text(
        operator,
        b"connector,country,kind,price,currency\n"
        b"quick,GB,,0.02,GBP\nquick,GB,otp,0.03,GBP\nquick,,,0.05,USD\nspare,,,1,EUR\n",
        "text/csv; charset=utf-8",
    )
    assert (first.status_code, first.json()) == (200, {"connectors": ["quick", "spare"], "lines": 4})
    assert decided(operator) | {"rule": ""} == {
        "rule": "",
        "price": "0.02",
        "currency": "GBP",
        "connector": "quick",
        "line": "country GB",
    }
    assert decided(operator, kind="otp")["price"] == "0.03"
    assert decided(operator, DE)["line"] == "every country and kind"
    assert put(operator, "price,currency,connector\n0.07,EUR,quick\n").json() == {"connectors": ["quick"], "lines": 1}
    assert listed(operator) == [("quick", "", "", "0.07", "EUR"), ("spare", "", "", "1", "EUR")]
    assert put(operator, "connector,country,price,currency\nquick,DE,0.08,EUR\n").status_code == 200
    assert decided(operator)["line"] == "price_per_segment"
    assert decided(operator)["price"] == "0.10"


def test_a_message_bears_the_price_of_its_table(operator: Api) -> None:
    put(operator, "connector,country,price,currency\nquick,GB,0.021,GBP\n")
    sent = operator.send(GB)
    shown = operator("GET", f"/v1/messages/{sent['id']}").json()
    assert (shown["price"], shown["currency"]) == ("0.021", "GBP")


def test_an_import_stands_in_the_audit_log(operator: Api) -> None:
    put(operator, "connector,price,currency\nspare,1,EUR\n")
    put(operator, "connector,price,currency\nspare,0.5,EUR\n")
    entry = operator("GET", "/v1/audit?limit=1").json()["data"][0]
    assert (entry["action"], entry["object"]) == ("prices.imported", "prices")
    assert entry["detail"] == {
        "connectors": ["spare"],
        "lines": 1,
        "changed": 1,
        "before": {"spare": "1 EUR"},
        "after": {"spare": "0.5 EUR"},
    }


@pytest.mark.parametrize(
    ("table", "refused", "told"),
    [
        ("", "bad_csv", "line 1: the columns are missing"),
        ("connector,price,currency\n", "bad_csv", "no prices"),
        ("connector;price;currency\nquick;1;EUR\n", "bad_csv", "line 1: 'connector;price;currency' is not a column"),
        ("connector,price\nquick,1\n", "bad_csv", "line 1: the column currency must be there once"),
        ("connector,price,price,currency\nquick,1,1,EUR\n", "bad_csv", "line 1: the column price must be there once"),
        ("connector,prize,currency\nquick,1,EUR\n", "bad_csv", "Did you mean 'price'?"),
        ("connector,price,currency\nquick,1,EUR,GB\n", "bad_csv", "line 2: 4 cells"),
        ('connector,price,currency\nquick,"1"2,EUR\n', "bad_csv", "line 2: this is not CSV"),
        ('connector,price,currency\n"quick,1,EUR\n', "bad_csv", "this is not CSV"),
        ("connector,price,currency\nqiuck,1,EUR\n", "unknown_connector", "line 2: there is no connector 'qiuck'"),
        ("connector,price,currency\n,1,EUR\n", "unknown_connector", "line 2: there is no connector ''"),
        ("connector,country,price,currency\nquick,UK,1,EUR\n", "unknown_country", "line 2: 'UK'"),
        ("connector,country,price,currency\n\nquick,gb,1,EUR\n", "unknown_country", "line 3: 'gb'"),
        ("connector,kind,price,currency\nquick,spam,1,EUR\n", "unknown_kind", "line 2: 'spam'"),
        ("connector,price,currency\nquick,,EUR\n", "bad_price", "line 2: ''"),
        ("connector,price,currency\nquick,-1,EUR\n", "bad_price", "line 2: '-1'"),
        ("connector,price,currency\nquick,1e3,EUR\n", "bad_price", "line 2: '1e3'"),
        ("connector,price,currency\nquick,٣,EUR\n", "bad_price", "line 2: '٣'"),
        ('connector,price,currency\nquick,"0,05",EUR\n', "bad_price", "line 2: '0,05'"),
        ("connector,price,currency\nquick,1,euro\n", "bad_currency", "line 2: 'euro'"),
        ("connector,price,currency\nquick,1\n", "bad_currency", "line 2: ''"),
        (
            "connector,kind,price,currency\nquick,otp,1,EUR\nquick,,1,EUR\nquick,otp,2,EUR\n",
            "duplicate_price",
            "line 4: the price of line 2 stands here again",
        ),
    ],
)
def test_a_table_with_a_wrong_line_changes_nothing(operator: Api, table: str, refused: str, told: str) -> None:
    before = listed(operator)
    answer = put(operator, table)
    assert code(answer) == (422, refused), answer.text
    assert told in answer.json()["detail"] and answer.json()["errors"][0]["pointer"] == "/csv"
    assert put_text(operator, table.encode()).json()["detail"] == answer.json()["detail"]
    assert listed(operator) == before


def test_all_that_is_wrong_is_told_at_once_up_to_a_limit(operator: Api) -> None:
    head = "connector,country,price,currency\n"
    several = put(operator, f"{head}quick,UK,1,EUR\nquick,GB,1,EUR\nquick,DE,x,y\n").json()
    assert [error["code"] for error in several["errors"]] == ["unknown_country", "bad_price", "bad_currency"]
    many = put(operator, head + "".join(f"quick,GB,x{number},EUR\n" for number in range(100))).json()
    assert len(many["errors"]) == 21
    assert many["errors"][-1]["detail"] == "179 more things are wrong further down"


def test_tables_of_spreadsheets_are_read(operator: Api) -> None:
    table = '\ufeffConnector,Country,Kind,Price,Currency\r\n"quick", GB ,,"0.5",EUR\r\n\r\n'
    assert put_text(operator, table.encode()).json() == {"connectors": ["quick"], "lines": 1}
    assert ("quick", "GB", "", "0.5", "EUR") in listed(operator)


def test_a_long_table_is_kept_whole(operator: Api) -> None:
    countries = [line[1] for line in _every_country(operator)]
    assert len(countries) > 200
    assert [line[1] for line in listed(operator) if line[0] == "spare"] == sorted(countries)


def _every_country(operator: Api) -> list[tuple[str, str]]:
    from phonenumbers import SUPPORTED_REGIONS

    lines = [("spare", country) for country in SUPPORTED_REGIONS]
    table = "connector,country,price,currency\n" + "".join(f"{name},{country},0.01,EUR\n" for name, country in lines)
    assert put(operator, table).json()["lines"] == len(lines)
    return lines


def test_what_is_no_table_is_not_read(operator: Api) -> None:
    assert code(put_text(operator, b"\xff\xfe")) == (400, "bad_utf8")
    assert code(put_text(operator, b"x", "text/plain")) == (415, "unsupported_media_type")
    assert code(operator("PUT", "/v1/prices", {"table": "x"}))[0] == 422


def test_prices_are_the_operators(shop: Server) -> None:
    shop.run("workspaces", "create", "tenant")
    tenant = Api(shop, shop.key("admin", workspace="tenant"))
    assert code(tenant("GET", "/v1/prices")) == (403, "foreign_workspace")
    assert code(put(tenant, "connector,price,currency\nquick,1,EUR\n")) == (403, "foreign_workspace")


def test_either_of_two_scopes_shows_prices_and_one_changes_them(shop: Server) -> None:
    table = "connector,price,currency\nspare,1,EUR\n"
    reader, router = Api(shop, shop.key("analytics:read")), Api(shop, shop.key("routing:manage"))
    neither = Api(shop, shop.key("messages:read"))
    assert reader("GET", "/v1/prices").status_code == router("GET", "/v1/prices").status_code == 200
    assert code(put(reader, table)) == (403, "missing_scope")
    assert put(router, table).status_code == 200
    refused = neither("GET", "/v1/prices")
    assert code(refused) == (403, "missing_scope")
    assert refused.json()["detail"].endswith("analytics:read or routing:manage")


def test_the_document_names_both_ways_to_send_a_table(shop: Server) -> None:
    operation = requests.get(f"{shop.url}/openapi.json", timeout=5).json()["paths"]["/v1/prices"]
    assert set(operation["put"]["requestBody"]["content"]) == {"application/json", "text/csv"}
    assert "`analytics:read` or `routing:manage`" in operation["get"]["description"]
