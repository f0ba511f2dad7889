"""What docs/two-way.md declares can be declared."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from heliograph.engine.policies import FORMS

PAGE = Path(__file__).parents[2] / "docs/two-way.md"
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS)
def test_what_the_page_declares_is_right(block: str) -> None:
    for name, spec in tomllib.loads(block)["policies"].items():
        assert msgspec.convert(spec, FORMS[name]).wrong() == []  # type: ignore[attr-defined]
