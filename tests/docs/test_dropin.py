"""docs/drop-in.md promises nothing that no test keeps, and forgets no door."""

import re
from pathlib import Path

from heliograph.api.doors import ROUTES
from heliograph.core.dropin import twilio

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/drop-in.md").read_text()


def test_every_row_names_a_test_that_there_is() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "::" in line]
    named = [re.search(r"`([\w.]+)::(\w+)` \|$", row) for row in rows]
    assert len(rows) > 30 and all(named)
    missing = [
        found[0]
        for found in named
        if found is not None and f"def {found[2]}(" not in (ROOT / "tests/doors" / found[1]).read_text()
    ]
    assert missing == []


def test_every_door_is_in_a_table() -> None:
    words = {"2010-04-01": "## Twilio", "v2": "Verify"}
    places = {words.get(route.steps[0], f"/{'/'.join(route.steps)}") for route in ROUTES}
    assert [place for place in sorted(places) if place not in PAGE] == []


def test_the_numbers_of_failures_are_all_told() -> None:
    told = PAGE.partition("Numbers of failures")[2].partition("\n\n")[0]
    assert set(map(int, re.findall(r"\b\d{5}\b", told))) == set(twilio.MEANINGS)
