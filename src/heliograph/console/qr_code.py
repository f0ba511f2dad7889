"""A QR code as a picture."""

from typing import Final

from markupsafe import Markup

from heliograph.core import qr

_QUIET: Final = 4  # light modules around it, which readers need


def drawn(text: str) -> Markup:
    """As SVG: one path, a square for each stretch of dark modules."""
    modules = qr.encode(text.encode())
    size, path = len(modules) + 2 * _QUIET, []
    for y, row in enumerate(modules):
        x = 0
        while x < len(row):
            run = 1
            while x + run < len(row) and row[x + run] == row[x]:
                run += 1
            if row[x]:
                path.append(f"M{x + _QUIET} {y + _QUIET}h{run}v1h-{run}z")
            x += run
    return Markup(
        '<svg class="qr" viewBox="0 0 {} {}" role="img" aria-label="The same key, to be scanned" '
        'shape-rendering="crispEdges">'
        '<path d="{}"/></svg>'
    ).format(size, size, "".join(path))
