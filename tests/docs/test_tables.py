"""Nothing only grows: the list of tables, with what bounds each, has all of them."""

import re
import sqlite3
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIGRATIONS = ROOT / "src/heliograph/store/migrations/sqlite"
PAGE = ROOT / "docs/operations/tables.md"


def test_every_table_is_on_the_list_once() -> None:
    ledger = sqlite3.connect(":memory:")
    for step in sorted(MIGRATIONS.glob("*.up.sql")):
        ledger.executescript(step.read_text())
    there = [row[0] for row in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    ledger.close()
    cells = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(cells))) == sorted([*there, "migrations"])


def test_what_bounds_a_table_is_a_setting_that_there_is() -> None:
    settings = (ROOT / "docs/reference/settings.md").read_text()
    cells = [line.split("|")[2] for line in PAGE.read_text().splitlines() if "|" in line]
    bounds = re.findall(r"`(\w+)`", " ".join(cells))
    assert [name for name in bounds if f"`{name}`" not in settings] == []
