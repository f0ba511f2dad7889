"""What was spent, as both engines tell it; rents; and what providers said of numbers."""

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from heliograph.core.failures import Refused
from heliograph.core.measures import UNIT
from heliograph.engine import retention
from heliograph.engine.costs import BY, LONGEST_MS, Costs, Span, _messages, costs
from heliograph.engine.environments import create_workspace, ensure_defaults
from heliograph.engine.insight import rolling
from heliograph.engine.insight import spent as spent_by_sums
from heliograph.engine.rents import due, rents
from heliograph.store.port import Arrivals
from tests.store.making import NOW, accept, arrival, do, message
from tests.store.test_insight import Traffic

pytestmark = pytest.mark.asyncio

DAY = 86_400_000
TELCO = {"connector": "telco", "currency": "EUR"}


async def spent(ledger: Any, by: str = "connector", **changes: Any) -> Costs:
    fields = {"workspace": 1, "environment": "live", "everyones": False, "since": NOW, "until": NOW + 3 * DAY}
    return await costs(ledger, Span(**fields | changes), by)


def lines(found: Costs) -> dict[Any, Any]:
    """(group, currency) → what matters of it."""
    return {(one.group, one.currency): (one.message, one.surcharge, one.messages) for one in found.data}


async def filled(ledger: Any) -> None:
    """Two workspaces; of the first: two that were delivered, one that failed, one nobody took, one without a price."""
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    await create_workspace(ledger, "other", seal=lambda secret: secret, actor="test", now=1)
    environments = {
        (row[0], row[1]): row[2] for row in await ledger.fetch("SELECT workspace, name, id FROM environments")
    }
    live, test, theirs = environments[1, "live"], environments[1, "test"], environments[2, "live"]

    def made(state: str, price: str | None, surcharge: str | None = None, **more: Any) -> Any:
        sent = None if state in ("canceled", "rejected") else NOW
        fields = TELCO | {"environment": live, "state": state, "price": price, "surcharge": surcharge, "sent_at": sent}
        return message(ledger, **fields | {"owner": None} | more)

    await accept(
        ledger,
        made("delivered", "3", accepted_at=NOW - 1),
        made("delivered", "0.030", "0.010", tags='["a","b"]', kind="otp"),
        made("undelivered", "0.030", "0.010", tags='["a"]'),
        made("canceled", "5"),
        made("sent", None, currency=None),
        made("sent", "1", connector="spare", currency="USD"),
        made("delivered", "7", environment=test),
        made("delivered", "9", workspace=2, environment=theirs),
        made("delivered", "0.10", accepted_at=NOW + DAY, country="GB", segments=2, billed_segments=3),
        made("delivered", "3", accepted_at=NOW + 3 * DAY),
    )


async def test_messages_are_summed_by_group_and_currency(ledger: Any) -> None:
    await filled(ledger)
    found = await spent(ledger)
    assert lines(found) == {
        ("spare", "USD"): ("1", "0", 1),
        ("telco", "EUR"): ("0.140", "0.020", 3),
        ("telco", None): ("0", "0", 1),
    }
    telco = next(one for one in found.data if one.currency == "EUR")
    assert (telco.delivered, telco.failed, telco.failed_price, telco.segments) == (2, 1, "0.030", 5)
    assert telco.cost_per_delivered == "0.080000" and telco.total == "0.160"
    assert [(one.currency, one.total) for one in found.totals] == [("EUR", "0.160"), ("USD", "1"), (None, "0")]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("day", {"2023-11-14": 4, "2023-11-15": 1}),
        ("country", {"DE": 4, "GB": 1}),
        ("kind", {"otp": 1, "transactional": 4}),
        ("workspace", {"default": 5}),
        ("tag", {"a": 2, "b": 1, None: 3}),
    ],
)
async def test_costs_are_split_as_asked(ledger: Any, by: str, groups: dict[Any, int]) -> None:
    await filled(ledger)
    found = await spent(ledger, by)
    counted: dict[Any, int] = {}
    for one in found.data:
        counted[one.group] = counted.get(one.group, 0) + one.messages
    assert counted == groups
    assert sum(one.messages for one in found.totals) == 5, "a message with two tags was paid once"


def worth(found: list[Any]) -> Any:
    """What is told of each group, amounts as what they are worth."""
    amounts = ("total", "message", "surcharge", "failed_price")
    counts = ("messages", "segments", "delivered", "failed", "cost_per_delivered")
    return sorted(
        (str(one.group), str(one.currency), *(Decimal(getattr(one, name)) for name in amounts), *names)
        for one in found
        for names in [[getattr(one, name) for name in counts]]
    )


@pytest.mark.parametrize("seed", range(2))
async def test_whole_days_of_the_sums_are_what_the_messages_say(
    ledger: Any, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every moment: while the sums are behind, too."""
    await ensure_defaults(ledger, lambda secret: secret, now=1)
    chance = random.Random(seed)
    traffic = Traffic(ledger, chance)
    for number in range(60):
        await traffic.step()
        if chance.random() < 0.3:
            await rolling.roll(ledger, traffic.now, 7)
        if number % 30 < 29:
            continue
        environment = (await ledger.fetch("SELECT name FROM environments WHERE id = 1"))[0][0]
        for by in ("day", "connector", "workspace"):
            span = {"environment": environment, "since": NOW - 2 * DAY, "until": NOW + 9 * DAY}
            found = await spent(ledger, by, **span)
            with monkeypatch.context() as patched:
                patched.setattr(spent_by_sums, "of_days", by_messages)
                expected = await spent(ledger, by, **span)
            assert worth(found.data) == worth(expected.data)
            assert worth(found.totals) == worth(expected.totals)
            assert any(one.messages for one in found.totals)


async def by_messages(
    ledger: Any, group: str, environment: str, workspace: int, everyones: int, since: int, until: int
) -> list[Any]:
    """What the sums should say, row by row."""
    span = Span(workspace, environment, bool(everyones), since, until)
    by = next(
        name for name, (own, _) in BY.items() if own.replace("m.accepted_at", "x.at").replace("m.", "x.") == group
    )
    return [
        (row[0], row[1], row[4], row[5], row[6], *(int(Decimal(amount or 0) * UNIT) * row[5] for amount in row[2:4]))
        for row in await _messages(ledger, span, by)
    ]


async def test_everyones_costs_are_those_of_all_workspaces_in_the_environment_of_that_name(ledger: Any) -> None:
    await filled(ledger)
    found = await spent(ledger, "workspace", everyones=True)
    assert {one.group: one.total for one in found.data if one.currency == "EUR"} == {"default": "0.160", "other": "9"}
    assert lines(await spent(ledger, workspace=2)) == {("telco", "EUR"): ("9", "0", 1)}
    assert lines(await spent(ledger, environment="test")) == {("telco", "EUR"): ("7", "0", 1)}


async def test_what_comes_in_and_what_is_asked_are_lines_of_their_own(ledger: Any) -> None:
    await filled(ledger)
    texted = arrival(ledger)._replace(price="0.002", currency="EUR")
    free = arrival(ledger, "in-2")
    await do(ledger, Arrivals, arrivals=[texted, free])
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO lookups (workspace, environment, connector, number, at, answer, price, currency) "
            "VALUES (1, 1, 'telco', '+491700000001', $1, '{}', '0.004', 'EUR')",
            NOW + 5,
        )
    telco = next(one for one in (await spent(ledger)).data if one.group == "telco" and one.currency == "EUR")
    assert (telco.inbound, telco.lookup, telco.total) == ("0.002", "0.004", "0.166")
    by_country = {one.group: one.inbound for one in (await spent(ledger, "country")).data if one.currency == "EUR"}
    assert by_country == {"DE": "0", "GB": "0", None: "0.002"}
    kept = await ledger.fetch("SELECT price, currency FROM inbound ORDER BY id")
    assert kept == [("0.002", "EUR"), (None, None)]
    await retention.clear(ledger, NOW + 500 * DAY, retention.Retention())
    assert await ledger.fetch("SELECT COUNT(*) FROM lookups") == [(0,)]


@pytest.mark.parametrize(("since", "until"), [(NOW, NOW), (NOW, NOW - 1), (NOW, NOW + LONGEST_MS + 1)])
async def test_a_span_is_bounded(ledger: Any, since: int, until: int) -> None:
    with pytest.raises(Refused):
        await spent(ledger, since=since, until=until)
    with pytest.raises(Refused):
        await spent(ledger, "colour")


def rented(price: str | None, currency: str = "EUR") -> dict[str, Any]:
    return {} if price is None else {"rental_per_month": price, "rental_currency": currency}


def at(day: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() * 1000)


@pytest.mark.parametrize(
    ("told", "until", "paid"),
    [
        ([("2026-01-15", "2")], "2026-03-02", [("2026-01-15", "2"), ("2026-02-01", "2"), ("2026-03-01", "2")]),
        ([("2026-01-15", "2")], "2026-02-01", [("2026-01-15", "2")]),
        ([("2026-12-31", "2")], "2027-01-02", [("2026-12-31", "2"), ("2027-01-01", "2")]),
        ([("2026-01-15", "2"), ("2026-01-20", None)], "2026-03-02", [("2026-01-15", "2")]),
        ([("2026-01-15", "2"), ("2026-01-20", "3")], "2026-02-02", [("2026-01-15", "2"), ("2026-02-01", "3")]),
        ([("2026-01-15", None)], "2026-03-02", []),
        ([("2026-01-05", "2"), ("2026-01-06", None), ("2026-01-07", "2")], "2026-01-30", [("2026-01-05", "2")]),
    ],
)
async def test_a_rent_is_due_at_once_and_then_on_the_first_of_each_month(
    told: list[tuple[str, str | None]], until: str, paid: list[tuple[str, str]]
) -> None:
    declared = [(at(day), rented(price)) for day, price in told]
    assert list(due(declared, at(until))) == [(at(day), price, "EUR") for day, price in paid]


async def test_the_rent_of_numbers_is_told_from_the_history_of_declarations(ledger: Any) -> None:
    await filled(ledger)
    spec = msgspec.json.encode(rented("2.50")).decode()
    async with ledger.transaction() as transaction:
        for workspace, name in ((1, "ours"), (2, "theirs")):
            await transaction.execute(
                "INSERT INTO declared_history (workspace, kind, name, spec, actor, at, position) "
                "VALUES ($1, 'sender', $2, $3, 'test', $4, 0)",
                *(workspace, name, spec, NOW + 9),
            )
    assert [rent.sender for rent in await rents(ledger, NOW, NOW + DAY)] == ["ours", "theirs"]
    found = {(one.group, one.currency): one.rental for one in (await spent(ledger, "day")).data if one.rental != "0"}
    assert found == {("2023-11-14", "EUR"): "2.50"}
    assert [one.rental for one in (await spent(ledger, environment="test")).totals] == ["0"]
