"""A proposal beside what is in force, on messages in a real ledger; and the way back to an earlier version."""

import time as clock
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from heliograph.core.decide import Case, decide
from heliograph.core.failures import Refused
from heliograph.engine import declare, declared, environments
from heliograph.engine.form import Tools
from heliograph.engine.rehearse import DAY_MS, ballot, rehearse
from heliograph.engine.rehearsed import Report
from heliograph.engine.rollback import Entry, history, moment_of, roll_back
from heliograph.store.port import Accept
from heliograph.store.postgres import PostgresLedger
from heliograph.store.sqlite import SqliteLedger
from tests.postgres import postgres_server, postgres_url
from tests.store.making import NOW, do, message

__all__ = ["postgres_server", "postgres_url"]
pytestmark = pytest.mark.asyncio

TOOLS = Tools(
    check_connector=lambda kind, spec: None,
    check_url=lambda url: None,
    new_secret=lambda: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    seal=lambda secret: f"sealed:{secret}",
    unseal=lambda secret: secret.removeprefix("sealed:"),
)
ONE = {"kind": "carrier", "price_per_segment": "0.05", "currency": "EUR", "max_segments_per_second": 10}
TWO = {"kind": "carrier", "price_per_segment": "0.04", "currency": "EUR", "max_segments_per_second": 3}
ALL = {"name": "all", "via": ["one"]}
IN_FORCE: dict[str, Any] = {
    "connectors": {"one": ONE, "two": TWO},
    "routes": [{"name": "codes", "via": ["one", "two"], "match": {"kind": "otp"}}, ALL],
    "senders": {"Acme": {"default": True}, "Other": {}},
}
MS = NOW + 10 * DAY_MS


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    opened = await SqliteLedger.open(tmp_path / "ledger.db", now_ms=lambda: MS, report=print, serving=True)
    await environments.ensure_defaults(opened, lambda secret: f"sealed:{secret}", now=NOW)
    yield opened
    await opened.close()


async def apply(ledger: Any, document: dict[str, Any], **options: Any) -> list[declare.Change]:
    return await declare.apply(ledger, document, TOOLS, **{"actor": "test", "now": NOW} | options)


async def send(ledger: Any, count: int = 1, **changes: Any) -> None:
    """Messages as they were accepted with what is in force, one a second."""
    ago = changes.pop("ago_ms", 3_600_000)
    apart = changes.pop("apart_ms", 1_000)
    fields = {"connector": "one", "encoding": "gsm7", "price": "0.05", "currency": "EUR", **changes}
    sent = [message(ledger, accepted_at=MS - ago + place * apart, **fields) for place in range(count)]
    await do(ledger, Accept, messages=sent)


async def tried(ledger: Any, document: dict[str, Any], days: int = 7, **options: Any) -> Report:
    return await rehearse(ledger, document, TOOLS, days=days, now=MS, **options)


async def everything(ledger: Any) -> list[Any]:
    return [
        await ledger.fetch(f"SELECT * FROM {table} ORDER BY 1")
        for table in ("declared", "declared_history", "audit", "counters", "messages")
    ]


async def traffic(ledger: Any) -> None:
    await send(ledger, 30)
    await send(ledger, 5, kind="otp", lane=0, country="FR", to="+33612345678", segments=1)
    await send(ledger, 4, sender=None, segments=3, price="0.15")
    await send(ledger, 2, sender="Nobody", to="+491700000987")
    await send(ledger, 3, ago_ms=8 * DAY_MS)


# -- what would change


async def test_what_is_in_force_changes_nothing_and_nothing_is_written(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await traffic(ledger)
    before = await everything(ledger)
    report = await tried(ledger, IN_FORCE)
    assert await everything(ledger) == before
    assert (report.messages, report.unchanged, report.changes) == (41, 41, [])
    assert (report.moved, report.altered, report.newly_refused, report.newly_accepted) == (0, 0, [], [])
    assert [(cost.before == cost.after, cost.booked) for cost in report.cost] == [(True, "2.45")]
    assert report.parts_before == report.parts_after == 30 + 5 + 12  # the two of nobody are refused, then and now
    assert all(load.messages_before == load.messages_after for load in report.load)
    assert all(load.second_before == load.second_after for load in report.load)
    assert (report.idle_routes, report.idle_connectors, report.warnings) == ([], ["two"], [])


@pytest.mark.parametrize("match", [{"share": 0.3}, {"prefix": "+4917", "share": 0.5}, {"hours": "22:00-06:00"}])
async def test_also_where_chance_numbers_and_hours_decide_it_changes_nothing(ledger: Any, match: Any) -> None:
    some = {"name": "some", "via": ["two", "one"], "weights": [1, 3], "match": match}
    document = {**IN_FORCE, "routes": [some, *IN_FORCE["routes"]]}
    await apply(ledger, document)
    await traffic(ledger)
    report = await tried(ledger, document)
    assert (report.messages, report.unchanged) == (41, 41)


@pytest.mark.parametrize(
    "way",
    [
        {"order": "cheapest"},
        {"order": "best", "explore": 0.2},
        {"pin": "two", "pin_until": "2023-11-24T21:13:40Z"},
        {"via": ["two", "one"], "match": {"network": "T-Mobile"}},
    ],
)
async def test_by_price_quality_pin_or_network_what_is_in_force_changes_nothing(ledger: Any, way: Any) -> None:
    some = {"name": "some", "via": ["one", "two"], "match": {"number_type": "mobile"}, **way}
    document = {**IN_FORCE, "routes": [some, *IN_FORCE["routes"]]}
    await apply(ledger, document)
    await traffic(ledger)
    report = await tried(ledger, document)
    assert (report.messages, report.unchanged, report.changes) == (41, 41, [])
    assert [load.messages_after > 0 for load in report.load if load.connector == "two"] == [True]


async def test_another_order_moves_what_it_would_move(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await send(ledger, 200)
    cheap = {"routes": [ALL | {"via": ["one", "two"], "order": "cheapest"}]}
    assert (await tried(ledger, cheap)).moved == 200
    explored = {"routes": [ALL | {"via": ["one", "two"], "order": "best", "explore": 0.1}]}
    report = await tried(ledger, explored)
    assert 15 <= report.moved <= 25 and report.altered_by == {"fallbacks": 200 - report.moved}
    pinned = {"routes": [ALL | {"via": ["one", "two"], "pin": "two", "pin_until": "2023-11-24T21:15:00Z"}]}
    assert 0 < (await tried(ledger, pinned)).moved < 200  # it ends among them


async def test_messages_that_take_another_way_are_counted_and_cost_something_else(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await traffic(ledger)
    report = await tried(ledger, {"routes": [{"name": "france", "via": ["two"], "match": {"country": "FR"}}]})
    assert report.moved == 0  # it stands at the first place, beside `codes`, which was there before
    report = await tried(ledger, {"routes": [{"name": "codes", "via": ["two"], "match": {"kind": "otp"}}]})
    assert [(change.name, change.action) for change in report.changes] == [("codes", "changed")]
    assert (report.unchanged, report.moved) == (36, 5)
    assert [(m.from_, m.to, m.country, m.kind, m.messages) for m in report.moves] == [("one", "two", "FR", "otp", 5)]
    assert [(cost.currency, cost.before, cost.after) for cost in report.cost] == [("EUR", "2.35", "2.30")]
    counts = {load.connector: (load.messages_before, load.messages_after) for load in report.load}
    assert counts == {"one": (39, 34), "two": (0, 5), "sandbox": (0, 0)}


async def test_a_route_that_goes_leaves_messages_without_one(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await traffic(ledger)
    only_codes = {**IN_FORCE, "routes": IN_FORCE["routes"][:1]}
    assert (await tried(ledger, only_codes)).unchanged == 41
    report = await tried(ledger, only_codes, prune=True)
    assert [(t.code, t.messages, t.example) for t in report.newly_refused] == [("no_route", 34, "…001")]
    assert (report.unchanged, report.parts_after) == (7, 5)
    assert (await tried(ledger, IN_FORCE | {"senders": {"Nobody": {}}})).newly_accepted[0].example == "…987"


async def test_another_default_sender_concerns_those_who_named_none(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    trace = '[{"rule":"sender","sender":"Acme","why":"default"}]'
    await do(ledger, Accept, messages=[message(ledger, accepted_at=MS - 5, decision=77)], decisions=[(77, trace)])
    await send(ledger, 2)
    report = await tried(ledger, {"senders": {"Acme": {}, "Other": {"default": True}}})
    assert (report.messages, report.unchanged, report.altered_by) == (3, 2, {"sender": 1})


async def test_shares_send_their_part_elsewhere_and_the_others_stay(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await send(ledger, 1_000, apart_ms=10)
    third = {"name": "codes", "via": ["two"], "match": {"share": 0.3}}
    report = await tried(ledger, {"routes": [third]})
    assert 295 <= report.moved <= 305
    assert report.unchanged == 1_000 - report.moved
    more = await tried(ledger, {"routes": [third | {"via": ["two", "one"], "weights": [1, 1]}]})
    assert 140 <= more.moved <= 160


async def test_a_connector_that_would_get_too_much_at_once_is_told_of(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await send(ledger, 4, apart_ms=0, segments=2)
    await send(ledger, 50, apart_ms=1_000, ago_ms=7_200_000)
    report = await tried(ledger, {"routes": [{"name": "all", "via": ["two"]}]})
    two = next(load for load in report.load if load.connector == "two")
    assert (two.max_segments_per_second, two.second_before.parts, two.second_after.parts) == (3, 0, 8)
    assert two.minute_after.parts == 40 and two.exceeded  # of the fifty, ten fall into the next minute
    assert len(report.warnings) == 1 and "8 parts in one second" in report.warnings[0]
    assert report.idle_routes == ["codes"] and report.idle_connectors == ["one"]


async def test_a_file_that_apply_refuses_is_refused(ledger: Any) -> None:
    for document in ({"routes": [{"via": ["nowhere"]}]}, {"ruotes": []}):
        with pytest.raises(Refused):
            await tried(ledger, document)
    with pytest.raises(Refused):
        await tried(ledger, IN_FORCE, workspace="other")


async def test_a_proposal_is_decided_as_it_would_be_after_apply(ledger: Any) -> None:
    """The rows of a proposal make the snapshot that `apply` would make."""
    await apply(ledger, IN_FORCE)
    await traffic(ledger)
    proposal: dict[str, Any] = {
        "connectors": {"two": TWO, "three": TWO},
        "routes": [{"name": "france", "via": ["three"], "match": {"country": "FR"}}, ALL | {"via": ["two"]}],
    }
    report = await tried(ledger, proposal, prune=True)
    assert (report.moved, [turned.messages for turned in report.newly_accepted]) == (39, [2])
    await apply(ledger, proposal, prune=True)
    after = await tried(ledger, {})
    assert after.unchanged == after.messages
    counts = [{load.connector: load.messages_after for load in one.load} for one in (report, after)]
    assert counts == [{"one": 0, "sandbox": 0, "two": 36, "three": 5}, {"sandbox": 0, "two": 36, "three": 5}]


async def test_a_hundred_thousand_messages_take_seconds(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    for _ in range(20):
        await send(ledger, 5_000, apart_ms=1)
    begun = clock.perf_counter()
    report = await tried(ledger, {"routes": [{"name": "codes", "via": ["two"], "match": {"share": 0.5}}]})
    assert report.messages == 100_000
    assert clock.perf_counter() - begun < 30  # about two on a machine with nothing else to do


async def test_who_has_opted_out_gets_nothing_either_way(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    await send(ledger, 2, failure="opted_out", state="rejected", owner=None)
    report = await tried(ledger, {"routes": [ALL | {"via": ["two"]}]})
    assert (report.messages, report.left_out, report.moves, report.cost) == (0, 2, [], [])


async def test_ballots_are_spread_evenly() -> None:
    drawn = [ballot(number) for number in range(1, 1_001)]
    assert all(0 <= one < 1 for one in drawn)
    assert [sum(place / 10 <= one < (place + 1) / 10 for one in drawn) for place in range(10)] == pytest.approx(
        [100] * 10, abs=3
    )


# -- the order of routes, and what is pruned


def routes_to(*countries: str) -> list[dict[str, Any]]:
    return [{"name": country, "via": ["one"], "match": {"country": country}} for country in countries]


async def names(ledger: Any) -> list[str]:
    return [
        row[0] for row in await ledger.fetch("SELECT name FROM declared WHERE kind = 'route' ORDER BY position, id")
    ]


@pytest.mark.parametrize(
    ("before", "written", "after", "changed"),
    [
        ("DE FR GB", "GB DE FR", "GB DE FR", "GB DE FR"),
        ("DE FR GB", "FR DE GB", "FR DE GB", "FR DE"),
        ("DE FR GB", "DE FR GB", "DE FR GB", ""),
        ("DE FR GB", "FR GB", "DE FR GB", ""),  # they stand in this order already
        ("DE FR GB", "GB FR", "DE GB FR", "GB"),
        ("DE FR", "DE GB FR", "DE GB FR", "GB FR"),  # a new one between them
        ("DE FR", "DE FR GB", "DE FR GB", "GB"),
    ],
)
async def test_routes_stand_in_the_order_of_the_file(
    ledger: Any, before: str, written: str, after: str, changed: str
) -> None:
    await apply(ledger, {"connectors": {"one": ONE}, "routes": routes_to(*before.split())})
    document = {"routes": routes_to(*written.split())}
    proposed = (await tried(ledger, document)).changes
    changes = await apply(ledger, document)
    assert await names(ledger) == after.split()
    assert [change.name for change in changes if change.action != "unchanged"] == changed.split()
    assert [change.name for change in proposed] == changed.split()
    assert {change.action for change in await apply(ledger, document)} == {"unchanged"}


async def test_a_reordering_is_rehearsed_as_what_it_is(ledger: Any) -> None:
    narrow = {"name": "german", "via": ["two"], "match": {"country": "DE"}}
    await apply(ledger, {"connectors": {"one": ONE, "two": TWO}, "routes": [narrow, ALL | {"match": {"share": 0.999}}]})
    await send(ledger, 50)
    report = await tried(ledger, {"routes": [ALL | {"match": {"share": 0.999}}, narrow]})
    assert report.moved == 50 and [change.name for change in report.changes] == ["all", "german"]


async def test_a_connector_that_a_route_of_the_file_needs_is_not_pruned(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    document = {"connectors": {"one": ONE}, "routes": [ALL | {"via": ["one", "two"]}]}
    for refused in (apply(ledger, document, prune=True), tried(ledger, document, prune=True)):
        with pytest.raises(Refused, match="'all' leads to 'two', which is not declared"):
            await refused
    assert len(await names(ledger)) == 2


async def test_a_connector_that_another_workspace_needs_is_not_pruned(ledger: Any) -> None:
    await environments.create_workspace(ledger, "shop", seal=str, actor="test", now=NOW)
    await apply(ledger, IN_FORCE | {"routes": [ALL, {"name": "shop", "via": ["two"], "workspace": "shop"}]})
    document = {"connectors": {"one": ONE}, "routes": [ALL]}
    for refused in (apply(ledger, document, prune=True), tried(ledger, document, prune=True)):
        with pytest.raises(Refused, match="'shop' of 'shop' leads to 'two', which would go") as error:
            await refused
        assert (error.value.refusals[0].code, error.value.refusals[0].status) == ("connector_in_use", 409)


# -- the way back


async def state(ledger: Any) -> list[Any]:
    return list(await ledger.fetch("SELECT workspace, kind, name, spec, position FROM declared ORDER BY 1, 2, 3"))


async def newest(ledger: Any) -> int:
    entries: list[Entry] = await history(ledger, workspace=None, limit=1)
    return entries[0].id


async def back(ledger: Any, **options: Any) -> list[declare.Change]:
    return await roll_back(ledger, TOOLS, **{"workspace": "default", "actor": "back", "now": MS} | options)


async def test_everything_becomes_what_it_was_and_there_is_a_way_forward_again(ledger: Any) -> None:
    await apply(ledger, IN_FORCE | {"endpoints": {"hook": {"url": "https://hooks.example.com"}}})
    first, good = await newest(ledger), await state(ledger)
    other = {"connectors": {"one": ONE | {"window": 5}, "three": TWO}, "routes": [ALL | {"via": ["three"]}]}
    await apply(ledger, other, prune=True, now=NOW + 5)
    second, bad = await newest(ledger), await state(ledger)
    counter = await declared.version(ledger)

    planned = await back(ledger, version=first, dry_run=True)
    assert (await state(ledger), await newest(ledger)) == (bad, second)
    assert [c.action for c in await back(ledger, version=first)] == [c.action for c in planned]
    assert await state(ledger) == good
    assert await declared.version(ledger) == counter + 1
    assert await newest(ledger) > second
    audited = await ledger.fetch("SELECT action, detail FROM audit WHERE actor = 'back' ORDER BY id DESC LIMIT 1")
    assert audited == [("workspace.rolled_back", f'{{"version":{first}}}')]

    assert {c.action for c in await back(ledger, version=first)} == {"unchanged"}
    await back(ledger, at=NOW + 5)
    assert await state(ledger) == bad


async def test_the_order_of_routes_comes_back_too(ledger: Any) -> None:
    routes = [{"name": name, "via": ["one"], "match": {"country": name}} for name in ("DE", "FR", "GB")]
    await apply(ledger, {"connectors": {"one": ONE}, "routes": routes})
    first, good = await newest(ledger), await state(ledger)
    await apply(ledger, {"routes": [routes[2] | {"via": ["one", "sandbox"]}, *routes[:2]]})
    await apply(ledger, {"routes": routes})  # what it says of each is as before; its place is another
    await back(ledger, version=first)
    assert await state(ledger) == good


async def test_a_route_comes_back_with_its_order_and_its_pin(ledger: Any) -> None:
    way = {"via": ["one", "two"], "order": "best", "explore": 0.1, "pin": "two", "pin_until": "2026-11-22T08:00:00Z"}
    await apply(ledger, IN_FORCE | {"routes": [ALL | way]})
    first, good = await newest(ledger), await state(ledger)
    await apply(ledger, {"routes": [ALL]})
    await back(ledger, version=first)
    assert await state(ledger) == good


async def test_entries_of_an_older_program_leave_objects_in_their_places(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    first, good = await newest(ledger), await state(ledger)
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE declared_history SET position = NULL")
    await apply(ledger, {"connectors": {"one": ONE | {"window": 7}}})
    await back(ledger, version=first)
    assert await state(ledger) == good


async def test_a_version_that_is_none_and_a_time_before_everything_are_refused(ledger: Any) -> None:
    await apply(ledger, IN_FORCE)
    for options in ({"version": 999}, {"at": NOW - 1}, {"version": 1, "workspace": "other"}):
        with pytest.raises(Refused):
            await back(ledger, **options)


async def test_a_connector_that_others_use_is_not_taken_away(ledger: Any) -> None:
    await environments.create_workspace(ledger, "shop", seal=str, actor="test", now=NOW)
    await apply(ledger, {"connectors": {"one": ONE}, "routes": [ALL]})
    first = await newest(ledger)
    await apply(ledger, {"connectors": {"two": TWO}, "routes": [{"name": "shop", "via": ["two"], "workspace": "shop"}]})
    with pytest.raises(Refused, match="'shop' leads to 'two'"):
        await back(ledger, version=first)
    assert [row[2] for row in await state(ledger) if row[1] == "connector"] == ["one", "two"]


async def test_the_history_says_what_became_of_each(ledger: Any) -> None:
    await apply(ledger, {"connectors": {"one": ONE}})
    await apply(ledger, {"connectors": {"one": TWO}})
    await apply(ledger, {}, prune=True)
    await apply(ledger, {"connectors": {"one": TWO}})
    entries = await history(ledger, workspace="default", limit=10)
    assert [entry.action for entry in entries] == ["created", "removed", "changed", "created"]
    assert await history(ledger, workspace="shop", limit=10) == []
    assert [entry.id for entry in await history(ledger, workspace=None, limit=1, before=entries[0].id)] == [
        entries[1].id
    ]


@pytest.mark.parametrize("text", ["2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-15T00:13:20+02:00"])
async def test_a_time_is_read_as_people_write_it(text: str) -> None:
    assert moment_of(text) == NOW
    with pytest.raises(Refused):
        moment_of("yesterday")


# -- the other engine


async def test_on_postgresql_the_same_questions_have_the_same_answers(postgres_url: str) -> None:
    ledger = await PostgresLedger.open(postgres_url, now_ms=lambda: MS, report=print)
    try:
        await environments.ensure_defaults(ledger, lambda secret: f"sealed:{secret}", now=NOW)
        await apply(ledger, IN_FORCE)
        first, good = await newest(ledger), await state(ledger)
        await traffic(ledger)
        proposal = {"routes": [{"name": "codes", "via": ["two"], "match": {"kind": "otp"}}]}
        report = await tried(ledger, proposal)
        assert (report.messages, report.unchanged, report.moved) == (41, 36, 5)
        await apply(ledger, proposal)
        assert [entry.action for entry in await history(ledger, workspace="default", limit=2)] == ["changed", "created"]
        await back(ledger, version=first)
        assert await state(ledger) == good
    finally:
        await ledger.close()


# -- pools


async def test_a_pool_that_is_in_force_changes_nothing_and_one_more_sender_moves_its_part(ledger: Any) -> None:
    pool = {"+4915900000001": {"pool": "shop"}, "+4915900000002": {"pool": "shop"}}
    document = {**IN_FORCE, "senders": {**IN_FORCE["senders"], **pool}}
    await apply(ledger, document)
    snapshot = await declared.load(ledger)
    realm = snapshot.realms[1]
    for place in range(60):
        number = f"+4917000{place:05d}"
        case = Case("DE", "mobile", True, False, number, "transactional", "shop", "gsm7", 1, None, 0.0)
        verdict = decide(case, realm.rules)
        async with ledger.transaction() as transaction:
            trace = msgspec.json.encode(verdict.trace).decode()
            await transaction.execute("INSERT INTO decisions (id, trace) VALUES ($1, $2)", 1_000 + place, trace)
        await send(ledger, sender=verdict.sender, to=number, decision=1_000 + place)
    report = await tried(ledger, document)
    assert (report.messages, report.unchanged) == (60, 60)
    report = await tried(ledger, {"senders": {"+4915900000003": {"pool": "shop"}}})
    assert report.unchanged + report.altered == 60 and 5 <= report.altered <= 40
    assert report.altered_by == {"sender": report.altered}
