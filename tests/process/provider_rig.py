"""A real gateway and a provider that fails in every way, for the tests of what becomes of a message."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.process.provider import Play, Provider
from tests.process.server import Api, Server, free_port
from tests.process.sink import Sink

CONFIG = """public_url = "{url}"
[webhooks]
allow_networks = ["127.0.0.0/8"]
{connectors}
[[routes]]
name = "germany"
via = ["locked", "main"]
match = {{ country = ["DE"] }}
[[routes]]
name = "france"
via = ["gone", "main"]
match = {{ country = ["FR"] }}
[[routes]]
name = "all"
via = ["main"]
[endpoints.hook]
url = "{hook}"
environment = "live"
"""
TOKEN = "t0ken-in-the-url"
VONAGE = {"kind": "vonage", "api_key": "abcd", "api_secret": "env:HG_SECRET", "callback_token": "env:HG_TOKEN"}
_numbers = count()


def number(prefix: str = "+4474001") -> str:
    """One that no other test uses; no number of fiction, for those never reach a carrier."""
    return f"{prefix}{23_000 + next(_numbers)}"


class Rig(NamedTuple):
    """A gateway, its provider, who listens to it, and its API."""

    server: Server
    provider: Provider
    sink: Sink
    api: Api

    def message(self, public_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/v1/messages/{public_id}").json()
        return found

    def timeline(self, public_id: str) -> list[str]:
        return [event["type"] for event in self.api("GET", f"/v1/messages/{public_id}/events").json()["data"]]

    def stream(self) -> list[dict[str, Any]]:
        """All events that were told."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.api("GET", f"/v1/events?limit=1000&cursor={cursor}").json()
            if not page["data"]:
                return found
            found += page["data"]
            cursor = page["next_cursor"]

    def told(self, public_id: str) -> Counter[str]:
        """What the endpoint heard of a message, each event once."""
        heard = {one.event["id"]: one.event for one in self.sink.heard}
        return Counter(event["type"] for event in heard.values() if event["data"].get("id") == public_id)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        ledger = sqlite3.connect(f"file:{self.server.data_dir / 'heliograph.db'}?mode=ro", uri=True)
        try:
            return ledger.execute(sql, values).fetchall()
        finally:
            ledger.close()

    def send(self, *plays: Play, to: str | None = None, **more: Any) -> tuple[str, str]:
        """A message, and the number that it goes to."""
        to = to or number()
        self.provider.plays(to, *plays)
        return self.api.send(to, **more)["id"], to


def live(server: Server) -> Api:
    return Api(server, server.key("admin", environment="live"))


@contextmanager
def serving(folder: Path) -> Iterator[Rig]:
    with Provider() as provider, Sink() as sink:
        server = Server(folder, environ={"HG_TOKEN": TOKEN, "HG_SECRET": "v0nage-s3cret"})
        connectors = (
            provider.connector("main", timeout_ms=1_000),
            provider.connector("locked", auth_token="another"),
            provider.connector("gone", base_url=f"http://127.0.0.1:{free_port()}"),
            provider.connector("flooded"),
            section("vonage", VONAGE),
        )
        server.configure(CONFIG.format(url=server.url, connectors="\n".join(connectors), hook=sink.url))
        with server:
            api = live(server)
            assert api.policy("quiet_hours", kinds=[]).status_code == 200  # promotions at any time of the day
            assert api.policy("consent", promotional="no_opt_out").status_code == 200
            yield Rig(server, provider, sink, api)


def section(name: str, settings: Mapping[str, Any]) -> str:
    """A connector as the file declares it."""
    lines = [f"{key} = {_toml(value)}" for key, value in settings.items()]
    return "\n".join([f"[connectors.{name}]", *lines, ""])


def _toml(value: Any) -> str:
    """But for tables, TOML writes what stands in settings as JSON does."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
