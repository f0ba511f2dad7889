"""What docs/channels.md shows can be declared as it stands, and it names every channel that there is."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.carriers import catalogue
from heliograph.core.channels import CHANNELS
from heliograph.engine.declare import read
from heliograph.engine.declared import OPERATOR
from heliograph.engine.form import Place, Tools, check

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
EXAMPLES = [tomllib.loads(part.partition("```")[0]) for part in PAGE.split("```toml\n")[1:]]
TOOLS = Tools(catalogue.check, lambda url: None, lambda: "", str, str, catalogue.carries)


def fields(content: type[msgspec.Struct]) -> list[str]:
    """Its own, and those of what they hold."""
    found: list[str] = []
    for field in msgspec.structs.fields(content):
        found.append(field.name)
        for part in getattr(field.type, "__args__", (field.type,)):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                found += fields(part)
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_can_be_declared(example: dict[str, Any]) -> None:
    place = Place({}, frozenset({OPERATOR}), frozenset(), senders={}, knows_machine=True)
    assert check(read(example, OPERATOR), place, TOOLS) == []


def test_every_channel_and_all_that_it_takes_is_in_the_table() -> None:
    rows = {row.split("|")[1].strip(" `"): row for row in PAGE.splitlines() if row.startswith("| `")}
    assert list(rows) == list(CHANNELS)
    for name, channel in CHANNELS.items():
        assert [field for field in fields(channel.content) if f"`{field}`" not in rows[name]] == []
