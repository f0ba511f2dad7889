"""Charts out of figures."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.console import charts, rendering
from heliograph.console.charts import HEIGHT, Point


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0, 4),
        (1, 4),
        (4, 4),
        (5, 8),
        (9, 12),
        (10, 12),
        (50, 60),
        (81, 120),
        (100, 120),
        (130, 160),
        (999, 1_200),
        (0.03, 0.032),
        (0.9, 1.2),
    ],
)
def test_an_axis_ends_at_a_round_number(most: float, top: float) -> None:
    assert charts.ceiling(most) == pytest.approx(top)


@given(st.floats(0, 1e12))
def test_an_axis_holds_what_is_shown(most: float) -> None:
    assert charts.ceiling(most) >= most


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=60))
def test_columns_are_as_high_as_their_figures(values: list[tuple[int, int]]) -> None:
    points = [Point(str(place), value) for place, value in enumerate(values)]
    found = charts.columns(points, ("a", "b"), ("good", "bad"))
    heights = [float(height) for height in re.findall(r' height="([\d.]+)"', str(found.drawing))]
    top = charts.ceiling(max(sum(value) for value in values))
    assert sum(heights) == pytest.approx(sum(map(sum, values)) / top * HEIGHT, abs=0.01 * len(values) * 2)
    assert [row[1:] for row in found.rows] == [tuple(f"{one:,}" for one in value) for value in values]


def test_a_line_has_a_gap_where_nothing_is_known_and_a_dot_where_a_point_is_alone() -> None:
    points = [Point(str(place), (value,)) for place, value in enumerate([1, 2, None, 3, None, 4, 5])]
    drawing = str(charts.lines(points, ("a",), ("accent",)).drawing)
    (line,) = re.findall(r'class="line-accent" d="([^"]+)"', drawing)
    (dots,) = re.findall(r'class="line-accent dot" d="([^"]+)"', drawing)
    assert (line.count("M"), line.count("L"), dots.count("M")) == (3, 2, 1)


def test_names_are_never_markup() -> None:
    found = charts.columns([Point("<b>", (1,))], ("<i>",), ("good",))
    assert "<b>" not in found.drawing and "&lt;b&gt;: &lt;i&gt; 1" in found.drawing


@pytest.mark.parametrize(
    ("share", "words"), [(None, "–"), (1, "100.0 %"), (0.99999, "99.9 %"), (0.98765, "98.8 %"), (0, "0.0 %")]
)
def test_what_is_not_all_is_never_shown_as_all(share: float | None, words: str) -> None:
    assert rendering.percent(share) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (1_000_000, "1.0M"), (2.5e9, "2.5B"), (None, "–")],
)
def test_large_figures_are_short(value: float | None, words: str) -> None:
    assert rendering.compact(value) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [(0, "now"), (-30_000, "30 s ago"), (-90_000, "1 min ago"), (-7_200_000, "2 h ago"), (300_000, "in 5 min")],
)
def test_times_are_told_from_now(at: int, words: str) -> None:
    assert rendering.ago(1_000_000_000_000 + at, 1_000_000_000_000) == words
