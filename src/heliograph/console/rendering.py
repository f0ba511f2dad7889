"""From a template and values to a page. Everything that is shown is escaped; a name that a template misspells is an
error, not an empty place.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from heliograph.console import assets, charts
from heliograph.core.ids import make
from heliograph.core.request import read_time
from heliograph.core.telling import span

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
_COMPACT: Final = ((1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k"))


def page(template: str, values: Mapping[str, Any]) -> bytes:
    return _environment().get_template(template).render(values).encode()


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("heliograph.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update(
        number=number,
        compact=compact,
        percent=percent,
        duration=duration,
        exact=exact,
        machine=machine,
        money=money,
        ticked=ticked,
    )
    made.filters.update(instant=instant)
    made.globals.update(asset=assets.address, icon=icon, ago=ago, charts=charts, public_id=make)
    return made


def icon(name: str) -> Markup:
    """A picture that says nothing that the words beside it don't."""
    return Markup(
        '<svg class="icon" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false">{}</svg>'
    ).format(Markup(_icons()[name]))


@cache
def _icons() -> dict[str, str]:
    """Drawn on 20 × 20."""
    text = (resources.files("heliograph.console") / "icons.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, str])


def ticked(text: str) -> Markup:
    """A sentence; what stands between backticks is code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


# -- figures and times as people read them


def number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def compact(value: float | None) -> str:
    """Short: 12.4k, 3.1M."""
    if value is None:
        return "–"
    for size, letter in _COMPACT:
        if abs(value) >= size:
            return f"{value / (1_000 if letter == 'k' else size):.1f}{letter}"
    return f"{value:,.0f}"


def percent(value: float | None, digits: int = 1) -> str:
    """Of a share between 0 and 1. Never rounded up to 100, nor down to 0."""
    if value is None:
        return "–"
    shown = f"{value * 100:.{digits}f}"
    if value < 1 and float(shown) == 100:
        shown = f"{100 - 10**-digits:.{digits}f}"
    return f"{shown} %"


def duration(ms: float | None) -> str:
    """How long something took."""
    return "–" if ms is None else span(ms)


def ago(at_ms: int, now_ms: int) -> str:
    """How long ago, or until when."""
    away = abs(now_ms - at_ms) // 1_000
    text = "now" if away < 2 else f"{away} s"
    for size, name in _UNITS:
        if away >= size:
            text = f"{away // size} {name}"
            break
    if text == "now":
        return text
    return f"{text} ago" if at_ms <= now_ms else f"in {text}"


def exact(at_ms: int) -> str:
    """For people, in UTC."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%-d %b %Y, %H:%M:%S UTC")


def machine(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1_000:03d}Z"


def instant(text: str | None) -> int | None:
    """A time as the API writes it."""
    found = read_time(text, "") if text else None
    return found if isinstance(found, int) else None


def money(value: Decimal | str | None, currency: str | None = None, digits: int | None = None) -> str:
    if value is None:
        return "–"
    amount = Decimal(value)
    shown = f"{amount:,.{digits}f}" if digits is not None else f"{amount:,f}"
    return f"{shown} {currency}" if currency else shown
