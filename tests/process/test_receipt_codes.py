"""Numbers that a carrier's receipts call dead are left alone, once it is declared which code calls them so."""

import time
from collections.abc import Iterator

import pytest

from tests.process.links import _HEAD, connector
from tests.process.server import Api, Server
from tests.process.smsc import Smsc

CODES = 'receipt_codes = { "001" = "invalid_number" }\n'
LONG = "All of this is one message. " * 10


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("receipt-codes")
    with Smsc(folder, "--errors", "1,002") as centre:
        config = _HEAD.format(store="", via='"telco"') + connector("telco", centre.port) + CODES
        with Server(folder, config) as server:
            yield Api(server, server.key("messages:send", "messages:read", "routing:manage", environment="live"))


@pytest.mark.parametrize(
    ("to", "text"), [("+447911000007", "Hello"), ("+447911000207", LONG)], ids=["in one part", "in two parts"]
)
def test_a_number_that_a_receipt_calls_dead_is_left_alone(api: Api, to: str, text: str) -> None:
    ended = api.until(api.send(to, text)["id"], "undelivered")
    assert ended["error"] == {"failure": "permanent", "code": "invalid_number", "carrier_code": "1"}
    shown = _left_alone(api, to)
    assert (shown["failures"], shown["carrier_code"], shown["connector"]) == (1, "1", "telco")
    again = api("POST", "/v1/messages", {"to": to, "text": "Again", "kind": "transactional"})
    assert (again.status_code, again.json()["code"]) == (422, "number_cooling_down")
    assert shown["until"] in again.json()["detail"]


def test_a_code_of_which_nothing_was_declared_leaves_the_number_as_it_is(api: Api) -> None:
    to, dead = "+447911000117", "+447911000307"
    ended = api.until(api.send(to)["id"], "undelivered")
    assert ended["error"] == {"failure": "unknown", "code": "undeliverable", "carrier_code": "002"}
    api.until(api.send(dead)["id"], "undelivered")
    _left_alone(api, dead)  # by now it would be known of the other, too
    assert [one for one in api("GET", "/v1/cooldowns").json()["data"] if one["number"] == to] == []
    api.until(api.send(to, kind="transactional")["id"], "undelivered")


def _left_alone(api: Api, to: str) -> dict[str, object]:
    """What is known of a number, once it is left alone."""
    end = time.monotonic() + 10
    while True:
        for one in api("GET", "/v1/cooldowns").json()["data"]:
            if one["number"] == to:
                return dict(one)
        assert time.monotonic() < end
        time.sleep(0.02)
