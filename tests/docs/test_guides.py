"""The pages for people who decide and operate: they name every state and class there is, and the figures that were
measured; their lists keep their promises."""

import re
from pathlib import Path

import pytest

from heliograph.core.failures import CONSEQUENCES
from heliograph.core.lifecycle import ENDS, RANK, STATES
from heliograph.core.message import LANES

DOCS = Path(__file__).parents[2] / "docs"
STAFF = (DOCS / "operations/staff-guide.md").read_text()
CAPACITY = (DOCS / "operations/capacity.md").read_text()


def first_cells(text: str, head: str) -> list[str]:
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    return [name for line in table.splitlines() for name in re.findall(r"^\| `(\w+)`", line)]


def test_staff_can_look_up_every_state_and_every_reason() -> None:
    assert set(first_cells(STAFF, "state")) == set(STATES)
    assert set(first_cells(STAFF, "class")) == set(CONSEQUENCES)


def test_no_cell_for_the_customer_is_empty() -> None:
    rows = [line.split(" | ") for line in STAFF.splitlines() if line.startswith("| `")]
    assert rows and all(cell.strip(" |") for row in rows for cell in row)


def test_capacity_names_only_figures_that_were_measured() -> None:
    measured = (DOCS / "benchmark.md").read_text()
    rows = CAPACITY.partition("| way |")[2].partition("\n\n")[0].splitlines()[2:]
    figures = [number for row in rows for number in re.findall(r"\d[\d,]*(?:–\d[\d,]*)?", row.split("|", 2)[2])]
    assert figures and [number for number in figures if number not in measured] == []


@pytest.mark.parametrize(
    ("a_day", "a_second"), re.findall(r"^\| (\d+ million|\d+ billion) \| ([\d,]+)/s", CAPACITY, re.MULTILINE)
)
def test_the_arithmetic_is_right(a_day: str, a_second: str) -> None:
    number, unit = a_day.split()
    mean = int(number) * {"million": 10**6, "billion": 10**9}[unit] / 86_400
    assert abs(int(a_second.replace(",", "")) / (mean * 5) - 1) < 0.02


def test_the_concepts_name_every_kind() -> None:
    assert first_cells((DOCS / "concepts.md").read_text(), "kind") == list(LANES)


def test_the_order_of_states_for_receivers_is_ours() -> None:
    page = (DOCS / "how-to/webhooks.md").read_text()
    shown = dict(re.findall(r'"(\w+)": (\d)', page.partition("RANK = {")[2].partition("}")[0]))
    assert shown == {state: str(rank) for state, rank in RANK.items()}
    for example in ("fastapi_app/app.py", "orders/app.py", "django_app/management/commands/work.py"):
        text = (DOCS.parent / "examples" / example).read_text()
        ends = set(re.findall(r'"(\w+)"', text.partition("ENDS = (")[2].partition(")")[0]))
        assert ends == ENDS - {"delivered", "read"}


def test_every_list_of_the_readiness_page_has_points() -> None:
    page = (DOCS / "operations/readiness.md").read_text()
    lists = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(lists) == ["Before you build", "While you build", "The launch", "Afterwards"]
    assert min(text.count("- [ ]") for text in lists.values()) >= 7
