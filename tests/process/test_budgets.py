"""A budget over real processes: three of them on one PostgreSQL, one of them killed; what carriers really charge."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from heliograph.engine.secrets import new_key
from tests.process.database import database
from tests.process.server import Api, Server

CONFIG = """
[connectors.quick]
kind = "sandbox"
price_per_segment = "0.01"
currency = "EUR"
[[routes]]
name = "all"
via = ["quick"]
"""
MOST = 300
BUDGET = {"name": "all", "per": "month", "time_zone": "Europe/Berlin", "max_messages": MOST}


def test_three_processes_keep_one_budget_and_a_kill_loses_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        config = f'[store]\nurl = "{stack.enter_context(database())}"\n{CONFIG}'
        servers, environ = [], {"HELIOGRAPH_MASTER_KEY": new_key()}
        for name in ("one", "two", "three"):
            (tmp_path / name).mkdir()
            servers.append(stack.enter_context(Server(tmp_path / name, config, environ=environ)))
        key = servers[0].key("admin")
        apis = [Api(server, key) for server in servers]
        assert apis[0].policy("budgets", budgets=[BUDGET]).status_code == 200
        for api in apis:
            _until_declared(api)

        def offer(api: Api, count: int) -> int:
            messages = [{"to": "+447700900123", "text": f"{place}"} for place in range(5)]
            kept = 0
            for _ in range(count):
                data = api("POST", "/v1/messages/batch", {"messages": messages})
                kept += sum("id" in one for one in data.json().get("data", []))
            return kept

        with ThreadPoolExecutor(3) as pool:
            kept = sum(pool.map(offer, apis, (8, 8, 8)))
        assert kept == 120
        servers[2].kill()
        servers[2].start()
        with ThreadPoolExecutor(3) as pool:
            kept += sum(pool.map(offer, apis, (30, 30, 30)))
        assert kept == MOST
        for api in apis:
            [shown] = api("GET", "/v1/budgets").json()["data"]
            assert (shown["used"], shown["remaining"]) == (MOST, 0)


def _until_declared(api: Api) -> None:
    end = time.monotonic() + 15
    while not api("GET", "/v1/budgets").json()["data"]:
        assert time.monotonic() < end, "the policy did not arrive"
        time.sleep(0.05)


def test_money_is_corrected_when_the_carrier_names_its_price(tmp_path: Path) -> None:
    dear = CONFIG.replace("[[routes]]", 'price_per_part = "0.25"\nprice_currency = "EUR"\n[[routes]]')
    with Server(tmp_path, dear) as server:
        api = Api(server, server.key("admin"))
        money = {"name": "money", "per": "day", "max_spend": "1.00", "currency": "EUR"}
        assert api.policy("budgets", budgets=[money]).status_code == 200
        for _ in range(4):
            api.send()
        end = time.monotonic() + 15
        while (used := api("GET", "/v1/budgets").json()["data"][0]["used"]) != "1.00":
            assert time.monotonic() < end, f"{used} was counted; 4 messages cost 0.25 each"
            time.sleep(0.05)
        assert api("POST", "/v1/messages", {"to": "+447700900123", "text": "Hi"}).json()["code"] == "budget_exceeded"
