"""No example in the pages is skipped in silence: each block is run, or read by what it is for, or says who runs it."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from heliograph.api.site import ROUTES
from heliograph.carriers import catalogue
from heliograph.core.campaigns import CampaignSpec
from heliograph.engine.declare import read
from heliograph.engine.declared import OPERATOR
from heliograph.engine.form import Place, Tools, check
from heliograph.settings import SECTIONS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MARK = re.compile(r"<!-- (not run|run by): (.+?) -->", re.DOTALL)
RUNNABLE = ("sh", "python", "js", "bash", "console", "ts", "typescript", "sql")
READ = ("toml", "json", "csv", "mermaid", "text", "yaml", "ini", "nginx")
EXCUSED = {
    "README.md-1": "a picture",
    "README.md-2": "`make run` and `make test` are what CI does",
}


class Block(NamedTuple):
    """A fenced block, with what stands right above it."""

    id: str
    page: Path
    language: str
    is_run: bool
    code: str
    mark: re.Match[str] | None


def blocks() -> Iterator[Block]:
    for page in PAGES:
        name = page.relative_to(ROOT / "docs").as_posix() if page.parent != ROOT else page.name
        text = page.read_text("utf-8")
        for number, found in enumerate(re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE), 1):
            language, _, more = found[1].partition(" ")
            above = text[: found.start()].rstrip()
            mark = MARK.fullmatch(above[above.rfind("<!--") :]) if above.endswith("-->") else None
            yield Block(f"{name}-{number}", page, language, more.startswith("run"), found[2], mark)


BLOCKS = list(blocks())


def chosen(*languages: str) -> list[Any]:
    return [pytest.param(block, id=block.id) for block in BLOCKS if block.language in languages]


def test_every_block_is_run_or_read_or_says_why_not() -> None:
    """Those with `run` are run by tests/docs/test_readme.py as they stand."""
    silent = [
        f"{block.id}: {block.language or 'no language'}"
        for block in BLOCKS
        if not (block.is_run or block.mark or block.language in READ) and block.id not in EXCUSED
    ]
    assert silent == []
    assert [block.id for block in BLOCKS if block.is_run and block.mark] == []
    assert [block.language for block in BLOCKS if block.language and block.language not in (*RUNNABLE, *READ)] == []


def test_who_is_said_to_run_a_block_is_there() -> None:
    places = {place for block in BLOCKS if block.mark and block.mark[1] == "run by" for place in block.mark[2].split()}
    assert {place for place in places if not (ROOT / place).is_file()} == set()


@pytest.mark.parametrize("block", chosen("json"))
def test_json_is_json(block: Block) -> None:
    assert msgspec.json.decode(block.code) is not None


@pytest.mark.parametrize("block", chosen("csv"))
def test_a_table_has_as_many_cells_in_each_line(block: Block) -> None:
    assert len({len(row) for row in csv.reader(io.StringIO(block.code))}) == 1


# -- what can be declared

TOOLS = Tools(catalogue.check, lambda url: None, lambda: "whsec_", str, str)
PROCESS = frozenset(SECTIONS)


@pytest.mark.parametrize("block", [param for param in chosen("toml") if not param.values[0].mark])
def test_what_is_shown_as_configuration_can_be_declared(block: Block) -> None:
    """Settings of the process, declared objects, or a campaign: each is read by what reads it in the program."""
    document = tomllib.loads(block.code)
    if "audience" in document:
        assert msgspec.convert(document, CampaignSpec).wrong(0) == []
        return
    for section in PROCESS & document.keys():
        msgspec.convert(document.pop(section), SECTIONS[section])
    objects = read(document, OPERATOR)
    connectors = dict.fromkeys(("telco", "global", "old", "new", "main"), OPERATOR)
    environments = frozenset({(OPERATOR, "live"), (OPERATOR, "test")})
    place = Place(connectors, frozenset({OPERATOR}), environments, senders={}, knows_machine=True)
    assert check(objects, place, TOOLS) == []


# -- what can be asked for

STEPS = {(route.method, tuple(route.path.strip("/").split("/"))) for route in ROUTES}
OTHERS = {("POST", ("oauth", "token")), ("GET", ("metrics",)), ("GET", ("docs",))}


def exists(method: str, path: str) -> bool:
    """Is there such a route? Capitals, ids and braces in a page stand for any value."""
    steps = tuple(path.partition("?")[0].strip("/").split("/"))
    return any(
        known == method
        and len(wanted) == len(steps)
        and all(one == other or one.startswith("{") for one, other in zip(wanted, steps, strict=True))
        for known, wanted in STEPS | OTHERS
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_call_that_a_page_names_is_one_of_the_api(page: Path) -> None:
    named = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`\s]*)", page.read_text("utf-8"))
    assert [f"{method} {path}" for method, path in named if "…" not in path and not exists(method, path)] == []
