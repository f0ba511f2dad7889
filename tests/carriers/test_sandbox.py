"""The sandbox's settings: delays, limits, the outage switch, scenario files, and its journal."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from heliograph.carriers import catalogue
from heliograph.carriers.sandbox.fates import FATES
from heliograph.core.lifecycle import FACTS, NOTES
from heliograph.core.message import Outcome
from tests.carriers.network import NOW, message, opened, scenario

LOST = Outcome("unknown", failure="unknown", code="link_lost")


# -- settings


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        ({"personality": "grumpy"}, "personality"),
        ({"personality": ["honest", "grumpy"]}, "personality"),
        ({"scenario": "no-such-file.toml"}, "scenario"),
        ({"answer_delay_ms": -1}, "answer_delay_ms"),
        ({"answer_delay_ms": "soon"}, "answer_delay_ms"),
        ({"spread": 2}, "spread"),
        ({"max_parts": 0}, "max_parts"),
        ({"anser_delay_ms": 5}, "anser_delay_ms"),
        ({"kind": "pigeon"}, "kind"),
    ],
    ids=["unknown", "one unknown", "no file", "below", "no number", "above", "nothing", "unknown key", "unknown kind"],
)
def test_a_wrong_setting_is_told_by_its_key(spec: dict[str, Any], key: str) -> None:
    wrong = catalogue.check(spec.get("kind", "sandbox"), {"kind": "sandbox", **spec})
    assert wrong is not None and wrong[0] == key


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[rules]]\nfate = "lost"', "lost"),
        ('[[rules]]\nfate = "content"\nprefx = "+44"', "prefx"),
        ("[[periods]]\nfrom_s = 5", "to_s"),
        ("rules = [", "scenario"),
    ],
    ids=["unknown fate", "unknown key", "missing key", "no TOML"],
)
def test_a_wrong_scenario_is_told_with_what_is_wrong(text: str, told: str, tmp_path: Path) -> None:
    wrong = catalogue.check("sandbox", {"scenario": scenario(tmp_path, text)})
    assert wrong is not None and wrong[0] == "scenario" and told in wrong[1]


@pytest.mark.parametrize("fate", FATES)
def test_a_fate_reports_only_what_the_lifecycle_knows(fate: str) -> None:
    assert {report.fact for report in FATES[fate].reports} <= FACTS.keys() | NOTES


# -- delays


async def latencies(**settings: Any) -> list[int]:
    network = await opened(answer_delay_ms=1_000, receipt_delay_ms=0, **settings)
    for number in range(500):
        network.submit(message(number))
    network.clock.pass_ms(10_000)
    assert len(network.heard("answer")) == 500
    return network.times("answer")


@pytest.mark.asyncio
async def test_without_a_spread_every_answer_takes_the_same_time() -> None:
    assert set(await latencies()) <= set(range(1_000, 1_006))


@pytest.mark.asyncio
async def test_delays_spread_evenly_around_their_middle() -> None:
    found = await latencies(spread=0.5)
    assert min(found) >= 500 and max(found) <= 1_505
    thirds = [len([at for at in found if low <= at < low + 334]) for low in (500, 834, 1_168)]
    assert all(120 < third < 215 for third in thirds), thirds
    assert sum(found) / len(found) == pytest.approx(1_000, rel=0.05)


@pytest.mark.asyncio
async def test_the_same_seed_gives_the_same_delays() -> None:
    assert await latencies(spread=0.5, seed=3) == await latencies(spread=0.5, seed=3)
    assert await latencies(spread=0.5, seed=3) != await latencies(spread=0.5, seed=4)


@pytest.mark.asyncio
async def test_answers_share_timers_but_nobody_is_much_too_early_or_late() -> None:
    network = await opened(answer_delay_ms=20)
    for number in range(100):
        network.submit(message(number))
        network.clock.pass_ms(1)
    network.clock.pass_ms(1_000)
    asked_at = [submission.message.id for submission, _ in network.heard("answer")]
    took = [at - asked for at, asked in zip(network.times("answer"), asked_at, strict=True)]
    assert len(took) == 100 and 20 - 5 <= min(took) <= max(took) <= 20 + 5


@pytest.mark.asyncio
async def test_ids_go_on_rising_after_a_restart() -> None:
    """What a process forgets, the clock remembers."""
    found = []
    for after_ms in (0, 60_000):
        network = await opened(after_ms=after_ms)
        sent = [message(number, segments=2) for number in range(50)]
        network.submit(*sent)
        network.clock.pass_ms(1_000)
        found += [int(carrier_id) for each in sent for carrier_id in network.outcome_of(each).carrier_ids]
    assert found == sorted(set(found)) and len(found) == 200


# -- limits


@pytest.mark.asyncio
async def test_the_rate_is_kept_and_said_to_whoever_exceeds_it() -> None:
    network = await opened(messages_per_second=10)
    sent = [message(number) for number in range(30)]
    network.submit(*sent)
    network.clock.pass_ms(999)
    states = [network.outcome_of(each).state for each in sent]
    assert states == ["accepted"] * 10 + ["refused"] * 20
    refused = network.outcome_of(sent[-1])
    assert (refused.failure, refused.code) == ("throttled", "too_fast") and refused.retry_after_ms
    late = message(99)
    network.clock.pass_ms(1)
    network.submit(late)
    network.clock.pass_ms(999)
    assert network.outcome_of(late).state == "accepted"


@pytest.mark.parametrize(("parts", "state"), [(1, "accepted"), (3, "accepted"), (4, "refused")])
@pytest.mark.asyncio
async def test_a_network_may_take_so_many_parts_only(parts: int, state: str) -> None:
    network = await opened(max_parts=3)
    asking = message(segments=parts)
    network.submit(asking)
    network.clock.pass_ms(1_000)
    assert network.outcome_of(asking).state == state


@pytest.mark.asyncio
async def test_a_price_comes_with_each_receipt() -> None:
    network = await opened(price_per_part="0.05", price_currency="EUR")
    network.submit(message(segments=2))
    network.clock.pass_ms(1_000)
    assert [(r.price, r.currency) for r in network.heard("receipt")] == [("0.05", "EUR")] * 2


# -- outages


@pytest.mark.asyncio
async def test_a_network_may_be_out_from_the_start() -> None:
    network = await opened(outage=True)
    assert network.heard("link") == [(False, "outage")]


@pytest.mark.asyncio
async def test_the_switch_closes_the_link_and_opens_it_again() -> None:
    network = await opened()
    network.carrier.set_outage(True)
    network.carrier.set_outage(True)
    network.carrier.set_outage(False)
    assert network.heard("link") == [(True, ""), (False, "outage"), (True, "")]


@pytest.mark.asyncio
async def test_what_waits_for_an_answer_when_the_network_goes_out_is_lost_from_sight() -> None:
    network = await opened(answer_delay_ms=100)
    before, during, after = message(1), message(2), message(3)
    network.submit(before)
    network.carrier.set_outage(True)
    assert network.outcome_of(before) == LOST
    network.submit(during)
    network.clock.pass_ms(5_010)
    assert network.outcome_of(during).code == "answer_timeout"
    network.carrier.set_outage(False)
    network.submit(after)
    network.clock.pass_ms(1_000)
    assert network.outcome_of(after).state == "accepted"
    assert network.outcome_of(before) == LOST, "an answer that was lost must not come later"


@pytest.mark.asyncio
async def test_an_outage_takes_no_delay_with_it() -> None:
    """The switch is about being there, not about being slow."""
    network = await opened(personality="slow", answer_delay_ms=20)
    for _ in range(3):
        network.carrier.set_outage(True)
        network.carrier.set_outage(False)
    network.submit(message())
    network.clock.pass_ms(60_000)
    assert network.times("answer") == pytest.approx([200], abs=5)


@pytest.mark.asyncio
async def test_whoever_waits_when_the_network_is_closed_is_answered() -> None:
    network = await opened(answer_delay_ms=100)
    waiting, silent = message(1), message(2, text="[sandbox:never_answered]")
    network.submit(waiting, silent)
    await network.carrier.stop(1.0)
    assert network.outcome_of(waiting) == network.outcome_of(silent) == LOST
    network.clock.pass_ms(60_000)
    network.outcome_of(waiting)


# -- scenarios


@pytest.mark.asyncio
async def test_a_rule_gives_a_fate_to_what_fits_all_that_it_says(tmp_path: Path) -> None:
    rules = """
        [[rules]]
        fate = "bad_number"
        prefix = "+4479"
        kind = "otp"
        text = "code"
        [[rules]]
        fate = "undelivered"
        prefix = "+49"
    """
    network = await opened(scenario=scenario(tmp_path, rules))
    cases = {
        "refused": message(1, kind="otp", text="Your code is 1"),
        "other kind": message(2, text="Your code is 1"),
        "other text": message(3, kind="otp"),
        "other number": message(4, to="+33612345678", kind="otp", text="Your code is 1"),
        "second rule": message(5, to="+4915112345678"),
    }
    network.submit(*cases.values())
    network.clock.pass_ms(10_000)
    assert [name for name, each in cases.items() if network.outcome_of(each).state == "refused"] == ["refused"]
    assert sorted(network.facts()) == ["delivered"] * 3 + ["undelivered"]


@pytest.mark.asyncio
async def test_a_rule_may_meet_each_third_of_those_that_fit(tmp_path: Path) -> None:
    rules = '[[rules]]\nfate = "content"\nevery = 3\nprefix = "+44"'
    network = await opened(scenario=scenario(tmp_path, rules))
    sent = [message(number) for number in range(1, 31)]
    network.submit(*sent)
    network.clock.pass_ms(10_000)
    refused = [each.id for each in sent if network.outcome_of(each).state == "refused"]
    assert len(refused) == 10 and {b - a for a, b in pairwise(refused)} == {3}


@pytest.mark.asyncio
async def test_a_message_outranks_the_scenario(tmp_path: Path) -> None:
    network = await opened(scenario=scenario(tmp_path, '[[rules]]\nfate = "content"'))
    asking = message(text="[sandbox:undelivered]")
    network.submit(asking)
    network.clock.pass_ms(10_000)
    assert network.outcome_of(asking).state == "accepted" and network.facts() == ["undelivered"]


@pytest.mark.asyncio
async def test_a_period_is_out_and_another_slow(tmp_path: Path) -> None:
    periods = """
        [[periods]]
        from_s = 10
        to_s = 20
        outage = true
        [[periods]]
        from_s = 30
        to_s = 40
        slow = 5
    """
    network = await opened(scenario=scenario(tmp_path, periods), answer_delay_ms=100)
    network.clock.pass_ms(25_000)
    assert [(at, up) for at, what, (up, *_) in network.said if what == "link"] == [
        (0, True), (10_000, False), (20_000, True)
    ]  # fmt: skip
    for number, after in ((1, 10_000), (2, 10_000), (3, 0)):  # at 25, 35 and 45 seconds
        network.submit(message(number))
        network.clock.pass_ms(after)
    network.clock.pass_ms(1_000)
    assert network.times("answer") == pytest.approx([25_100, 35_500, 45_100], abs=5)


@pytest.mark.asyncio
async def test_phones_answer_as_the_scenario_says(tmp_path: Path) -> None:
    replies = '[[replies]]\nreply = "Yes please"\nprefix = "+44"\ntext = "table"\nafter_ms = 3000'
    network = await opened(scenario=scenario(tmp_path, replies), answer_delay_ms=0, receipt_delay_ms=1_000)
    network.submit(message(1, text="Your table for two?"), message(2), message(3, to="+49151000", text="Your table?"))
    network.clock.pass_ms(3_900)
    assert network.texts() == []
    network.clock.pass_ms(200)
    assert network.texts() == ["Yes please"]


# -- the journal


@pytest.mark.asyncio
async def test_a_journal_has_a_line_for_each_submission(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    network = await opened(journal=str(path))
    network.submit(message(7, possible_duplicate=0), message(8, possible_duplicate=1, kind="otp"))
    assert path.read_text() == f"7 1 0 {NOW} transactional {NOW}\n8 1 1 {NOW} otp {NOW}\n"
    await network.carrier.stop(0)
