"""Whatever is sent to a door with the right credentials is answered: never with an error of ours."""

from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.api.doors import ROUTES
from heliograph.api.routes import Route
from tests.doors.conftest import Account
from tests.process.server import Server

WORDS = st.sampled_from(
    ["", "1", "yes", "+447700900163", "447700900163", "Acme", "Hi", "2026-11-21", "canceled", "8", "0440", "UTF-16BE"]
)
OCTETS = st.binary(max_size=12).map(lambda octets: octets.decode("latin-1"))


def names(route: Route) -> list[str]:
    """The fields that a door knows, but for the credentials."""
    fields: Any = route.body or route.query
    login = route.shape.login if route.shape is not None else None
    known = [] if fields is None else list(fields.__struct_encode_fields__)
    return [name for name in known if not any(name in many for many in login or ())]


def octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_field_breaks_a_door(server: Server, mine: Account, route: Route) -> None:
    path = route.path.format(account=mine.sid, sid=f"SM{'0' * 32}", service="VA1", id="msg_1")
    fields = st.dictionaries(st.sampled_from(names(route) or ["x"]), WORDS | OCTETS | st.text(max_size=8), max_size=6)

    @given(given=fields, raw=st.none() | st.binary(max_size=30))
    @settings(max_examples=25, suppress_health_check=list(HealthCheck), database=None, deadline=None)
    def ask(given: dict[str, str], raw: bytes | None) -> None:
        form = {octets(name): octets(value) for name, value in given.items()}
        place: dict[str, Any] = {"params": form} if route.method == "GET" else {"data": form if raw is None else raw}
        answer = requests.request(route.method, server.url + path, auth=(mine.id, mine.key), timeout=20, **place)
        assert answer.status_code < 500, answer.text
        assert answer.headers.get("x-heliograph-code") != "internal_error"

    ask()
