"""What docs/prices.md shows can be imported and declared as it stands, and its tables name all that there is."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from heliograph.core.lookups import LookupPolicy
from heliograph.core.prices import ITEMS
from heliograph.engine import policies
from heliograph.engine.costs import BY, LONGEST_MS, CostView
from heliograph.engine.declare import read as objects_of
from heliograph.engine.declared import OPERATOR
from heliograph.engine.form import Place, Tools, check
from heliograph.engine.pricing import read

PAGE = (Path(__file__).parents[2] / "docs" / "prices.md").read_text()
TABLE = PAGE.partition("```csv\n")[2].partition("```")[0]
EXAMPLES = [tomllib.loads(part.partition("```")[0]) for part in PAGE.split("```toml\n")[1:]]
TOOLS = Tools(lambda kind, spec: None, lambda url: None, lambda: "", str, str)


def test_the_table_of_the_page_can_be_imported() -> None:
    lines = read(TABLE, ["telco"])
    assert {line.item for line in lines} == set(ITEMS)
    assert all(Decimal(line.price) for line in lines)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_can_be_declared(example: dict[str, object]) -> None:
    place = Place({"telco": OPERATOR}, frozenset({OPERATOR}), frozenset(), senders={}, knows_machine=True)
    assert check(objects_of(example, OPERATOR), place, TOOLS) == []


def rows(head: str) -> set[str]:
    table = PAGE.partition(f"| {head} |")[2].partition("\n\n")[0]
    return {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.partition(" | ")[0])}


def test_every_item_field_and_key_is_in_its_table() -> None:
    assert rows("item") == set(ITEMS)
    assert rows("field") == set(CostView.__struct_fields__) - {"group", "currency"}
    assert rows("key") == set(LookupPolicy.__struct_fields__)
    assert policies.FORMS["lookup"] is LookupPolicy


def test_the_bounds_of_the_page_are_those_of_the_code() -> None:
    assert f"at most {LONGEST_MS // 86_400_000} days" in PAGE
    assert all(f"`{by}`" in PAGE for by in BY)
