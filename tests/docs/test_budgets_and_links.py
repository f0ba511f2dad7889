"""What docs/budgets.md and docs/links.md show can be declared as it stands, and does what the pages say."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from heliograph.core.charges import Alarm, Limit, billionths
from heliograph.core.links import Visit, judge
from heliograph.engine import policies
from heliograph.engine.budgets import Budgets, DeclaredBudget, Runaway
from heliograph.engine.days import span_of
from heliograph.engine.short_links import LinkPolicy
from heliograph.store.tallies import alarm_event

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text() for name in ("budgets", "links")}


def block(page: str, language: str) -> str:
    return PAGES[page].partition(f"```{language}\n")[2].partition("```")[0]


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_shows_can_be_declared(page: str) -> None:
    spec: dict[str, Any] = tomllib.loads(block(page, "toml"))["policies"][page]
    assert policies.wrong(msgspec.convert(spec, policies.FORMS[page])) == []


def test_every_key_is_explained() -> None:
    keys = [set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) for part in PAGES["budgets"].split("| key |")[1:]]
    assert keys == [set(DeclaredBudget.__struct_fields__), set(Runaway.__struct_fields__)]
    table = PAGES["links"].partition("| key |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(LinkPolicy.__struct_fields__)


def test_the_alarm_of_the_page_is_the_one_that_is_told() -> None:
    spec = tomllib.loads(block("budgets", "toml"))["policies"]["budgets"]
    month = msgspec.convert(spec, Budgets).budgets[0]
    begins, ends = span_of(1_795_223_700_000, month.time_zone, month.per)
    limit = Limit((1, "month/spend", "", begins), 1, ends, month.limits["spend"], "spend", currency=month.currency)
    event = alarm_event(Alarm(limit, 80, billionths("2000.05")), 0)
    assert event.type == "alarm.budget"
    assert msgspec.json.decode(event.data or "") == msgspec.json.decode(block("budgets", "json"))


def test_every_reason_of_the_page_exists() -> None:
    table = PAGES["links"].partition("| `bot` |")[2].partition("\n\n")[0]
    visits = [
        Visit("HEAD", "x", "", 99_999),
        Visit("GET", "x", "prefetch", 99_999),
        Visit("GET", "", "", 99_999),
        Visit("GET", "curl/8", "", 99_999),
        Visit("GET", "x", "", None),
        Visit("GET", "x", "", 1),
    ]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [judge(visit).bot for visit in visits]
