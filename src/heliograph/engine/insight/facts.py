"""What happens beside the states of messages, read from its events one by one: there are few of them.

An answer, a click, an opt-out counts for the message that it belongs to, so that it can be told by campaign or
template; where none is known, for what the event itself tells.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from heliograph.core import ids, numbers
from heliograph.store.port import Ledger, Row, Transaction

_MINUTE: Final = 60_000
_AT_ONCE: Final = 40  # rows in one statement
_SINCE_MS: Final = 7 * 86_400_000  # an opt-out is laid at the door of the last message, if that is no older
_UNIT: Final = 100_000_000
OF_EVENTS: Final = {  # event → the fact that it counts as
    "attempt.failed": "attempt_failed",
    "attempt.unknown": "attempt_unknown",
    "inbound.received": "inbound",
    "contact.opted_out": "opt_out",
    "contact.opted_in": "opt_in",
    "link.clicked": "click",
    "goal.reached": "goal",
    **{
        f"verification.{what}": f"verification_{what}"
        for what in ("started", "approved", "failed", "expired", "canceled")
    },
}
_EVENTS: Final = (
    "SELECT e.seq, e.workspace, e.environment, e.message, e.type, e.at, e.data FROM events e WHERE {stretch} "
    f"AND e.type IN ({', '.join(repr(name) for name in OF_EVENTS)}) ORDER BY e.seq"
)
_OF_MESSAGE: Final = (
    "SELECT m.id, m.country, COALESCE(m.network, ''), m.kind, m.connector, COALESCE(m.sender, ''), "
    "COALESCE(m.template, ''), COALESCE(v.campaign, 0), m.client FROM messages m "
    "LEFT JOIN campaign_variants v ON v.batch = m.batch "
)
_COLUMNS: Final = (
    "workspace, environment, at, country, network, kind, connector, sender, template, campaign, client, fact, detail, "
    "currency"
)
_WIDTH: Final = 17


Asked: TypeAlias = Ledger | Transaction


class Stretch(NamedTuple):
    """Some events: a condition on `events e`, and its values. The text is always the same: it is compiled once."""

    sql: str
    values: tuple[object, ...]


class Place(NamedTuple):
    """Where something belongs, beside its workspace, environment and time."""

    country: str = ""
    network: str = ""
    kind: str = ""
    connector: str = ""
    sender: str = ""
    template: str = ""
    campaign: int = 0
    client: int = 0


class _Found(NamedTuple):
    """An event as it is counted."""

    workspace: int
    environment: int
    at: int
    fact: str
    message: int | None
    place: Place  # where no message is known; else what it knows better
    detail: str = ""
    currency: str = ""
    value: int = 0


async def add(ledger: Ledger, transaction: Transaction, stretch: Stretch, firsts: Sequence[int]) -> None:
    """Count those of a stretch."""
    counts = await count(ledger, transaction, stretch, firsts)
    await _write(transaction, [(*key, *sums) for key, sums in counts.items()])


async def count(
    ledger: Ledger, asked: Asked, stretch: Stretch, firsts: Sequence[int]
) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Key of the sums → count and value of what is to be added."""
    rows = await asked.fetch(_EVENTS.replace("{stretch}", stretch.sql), *stretch.values)
    found = [await _read(ledger, asked, row) for row in rows]
    places = await _places(asked, {one.message for one in found if one.message is not None})
    sums: dict[tuple[Any, ...], tuple[int, int]] = {}
    for one in found:
        place = _together(places.get(one.message or 0, Place()), one.place)
        for grain, first in zip((_MINUTE, 60 * _MINUTE, 1440 * _MINUTE), firsts, strict=True):
            at = one.at - one.at % grain
            if at >= first:
                key = (grain, one.workspace, one.environment, at, *place, one.fact, one.detail, one.currency)
                number, value = sums.get(key, (0, 0))
                sums[key] = (number + 1, value + one.value)
    return sums


async def _write(transaction: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        marks = ", ".join(
            f"({', '.join(f'${number * _WIDTH + place}' for place in range(1, _WIDTH + 1))})"
            for number in range(len(some))
        )
        await transaction.execute(
            f"INSERT INTO rollup_facts (grain, {_COLUMNS}, count, value) VALUES {marks} "
            f"ON CONFLICT (grain, {_COLUMNS}) DO UPDATE SET count = rollup_facts.count + excluded.count, "
            "value = rollup_facts.value + excluded.value",
            *(value for row in some for value in row),
        )


def _together(of_message: Place, own: Place) -> Place:
    """What an event says itself goes first: an attempt went through its own connector."""
    return of_message._replace(
        country=own.country or of_message.country,
        network=own.network or of_message.network,
        kind=own.kind or of_message.kind,
        connector=own.connector or of_message.connector,
    )


async def _places(asked: Asked, messages: Iterable[int]) -> dict[int, Place]:
    wanted = sorted(messages)
    places: dict[int, Place] = {}
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        marks = ", ".join(f"${place}" for place in range(1, len(some) + 1))
        for number, *rest in await asked.fetch(f"{_OF_MESSAGE} WHERE m.id IN ({marks})", *some):
            places[number] = Place(*rest)
    return places


async def _read(ledger: Ledger, asked: Asked, row: Row) -> _Found:
    seq, workspace, environment, message, name, at, kept = row
    data = kept if message is not None else ledger.protection.read(workspace, f"event {seq}", kept)
    facts: dict[str, Any] = msgspec.json.decode(data) if data else {}
    fact = OF_EVENTS[name]
    place, detail, currency, value = Place(), "", "", 0
    if fact in ("attempt_failed", "attempt_unknown"):
        place = Place(connector=_text(facts, "connector"))
        detail = _text(facts, "code") or _text(facts, "failure")
    elif fact == "inbound":
        message = _message(facts.get("in_reply_to"))
        place = _place(facts.get("from"))._replace(connector=_text(facts, "connector"))
        currency, value = _money(facts)
        detail = "reply" if message is not None else ""
    elif fact in ("opt_out", "opt_in"):
        place = _place(facts.get("number"))
        message = await _last(asked, workspace, environment, facts.get("number"), at)
        detail = _text(facts, "source")
    elif fact == "goal":
        detail = _text(facts, "goal")
        currency, value = _money(facts, "value")
    elif fact == "click":
        message = _message(facts.get("message_id"))
    else:
        place = Place(country=_text(facts, "country"), kind="otp")
        message = _message(facts.get("message_id"))
    return _Found(workspace, environment, at, fact, message, place, detail, currency, value)


async def _last(asked: Asked, workspace: int, environment: int, number: Any, at: int) -> int | None:
    """The message that somebody got last, before they said something."""
    if not isinstance(number, str):
        return None
    rows = await asked.fetch(
        "SELECT id FROM messages WHERE workspace = $1 AND to_number = $2 AND environment = $3 AND accepted_at <= $4 "
        "AND accepted_at > $5 ORDER BY accepted_at DESC, id DESC LIMIT 1",
        *(workspace, number, environment, at, at - _SINCE_MS),
    )
    return int(rows[0][0]) if rows else None


def _message(public: object) -> int | None:
    found = ids.parse("msg", public) if isinstance(public, str) else None
    return found[1] if found is not None else None


def _place(number: object) -> Place:
    read = numbers.parse(number) if isinstance(number, str) and number.startswith("+") else None
    return Place(read.country, numbers.network_of(read)) if isinstance(read, numbers.Number) else Place()


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _money(facts: Mapping[str, Any], name: str = "price") -> tuple[str, int]:
    amount, currency = _text(facts, name), _text(facts, "currency")
    return (currency, round(Decimal(amount) * _UNIT)) if amount and currency else ("", 0)
