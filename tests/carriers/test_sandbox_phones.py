"""The sandbox's phones, which text and answer, and what the network can be asked."""

from pathlib import Path
from typing import Any

import pytest

from heliograph.core.message import Submission
from tests.carriers.network import NOW, ORDINARY, Network, message, opened, scenario

# -- phones


@pytest.mark.asyncio
async def test_a_phone_texts() -> None:
    network = await opened()
    network.carrier.receive(ORDINARY, "12345", "STOP", 7)
    network.carrier.receive(ORDINARY, "12345", "STOP", 7)
    first, second = network.heard("inbound")
    assert (first.connector, first.sender, first.to, first.text, first.at) == ("play", ORDINARY, "12345", "STOP", NOW)
    assert first.carrier_id != second.carrier_id and first.environment == 7


@pytest.mark.parametrize(
    "settings",
    [{}, {"answer_delay_ms": 0, "receipt_delay_ms": 0}, {"answer_delay_ms": 0}, {"personality": "eager"}],
    ids=["usual delays", "no delays", "answers at once", "reports before it answers"],
)
@pytest.mark.asyncio
async def test_a_phone_answers_what_the_text_asks_for_once_it_has_the_message(settings: dict[str, Any]) -> None:
    network = await opened(**settings)
    network.submit(message(text="Bye? [sandbox:reply:STOP]", sender="12345"))
    network.clock.pass_ms(10_000)
    assert [(m.sender, m.to, m.text) for m in network.heard("inbound")] == [(ORDINARY, "12345", "STOP")]
    order = [what for _, what, value in network.said if what == "inbound" or getattr(value, "fact", "") == "delivered"]
    assert order == ["receipt", "inbound"]


@pytest.mark.parametrize(
    ("settings", "to"),
    [({"personality": "doubling"}, ORDINARY), ({}, "+447700900114"), ({}, "+447700900118"), ({}, "+447700900115")],
    ids=["doubling network", "duplicate receipts", "fake receipt", "receipt before answer"],
)
@pytest.mark.asyncio
async def test_a_phone_answers_once_however_often_it_is_reported(settings: dict[str, Any], to: str) -> None:
    network = await opened(**settings)
    network.submit(message(to=to, text="[sandbox:reply:Yes]"))
    network.clock.pass_ms(60_000)
    assert network.texts() == ["Yes"]


@pytest.mark.parametrize("fate", ["01", "04", "11", "12"])
@pytest.mark.asyncio
async def test_a_phone_that_has_nothing_answers_nothing(fate: str) -> None:
    network = await opened()
    network.submit(message(to=f"+4477009001{fate}", text="[sandbox:reply:Yes]"))
    network.clock.pass_ms(60_000)
    assert network.texts() == []


# -- what it can be asked


async def ask(network: Network, asked: Any, attempt: int = 1) -> list[str] | None:
    """What the network says became of a message, as facts."""
    ids = network.outcome_of(asked, attempt).carrier_ids
    asked.sent_at = NOW
    found = await network.carrier.query(Submission(asked, attempt), ids)
    return None if found is None else [receipt.fact for receipt in found]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Hello", ["delivered"]),
        ("[sandbox:undelivered]", ["undelivered"]),
        ("[sandbox:fake_receipt]", ["delivered"]),
        ("[sandbox:duplicate_receipts]", ["delivered"]),
        ("[sandbox:reordered]", ["delivered"]),
        ("[sandbox:corrected]", ["delivered"]),
        ("[sandbox:read]", ["read"]),
        ("[sandbox:no_receipt]", None),
    ],
)
@pytest.mark.asyncio
async def test_it_can_be_asked_what_became_of_a_message(text: str, facts: list[str] | None) -> None:
    network = await opened(receipt_delay_ms=1_000)
    asking = message(text=text)
    network.submit(asking)
    network.clock.pass_ms(500)
    if facts is not None:
        assert await ask(network, asking) == [], "too early"
    network.clock.pass_ms(60_000)
    assert await ask(network, asking) == facts


@pytest.mark.asyncio
async def test_it_knows_after_a_restart_what_became_of_a_message() -> None:
    before = await opened()
    asking = message(text="[sandbox:undelivered]", sent_at=NOW)
    before.submit(asking)
    before.clock.pass_ms(100)
    ids = before.outcome_of(asking).carrier_ids
    after = await opened()
    after.clock.pass_ms(60_000)
    found = await after.carrier.query(Submission(asking, 1), ids)
    assert found is not None and [(r.fact, r.carrier_id) for r in found] == [("undelivered", ids[0])]


@pytest.mark.asyncio
async def test_asking_changes_nothing(tmp_path: Path) -> None:
    rules = '[[rules]]\nfate = "undelivered"\nevery = 2'
    network = await opened(scenario=scenario(tmp_path, rules))
    sent = [message(number) for number in range(1, 5)]
    for each in sent:
        network.submit(each)
        network.clock.pass_ms(10_000)
        told = network.facts()[-1]
        assert await ask(network, each) == await ask(network, each) == [told]
    assert sorted(network.facts()) == ["delivered", "delivered", "undelivered", "undelivered"]
