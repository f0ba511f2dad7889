import json

import msgspec
import pytest

from heliograph.carriers.http.elks import Elks
from heliograph.carriers.http.provider import Answer, Text
from tests.carriers.http.harness import (
    answer_of,
    assert_outcome,
    assert_receipts,
    assert_request,
    assert_survives,
    build,
    callback_of,
    examples,
)

PROVIDER = build(Elks, username="u", password="p", callback_token="t0ken")
TEXT = Text(to="+46700000000", sender="Acme", text="Your code is 482913")
REQUESTS = {
    "one message": Text(
        to="+46700000000",
        sender="Acme",
        text="Your code is 482913",
        status_url="https://gw.example.test/hooks/46elks?ref=att-1",
    ),
}
SENDS = {name: one for name, one in examples("46elks", "send").items() if name != "dry run"}  # we have our own


@pytest.mark.parametrize("name", REQUESTS)
def test_a_text_becomes_the_recorded_request(name: str) -> None:
    assert_request(PROVIDER.request(REQUESTS[name]), SENDS[name]["request"])


@pytest.mark.parametrize("name", SENDS)
def test_a_recorded_answer_is_read(name: str) -> None:
    assert_outcome(PROVIDER.answer(TEXT, answer_of(SENDS[name]["response"])), SENDS[name]["expect"])


@pytest.mark.parametrize("cost", [0, -3500, True, "3500", None, [], 10**400])
def test_a_cost_that_is_no_price_is_left_out(cost: object) -> None:
    outcome = PROVIDER.answer(TEXT, Answer(200, json.dumps({"id": "s1", "cost": cost, "parts": cost}).encode()))
    assert (outcome.state, outcome.carrier_ids) == ("accepted", ("s1",))
    assert (outcome.price, outcome.currency, outcome.parts) == (None, None, None)


@pytest.mark.parametrize("name", examples("46elks", "status_callbacks"))
def test_a_recorded_report_is_read(name: str) -> None:
    one = examples("46elks", "status_callbacks")[name]
    assert_receipts(PROVIDER.read(callback_of(one["request"])).receipts, one["expect"])


def test_a_reply_is_read() -> None:
    heard = PROVIDER.read(callback_of(examples("46elks", "inbound")["text"]["request"]))
    [inbound] = heard.inbound
    assert (inbound.sender, inbound.to, inbound.text) == ("+46700000000", "+46766861004", "Hello")
    assert inbound.carrier_id == "sf8425555e5d8db61dda7a7b3f1b91bdb"


def test_the_token_in_the_url_is_the_proof() -> None:
    genuine = callback_of({"url": "https://gw.example.test/in/carrier/status?token=t0ken"})
    assert PROVIDER.verify(genuine) is None
    assert PROVIDER.verify(callback_of({"url": "https://gw.example.test/in/carrier/status?token=other"}))


def test_a_token_that_has_become_empty_opens_nothing() -> None:
    """Such as a variable of the machine that is there no more: then every call is refused, also one without a token."""
    emptied = Elks("carrier", msgspec.structs.replace(PROVIDER.settings, callback_token=""))
    for query in ("", "?token=", "?token=t0ken"):
        assert emptied.verify(callback_of({"url": f"https://gw.example.test/in/carrier/status{query}"}))


def test_nonsense_is_survived() -> None:
    assert_survives(PROVIDER)
