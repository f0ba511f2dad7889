"""A message that takes another way bears that one's price."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from heliograph.core import retry
from heliograph.core.message import Message, Outcome, Submission
from heliograph.core.prices import PriceBook
from heliograph.engine.outcomes import not_taken
from heliograph.engine.specs import ConnectorSpec
from heliograph.engine.ways import Patience, Ways
from tests.carriers.network import NOW, Clock, message

BOOK = PriceBook(
    {("spare", "GB", "", "otp"): ("0.07", "GBP"), ("spare", "GB", "", ""): ("0.09", "GBP")}, {"first": ("1", "EUR")}
)
PLAN = ("first", "spare")


class Down:
    """A link that has been down for long."""

    name, up, reason, since = "first", False, "gone", 0


class Up:
    """A link that works."""

    name, up, reason, since = "first", True, "", 0


class Waiting:
    """A ledger in which these messages wait."""

    process = 1

    def __init__(self, *messages: Message) -> None:
        self._messages = messages

    async def fetch(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [msgspec.structs.astuple(one) for one in self._messages if one.lane == values[1]]


def subject(**changes: Any) -> Message:
    plan = msgspec.json.encode(PLAN).decode()
    facts = {"connector": "first", "plan": plan, "country": "GB", "kind": "otp", "lane": 0, "segments": 2}
    return message(1, **facts | {"price": "2", "currency": "EUR"} | changes)


def ways(*waiting: Message, declared: Sequence[str] = PLAN, link: type = Down, paused: Sequence[str] = ()) -> Ways:
    specs = {name: ConnectorSpec(1, 1, name, "smpp", 1, 0, None, None, {}) for name in declared}
    links: Any = {"first": link()}
    ledger: Any = Waiting(*waiting)
    stopped, note = frozenset(paused), lambda *_, **__: None
    return Ways(ledger, Clock(), links, lambda: specs, lambda: BOOK, lambda: stopped, Patience(), note)


@pytest.mark.asyncio
async def test_what_waits_for_a_connector_that_is_down_gets_the_price_of_the_next() -> None:
    (move,) = await ways(subject()).look()
    assert (move.message.connector, move.message.price, move.message.currency) == ("spare", "0.14", "GBP")


@pytest.mark.asyncio
async def test_that_it_is_down_is_told_to_every_workspace_and_why_to_none() -> None:
    """The reason names hosts and accounts of the operator's."""
    play = ways(subject())
    (move,) = await play.look()
    assert msgspec.json.decode(move.events[0].data)["why"] == "first is down"
    assert [shut.why for shut in play.shut().values()] == ["first is down"]


@pytest.mark.asyncio
async def test_a_connector_that_is_gone_changes_no_price() -> None:
    (move,) = await ways(subject(), declared=["first"]).look()
    assert (move.message.connector, move.message.price, move.message.currency) == ("spare", "2", "EUR")


def test_a_new_message_that_begins_elsewhere_has_the_price_of_there() -> None:
    new = subject(kind="support", lane=1)
    ways().begin(new, PLAN)
    assert (new.connector, new.price, new.currency) == ("spare", "0.18", "GBP")


@pytest.mark.asyncio
async def test_what_waits_for_a_connector_that_is_paused_takes_the_next_and_says_why() -> None:
    (move,) = await ways(subject(), link=Up, paused=["first"]).look()
    assert (move.message.connector, move.message.price) == ("spare", "0.14")
    assert msgspec.json.decode(move.events[0].data)["why"] == "first is paused"


@pytest.mark.asyncio
async def test_what_has_no_way_but_paused_ones_waits_where_it_is() -> None:
    both = ways(subject(), link=Up, paused=PLAN)
    new = subject()
    assert both.is_troubled and await both.look() == [] and both.begin(new, PLAN) and new.connector == "first"


def test_a_new_message_takes_the_next_of_a_connector_that_is_paused() -> None:
    new, going = subject(), ways(link=Up, paused=["first"])
    assert going.is_troubled and not ways(link=Up).is_troubled
    going.begin(new, PLAN)
    assert new.connector == "spare"


def test_a_new_message_that_begins_where_it_was_to_keeps_its_price() -> None:
    new = subject(connector="other")
    ways().begin(new, ("other", "spare"))
    assert (new.connector, new.price) == ("other", "2")


@pytest.mark.parametrize(
    ("failure", "connector", "price"), [("transient", "spare", "0.14"), ("throttled", "first", "2")]
)
def test_another_attempt_has_the_price_of_its_connector(failure: str, connector: str, price: str) -> None:
    refused = Outcome("refused", failure=failure)
    sent = subject(state="sending", attempts=1, owner=1, valid_until=NOW + 600_000)
    move = not_taken(Submission(sent, 1), refused, "first", NOW, 0.5, retry.DEFAULT, BOOK)
    assert (move.message.connector, move.message.price) == (connector, price)
    assert price in move.row
