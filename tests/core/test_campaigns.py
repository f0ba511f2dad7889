"""Who gets which variant, how fast a campaign goes, and how files are read."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.audiences import BadFile, Filter, Header, Recipient, Records, belongs
from heliograph.core.campaigns import (
    CampaignSpec,
    Tried,
    Variant,
    Winner,
    chunk_of,
    gap_of,
    next_at,
    share_in_time,
    variant_of,
    winner_of,
)

TWO = [Variant("a", "A", 1), Variant("b", "B", 3)]


def spec(**fields: object) -> CampaignSpec:
    return CampaignSpec(**{"name": "c", "audience": "a", **fields})  # type: ignore[arg-type]


def numbers(count: int) -> list[str]:
    return [f"+4477009{index:05}" for index in range(count)]


def test_variants_get_their_shares_and_a_person_always_the_same() -> None:
    asked = spec(variants=TWO)
    found = [variant_of(1, number, asked) for number in numbers(8_000)]
    assert found == [variant_of(1, number, asked) for number in numbers(8_000)]
    counts = Counter(found)
    assert 1_800 < counts["a"] < 2_200
    assert counts["a"] + counts["b"] == 8_000
    assert found != [variant_of(2, number, asked) for number in numbers(8_000)]


def test_until_there_is_a_winner_the_rest_gets_nothing() -> None:
    asked = spec(variants=TWO, winner=Winner(after="1h", tried_percent=20))
    counts = Counter(variant_of(1, number, asked) for number in numbers(8_000))
    assert 6_200 < counts[None] < 6_600
    assert 2.4 < counts["b"] / counts["a"] < 3.6


@pytest.mark.parametrize(
    ("tried", "winner"),
    [
        ([Tried("a", 100, 3), Tried("b", 10, 1)], "b"),
        ([Tried("a", 100, 0), Tried("b", 100, 0)], "a"),
        ([Tried("a", 0, 0), Tried("b", 100, 1)], "b"),
    ],
)
def test_the_better_rate_wins(tried: list[Tried], winner: str) -> None:
    assert winner_of(tried) == winner


@pytest.mark.parametrize(
    ("fields", "recipients", "gap"),
    [
        ({}, 100, 0.0),
        ({"per_minute": 60}, 100, 1_000.0),
        ({"per_minute": 600, "per_hour": 3_600}, 100, 1_000.0),
        ({"spread": "1h"}, 3_600, 1_000.0),
        ({"spread": "1h", "per_minute": 1}, 3_600, 60_000.0),
    ],
)
def test_the_slowest_of_all_rates_counts(fields: dict[str, object], recipients: int, gap: float) -> None:
    assert gap_of(spec(**fields), recipients) == gap


@given(
    gap=st.floats(0.01, 100_000),
    delays=st.lists(st.integers(0, 5_000), min_size=1, max_size=60),
)
def test_no_minute_sees_more_than_its_rate(gap: float, delays: list[int]) -> None:
    """Whenever somebody looks: in any minute there is at most the rate, one piece, and what is made up for."""
    now, turn, taken = 1_000_000, 0, []
    for delay in delays:
        now = max(now + delay, turn)
        count = chunk_of(gap, 500)
        taken.append((now, count))
        turn = next_at(turn, now, gap, count)
    for start, _ in taken:
        within = sum(count for at, count in taken if start <= at < start + 60_000)
        assert within <= 60_000 / gap + 1_000 / gap + 2 * chunk_of(gap, 500)


def test_how_much_is_in_time() -> None:
    assert share_in_time(0, 100, 90, behind=5, ahead=5) == 1.0
    assert share_in_time(0, 100, 200, behind=0, ahead=10) == 0.5
    assert share_in_time(0, 100, 200, behind=10, ahead=10) == 0.75
    assert share_in_time(300, 100, 400, behind=10, ahead=10) == 0.5


CSV = 'to,name\r\n+447700900123,"Ann, ""the\nfirst"""\r\n\r\n+447700900124,Bé\r\n'.encode()


@given(cuts=st.lists(st.integers(0, len(CSV)), max_size=8))
def test_a_file_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    records, found = Records(), []
    edges = [0, *sorted(cuts), len(CSV)]
    for start, end in itertools.pairwise(edges):
        found += records.feed(CSV[start:end])
    found += records.feed(b"", last=True)
    assert found == [
        (1, ["to", "name"]),
        (2, ["+447700900123", 'Ann, "the\nfirst"']),
        (5, ["+447700900124", "Bé"]),
    ]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    records = Records()
    try:
        found = [*records.feed(content), *records.feed(b"", last=True)]
        for line, cells in found[1:]:
            Header(found[0][1], None).read(line, cells, None)
    except BadFile as bad:
        assert bad.refusal.code


def test_semicolons_are_read_too() -> None:
    records = Records()
    (_, names), (line, cells) = records.feed(b"phone;city\n07700 900123;Rome\n")
    found = Header(names, None).read(line, cells, "GB")
    assert found == Recipient(2, "+447700900123", None, '{"city":"Rome"}')


@pytest.mark.parametrize(
    ("asked", "value", "fits"),
    [
        (Filter(field="name"), "Ann", True),
        (Filter(field="name"), None, False),
        (Filter(field="name", is_="Ann"), "Ann", True),
        (Filter(field="name", is_="Ann"), "Bob", False),
        (Filter(field="name", in_=["Ann", "Bob"]), "Bob", True),
        (Filter(field="name", is_not="Ann"), None, True),
        (Filter(field="name", is_not="Ann"), "Ann", False),
        (Filter(field="name", begins="A"), "Ann", True),
        (Filter(field="name", begins="A"), None, False),
    ],
)
def test_filters(asked: Filter, value: str | None, fits: bool) -> None:
    assert belongs([asked], {"name": value}) == fits
