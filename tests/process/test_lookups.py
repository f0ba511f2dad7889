"""Providers are asked by whichever process is asked: also by one that holds no connector, and not again by the next."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from heliograph.engine.secrets import new_key
from tests.process.database import database
from tests.process.oracle import Oracle
from tests.process.server import Api, Server

CONFIG = """
[[routes]]
name = "all"
via = ["telco"]
[policies.lookup]
before = ["otp"]
provider = "telco"
timeout_ms = 800
"""
TO, FIXED = "+447400123456", "+447400123457"


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with Oracle() as listening:
        yield listening


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, oracle: Oracle) -> Iterator[tuple[Server, Server]]:
    """The first moves messages, the second only takes them in."""
    oracle.types[FIXED] = "landline"
    with ExitStack() as stack:
        store = f'[store]\nurl = "{stack.enter_context(database())}"\n'
        servers, environ = [], {"HELIOGRAPH_MASTER_KEY": new_key()}
        for roles in ("api,engine", "api"):
            folder: Path = tmp_path_factory.mktemp("lookups")
            server = Server(folder, CONFIG + oracle.connector("telco") + store, environ=environ)
            stack.push(server)
            servers.append(server.start("--roles", roles))
        yield servers[0], servers[1]


def test_a_process_without_connectors_asks_too_and_what_it_learnt_is_known_to_all(
    pair: tuple[Server, Server], oracle: Oracle
) -> None:
    key = pair[0].key("admin", environment="live")
    first, second = Api(pair[0], key), Api(pair[1], key)
    assert second("GET", f"/v1/lookup/{quote(TO)}?provider=telco").json()["asked"]["mccmnc"] == "23410"
    assert first("GET", f"/v1/lookup/{quote(TO)}?provider=telco").json()["asked"]["mccmnc"] == "23410"
    assert oracle.asked == [TO]
    assert second("GET", f"/v1/lookup/{quote(FIXED)}?provider=telco").json()["asked"]["can_receive"] is False
    for api in (second, first):
        refused = api("POST", "/v1/messages", {"to": FIXED, "text": "1234", "kind": "otp"})
        assert (refused.status_code, refused.json()["code"]) == (422, "number_not_reachable"), refused.text
    assert oracle.asked == [TO, FIXED]
