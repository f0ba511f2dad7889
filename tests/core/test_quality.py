"""What connectors are worth: between 0 and 1, never less for doing better, neutral while nobody can tell."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.quality import NEUTRAL, SAMPLE_MIN, Score, Tally, lead, scores

counts = st.floats(0, 1e6, allow_nan=False)
parts = st.floats(0, 1)


@st.composite
def tallies(draw: Any) -> Tally:
    """Any that can be: no part larger than its whole."""
    submitted = draw(counts)
    ripe = submitted * draw(parts)
    delivered = ripe * draw(parts)
    timed = delivered * draw(parts)
    convertible = delivered * draw(parts)
    return Tally(
        submitted=submitted,
        faults=(submitted - ripe) * draw(parts),
        ripe=ripe,
        delivered=delivered,
        timed=timed,
        delay_ms=timed * draw(st.floats(0, 1e7)),
        instant=timed * draw(parts),
        convertible=convertible,
        converted=convertible * draw(parts),
    )


def tally(count: float = 1_000, **changes: float) -> Tally:
    """Of an honest carrier: nine of ten arrive within five seconds, of which a third does what it should."""
    plain: dict[str, float] = {"submitted": count, "ripe": count, "delivered": 0.9 * count, "timed": 0.9 * count}
    plain |= {"delay_ms": 4_500 * count, "convertible": 0.9 * count, "converted": 0.3 * count}
    return Tally(**plain | changes)


def value(one: Tally, *others: Tally, kind: str = "otp") -> float:
    return scores({"one": one, **{f"other {place}": other for place, other in enumerate(others)}}, kind)["one"].value


# -- laws


@given(st.dictionaries(st.sampled_from("abcd"), tallies(), min_size=1), st.sampled_from(["otp", "promotional"]))
def test_a_score_and_all_that_it_is_made_of_lie_between_0_and_1(all_of_them: dict[str, Tally], kind: str) -> None:
    for score in scores(all_of_them, kind).values():
        made_of = [score.value, score.submits, score.arrivals, score.promptness, score.plausibility]
        assert all(0.0 <= one <= 1.0 for one in made_of)
        assert score.conversions is None or 0.0 <= score.conversions <= 1.0
        assert score.doubt >= 0.0


@given(st.dictionaries(st.sampled_from("abcd"), tallies(), min_size=1))
def test_the_same_numbers_give_the_same_scores_in_any_order(all_of_them: dict[str, Tally]) -> None:
    turned = dict(reversed(all_of_them.items()))
    again = scores(turned, "otp")
    for name, score in scores(all_of_them, "otp").items():
        assert score.value == pytest.approx(again[name].value)


@given(tallies(), tallies(), parts)
def test_fewer_faults_are_never_worth_less(one: Tally, other: Tally, part: float) -> None:
    better = msgspec.structs.replace(one, faults=one.faults * part)
    assert value(better, other) >= value(one, other) - 1e-9


@given(tallies(), tallies(), parts)
def test_more_deliveries_are_never_worth_less(one: Tally, other: Tally, part: float) -> None:
    better = msgspec.structs.replace(one, delivered=one.delivered + (one.ripe - one.delivered) * part)
    assert value(better, other) >= value(one, other) - 1e-9


@given(tallies(), tallies(), parts)
def test_sooner_deliveries_are_never_worth_less_as_long_as_they_are_not_at_once(
    one: Tally, other: Tally, part: float
) -> None:
    better = msgspec.structs.replace(one, delay_ms=one.delay_ms * part)
    assert value(better, other) >= value(one, other) - 1e-9


@given(tallies(), tallies(), parts)
def test_more_conversions_are_never_worth_less(one: Tally, other: Tally, part: float) -> None:
    better = msgspec.structs.replace(one, converted=one.converted + (one.convertible - one.converted) * part)
    assert value(better, other) >= value(one, other) - 1e-9


@given(tallies(), tallies(), parts)
def test_less_that_comes_at_once_is_never_worth_less(one: Tally, other: Tally, part: float) -> None:
    better = msgspec.structs.replace(one, instant=one.instant * part)
    assert value(better, other) >= value(one, other) - 1e-9


@given(tallies())
def test_too_small_a_sample_is_neutral_whatever_it_holds(one: Tally) -> None:
    few = Tally(*(field * (SAMPLE_MIN - 1) / max(1.0, one.submitted) for field in msgspec.structs.astuple(one)))
    assert scores({"one": few}, "otp")["one"] == Score(NEUTRAL)


# -- what each signal does


@pytest.mark.parametrize(
    ("worse", "why"),
    [
        (tally(submitted=2_000, faults=1_000), "half of the submits fail by the carrier's fault"),
        (tally(delivered=500, timed=500, convertible=500, converted=166), "half of the receipts stay away"),
        (tally(delay_ms=900 * 60_000.0), "an OTP takes a minute"),
        (tally(converted=100), "a third of the usual conversions"),
        (
            tally(delivered=1_000, timed=1_000, instant=1_000, convertible=1_000, converted=0),
            "all at once, and nothing",
        ),
    ],
)
def test_each_signal_alone_costs(worse: Tally, why: str) -> None:
    good = tally()
    both = scores({"good": good, "worse": worse}, "otp")
    assert both["worse"].value < both["good"].value - 0.04, why


def test_receipts_that_come_at_once_are_believed_where_conversions_prove_them() -> None:
    honest = tally(instant=900, delay_ms=0)
    assert scores({"quick": honest, "other": tally()}, "otp")["quick"].plausibility == pytest.approx(1.0, abs=0.01)


def test_where_nobody_tells_of_conversions_nothing_is_suspected() -> None:
    silent = tally(convertible=0, converted=0)
    quick = tally(delivered=1_000, timed=1_000, instant=1_000, delay_ms=0, convertible=0, converted=0)
    both = scores({"silent": silent, "quick": quick}, "otp")
    assert both["quick"].plausibility == 1.0 and both["quick"].conversions is None
    assert both["quick"].value > both["silent"].value


def test_an_otp_has_to_be_sooner_than_a_newsletter() -> None:
    slow = tally(delay_ms=900 * 20_000.0)
    assert value(slow, kind="otp") < value(slow, kind="promotional")


# -- who goes first


def score(worth: float, doubt: float = 0.01, *, enough: bool = True) -> Score:
    return Score(worth, doubt, enough)


@pytest.mark.parametrize(
    ("scored", "before", "first"),
    [
        ({}, None, "a"),
        ({}, "b", "b"),
        ({}, "gone", "a"),
        ({"a": score(0.8), "b": score(0.9)}, None, "b"),
        ({"a": score(0.9), "b": score(0.8)}, "b", "a"),
        ({"a": score(0.8), "b": score(0.849)}, "a", "a"),
        ({"a": score(0.8), "b": score(0.849)}, "b", "b"),
        ({"a": score(0.7, 0.1), "b": score(0.85, 0.1)}, "a", "a"),
        ({"a": score(0.2), "b": score(NEUTRAL, enough=False)}, "a", "a"),
        ({"a": score(NEUTRAL, enough=False), "b": score(0.99)}, "a", "a"),
        ({"a": score(0.5), "b": score(0.6), "c": score(0.9)}, "a", "c"),
        ({"b": score(0.9), "c": score(0.9)}, "a", "a"),
    ],
)
def test_the_leader_stays_until_another_is_better_for_certain(
    scored: dict[str, Score], before: str | None, first: str
) -> None:
    assert lead(("a", "b", "c"), scored, before) == first


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.sampled_from("abc"))
def test_who_has_become_leader_is_not_replaced_by_the_same_numbers(values: list[float], before: str) -> None:
    scored = {name: score(one) for name, one in zip("abc", values, strict=True)}
    leader = lead("abc", scored, before)
    assert lead("abc", scored, leader) == leader
