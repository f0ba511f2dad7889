"""The pictures of the site: flowcharts of the pages, drawn as SVG, so that no script of others has to run to see them.

A page has its picture as Mermaid text, which code forges draw by themselves; here the same text is read and drawn.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_EDGE: Final = re.compile(r"^\s*(\w+) (-->|-\.->)\|(\w+)\| (\w+)\s*$")
_FENCE: Final = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The states of a message: on the way from left to right, the ends in a column.
PLACES: Final = {
    "accepted": (70, 190),
    "scheduled": (220, 90),
    "queued": (220, 280),
    "sending": (390, 130),
    "sent": (560, 280),
    "rejected": (150, 400),
    "canceled": (290, 400),
    "expired": (740, 60),
    "failed": (740, 140),
    "undelivered": (740, 220),
    "delivered": (880, 310),
    "read": (880, 410),
}
_WIDTH, _HEIGHT, _BOX, _TALL = 1010, 440, 108, 32


class Edge(NamedTuple):
    """From one state to another, by a fact; a correction is one that is seldom."""

    origin: str
    target: str
    fact: str
    is_correction: bool


def drawn(markdown: str) -> str:
    """A page whose flowcharts are pictures."""
    return _FENCE.sub(lambda found: _picture(list(_edges(found[1]))), markdown)


def _edges(text: str) -> Iterator[Edge]:
    for line in text.splitlines()[1:]:
        found = _EDGE.match(line)
        if found is None:
            raise ValueError(f"this line of a flowchart can't be drawn: {line}")
        yield Edge(found[1], found[4], found[3], found[2] == "-.->")


def _picture(edges: list[Edge]) -> str:
    boxes = "".join(
        f'<rect x="{x - _BOX // 2}" y="{y - _TALL // 2}" width="{_BOX}" height="{_TALL}" rx="6" fill="none" '
        f'stroke="currentColor"/><text x="{x}" y="{y + 5}" text-anchor="middle" font-size="14">{name}</text>'
        for name, (x, y) in PLACES.items()
    )
    arrow = (
        '<marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="currentColor"/></marker>'
    )
    lines = "".join(map(_line, edges))
    told = "; ".join(f"{edge.origin} to {edge.target} by {edge.fact}" for edge in edges)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" fill="currentColor" '
        f'font-family="sans-serif"><title>{told}</title><defs>{arrow}</defs>{lines}{boxes}</svg>\n'
    )


def _line(edge: Edge) -> str:
    (x, y), (to_x, to_y) = PLACES[edge.origin], PLACES[edge.target]
    if edge.is_correction and edge.target == "delivered":  # from the side of an end to the top of it
        way, label = f"M{x + _BOX // 2} {y}Q{to_x} {y} {to_x} {to_y - _TALL // 2}", None
    elif edge.is_correction and edge.origin != "delivered":  # around it
        out = x + _BOX // 2, to_x + _BOX // 2
        way, label = f"M{out[0]} {y}C{out[1] + 60} {y} {out[1] + 60} {to_y} {out[1]} {to_y}", None
    else:
        way, label = _bent((x, y), (to_x, to_y))
    dash = ' stroke-dasharray="4 4" opacity="0.6"' if edge.is_correction else ""
    path = f'<path d="{way}" fill="none" stroke="currentColor"{dash} marker-end="url(#arrow)"/>'
    if label is None:
        return path
    where = f'x="{label[0]:.0f}" y="{label[1]:.0f}"'
    return f'{path}<text {where} text-anchor="middle" font-size="11" opacity="0.75">{edge.fact}</text>'


def _bent(origin: tuple[int, int], target: tuple[int, int]) -> tuple[str, tuple[float, float]]:
    """A way between two boxes, and where its name stands: bent to the right, so that back is another way."""
    (x, y), (to_x, to_y) = origin, target
    is_across = abs(to_x - x) > _BOX
    side = (1 if to_x > x else -1) * _BOX // 2 if is_across else 0
    drop = 0 if is_across else (1 if to_y > y else -1) * _TALL // 2
    (x, y), (to_x, to_y) = (x + side, y + drop), (to_x - side, to_y - drop)
    middle = ((x + to_x) / 2 - (to_y - y) * 0.22, (y + to_y) / 2 + (to_x - x) * 0.22)
    label = ((x + 2 * middle[0] + to_x) / 4, (y + 2 * middle[1] + to_y) / 4)
    return f"M{x} {y}Q{middle[0]:.0f} {middle[1]:.0f} {to_x} {to_y}", (label[0], label[1] - 3)
