"""What docs/routing.md shows can be declared as it stands, and what it promises of the trace is what the core says."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.core.order import arrange
from heliograph.core.prices import PriceBook
from heliograph.core.quality import Quality, Score
from heliograph.core.routing import Facts
from heliograph.engine.declare import read
from heliograph.engine.declared import OPERATOR
from heliograph.engine.form import Place, Tools, check
from heliograph.engine.specs import route_of

PAGE = (Path(__file__).parents[2] / "docs" / "routing.md").read_text()
EXAMPLES = [tomllib.loads(part.partition("```")[0]) for part in PAGE.split("```toml\n")[1:]]
TOOLS = Tools(lambda kind, spec: None, lambda url: None, lambda: "", str, str)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_can_be_declared(example: dict[str, Any]) -> None:
    connectors = dict.fromkeys(EXAMPLES[0]["connectors"], OPERATOR)
    place = Place(connectors, frozenset({OPERATOR}), frozenset(), senders={}, knows_machine=True)
    assert check(read(example, OPERATOR), place, TOOLS) == []


def test_the_trace_is_what_the_page_shows() -> None:
    shown = msgspec.json.decode(PAGE.partition("```json\n")[2].partition("```")[0])
    codes = route_of("codes", EXAMPLES[0]["routes"][0], None)
    scores = {name: Score(value, 0.01, True) for name, value in shown["scores"].items()}
    facts = Facts(1, "", "GB", "otp", None, 0.0)
    usable = dict.fromkeys(codes.via)
    assert arrange(codes, usable, facts, PriceBook(), Quality({("GB", "otp"): scores})).why == shown


def test_every_condition_is_in_the_table() -> None:
    from heliograph.engine.forms import MatchForm

    rows = PAGE.partition("| condition in")[2].partition("\n\n")[0]
    assert [name for name in MatchForm.__struct_fields__ if f"`{name}`" not in rows] == []
