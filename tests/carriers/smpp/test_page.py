"""The page for operators says what the settings and the tables say."""

import re
import tomllib
from pathlib import Path
from typing import Final

import msgspec

from heliograph.carriers import catalogue
from heliograph.carriers.smpp.settings import KINDS, Settings
from heliograph.engine.receipts import FORMS
from heliograph.smpp.status import CODES

PAGE: Final = (Path(__file__).parents[3] / "docs/smpp-connector.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table of a section, without its head."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return lines[2:]


def test_the_example_of_the_page_can_be_declared() -> None:
    examples = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    connectors = [item for example in examples for item in tomllib.loads(example)["connectors"].items()]
    assert [name for name, _ in connectors] == ["telco"]
    for _, spec in connectors:
        assert catalogue.check(spec["kind"], spec) is None


def test_the_page_explains_each_setting_with_its_default() -> None:
    explained = {name.strip("`"): default for name, default, _ in rows("What to ask the carrier")}
    assert list(explained) == list(Settings.__struct_fields__)
    for field in msgspec.structs.fields(Settings):
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if default is msgspec.NODEFAULT:
            assert explained[field.name] == "needed"
        elif default is None:
            assert explained[field.name] == "none"
        else:
            assert tomllib.loads(f"x = {explained[field.name].strip('`')}")["x"] == default


def test_the_page_names_every_form_of_ids_and_every_class_of_refusals() -> None:
    forms = [name for row in rows("How receipts find their messages") for name in re.findall(r"`(\w+)`", row[0])]
    assert forms == [*FORMS]
    classes = rows("What a refusal means")
    assert [row[0].strip("`") for row in classes] == [*KINDS]
    assert {name for row in classes for name in re.findall(r"\bR[A-Z_]{4,}\b", row[1])} <= CODES.keys()
