"""Every row of the table of personalities in docs/reference/sandbox.md: each shows, and shows as often as it says."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from heliograph.core.message import Message
from heliograph.engine.receipts import FORMS
from tests.carriers.network import Network, message, opened
from tests.carriers.test_sandbox_fates import rows

MANY: Final = 2_000
A_TENTH: Final = pytest.approx(MANY / 10, rel=0.25)
WORDS: Final = {"filtered_words": ["Casino"]}


async def talk(count: int, personality: str | list[str], **settings: Any) -> tuple[Network, list[Message]]:
    """So many messages, sent one after the other to a network of this personality."""
    network = await opened(personality=personality, **WORDS | settings)
    sent = [message(number) for number in range(1, count + 1)]
    for each in sent:
        network.submit(each)
    network.clock.pass_ms(60_000)
    return network, sent


async def is_honest() -> None:
    network, sent = await talk(50, "honest")
    ids = [carrier_id for each in sent for carrier_id in network.outcome_of(each).carrier_ids]
    assert [r.carrier_id for r in network.heard("receipt")] == ids
    assert network.facts() == ["delivered"] * 50


async def is_throttling() -> None:
    network, sent = await talk(MANY, "throttling")
    outcomes = [outcome for _, outcome in network.heard("answer")]
    refused = [outcome for outcome in outcomes if outcome.state == "refused"]
    assert len(outcomes) == len(sent) and len(refused) == A_TENTH
    assert {(o.failure, o.code, o.carrier_code) for o in refused} == {("throttled", "too_fast", "SB-80")}
    assert all(outcome.retry_after_ms for outcome in refused)


async def has_hex_ids() -> None:
    network, sent = await talk(20, "hex_ids")
    answered = [network.outcome_of(each).carrier_ids[0] for each in sent]
    reported = [receipt.carrier_id for receipt in network.heard("receipt")]
    assert all(carrier_id.isdigit() for carrier_id in answered) and not set(answered) & set(reported)
    assert [FORMS["hex_to_decimal"](carrier_id) for carrier_id in reported] == answered


async def has_padded_ids() -> None:
    network, sent = await talk(20, "padded_ids")
    answered = [network.outcome_of(each).carrier_ids[0] for each in sent]
    reported = [receipt.carrier_id for receipt in network.heard("receipt")]
    assert all(carrier_id.startswith("0") for carrier_id in reported)
    assert [FORMS["stripped"](carrier_id) for carrier_id in reported] == answered


async def is_eager() -> None:
    network, _ = await talk(20, "eager")
    assert [what for _, what, _ in network.said if what != "link"] == ["receipt"] * 20 + ["answer"] * 20
    assert network.facts() == ["delivered"] * 20


async def loses() -> None:
    network, _ = await talk(MANY, "losing")
    assert len(network.heard("answer")) == MANY
    assert MANY - len(network.heard("receipt")) == A_TENTH


async def doubles() -> None:
    network, sent = await talk(20, "doubling")
    reported = [receipt.carrier_id for receipt in network.heard("receipt")]
    assert all(reported.count(network.outcome_of(each).carrier_ids[0]) == 2 for each in sent)
    assert set(network.facts()) == {"delivered"} and len(reported) == 40


async def reorders() -> None:
    network, _ = await talk(1, "reordering")
    assert network.facts() == ["delivered", "buffered"]


async def lies() -> None:
    network, sent = await talk(MANY, "lying")
    ids = {network.outcome_of(each).carrier_ids[0] for each in sent}
    receipts = network.heard("receipt")
    assert len([r for r in receipts if r.carrier_id not in ids]) == A_TENTH
    assert {r.carrier_id for r in receipts if r.carrier_id in ids} == ids


async def filters() -> None:
    network = await opened(personality="filtering", **WORDS)
    bad, good = message(1, text="Win at the cAsInO!"), message(2, text="Your parcel is here")
    network.submit(bad, good)
    network.clock.pass_ms(60_000)
    outcome = network.outcome_of(bad)
    assert (outcome.state, outcome.failure) == ("refused", "content")
    assert network.outcome_of(good).state == "accepted" and network.facts() == ["delivered"]


async def is_slow() -> None:
    slow, _ = await talk(1, "slow", answer_delay_ms=20, receipt_delay_ms=500)
    assert slow.times("answer") == pytest.approx([200], abs=5)
    assert slow.times("receipt") == pytest.approx([5_200], abs=10)


async def is_half_open() -> None:
    network, sent = await talk(20, "half_open", answer_timeout_ms=7_000)
    assert {network.outcome_of(each).code for each in sent} == {"answer_timeout"}
    assert network.times("answer") == pytest.approx([7_000] * 20, abs=5)
    assert network.heard("link") == [(True, "")] and not network.heard("receipt")


SHOWS: Final[dict[str, Callable[[], Awaitable[None]]]] = {
    "honest": is_honest,
    "throttling": is_throttling,
    "hex_ids": has_hex_ids,
    "padded_ids": has_padded_ids,
    "eager": is_eager,
    "losing": loses,
    "doubling": doubles,
    "reordering": reorders,
    "lying": lies,
    "filtering": filters,
    "slow": is_slow,
    "half_open": is_half_open,
}


def test_each_documented_personality_is_tried_here() -> None:
    assert [cells[0].strip("`") for cells in rows("personality")] == list(SHOWS)


@pytest.mark.parametrize("name", [cells[0].strip("`") for cells in rows("personality")])
@pytest.mark.asyncio
async def test_a_personality_shows_as_the_table_says(name: str) -> None:
    await SHOWS[name]()


@pytest.mark.asyncio
async def test_personalities_add_up() -> None:
    network, sent = await talk(20, ["hex_ids", "doubling"])
    answered = [network.outcome_of(each).carrier_ids[0] for each in sent]
    reported = [FORMS["hex_to_decimal"](receipt.carrier_id) for receipt in network.heard("receipt")]
    assert sorted(map(str, reported)) == sorted(answered * 2)


@pytest.mark.parametrize("name", ["throttling", "losing", "lying"])
@pytest.mark.asyncio
async def test_the_same_seed_brings_the_same_bad_luck(name: str) -> None:
    first, _ = await talk(300, name, seed=7)
    again, _ = await talk(300, name, seed=7)
    other, _ = await talk(300, name, seed=8)
    luck = [[(at, what, str(value)) for at, what, value in network.said] for network in (first, again, other)]
    assert luck[0] == luck[1] != luck[2]


@pytest.mark.parametrize("name", ["honest", "hex_ids", "padded_ids", "eager", "doubling", "reordering", "slow"])
@pytest.mark.asyncio
async def test_a_network_that_loses_nothing_reports_each_message(name: str) -> None:
    network, _ = await talk(100, name)
    assert network.facts().count("delivered") >= 100


@pytest.mark.parametrize("name", list(SHOWS))
@pytest.mark.asyncio
async def test_whatever_the_network_is_like_each_attempt_is_answered_once(name: str) -> None:
    network, sent = await talk(100, name)
    for each in sent:
        network.outcome_of(each)


def test_hex_ids_are_told_from_decimal_ones() -> None:
    """What `hex_ids` reports can't be taken for an id that was answered: it is shorter."""
    assert len(format(1_700_000_000_000_000, "X")) < len("1700000000000000")
