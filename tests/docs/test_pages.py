"""What the pages promise: links lead somewhere, requirements name real tests, dependencies are all explained."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
COUNTS = {"S0": 74, "S1": 32, "S2": 59, "S3": 26, "S4": 20}
ROWS = re.findall(
    r"^\| (S\d-\d+) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", (ROOT / "docs/requirements.md").read_text(), re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_no_machine_of_their_writers(page: Path) -> None:
    assert re.findall(r"/(?:work|root|home)/\S*", page.read_text()) == []


def test_every_requirement_has_its_line_in_order() -> None:
    wanted = [f"{guide}-{number}" for guide, count in COUNTS.items() for number in range(1, count + 1)]
    assert [row[0] for row in ROWS] == wanted


def test_every_place_of_a_requirement_exists() -> None:
    places = {(row[0], place) for row in ROWS for place in re.findall(r"`([^`]+)`", row[2])}
    assert (
        sorted(
            (number, place)
            for number, place in places
            if not any((folder / place).exists() for folder in (ROOT, ROOT / "src/heliograph"))
        )
        == []
    )


def test_every_test_of_a_requirement_exists() -> None:
    missing = []
    for number, _, _, tests, _ in ROWS:
        for named in re.findall(r"`([^`]+)`", tests):
            path, _, function = named.partition("::")
            file = ROOT / "tests" / path
            if not file.is_file() or f"def {function}(" not in file.read_text():
                missing.append((number, named))
    assert missing == []


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    explained = re.findall(r"^\| ([\w-]+) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    assert {re.split(r"[<>=;\[]", text)[0] for text in wanted} == set(explained) - {"package"}


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("0*.md"))
