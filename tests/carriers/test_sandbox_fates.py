"""Every row of the table of fates in docs/reference/sandbox.md, read as a customer reads it."""

import re
from typing import Any, NamedTuple

import pytest

from docs.generate import pages
from heliograph.carriers.sandbox.fates import FICTION
from heliograph.core.message import Message, Outcome
from tests.carriers.network import ORDINARY, Network, message, opened

BASE_MS = 1_000  # 1× of the table
ROUNDING_MS = 5  # what is due within so much of each other shares a timer
NEVER_MS = 100 * BASE_MS
PAGE = pages()["sandbox.md"]


def rows(first_header: str) -> list[list[str]]:
    """The cells of the table whose first column has this header."""
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith(f"| {first_header} |"):
            break
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


class Said(NamedTuple):
    """One report, as a row tells of it."""

    fact: str
    after: float | None  # None: before the answer
    failure: str | None
    code: str | None
    carrier_code: str | None
    about: str  # "" | a message that never was | the last part | the others


class Row(NamedTuple):
    """One row, understood."""

    fate: str
    digits: str
    text: str

    @property
    def refused(self) -> tuple[str, ...] | None:
        found = re.fullmatch(r"(?:at first )?refused: `(.+)`, `(.+)`, carrier code `(.+)`", self.text)
        return found.groups() if found else None

    @property
    def at_first(self) -> bool:
        return self.text.startswith("at first ")

    @property
    def reports(self) -> list[Said]:
        return [self._report(part) for part in self.text.split(", then ")[1:]]

    def _report(self, text: str) -> Said:
        found = re.fullmatch(
            r"(\w+)(?: \(`(\w+)`, `(\w+)`, carrier code `(.+?)`\))?(?: for (.+?))?"
            r" (?:after ([\d.]+)×|before the answer)",
            text,
        )
        assert found is not None, f"a row says what no test understands: {text!r}"
        fact, failure, code, carrier_code, about, after = found.groups()
        return Said(fact, float(after) if after else None, failure, code, carrier_code, about or "")


ROWS = [Row(cells[0].strip("`"), cells[1], cells[2]) for cells in rows("fate")]
each_row = pytest.mark.parametrize("row", ROWS, ids=[row.fate for row in ROWS])
PARTS = 3


async def meet(row: Row, **changes: Any) -> tuple[Network, Message]:
    """A message of several parts that asks for the row's fate, on a network that takes its time."""
    network = await opened(answer_delay_ms=20, receipt_delay_ms=BASE_MS, answer_timeout_ms=5_000)
    asking = message(segments=PARTS, **{"text": f"Hello [sandbox:{row.fate}]"} | changes)
    network.submit(asking)
    network.clock.pass_ms(NEVER_MS)
    return network, asking


def test_the_table_is_there_and_names_each_ending_once() -> None:
    digits = [row.digits for row in ROWS]
    assert digits[0] == "others" and ROWS[0].fate == "delivered"
    assert digits[1:] == [f"{ending:02d}" for ending in range(1, len(ROWS))]


@each_row
def test_a_row_says_something_that_can_be_tried(row: Row) -> None:
    assert row.refused or row.text in ("never answered", "taken, and no receipt") or row.reports


@each_row
@pytest.mark.asyncio
async def test_the_answer_is_what_the_row_says(row: Row) -> None:
    network, asking = await meet(row)
    outcome = network.outcome_of(asking)
    if row.refused:
        assert (outcome.state, outcome.failure, outcome.code, outcome.carrier_code) == ("refused", *row.refused)
        assert not outcome.carrier_ids
    elif row.text == "never answered":
        assert outcome == Outcome("unknown", failure="unknown", code="answer_timeout")
        assert network.times("answer") == pytest.approx([5_000], abs=ROUNDING_MS)
    else:
        assert outcome.state == "accepted"
        assert len(set(outcome.carrier_ids)) == PARTS
        assert network.times("answer") == pytest.approx([20], abs=ROUNDING_MS)


@each_row
@pytest.mark.asyncio
async def test_the_receipts_are_what_the_row_says(row: Row) -> None:
    network, asking = await meet(row)
    ids = network.outcome_of(asking).carrier_ids
    expected = []
    for said in row.reports:
        assert said.about in ("", "a message that never was", "the last part", "the others")
        parts = {"the last part": ids[-1:], "the others": ids[:-1]}.get(said.about, ids)
        expected += [(said.fact, said.failure, said.code, said.carrier_code, said.about[:1] == "a" or i) for i in parts]
    got = [
        (r.fact, r.failure, r.code, r.carrier_code, r.carrier_id not in ids or r.carrier_id)
        for r in network.heard("receipt")
    ]
    assert got == expected


@each_row
@pytest.mark.asyncio
async def test_the_receipts_come_when_the_row_says(row: Row) -> None:
    network, _ = await meet(row)
    answered = network.times("answer")[0]
    expected = []
    for said in row.reports:
        count = {"the last part": 1, "the others": PARTS - 1}.get(said.about, PARTS)
        expected += [0 if said.after is None else answered + said.after * BASE_MS] * count
    assert network.times("receipt") == pytest.approx(expected, abs=2 * ROUNDING_MS)
    early = sum(PARTS for said in row.reports if said.after is None)
    order = [what for _, what, _ in network.said if what in ("answer", "receipt")]
    assert order[:early] == ["receipt"] * early


@pytest.mark.parametrize("beginning", FICTION)
@each_row
@pytest.mark.asyncio
async def test_the_last_two_digits_of_a_number_of_fiction_ask_for_the_row(row: Row, beginning: str) -> None:
    digits = "99" if row.digits == "others" else row.digits
    by_number, first = await meet(row, text="Hello", to=f"{beginning}123"[:-2] + digits)
    by_text, second = await meet(row)
    assert by_number.outcome_of(first) == by_text.outcome_of(second)
    assert by_number.heard("receipt") == by_text.heard("receipt")


@each_row
@pytest.mark.asyncio
async def test_only_what_fails_at_first_goes_well_the_second_time(row: Row) -> None:
    network, asking = await meet(row)
    network.submit(asking, attempt=2)
    network.clock.pass_ms(NEVER_MS)
    again = network.outcome_of(asking, attempt=2)
    if row.at_first:
        assert again.state == "accepted" and network.facts() == ["delivered"] * PARTS
    else:
        first = network.outcome_of(asking)
        assert (again.state, again.failure, again.code) == (first.state, first.failure, first.code)


@each_row
@pytest.mark.asyncio
async def test_the_same_attempt_meets_the_same_fate_on_another_day(row: Row) -> None:
    first, asking = await meet(row)
    again, _ = await meet(row)
    assert [(at, what) for at, what, _ in first.said] == [(at, what) for at, what, _ in again.said]
    assert first.outcome_of(asking) == again.outcome_of(asking)


@pytest.mark.parametrize(
    ("to", "text"),
    [
        (ORDINARY, "Hello"),
        (ORDINARY, None),
        (ORDINARY[:-2] + "01", "ends like a fate, but is no number of fiction"),
        (ORDINARY, "[sandbox:no_such_fate]"),
        (ORDINARY, "[sandbox:"),
        ("+447700900199", "an ending that no row has"),
    ],
    ids=["plain", "no text", "a real number", "unknown name", "unfinished", "no ending"],
)
@pytest.mark.asyncio
async def test_all_others_are_delivered(to: str, text: str | None) -> None:
    network = await opened()
    network.submit(message(to=to, text=text))
    network.clock.pass_ms(NEVER_MS)
    assert network.facts() == ["delivered"]


@pytest.mark.asyncio
async def test_a_text_outranks_a_number() -> None:
    network = await opened()
    asking = message(to="+447700900101", text="[sandbox:content]")
    network.submit(asking)
    network.clock.pass_ms(NEVER_MS)
    assert network.outcome_of(asking).code == "content_filtered"


@each_row
@pytest.mark.asyncio
async def test_a_network_without_delays_says_the_same_in_the_same_order(row: Row) -> None:
    """What is due at once takes a shorter way through the code."""
    network = await opened(answer_delay_ms=0, receipt_delay_ms=0)
    asking = message(segments=PARTS, text=f"[sandbox:{row.fate}]")
    network.submit(asking)
    network.clock.pass_ms(NEVER_MS)
    unhurried, second = await meet(row)
    said = [(r.fact, r.code) for r in network.heard("receipt")]
    assert said == [(r.fact, r.code) for r in unhurried.heard("receipt")]
    assert network.outcome_of(asking).state == unhurried.outcome_of(second).state
