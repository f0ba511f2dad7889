"""What docs/plans.md declares can be declared, and its table names every field of a step."""

import tomllib
from pathlib import Path

import msgspec

from heliograph.core.plans import PlanSpec, PlanStep

PAGE = (Path(__file__).parents[2] / "docs" / "plans.md").read_text()


def test_the_example_can_be_declared() -> None:
    (example,) = (tomllib.loads(part.partition("```")[0]) for part in PAGE.split("```toml\n")[1:])
    for spec in example["plans"].values():
        assert msgspec.convert(spec, PlanSpec).wrong() == []


def test_every_field_is_in_the_table() -> None:
    rows = PAGE.partition("| field | says |")[2].partition("\n\n")[0]
    assert [name for name in PlanStep.__struct_fields__ if f"`{name}`" not in rows] == []
