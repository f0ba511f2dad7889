"""A look into the list of messages goes back only so far, and the next one goes on from there until all were seen."""

import itertools
from typing import Any

import pytest

from heliograph.core import ids
from heliograph.store import reads
from heliograph.store.reads import MessageFilter, Where
from tests.store.making import NOW, accept, message

pytestmark = pytest.mark.asyncio

HERE = Where(1, 1)


async def all_looks(ledger: Any, narrowed: dict[str, Any], limit: int, far: int) -> list[list[int]]:
    """What each look has found."""
    pages, below = [], None
    while True:
        found = await reads.look(ledger, HERE, MessageFilter(**narrowed, below_id=below), limit, far)
        pages.append([one.id for one in found.messages])
        if found.next is None:
            return pages
        place = ids.parse("msg", found.next)
        assert place is not None
        below = place[1]


async def test_every_message_is_found_once_however_far_a_look_goes(ledger: Any) -> None:
    messages = [message(ledger, country="DE" if number % 4 else "GB") for number in range(9)]
    await accept(ledger, *messages)
    everything = [one.id for one in reversed(messages)]
    wanted = [one.id for one in reversed(messages) if one.country == "GB"]
    for limit, far in itertools.product((1, 2, 50), (1, 3, 4, 100)):
        pages = await all_looks(ledger, {"country": "GB"}, limit, far)
        assert [one for page in pages for one in page] == wanted
        assert [one for page in await all_looks(ledger, {}, limit, far) for one in page] == everything


async def test_what_an_index_leads_to_is_found_at_once(ledger: Any) -> None:
    messages = [message(ledger, correlation_id="mine" if number == 0 else None) for number in range(9)]
    await accept(ledger, *messages)
    assert await all_looks(ledger, {"correlation_id": "mine"}, 5, 1) == [[messages[0].id]]


async def test_a_look_ends_where_the_time_does(ledger: Any) -> None:
    messages = [message(ledger, accepted_at=NOW + number) for number in range(9)]
    await accept(ledger, *messages)
    found = await reads.look(ledger, HERE, MessageFilter(country="PT", after_ms=NOW + 8), 5, 3)
    assert (found.messages, found.next) == ([], None)


async def test_the_newest_are_counted_not_their_numbers(ledger: Any, engine: str) -> None:
    """On PostgreSQL numbers come from blocks, of which most are never used."""
    first, apart = ledger.next_id("message"), 1_000_000 if engine == "postgres" else 1
    await accept(ledger, *(message(ledger, id=first + number * apart) for number in range(6)))
    places = [first + number * apart for number in range(6)]
    for far in (1, 4):
        floor = await reads.floor_of(ledger, "messages", far)
        assert [place for place in places if place > floor] == places[-far:]
        floor = await reads.floor_of(ledger, "messages", far, below=places[-1])
        assert [place for place in places[:-1] if place > floor] == places[-1 - far : -1]
    assert await reads.floor_of(ledger, "messages", 6) <= first - 1
    assert await reads.floor_of(ledger, "deliveries", 3) <= 0
