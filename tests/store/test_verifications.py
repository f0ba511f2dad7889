"""Verifications on both engines: what is kept of a code, how it is checked, what the guard counts, how they end."""

import asyncio
import itertools
from typing import Any, ClassVar

import msgspec
import pytest
import pytest_asyncio

from heliograph.core.failures import Refused
from heliograph.core.message import MESSAGE_COLUMNS
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.core.verify.tallies import BUCKET_MS, DAY, Books, Place, day_of
from heliograph.engine import datakeys, disclosing, environments, erasing
from heliograph.engine.draft import Caller, Draft
from heliograph.engine.policies import Policies
from heliograph.engine.secrets import Vault
from heliograph.products.verify import counts, errands
from heliograph.products.verify.asking import Step, VerificationRequest
from heliograph.products.verify.authenticators import Authenticators
from heliograph.products.verify.desk import VerifyDesk
from heliograph.store.port import Accept
from tests.store.making import NOW, Time, message

pytestmark = pytest.mark.asyncio

VAULT = Vault([b"m" * 32])
ANNA = "+491700000001"
CALLER = Caller(1, 1, 1, "DE")
HERE = (1, 1)
OPEN = VerifyPolicy()


class Intake:
    """Takes every message, as the engine would that has a route."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.texts: list[str] = []
        self.verdicts = self

    def row_of(self, verdict: Any) -> int:
        return 1

    def draft(self, caller: Caller, request: Any, now: int) -> Draft:
        fields = {"to": request.to, "kind": "otp", "lane": 0, "accepted_at": now, "text": request.text, "price": "0.05"}
        fields |= {"workspace": caller.workspace, "environment": caller.environment, "currency": "EUR"}
        verdict: Any = Verdict()
        return Draft(message(self._ledger, **fields), verdict)

    def accept(self, drafts: Any, done: Any, *, all_or_none: bool) -> None:
        self.texts += [draft.message.text for draft in drafts]
        self._ledger.add(Accept(done=done, messages=[draft.message for draft in drafts]))


class Verdict(msgspec.Struct):
    connectors: tuple[str, ...] = ("telco", "other")
    trace: tuple[Any, ...] = ()


class Realm:
    """What the desk reads of an environment."""

    id, workspace, workspace_name, rehearses, policies = 1, 1, "Acme", False, Policies(verify=OPEN)
    mode = "live"


class Snapshot:
    realms: ClassVar = {1: Realm, 2: Realm}

    class prices:  # noqa: N801
        of = staticmethod(lambda message, connector: ("0.06", "EUR", None))


@pytest_asyncio.fixture
async def desk(ledger: Any, time: Time) -> Any:
    await datakeys.load(ledger, VAULT, time, encrypt=True)
    await environments.ensure_defaults(ledger, lambda text: text, now=NOW)
    ledger.subscribers = lambda *about: ()
    serial = itertools.count()
    found: Any = VerifyDesk(
        ledger,
        Intake(ledger),  # type: ignore[arg-type]
        lambda: Snapshot,  # type: ignore[arg-type,return-value]
        lambda size: bytes((next(serial) * 7 + place) % 250 for place in range(size)),
        lambda operation, message: None,
    )
    return found


async def start(desk: Any, now: int = NOW, to: str = ANNA, **more: Any) -> tuple[Any, str]:
    found: tuple[Any, str] = await desk.start(CALLER, VerificationRequest(to=to, **more), now)
    return found


async def everything(ledger: Any) -> str:
    tables = "verifications", "verification_counts", "events", "messages", "decisions", "audit"
    return " ".join([str(await ledger.fetch(f"SELECT * FROM {table}")) for table in tables])


async def test_the_code_stands_nowhere_in_the_ledger(desk: Any, ledger: Any) -> None:
    row, code = await start(desk, code="7394051826")
    assert code == "7394051826" and code in desk._intake.texts[0]
    kept = await everything(ledger)
    assert code not in kept and row.to in kept
    await desk.check(HERE, row.public_id, code, NOW + 1)
    assert code not in await everything(ledger)


async def test_of_many_checks_at_once_one_is_right(desk: Any) -> None:
    row, code = await start(desk)
    found = await asyncio.gather(*(desk.check(HERE, row.public_id, code, NOW + 1) for _ in range(5)))
    assert sorted(found) == [False] * 4 + [True]


async def test_no_more_checks_than_allowed_however_many_come_at_once(desk: Any, ledger: Any) -> None:
    row, code = await start(desk)
    wrong = "0" * 6 if code != "0" * 6 else "1" * 6
    found = await asyncio.gather(*(desk.check(HERE, row.public_id, wrong, NOW + 1) for _ in range(12)))
    assert not any(found) and not await desk.check(HERE, row.public_id, code, NOW + 2)
    assert await ledger.fetch("SELECT checks FROM verifications") == [(5,)]


async def test_wrong_ended_and_unknown_codes_take_the_same_statements(desk: Any, ledger: Any) -> None:
    """The time that an answer takes tells as little as the answer."""
    row, code = await start(desk)
    wrong = "0" * 6 if code != "0" * 6 else "1" * 6
    seen: dict[str, list[str]] = {}
    cases = {"wrong": (row.public_id, NOW + 1), "expired": (row.public_id, NOW + 700_000), "unknown": ("ver_x", NOW)}
    for name, (public_id, at) in cases.items():
        async with spied(ledger) as statements:
            assert not await desk.check(HERE, public_id, wrong, at)
        seen[name] = statements
    assert seen["wrong"] == seen["expired"] == seen["unknown"] and len(seen["wrong"]) == 2


async def test_a_start_takes_two_statements_of_the_guard_and_one_of_the_figures(desk: Any, ledger: Any) -> None:
    async with spied(ledger) as statements:
        await start(desk, ip="203.0.113.7", device="d")
    assert [one.split(" ", 3)[:3] for one in statements] == [
        ["SELECT", "subject,", "sum(CASE"],
        ["INSERT", "INTO", "verification_counts"],
        ["INSERT", "INTO", "verifications"],
        ["INSERT", "INTO", "verification_sums"],
    ]


class spied:  # noqa: N801
    """The statements of what is written briefly inside."""

    def __init__(self, ledger: Any) -> None:
        self.ledger, self.statements, self.briefly = ledger, list[str](), ledger.briefly

    async def __aenter__(self) -> list[str]:
        self.ledger.briefly = lambda do: self.briefly(lambda inner: do(Spy(inner, self.statements)))
        return self.statements

    async def __aexit__(self, *_: object) -> None:
        self.ledger.briefly = self.briefly


class Spy:
    def __init__(self, inner: Any, statements: list[str]) -> None:
        self.inner, self.statements = inner, statements
        self.record, self.note = inner.record, inner.note

    async def fetch(self, sql: str, *values: object) -> Any:
        self.statements.append(sql)
        return await self.inner.fetch(sql, *values)

    async def execute(self, sql: str, *values: object) -> None:
        self.statements.append(sql)
        await self.inner.execute(sql, *values)


async def test_the_ledger_counts_as_the_books_do(ledger: Any) -> None:
    books, where = Books(), (3, 4)
    place = Place("+491700000001", "DE", 1, "ab", "cd", None)
    started = [0, 1, BUCKET_MS, 5 * BUCKET_MS, 13 * BUCKET_MS, 287 * BUCKET_MS, DAY * BUCKET_MS]
    for number, later in enumerate(started):
        at = NOW + later
        async with ledger.transaction() as transaction:
            found = await counts.tallies(transaction, where, place.subjects(), place.days, at)
            expected = dict(books.tallies(place.subjects(), place.days, at))
            if place.days not in found:
                assert expected.pop(place.days).best_day == 0
            for subject in place.subjects():
                if subject in expected or subject in found:
                    seen = msgspec.structs.replace(found[subject], best_day=0)
                    assert seen == expected[subject], (number, subject)
            await counts.asked(transaction, where, place.subjects(), at, sent=number != 2)
            await counts.verified(transaction, where, place.subjects(), place.days, at, at)
        books.asked(place.subjects(), at, sent=number != 2)
        books.verified(place.subjects(), place.days, at, at)


async def test_counts_are_forgotten_after_a_day_and_those_of_a_countrys_days_after_two_weeks(ledger: Any) -> None:
    async with ledger.transaction() as transaction:
        await counts.asked(transaction, HERE, ["phone:a"], NOW, sent=True)
        await counts.verified(transaction, HERE, ["phone:a"], "days:DE", NOW, NOW)
    await counts.forget(ledger, NOW + 2 * DAY * BUCKET_MS)
    assert await ledger.fetch("SELECT subject, bucket FROM verification_counts") == [("days:DE", day_of(NOW))]
    await counts.forget(ledger, NOW + 16 * DAY * BUCKET_MS)
    assert await ledger.fetch("SELECT 1 FROM verification_counts") == []


async def test_ends_by_time_and_by_wrong_codes_are_told_once(desk: Any, ledger: Any) -> None:
    late, _ = await start(desk, lifetime_s=30)
    failed, code = await start(desk, to="+491700000002")
    for _ in range(5):
        await desk.check(HERE, failed.public_id, "0" * 6 if code != "0" * 6 else "1" * 6, NOW + 1)
    for _ in range(2):
        await errands.end(ledger, desk, NOW + 31_000)
    told = await ledger.fetch("SELECT type FROM events WHERE type LIKE 'verification.%' ORDER BY seq")
    assert sorted(row[0] for row in told[2:]) == ["verification.expired", "verification.failed"]
    assert await ledger.fetch("SELECT state, ended_at FROM verifications WHERE id = $1", late.id) == [
        ("expired", NOW + 30_000)
    ]


async def test_without_a_receipt_the_next_step_goes_over_the_other_connector_with_the_same_code(
    desk: Any, ledger: Any
) -> None:
    row, code = await start(desk, plan=[Step("sms", 20), Step("sms")])
    await errands.go_on(ledger, desk, NOW + 19_000)
    assert len(desk._intake.texts) == 1
    for _ in range(2):  # there is no third step
        await errands.go_on(ledger, desk, NOW + 21_000)
    assert [text[:6] for text in desk._intake.texts] == [code, code]
    rows = await ledger.fetch("SELECT connector, plan, correlation_id, price FROM messages ORDER BY id")
    assert rows[1] == ("other", '["other","telco"]', row.public_id, "0.06")
    assert await desk.check(HERE, row.public_id, code, NOW + 22_000)


async def test_a_delivered_code_is_not_sent_again(desk: Any, ledger: Any) -> None:
    row, _ = await start(desk, plan=[Step("sms", 20), Step("sms")])
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE messages SET state = 'delivered', final_at = $1", NOW)
    await errands.go_on(ledger, desk, NOW + 60_000)
    assert len(desk._intake.texts) == 1 and row.sends == 1


async def test_texts_go_as_soon_as_nobody_needs_them(desk: Any, ledger: Any) -> None:
    row, code = await start(desk)
    await desk.check(HERE, row.public_id, code, NOW + 1)
    await errands.forget(ledger, NOW + 2)
    place = MESSAGE_COLUMNS.index("text")
    assert (await ledger.fetch("SELECT * FROM messages"))[0][place] is not None  # it may have to be sent again
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE messages SET state = 'delivered', final_at = $1", NOW)
    await errands.forget(ledger, NOW + 3)
    assert (await ledger.fetch("SELECT text FROM messages")) == [(None,)]


async def test_an_erased_person_leaves_no_number_and_no_code_that_works(desk: Any, ledger: Any) -> None:
    row, code = await start(desk, ip="203.0.113.7")
    known = await disclosing.disclose(ledger, 1, ANNA, actor="key:a", now=NOW)
    assert [one.id for one in known.verifications] == [row.public_id]
    async with ledger.transaction() as transaction:
        await transaction.execute("UPDATE messages SET state = 'delivered', final_at = $1, owner = NULL", NOW)
    await erasing.erase(ledger, 1, ANNA, reason="asked", actor="key:a", now=NOW)
    assert ANNA not in await everything(ledger)
    assert not await desk.check(HERE, row.public_id, code, NOW + 1)


async def test_another_environment_finds_nothing(desk: Any) -> None:
    row, code = await start(desk)
    assert not await desk.check((1, 2), row.public_id, code, NOW + 1)
    for ask in (desk.find((1, 2), row.public_id), desk.cancel((1, 2), row.public_id, NOW)):
        with pytest.raises(Refused):
            await ask
    assert await desk.check(HERE, row.public_id, code, NOW + 1)


async def test_the_secret_of_an_app_is_sealed(desk: Any, ledger: Any) -> None:
    apps = Authenticators(ledger, lambda text: VAULT.seal(text.encode()), lambda s: VAULT.open(s).decode(), bytes)
    made = await apps.enroll(HERE, "ada", "Acme", actor="key:a", now=NOW)
    kept = (await ledger.fetch("SELECT secret FROM authenticators"))[0][0]
    assert kept.startswith("sealed:") and made.secret not in kept and "00000000" not in kept
