"""A drill where doors and engine are processes of their own, on PostgreSQL."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from heliograph.engine.secrets import new_key
from tests.api.test_outages import CONFIG, PLAN
from tests.process.database import database
from tests.process.server import Api, Server


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with ExitStack() as stack:
        config = CONFIG + f'[store]\nurl = "{stack.enter_context(database())}"\n'
        servers, environ = [], {"HELIOGRAPH_MASTER_KEY": new_key()}
        for roles in ("api", "engine"):
            server = Server(tmp_path_factory.mktemp(roles), config, environ=environ)
            stack.push(server)
            servers.append(server.start("--roles", roles))
        yield Api(servers[0], servers[0].key("admin"))


def test_a_drill_asked_for_here_runs_there(api: Api) -> None:
    assert api.policy("outage", **PLAN).status_code == 200
    started = api("POST", "/v1/drills", {"route": "drill", "seconds": 10}).json()
    end = time.monotonic() + 60
    found: dict[str, Any] = started
    while found["status"] == "running":
        assert time.monotonic() < end
        time.sleep(0.2)
        found = api("GET", f"/v1/drills/{started['id']}").json()
    report = found["report"]
    assert report["passed"], [one["why"] for kind in report["kinds"] for one in kind["probes"] if one["why"]]
    assert {kind["kind"] for kind in report["kinds"]} == {"otp", "transactional", "support", "promotional"}
