"""Charts, drawn here as SVG out of figures: the same figures give the same picture.

A drawing holds shapes alone and is stretched to its place; the words at its sides stay text, so that they are read on
a phone too. Each comes with its figures as rows, for those who can't see it.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup

WIDTH: Final = 600
HEIGHT: Final = 160
_STEPS: Final = 4
_NICE: Final = (1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 12)


class Point(msgspec.Struct, frozen=True):
    """One place on the x axis: its name, and a value for each series; None: nothing is known."""

    name: str
    values: tuple[float | None, ...]


class Chart(msgspec.Struct, frozen=True):
    """A drawing with the words around it. `y`: from the top down."""

    drawing: Markup
    series: tuple[str, ...]
    y: tuple[str, ...]
    x: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_empty: bool


def columns(points: Sequence[Point], series: tuple[str, ...], styles: tuple[str, ...], unit: str = "") -> Chart:
    """Stacked columns. `styles`: of each series, one of the classes in console.css."""
    top = ceiling(max((sum(_known(point)) for point in points), default=0))
    width = WIDTH / max(1, len(points))
    gap = min(width * 0.25, 3)
    shapes = []
    for index, point in enumerate(points):
        below, parts = float(HEIGHT), []
        for value, style in zip(point.values, styles, strict=True):
            height = (value or 0) / top * HEIGHT
            if height > 0:
                below -= height
                parts.append(
                    f'<rect class="fill-{style}" x="{index * width + gap / 2:.2f}" y="{below:.2f}" '
                    f'width="{width - gap:.2f}" height="{height:.2f}"/>'
                )
        if parts:
            shapes.append(
                Markup("<g><title>{}</title>{}</g>").format(_told(point, series, unit), Markup("".join(parts)))
            )
    return _chart(Markup("").join(shapes), points, series, top, unit)


def lines(points: Sequence[Point], series: tuple[str, ...], styles: tuple[str, ...], unit: str = "") -> Chart:
    """One line for each series; where nothing is known it has a gap."""
    top = ceiling(max((max(_known(point), default=0) for point in points), default=0))
    shapes = []
    for number, style in enumerate(styles):
        path, alone, values = [], [], [point.values[number] for point in points]
        for index, value in enumerate(values):
            if value is None:
                continue
            is_joined = index > 0 and values[index - 1] is not None
            place = f"{_x(index, len(points)):.2f} {HEIGHT - value / top * HEIGHT:.2f}"
            path.append(f"{'L' if is_joined else 'M'}{place}")
            if not is_joined and (index + 1 == len(values) or values[index + 1] is None):
                alone.append(f"M{place}h0")  # a line of no length: its round ends make it a dot
        for kind, shape in ((f"line-{style}", path), (f"line-{style} dot", alone)):
            if shape:
                shapes.append(f'<path class="{kind}" d="{"".join(shape)}" vector-effect="non-scaling-stroke"/>')
    return _chart(Markup("".join(shapes)), points, series, top, unit)


def histogram(bins: Sequence[tuple[str, int]], name: str) -> Chart:
    """How many fall into each bin."""
    return columns([Point(bin_name, (count,)) for bin_name, count in bins], (name,), ("accent",))


def sparkline(values: Sequence[float | None]) -> Markup:
    """A small line without axes, beside a figure that says the rest."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    reach = (high - low) or 1
    path, pen = [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{index / (len(values) - 1) * 100:.1f} {22 - (value - low) / reach * 20:.1f}")
        pen = "L"
    return Markup(
        '<svg class="sparkline" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<path d="{}" vector-effect="non-scaling-stroke"/></svg>'
    ).format(" ".join(path))


def ceiling(value: float) -> float:
    """The top of an axis: a round number not below the value, whose quarters are round too."""
    if value < 10 and float(value).is_integer():
        return next(float(top) for top in (4, 8, 12) if top >= value)
    size = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 10.0 ** -_zeros(value)
    return next(factor * size for factor in _NICE if factor * size >= value)


def axis(value: float) -> str:
    """A number as it stands at an axis."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    if value >= 10_000:
        return f"{value / 1_000:g}k"
    return f"{value:,g}" if value >= 1 or value == 0 else f"{value:.3g}"


def _zeros(value: float) -> int:
    """How many places after the point until there is something: 0.03 → 2."""
    places = 0
    while value < 1 and places < 9:
        value, places = value * 10, places + 1
    return places


def _chart(shapes: Markup, points: Sequence[Point], series: tuple[str, ...], top: float, unit: str) -> Chart:
    grid = "".join(
        f'<path class="grid" d="M0 {HEIGHT * step / _STEPS:.0f}H{WIDTH}" vector-effect="non-scaling-stroke"/>'
        for step in range(_STEPS + 1)
    )
    drawing = Markup(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" focusable="false">{}{}</svg>'
    ).format(WIDTH, HEIGHT, Markup(grid), shapes)
    y = tuple(f"{axis(top * (_STEPS - step) / _STEPS)}{unit}" for step in range(_STEPS + 1))
    rows = tuple((point.name, *(_shown(value, unit) for value in point.values)) for point in points)
    return Chart(drawing, series, y, _names(points), rows, not any(sum(_known(point)) for point in points))


def _names(points: Sequence[Point]) -> tuple[str, ...]:
    """As many names as have room below: the first, the last and some between, evenly apart."""
    if len(points) <= 7:
        return tuple(point.name for point in points)
    return tuple(points[round(index * (len(points) - 1) / 4)].name for index in range(5))


def _x(index: int, count: int) -> float:
    return WIDTH * (index + 0.5) / count


def _known(point: Point) -> list[float]:
    return [value for value in point.values if value is not None]


def _told(point: Point, series: tuple[str, ...], unit: str) -> str:
    said = ", ".join(f"{name} {_shown(value, unit)}" for name, value in zip(series, point.values, strict=True))
    return f"{point.name}: {said}"


def _shown(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:,.{0 if float(value).is_integer() else 2}f}{unit}"
