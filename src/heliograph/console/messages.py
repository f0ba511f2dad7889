"""The list of messages: found by whatever somebody holds in their hands, narrowed by filters, fresh by itself.

One box takes a number as people write it, an id, a tag, a correlation id, a template, a campaign, the code of an error.
What it meant is worked out in that order and said. A look goes back over so many messages at a time, so that it is
quick however many are stored; the page says how far it saw and goes on from there.
"""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.console.page import Entry, Page
from heliograph.console.visit import Answer, Visit
from heliograph.core import ids
from heliograph.core.lifecycle import STATES
from heliograph.core.meanings import meaning
from heliograph.core.message import LANES, Message
from heliograph.core.numbers import BadNumber, parse
from heliograph.core.views import has_code, message_id
from heliograph.engine.exports.exporting import Asked, note
from heliograph.engine.exports.exporting import export as write
from heliograph.engine.exports.formats import MEDIA_TYPES
from heliograph.store import reads
from heliograph.store.reads import MessageFilter

_PAGE: Final = 50
_LOOKED_AT: Final = 20_000
_EXPORTED_AT_ONCE: Final = 500
_FEWEST_DIGITS, _MOST_DIGITS = 4, 15  # of a part of a number
_SAID: Final = ("q", "state", "kind", "country", "network", "connector", "since")
_SINCE: Final = {"1h": 3_600_000, "24h": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000}
_SINCE_NAMES: Final = (
    ("", "Any time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)


class Reading(NamedTuple):
    """How a search may be understood: the name of it, the words for it, and what it narrows to."""

    name: str
    words: str
    narrowed: MessageFilter


class Found(msgspec.Struct, frozen=True):
    """A page of messages. `reading`: how the search was understood; `next`: where the next page begins; `seen_to`:
    when the newest was accepted that was not looked at."""

    messages: list[Message]
    reading: Reading
    next: str | None = None
    seen_to: int | None = None


async def show(visit: Visit) -> Answer:
    text = visit.query.get("q")
    if (place := _page_of(text)) is not None:
        return visit.go(place)
    found = await look(visit, text)
    return visit.show(
        "messages.html",
        found=found,
        text=text,
        is_narrowed=bool(visit.query.but(cursor=None)),
        ids=[message_id(message) for message in found.messages],
        states=[("", "Any state"), *((state, state) for state in STATES)],
        kinds=[("", "Any kind"), *((kind, kind) for kind in LANES)],
        connectors=[("", "Any connector"), *((name, name) for name in _connectors(visit))],
        since=_SINCE_NAMES,
        shown=shown,
        meaning=meaning,
        may_export=visit.may("exports:read"),
    )


def shown(message: Message) -> str:
    """Its text, where anybody may read it."""
    if has_code(message):
        return "a code, which is not shown"
    return message.text if message.text is not None else "the text is no longer kept"


async def export(visit: Visit) -> Answer:
    """All that the search and the filters find, as a file that is never held as a whole. Texts only when asked for."""
    has_texts = visit.query.get("texts") == "1"
    asked = Asked(
        workspace=visit.where.workspace,
        environment=visit.where.environment,
        what="messages",
        format="csv",
        filters={name: value for name in _SAID if (value := visit.query.get(name))},
        texts=has_texts,
    )
    await note(visit.means.ledger, asked, visit.actor, visit.now)
    return visit.stream("messages.csv", MEDIA_TYPES["csv"], write(visit.means.ledger, asked, _rows(visit)))


async def _rows(visit: Visit) -> AsyncIterator[list[tuple[Any, ...]]]:
    """Page by page; what the search meant is what the list would show."""
    for reading in await _readings(visit, visit.query.get("q")):
        is_met = False
        async for found in _all(visit, reading.narrowed):
            is_met = True
            yield [msgspec.structs.astuple(message) for message in found]
        if is_met:
            return


async def _all(visit: Visit, narrowed: MessageFilter) -> AsyncIterator[list[Message]]:
    ledger, below = visit.means.ledger, None
    while True:
        narrowed = msgspec.structs.replace(narrowed, below_id=below)
        floor = 0 if reads.is_led(narrowed) else await reads.floor_of(ledger, "messages", _LOOKED_AT, below)
        stretch = msgspec.structs.replace(narrowed, above_id=floor)
        found = await reads.list_messages(ledger, visit.where, stretch, _EXPORTED_AT_ONCE)
        if found:
            yield found
        if len(found) == _EXPORTED_AT_ONCE:
            below = found[-1].id
        elif floor > 0:
            below = floor + 1
        else:
            return


async def look(visit: Visit, text: str) -> Found:
    """What the search and the filters find. A page that follows another reads the search as that one did."""
    readings = await _readings(visit, text)
    if (name := visit.query.get("as")) and "cursor" in visit.query:
        readings = [one for one in readings if one.name == name] or readings
    for reading in readings:
        found = await _page(visit, reading)
        if found.messages:
            break
    return found


def _page_of(text: str) -> str | None:
    """An id leads to its own page."""
    return f"/console/messages/{text}" if ids.parse("msg", text) is not None else None


def _narrowed(visit: Visit) -> MessageFilter:
    """What the filters say; what they can't mean is left out."""
    query = visit.query
    state, kind, since = query.get("state"), query.get("kind"), query.get("since")
    cursor = ids.parse("msg", query.get("cursor"))
    return MessageFilter(
        state=(state,) if state in STATES else (),
        kind=kind if kind in LANES else None,
        country=query.get("country").upper()[:2] or None,
        network=query.get("network") or None,
        connector=query.get("connector") or None,
        after_ms=visit.now - _SINCE[since] if since in _SINCE else None,
        below_id=cursor[1] if cursor is not None else None,
    )


async def _readings(visit: Visit, text: str) -> list[Reading]:
    """What a search may mean, the most certain first."""
    narrowed, change = _narrowed(visit), msgspec.structs.replace
    if not text:
        return [Reading("", "", narrowed)]
    if (batch := ids.parse("bat", text)) is not None:
        return [Reading("batch", "batch", change(narrowed, batch=batch[1]))]
    found = list(_by_number(visit, text, narrowed))
    if "@" in text:
        found.append(Reading("address", f"address {text}", change(narrowed, to=text)))
    found.append(Reading("correlation", "correlation id", change(narrowed, correlation_id=text)))
    found.append(Reading("tag", "tag", change(narrowed, tag=text)))
    rows = await visit.means.ledger.fetch(
        "SELECT v.batch FROM campaign_variants v JOIN campaigns c ON c.id = v.campaign "
        "WHERE c.workspace = $1 AND c.environment = $2 AND c.name = $3",
        visit.where.workspace,
        visit.where.environment,
        text,
    )
    if rows:
        found.append(Reading("campaign", "campaign", change(narrowed, batches=tuple(row[0] for row in rows))))
    found.append(Reading("template", "template", change(narrowed, template=text)))
    found.append(Reading("error", "error", change(narrowed, code=text)))
    return found


def _by_number(visit: Visit, text: str, narrowed: MessageFilter) -> Iterator[Reading]:
    """As it is written; as it was probably meant; by its last digits, where nobody can tell the country."""
    change = msgspec.structs.replace
    number = parse(f"+{text[2:]}" if text.startswith("00") else text, visit.client.default_country)
    e164 = number.suggestion if isinstance(number, BadNumber) else number.e164
    if e164 is not None:
        yield Reading("number", f"number {e164}", change(narrowed, to=e164))
    digits = re.sub(r"[\s().\-/]", "", text).lstrip("+0")
    if digits.isdigit() and digits.isascii() and _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        yield Reading("ending", f"the last digits {digits}", change(narrowed, to_ends=digits))


async def _page(visit: Visit, reading: Reading) -> Found:
    """One page, and how far it saw."""
    found = await reads.look(visit.means.ledger, visit.where, reading.narrowed, _PAGE, _LOOKED_AT)
    return Found(found.messages, reading, found.next, found.seen_to)


def _connectors(visit: Visit) -> list[str]:
    return sorted(visit.means.snapshot().realms[visit.client.environment].rules.connectors)


PAGES: Final[tuple[Page, ...]] = (
    Page("GET", "/console/messages", show, "messages:read", entry=Entry("Messages", "messages", "Watch")),
    Page("GET", "/console/messages.csv", export, "exports:read"),
)
