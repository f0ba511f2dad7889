"""What docs/exports.md, docs/streams.md and docs/observability.md show can be declared, and names all that there is."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.engine.exports.form import ExportForm
from heliograph.engine.exports.formats import MEDIA_TYPES
from heliograph.engine.exports.tables import TABLES
from heliograph.engine.streams.form import StreamForm
from heliograph.settings.tree import Tracing

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text() for name in ("exports", "streams", "observability")}


def block(page: str) -> dict[str, Any]:
    return tomllib.loads(PAGES[page].partition("```toml\n")[2].partition("```")[0])


def first_cells(page: str, head: str) -> list[str]:
    table = PAGES[page].partition(f"\n| {head} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize(("page", "form"), [("exports", ExportForm), ("streams", StreamForm)])
def test_what_a_page_shows_can_be_declared(page: str, form: Any) -> None:
    for name, spec in block(page)[page].items():
        assert msgspec.convert(spec, form).wrong() == [], name


def test_every_kind_of_stream_is_shown() -> None:
    shown = {spec["kind"] for spec in block("streams")["streams"].values()}
    assert shown == {"kafka", "nats", "rabbitmq", "webhook_batch"}


def test_every_key_is_explained() -> None:
    assert first_cells("exports", "key") == list(ExportForm.__struct_fields__)
    assert sorted(first_cells("streams", "key")) == sorted(StreamForm.__struct_fields__)


def test_every_export_and_format_is_named() -> None:
    assert first_cells("exports", "export") == list(TABLES)
    assert first_cells("exports", "format") == list(MEDIA_TYPES)


def test_traces_are_set_as_the_page_says() -> None:
    assert msgspec.convert(block("observability")["tracing"], Tracing).sample == 0.05


def test_every_file_of_the_page_is_there() -> None:
    folder = DOCS.parent / "deploy" / "observability"
    assert sorted(first_cells("observability", "file")) == sorted(file.name for file in folder.iterdir())
