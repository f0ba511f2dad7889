"""What docs/providers.md shows can be declared as it stands."""

import tomllib
from pathlib import Path

import pytest

from heliograph.carriers import catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text()
EXAMPLE = tomllib.loads(PAGE.partition("```toml\n")[2].partition("```")[0])


@pytest.mark.parametrize("name", EXAMPLE["connectors"])
def test_a_connector_of_the_page_can_be_declared(name: str) -> None:
    spec = EXAMPLE["connectors"][name]
    assert catalogue.check(spec["kind"], spec) is None


def test_every_kind_of_provider_is_named() -> None:
    assert [kind for kind in catalogue.PROVIDERS if f"`{kind}`" not in PAGE] == []
