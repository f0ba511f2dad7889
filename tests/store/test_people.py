"""What people said, in the ledgers: entries are kept for ever, and what holds is the person's."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from heliograph.core import consent
from heliograph.engine import datakeys
from heliograph.engine.people import contacts, record
from heliograph.engine.people.contacts import Given
from heliograph.engine.people.names import EVERYBODY, named
from heliograph.engine.people.record import Said
from heliograph.engine.secrets import Vault
from tests.store.making import NOW, accept, message

pytestmark = pytest.mark.asyncio
ANN, ANNS_OTHER, BOB = "+491700000001", "+491700000002", "+491700000003"
MAIL = "ann@example.com"


@pytest_asyncio.fixture(autouse=True)
async def workspace(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute("INSERT INTO workspaces (id, name, created_at) VALUES (1, 'default', $1)", NOW)
    await datakeys.load(ledger, Vault([b"m" * 32]), lambda: NOW, encrypt=False)


async def say(ledger: Any, address: str, action: str, scope: str = "*", *, after_s: int = 0, **more: Any) -> None:
    at = NOW + after_s * 1_000
    said = Said(address=address, action=action, scope=scope, at=at, **{"source": "web_form", **more})
    await record.record(ledger, 1, 1, [said], actor="test", now=at)


async def may(ledger: Any, address: str, kind: str = "promotional", workspace: int = 1) -> str:
    stances = await record.stances_of(ledger, workspace, address)
    need = "opt_in" if kind == "promotional" else "no_opt_out"
    return consent.rule(need, kind, None, None, stances, NOW + 10**9).refusal or "yes"


async def person(ledger: Any, *addresses: str, after_s: int = 0, **more: Any) -> str:
    given = Given(addresses=list(addresses), **more)
    return (await contacts.create(ledger, 1, given, actor="test", now=NOW + after_s * 1_000)).id


async def test_entries_are_added_and_what_holds_follows(ledger: Any) -> None:
    await say(ledger, ANN, "opt_in", "promotional", text="Offers, weekly. Reply STOP to end.", ip="192.0.2.1")
    assert await may(ledger, ANN) == "yes"
    await say(ledger, ANN, "opt_out", after_s=1, source="keyword")
    assert (await may(ledger, ANN), await may(ledger, ANN, "transactional")) == ("opted_out", "opted_out")
    entries = await record.history(ledger, 1, ANN)
    assert [(entry.action, entry.scope, entry.source) for entry in entries] == [
        ("opt_in", "promotional", "web_form"),
        ("opt_out", "*", "keyword"),
    ]
    assert (entries[0].text, entries[0].ip) == ("Offers, weekly. Reply STOP to end.", "192.0.2.1")


async def test_a_no_by_one_address_is_a_no_of_the_person(ledger: Any) -> None:
    await person(ledger, ANN, ANNS_OTHER, MAIL)
    await say(ledger, MAIL, "opt_out")
    assert [await may(ledger, address, "transactional") for address in (ANN, ANNS_OTHER, MAIL, BOB)] == [
        *("opted_out", "opted_out", "opted_out"),
        "yes",
    ]


async def test_a_new_number_of_somebody_who_said_no_is_covered(ledger: Any) -> None:
    ann = await person(ledger, ANN)
    await say(ledger, ANN, "opt_out")
    await contacts.change(ledger, 1, ann, Given(addresses=[ANN, ANNS_OTHER]), actor="test", now=NOW + 5_000)
    assert await may(ledger, ANNS_OTHER, "transactional") == "opted_out"


async def test_a_number_that_moves_takes_no_consent_along_but_every_no(ledger: Any) -> None:
    await person(ledger, ANN, ANNS_OTHER)
    await say(ledger, ANN, "opt_in", "promotional")
    await say(ledger, ANNS_OTHER, "opt_out", "transactional", after_s=1)
    await person(ledger, ANN, ANNS_OTHER, after_s=10)  # both are somebody else's now
    assert await may(ledger, ANN) == "no_consent", "the yes was Ann's"
    assert await may(ledger, ANNS_OTHER, "transactional") == "opted_out", "whoever has it now said nothing else"
    assert await may(ledger, ANN, "transactional") == "yes", "what Ann said from elsewhere is Ann's"


async def test_consent_that_was_given_before_the_contact_was_known_stays(ledger: Any) -> None:
    await say(ledger, ANN, "opt_in", "promotional")
    await person(ledger, ANN, after_s=5)
    assert await may(ledger, ANN) == "yes"


async def test_a_no_everywhere_holds_in_every_workspace(ledger: Any) -> None:
    said = Said(address=ANN, action="opt_out", source="operator", at=NOW)
    await record.record(ledger, EVERYBODY, 1, [said], actor="operator", now=NOW)
    assert [await may(ledger, ANN, "otp", workspace) for workspace in (1, 2)] == ["opted_out", "opted_out"]
    operation = await accept(ledger, unwanted := message(ledger, to=ANN))
    assert operation.refused == {unwanted.id: "opted_out"}


async def test_who_records_at_the_same_time_loses_nothing(ledger: Any) -> None:
    scopes = ["promotional", "transactional", "otp", "topic:news", "sender:Acme"]
    await asyncio.gather(*(say(ledger, ANN, "opt_out", scope, after_s=place) for place, scope in enumerate(scopes)))
    assert sorted(one.scope for one in await record.stances_of(ledger, 1, ANN)) == sorted(scopes)


async def test_a_number_that_moves_while_somebody_records_is_whose_it_is_then(ledger: Any) -> None:
    ann = await person(ledger, ANN)
    await asyncio.gather(
        contacts.change(ledger, 1, ann, Given(addresses=[ANNS_OTHER]), actor="test", now=NOW + 1_000),
        *(say(ledger, ANN, "opt_out", scope, after_s=2) for scope in ("promotional", "otp", "topic:news")),
        *(say(ledger, ANNS_OTHER, "opt_out", scope, after_s=2) for scope in ("sender:Acme", "topic:offers")),
    )
    rows = await ledger.fetch("SELECT number, contact, scope FROM consents ORDER BY id")
    of_ann = {scope for _, contact, scope in rows if contact is not None}
    held = {one.scope for one in await record.stances_of(ledger, 1, ANNS_OTHER)}
    assert held == {"sender:Acme", "topic:offers"} | of_ann, rows


async def test_two_people_who_are_given_one_number_at_once_have_it_one_after_the_other(ledger: Any) -> None:
    await asyncio.gather(*(person(ledger, ANN, after_s=second) for second in range(4)))
    rows = await ledger.fetch("SELECT until FROM contact_addresses ORDER BY id")
    assert [row[0] is None for row in rows] == [False, False, False, True]


async def test_lines_of_a_file_hold_as_single_entries_do(ledger: Any) -> None:
    await person(ledger, ANN, ANNS_OTHER)
    lines = [
        Said(address=ANN, action="opt_in", scope="promotional", source="import", at=NOW),
        Said(address=BOB, action="opt_out", source="import", at=NOW + 1),
        Said(address=ANNS_OTHER, action="opt_out", scope="topic:news", source="import", at=NOW + 2),
        Said(address=BOB, action="opt_out", source="import", at=NOW + 3),
    ]
    await record.record_lines(ledger, 1, 1, lines, actor="test", now=NOW + 9)
    assert [await may(ledger, one) for one in (ANN, ANNS_OTHER, BOB)] == ["yes", "yes", "opted_out"]
    assert {one.scope for one in await record.stances_of(ledger, 1, ANN)} == {"promotional", "topic:news"}
    told = await ledger.fetch("SELECT data FROM events WHERE type LIKE 'contact.%' ORDER BY seq")
    assert len(told) == 3, "Bob's second line changed nothing"
    assert [entry.at < entry.recorded_at for entry in await record.history(ledger, 1, BOB)] == [True, True]


async def test_a_second_stop_is_recorded_but_told_once(ledger: Any) -> None:
    for second in range(2):
        await say(ledger, ANN, "opt_out", after_s=second, source="keyword")
    assert len(await record.history(ledger, 1, ANN)) == 2
    told = await ledger.fetch("SELECT type FROM events WHERE type LIKE 'contact.%'")
    assert [row[0] for row in told] == ["contact.opted_out"]


async def test_every_entry_stands_in_the_audit_log(ledger: Any) -> None:
    await say(ledger, ANN, "opt_in", "promotional")
    rows = await ledger.fetch("SELECT actor, action, object FROM audit WHERE action LIKE 'consent.%'")
    assert [tuple(row) for row in rows] == [("test", "consent.opt_in", named(ledger.protection, 1, ANN))]


async def test_an_external_id_names_one_contact(ledger: Any) -> None:
    await person(ledger, ANN, external_id="crm-1")
    with pytest.raises(Exception, match="crm-1"):
        await person(ledger, BOB, external_id="crm-1")
    found, _ = await contacts.page(ledger, 1, external_id="crm-1", cursor=None, limit=10)
    assert [[one.address for one in contact.addresses] for contact in found] == [[ANN]]


async def test_the_stays_of_an_address_are_kept(ledger: Any) -> None:
    ann = await person(ledger, ANN)
    bob = await person(ledger, ANN, after_s=60)
    first, second = await contacts.find(ledger, 1, ann), await contacts.find(ledger, 1, bob)
    assert first is not None and second is not None
    assert [one.until is None for one in (*first.addresses, *second.addresses)] == [False, True]
    assert first.addresses[0].until == second.addresses[0].since
