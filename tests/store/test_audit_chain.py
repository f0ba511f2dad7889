"""The audit log's chain on both engines: whatever is done to it behind our back is found."""

import asyncio
import sys
from typing import Any

import pytest

from heliograph.engine import audit, auditing, datakeys
from heliograph.engine.auditing import Head, Narrowed
from heliograph.engine.secrets import Vault
from tests.store.making import NOW

pytestmark = pytest.mark.asyncio

DAY = 86_400_000
VAULT = Vault([b"m" * 32])


async def load(ledger: Any) -> None:
    await datakeys.load(ledger, VAULT, lambda: NOW, encrypt=False)


async def write(ledger: Any, *names: str, at: int = NOW) -> None:
    for name in names:
        async with ledger.transaction() as transaction:
            await audit.note(transaction, workspace=1, actor="key:a", action="key.created", object=name, now=at)


async def chained(ledger: Any, *names: str) -> Any:
    await load(ledger)
    await write(ledger, *names)
    return ledger


async def meddle(ledger: Any, *statements: str) -> None:
    """What somebody does who has the database."""
    async with ledger.transaction() as transaction:
        for sql in statements:
            await transaction.execute(sql)


async def faults(ledger: Any, *anchors: Head) -> list[int]:
    return [fault.entry for fault in (await auditing.verify(ledger, anchors)).faults]


async def test_what_we_wrote_is_intact(ledger: Any) -> None:
    await chained(ledger, "one", "two", "three")
    found = await auditing.verify(ledger)
    assert (found.intact, found.entries, found.first, found.head) == (True, 3, 1, await auditing.head(ledger))


async def test_an_empty_log_is_intact(ledger: Any) -> None:
    await chained(ledger)
    assert (await auditing.verify(ledger)).intact


@pytest.mark.parametrize(
    "column",
    ["workspace = 2", "at = at + 1", "actor = 'x'", "action = 'x'", "object = 'x'", "detail = '[]'", "ip = 'x'"],
)
async def test_a_change_of_any_column_is_found(ledger: Any, column: str) -> None:
    await chained(ledger, "one", "two", "three")
    await meddle(ledger, f"UPDATE audit SET {column} WHERE id = 2")
    assert await faults(ledger) == [2]


@pytest.mark.parametrize(
    ("what", "statements", "where"),
    [
        ("a hash is changed", ["UPDATE audit SET hash = 'ab' WHERE id = 2"], [2, 3]),
        ("a hash is taken away", ["UPDATE audit SET hash = NULL WHERE id = 2"], [2, 3]),
        ("an entry is removed", ["DELETE FROM audit WHERE id = 2"], [3]),
        ("the first is removed", ["DELETE FROM audit WHERE id = 1"], [2]),
        ("the last is removed", ["DELETE FROM audit WHERE id = 4"], [4]),
        ("all are removed", ["DELETE FROM audit"], [4]),
        (
            "two change places",
            [
                "UPDATE audit SET id = 99 WHERE id = 2",
                "UPDATE audit SET id = 2 WHERE id = 3",
                "UPDATE audit SET id = 3 WHERE id = 99",
            ],
            [2, 3, 4],
        ),
        (
            "one is copied behind the end",
            [
                "INSERT INTO audit (id, workspace, at, actor, action, object, detail, hash) "
                "SELECT 5, workspace, at, actor, action, object, detail, hash FROM audit WHERE id = 4"
            ],
            [5],
        ),
        (
            "one is inserted in place of another",
            [
                "DELETE FROM audit WHERE id = 2",
                "INSERT INTO audit (id, workspace, at, actor, action, object) VALUES (2, 1, 1, 'a', 'b', 'c')",
            ],
            [2, 3],
        ),
        (
            "one is written as programs without a chain write it",
            ["INSERT INTO audit (id, workspace, at, actor, action, object) VALUES (77, 1, 1, 'a', 'b', 'c')"],
            [77],
        ),
        (
            "the beginning is removed as if retention had",
            [
                "UPDATE audit_chain SET base_id = 2, base_hash = (SELECT hash FROM audit WHERE id = 2)",
                "DELETE FROM audit WHERE id <= 2",
            ],
            [2],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_meddling_is_found(ledger: Any, what: str, statements: list[str], where: list[int]) -> None:
    await chained(ledger, "one", "two", "three", "four")
    await meddle(ledger, *statements)
    assert await faults(ledger) == where


async def test_an_end_that_was_cut_off_is_found_by_an_anchor(ledger: Any) -> None:
    await chained(ledger, "one", "two", "three")
    anchor = await auditing.head(ledger)
    await meddle(
        ledger,
        "DELETE FROM audit WHERE id = 3",
        "UPDATE audit_chain SET last_id = 2, last_hash = (SELECT hash FROM audit WHERE id = 2)",
    )
    assert await faults(ledger) == []  # as good as if the third had never been
    assert await faults(ledger, anchor) == [3]
    await write(ledger, "another third")
    assert await faults(ledger, anchor) == [3]


async def test_a_chain_that_was_begun_anew_is_found_by_an_anchor(ledger: Any) -> None:
    await chained(ledger, "one", "two", "three")
    anchor = await auditing.head(ledger)
    await meddle(ledger, "UPDATE audit SET object = 'forged' WHERE id = 2", "DELETE FROM data_keys")
    await load(ledger)
    assert (await faults(ledger), await faults(ledger, anchor)) == ([], [3])


async def test_entries_from_before_the_chain_are_taken_in_once(ledger: Any) -> None:
    await meddle(
        ledger,
        "INSERT INTO audit (id, workspace, at, actor, action, object) VALUES (3, 1, 1, 'a', 'b', 'c')",
        "INSERT INTO audit (id, workspace, at, actor, action, object) VALUES (9, 1, 2, 'a', 'b', 'c')",
    )
    await chained(ledger, "new")
    found = await auditing.verify(ledger)
    assert (found.intact, found.entries, found.first, found.head.entry) == (True, 3, 3, 10)
    await meddle(ledger, "UPDATE audit SET actor = 'x', hash = NULL WHERE id = 9")
    await load(ledger)  # the next start does not make it good
    assert await faults(ledger) == [9, 10]


async def test_another_key_does_not_fit(ledger: Any) -> None:
    await chained(ledger, "one", "two")
    ledger.protection.audit_key = b"guessed"
    assert await faults(ledger) == [1, 2]


async def test_retention_leaves_a_chain_that_can_be_checked(ledger: Any) -> None:
    await load(ledger)
    await write(ledger, "one", "two", at=NOW - 10 * DAY)
    old = await auditing.head(ledger)
    await write(ledger, "three", "four")
    while await auditing.thin_out(ledger, NOW, 5):
        pass
    found = await auditing.verify(ledger, [old])  # an anchor that retention removed proves nothing any more
    assert (found.intact, found.entries, found.first) == (True, 2, 3)
    await write(ledger, "five")
    assert (await auditing.verify(ledger)).intact
    await meddle(ledger, "INSERT INTO audit (id, workspace, at, actor, action, object) VALUES (1, 1, 1, 'a', 'b', 'c')")
    assert await faults(ledger) == [1]


async def test_a_change_that_fails_leaves_no_entry_and_no_gap(ledger: Any) -> None:
    await chained(ledger, "one")
    with pytest.raises(RuntimeError):
        async with ledger.transaction() as transaction:
            await audit.note(transaction, workspace=1, actor="a", action="b", object="c", now=NOW)
            raise RuntimeError
    await write(ledger, "two")
    found = await auditing.verify(ledger)
    assert (found.intact, found.head.entry) == (True, 2)


async def test_lists_are_narrowed_by_everything_that_an_entry_says(ledger: Any) -> None:
    await chained(ledger)
    async with ledger.transaction() as transaction:
        for workspace, actor, action, thing, at in (
            (1, "key:a", "key.created", "key:x", NOW),
            (1, "key:b", "key.revoked", "key:x", NOW + 1),
            (2, "key:a", "route.changed", "route:r", NOW + 2),
            (None, "serve", "prices.imported", "prices", NOW + 3),
        ):
            await audit.note(transaction, workspace=workspace, actor=actor, action=action, object=thing, now=at)

    async def found(**narrowed: Any) -> list[str]:
        page, _ = await auditing.entries(ledger, Narrowed(**narrowed), cursor=None, limit=10)
        return [entry.action for entry in page]

    assert await found() == ["prices.imported", "route.changed", "key.revoked", "key.created"]
    assert await found(workspace=1, everyones=False) == ["key.revoked", "key.created"]
    assert await found(workspace=2) == ["prices.imported", "route.changed"]
    assert await found(actor="key:a") == ["route.changed", "key.created"]
    assert await found(action="key.*") == ["key.revoked", "key.created"]
    assert await found(action="key.created") == ["key.created"]
    assert await found(object="key:x", since=NOW + 1) == ["key.revoked"]
    assert await found(until=NOW + 1) == ["key.created"]


WRITER = """
import asyncio, sys
from heliograph.engine import audit, datakeys
from heliograph.engine.secrets import Vault
from heliograph.store.postgres import PostgresLedger

async def main(url, name, count):
    ledger = await PostgresLedger.open(url, now_ms=lambda: 1, report=print, migrations=False)
    await datakeys.load(ledger, Vault([b"m" * 32]), lambda: 1, encrypt=False)

    async def one(number):
        async with ledger.transaction() as transaction:
            for part in ("first", "second"):
                await audit.note(transaction, workspace=1, actor=name, action=part, object=str(number), now=1)
            await audit.config_changed(transaction)

    await asyncio.gather(*(one(number) for number in range(count)))
    await ledger.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_processes_that_write_at_the_same_time_make_one_chain(open_postgres: Any, postgres_url: str) -> None:
    ledger = await open_postgres()  # no key yet: the three race for it too
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, postgres_url, f"p{number}", "40")
        for number in range(3)
    ]
    assert await asyncio.gather(*(process.wait() for process in processes)) == [0, 0, 0]
    await load(ledger)
    found = await auditing.verify(ledger)
    assert (found.intact, found.entries, found.first, found.head.entry) == (True, 240, 1, 240)
    rows = await ledger.fetch("SELECT actor, action, object FROM audit ORDER BY id")
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    assert all(first[0] == second[0] and first[2] == second[2] for first, second in pairs)
