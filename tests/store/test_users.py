"""Users, sessions and guessing on both ledgers, in a time of their own."""

import asyncio
import base64
from collections.abc import Awaitable
from typing import Any

import pytest
import pytest_asyncio
from argon2 import PasswordHasher

from heliograph.core import totp
from heliograph.core.failures import Refusal, Refused
from heliograph.engine import environments, resealing
from heliograph.engine.environments import workspace_id
from heliograph.engine.secrets import Vault
from heliograph.engine.users import account, register, sessions, throttle
from heliograph.engine.users.logins import LoggedIn, Logins, Visitor
from heliograph.engine.users.register import Doer
from heliograph.engine.users.sessions import SECOND_STEP_MS, Lifetimes, Session
from heliograph.engine.users.throttle import ADDRESS, OWN, TooSoon
from heliograph.store.port import Ledger
from tests.store.making import Time

PASSWORD = "seven lamps of brass"
LIFETIMES = Lifetimes(idle_ms=3_600_000, whole_ms=12 * 3_600_000)
HERE = Visitor("203.0.113.7", "a browser")
DAY_MS = 86_400_000


@pytest_asyncio.fixture
async def workspace(ledger: Ledger, time: Time) -> int:
    await environments.ensure_defaults(ledger, lambda secret: secret, now=time())
    return await workspace_id(ledger, "default")


@pytest_asyncio.fixture
async def logins(ledger: Ledger, workspace: int, time: Time) -> Logins:
    return Logins(ledger, time, LIFETIMES, Vault([b"k" * 32]))


async def joined(logins: Logins, workspace: int, email: str = "ada@example.com", role: str = "owner") -> None:
    doer = Doer("cli:test", logins.now_ms())
    made = await register.invite(logins.ledger, workspace, email, "Somebody", {"live": [role]}, doer)
    await account.use_link(logins, made.token, PASSWORD, HERE)


async def in_session(logins: Logins, email: str = "ada@example.com") -> Session:
    came = await logins.with_password("default", email, PASSWORD, HERE)
    found = await sessions.find(logins.ledger, came.token, LIFETIMES, logins.now_ms())
    assert isinstance(found, Session)
    return found


async def code_of(awaited: Awaitable[Any]) -> str | None:
    try:
        await awaited
    except Refused as refused:
        return refused.refusals[0].code
    return None


# -- sessions


@pytest.mark.asyncio
async def test_a_session_ends_without_use_and_in_any_case(logins: Logins, workspace: int, time: Time) -> None:
    await joined(logins, workspace)
    session = await in_session(logins)
    begun = time()

    async def lives() -> bool:
        return isinstance(await sessions.find(logins.ledger, session.token, LIFETIMES, time()), Session)

    while time() + LIFETIMES.idle_ms - 1 < begun + LIFETIMES.whole_ms:
        time.ms += LIFETIMES.idle_ms - 1
        assert await lives(), "used within the hour"
    time.ms = begun + LIFETIMES.whole_ms - 1
    assert await lives()
    time.ms += 1
    assert not await lives(), "twelve hours are over"
    other = await in_session(logins)
    time.ms += LIFETIMES.idle_ms
    found = await sessions.find(logins.ledger, other.token, LIFETIMES, time())
    assert isinstance(found, Refusal) and found.code == "no_session"


@pytest.mark.asyncio
async def test_sessions_that_are_over_are_removed(logins: Logins, workspace: int, time: Time) -> None:
    await joined(logins, workspace)
    await in_session(logins)
    time.ms += LIFETIMES.whole_ms + 1
    await in_session(logins)
    assert (await logins.ledger.fetch("SELECT count(*) FROM sessions"))[0][0] == 1


@pytest.mark.asyncio
async def test_the_ledger_holds_no_token_and_no_password(logins: Logins, workspace: int) -> None:
    await joined(logins, workspace)
    session = await in_session(logins)
    enrolment = await account.begin_second_factor(logins, session, PASSWORD)
    link = await register.reset_link(logins.ledger, workspace, session.email, Doer("cli:test", logins.now_ms()))
    kept = ""
    for table in ("users", "sessions", "user_links", "login_failures", "audit"):
        kept += str([tuple(row) for row in await logins.ledger.fetch(f"SELECT * FROM {table}")])
    for secret in (session.token, PASSWORD, enrolment.secret, link.token):
        assert secret not in kept
    assert "$argon2id$" in kept


@pytest.mark.asyncio
async def test_a_turned_over_token_works_no_more(logins: Logins, workspace: int) -> None:
    await joined(logins, workspace)
    session = await in_session(logins)
    async with logins.ledger.transaction() as transaction:
        token = await sessions.turn_over(transaction, session, session.client.environment)
    assert await code_of(_turn_over(logins, session)) == "no_session", "only once"
    assert isinstance(await sessions.find(logins.ledger, session.token, LIFETIMES, logins.now_ms()), Refusal)
    assert isinstance(await sessions.find(logins.ledger, token, LIFETIMES, logins.now_ms()), Session)


async def _turn_over(logins: Logins, session: Session) -> None:
    async with logins.ledger.transaction() as transaction:
        await sessions.turn_over(transaction, session, session.client.environment)


# -- links


@pytest.mark.asyncio
@pytest.mark.parametrize("purpose", [register.INVITE, register.RESET])
async def test_a_link_ends_in_time(logins: Logins, workspace: int, time: Time, purpose: str) -> None:
    doer = Doer("cli:test", time())
    made = await register.invite(logins.ledger, workspace, "ada@example.com", "Ada", {"live": ["owner"]}, doer)
    if purpose == register.RESET:
        await account.use_link(logins, made.token, PASSWORD, HERE)
        made = await register.reset_link(logins.ledger, workspace, "ada@example.com", doer)
    time.ms += register.LINK_MS[purpose] - 1
    assert (await account.open_link(logins, made.token)).purpose == purpose
    time.ms += 1
    assert await code_of(account.use_link(logins, made.token, PASSWORD, HERE)) == "link_ended"


@pytest.mark.asyncio
async def test_of_two_uses_of_a_link_at_once_one_works(logins: Logins, workspace: int) -> None:
    doer = Doer("cli:test", logins.now_ms())
    made = await register.invite(logins.ledger, workspace, "ada@example.com", "Ada", {"live": ["owner"]}, doer)
    uses = [account.use_link(logins, made.token, f"{PASSWORD} {number}", HERE) for number in range(3)]
    assert sorted(map(str, await asyncio.gather(*map(code_of, uses)))) == ["None", "link_ended", "link_ended"]


# -- guessing


@pytest.mark.asyncio
async def test_the_wait_grows_and_has_an_end(logins: Logins, time: Time) -> None:
    waits = []
    for _ in range(20):
        await throttle.charge(logins.ledger, "account", OWN, time())
        with_wait = await _wait(logins, time)
        waits.append(with_wait)
        time.ms += with_wait * 1000
    assert waits[: OWN.free - 1] == [0] * (OWN.free - 1)
    assert waits[OWN.free - 1 : OWN.free + 4] == [1, 2, 4, 8, 16]
    assert max(waits) == 900, "nobody is locked out for ever"


async def _wait(logins: Logins, time: Time) -> int:
    rows = await logins.ledger.fetch("SELECT blocked_until FROM login_failures")
    return max(0, rows[0][0] - time()) // 1000


@pytest.mark.asyncio
async def test_while_one_waits_nothing_is_counted(logins: Logins, time: Time) -> None:
    for _ in range(OWN.free):
        await throttle.charge(logins.ledger, "account", OWN, time())
    for _ in range(3):
        with pytest.raises(TooSoon) as caught:
            await throttle.charge(logins.ledger, "account", OWN, time())
        assert caught.value.wait_s == 1


@pytest.mark.asyncio
async def test_a_hundred_guesses_at_once_are_no_more_than_five(logins: Logins, time: Time) -> None:
    guesses = [code_of(throttle.charge(logins.ledger, "account", OWN, time())) for _ in range(100)]
    assert (await asyncio.gather(*guesses)).count(None) == OWN.free


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [OWN, ADDRESS])
async def test_failures_are_forgotten_one_by_one(logins: Logins, time: Time, limit: throttle.Limit) -> None:
    for _ in range(limit.free):
        await throttle.charge(logins.ledger, "one", limit, time())
    time.ms += 2 * limit.forget_ms
    await throttle.charge(logins.ledger, "one", limit, time())
    assert await _wait(logins, time) == 0
    await throttle.charge(logins.ledger, "one", limit, time())
    assert await _wait(logins, time) == 1
    time.ms += DAY_MS + 1
    await throttle.charge(logins.ledger, "other", limit, time())
    rows = await logins.ledger.fetch("SELECT failures FROM login_failures")
    assert [row[0] for row in rows] == [1], "what is over is removed"


@pytest.mark.asyncio
async def test_an_unknown_user_costs_as_much_as_a_known_one(
    logins: Logins, workspace: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await joined(logins, workspace)
    checked: list[str | None] = []
    verify = logins.hashing.verify

    async def counted(password: str, kept: str | None) -> bool:
        checked.append(kept and kept.partition(",p=")[0])
        return await verify(password, kept)

    monkeypatch.setattr(logins.hashing, "verify", counted)
    for email in ("ada@example.com", "nobody@example.com"):
        assert await code_of(logins.with_password("default", email, "wrong password", HERE)) == "wrong_login"
    assert checked == ["$argon2id$v=19$m=32768,t=3", None]
    nobody = logins.hashing._nobody
    assert nobody is not None and nobody.startswith("$argon2id$v=19$m=32768,t=3,p=1$")


@pytest.mark.asyncio
async def test_a_flood_of_logins_is_turned_away_at_the_door(logins: Logins) -> None:
    many = [code_of(logins.hashing.verify("x", None)) for _ in range(60)]
    assert "too_many_failures" in await asyncio.gather(*many)
    assert await code_of(logins.hashing.verify("x", None)) is None


@pytest.mark.asyncio
async def test_an_old_hash_is_made_anew_at_the_next_login(logins: Logins, workspace: int) -> None:
    await joined(logins, workspace)
    async with logins.ledger.transaction() as transaction:
        weak = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
        await transaction.execute("UPDATE users SET password_hash = $1", weak)
    await in_session(logins)
    kept = (await logins.ledger.fetch("SELECT password_hash FROM users"))[0][0]
    assert "m=32768,t=3,p=1" in kept
    await in_session(logins)


# -- the second factor


@pytest.mark.asyncio
async def test_a_code_that_comes_twice_at_once_works_once(logins: Logins, workspace: int, time: Time) -> None:
    token, code = await _half(logins, workspace, time)
    both = [logins.with_code(code, Visitor(HERE.ip, token=token)) for _ in range(2)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["LoggedIn", "Refused"]


@pytest.mark.asyncio
async def test_the_time_between_password_and_code_is_short(logins: Logins, workspace: int, time: Time) -> None:
    token, code = await _half(logins, workspace, time)
    time.ms += SECOND_STEP_MS
    assert await code_of(logins.with_code(code, Visitor(HERE.ip, token=token))) == "no_session"


@pytest.mark.asyncio
@pytest.mark.parametrize("confirmed", [False, True])
async def test_a_second_factor_outlives_the_master_key(
    ledger: Ledger, logins: Logins, workspace: int, time: Time, confirmed: bool
) -> None:
    old, new = b"k" * 32, b"n" * 32
    later = Logins(ledger, time, LIFETIMES, Vault([new]))
    if confirmed:
        token, code = await _half(logins, workspace, time)
        await resealing.reseal(ledger, Vault([new, old]), actor="cli:test", now=time())
        assert (await later.with_code(code, Visitor(HERE.ip, token=token))).is_whole
    else:
        await joined(logins, workspace)
        session = await in_session(logins)
        secret = base64.b32decode((await account.begin_second_factor(logins, session, PASSWORD)).secret)
        await resealing.reseal(ledger, Vault([new, old]), actor="cli:test", now=time())
        await account.confirm_second_factor(later, session, totp.code(secret, time() // 30_000), HERE)


async def _half(logins: Logins, workspace: int, time: Time) -> tuple[str, str]:
    """A login that waits for its code, and a code that will do."""
    await joined(logins, workspace)
    session = await in_session(logins)
    enrolment = await account.begin_second_factor(logins, session, PASSWORD)
    secret = base64.b32decode(enrolment.secret)
    await account.confirm_second_factor(logins, session, totp.code(secret, time() // 30_000), HERE)
    came: LoggedIn = await logins.with_password("default", "ada@example.com", PASSWORD, HERE)
    assert not came.is_whole and came.device is None
    return came.token, totp.code(secret, time() // 30_000 + 1)


# -- owners


@pytest.mark.asyncio
@pytest.mark.parametrize("count", [1, 2])
async def test_the_last_owner_of_live_stays(logins: Logins, workspace: int, count: int) -> None:
    for number in range(count):
        await joined(logins, workspace, f"owner{number}@example.com")
    doer = Doer("cli:test", logins.now_ms())
    found = await code_of(register.set_disabled(logins.ledger, workspace, "owner0@example.com", True, doer))
    assert found == ("last_owner" if count == 1 else None)
    if count == 2:  # a disabled owner is no owner
        roles = {"live": ["support"]}
        last = register.set_roles(logins.ledger, workspace, "owner1@example.com", roles, doer)
        assert await code_of(last) == "last_owner"


@pytest.mark.asyncio
async def test_a_user_without_a_role_is_told_so(logins: Logins, workspace: int) -> None:
    await joined(logins, workspace)
    async with logins.ledger.transaction() as transaction:
        await transaction.execute("DELETE FROM user_roles")
    assert await code_of(in_session(logins)) == "no_role"


@pytest.mark.asyncio
async def test_attempts_that_are_counted_and_struck_out_at_once_get_in_each_others_way_never(
    ledger: Ledger, time: Time
) -> None:
    limit = throttle.Limit(free=10_000, forget_ms=60_000)

    async def attempt() -> None:
        await throttle.charge(ledger, "someone", limit, time())
        await throttle.forgive(ledger, "someone", all_of_them=True)

    answers = await asyncio.gather(*(attempt() for _ in range(100)), return_exceptions=True)
    assert [answer for answer in answers if answer is not None] == []
