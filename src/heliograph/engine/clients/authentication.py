"""Who is calling? Answered from memory for those who called before, from the ledger for others.

`authenticate` is one look into a dict and never waits. What is remembered is forgotten when the configuration
has changed, when a key or token expires, and in any case after some minutes. Refusals are remembered briefly,
and an address that fails too often has to wait. Secrets are compared in constant time, and never logged.
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Final, NamedTuple, TypeVar

import msgspec

from heliograph.core.failures import Refusal
from heliograph.engine.clients import keys
from heliograph.engine.clients.client import COLUMNS, JOINED, Client, allows, client_of
from heliograph.store.port import Ledger, Row

_K = TypeVar("_K")
_V = TypeVar("_V")
_REMEMBERED: Final = 20_000
_REFUSALS_REMEMBERED: Final = 1_000
_REMEMBER_MS: Final = 300_000
_REMEMBER_REFUSAL_MS: Final = 5_000
_FAILURES: Final = 20
_FAILURE_WINDOW_MS: Final = 60_000
_USE_EVERY_S: Final = 60.0
_LONGEST_HEADER: Final = 1_024


async def _knows_all(environment: int) -> None: ...


MISSING: Final = Refusal(
    "missing_credentials",
    "give a key: Authorization: Bearer hg_live_…, or HTTP Basic with the key as user name",
    status=401,
)
MALFORMED: Final = Refusal(
    "malformed_credentials",
    "this can't be a key of ours: a character is wrong or missing; keys look like hg_live_…",
    status=401,
)
WRONG: Final = Refusal("invalid_credentials", "no key of this gateway fits", status=401)
REVOKED: Final = Refusal("key_revoked", "this key was revoked; use another", status=401)
EXPIRED: Final = Refusal("credentials_expired", "this key or token has expired; use a new one", status=401)
ELSEWHERE: Final = Refusal("ip_not_allowed", "this key may not be used from this address", status=403)
TOO_MANY: Final = Refusal("too_many_failures", "too many wrong keys from this address; wait a minute", status=429)


class TurnedAway(Refusal, frozen=True):
    """A refusal of somebody who has proven to hold a key: whose it is."""

    client: Client | None = None


def _away(refusal: Refusal, client: Client) -> TurnedAway:
    return TurnedAway(refusal.code, refusal.detail, status=refusal.status, client=client)


class _Known(NamedTuple):
    client: Client
    until: int


class _Refused(NamedTuple):
    refusal: Refusal
    until: int


class _Credentials(NamedTuple):
    """What an Authorization header says: a key, perhaps with a name that it must fit, or an access token."""

    text: str
    user: str | None = None


class Clients:
    """The clients of a ledger, as one process knows them."""

    def __init__(
        self,
        ledger: Ledger,
        now_ms: Callable[[], int],
        report: Callable[[BaseException], None] = lambda error: None,
        meet: Callable[[int], Awaitable[None]] = _knows_all,
    ) -> None:
        """`meet`: an environment whose caller is about to be let in, and of which this process may not know yet."""
        self._ledger = ledger
        self._now_ms = now_ms
        self._report = report
        self.meet = meet
        self._known: dict[bytes | None, _Known] = {}
        self._refused: dict[bytes | None, _Refused] = {}
        self._asking: dict[bytes, asyncio.Task[Client | Refusal]] = {}
        self._failures: dict[str, tuple[int, int]] = {}  # address → how many, until when they count
        self._used: dict[int, int] = {}
        self._generation = 0
        self._before: frozenset[bytes | None] = frozenset()

    # -- who is calling

    def authenticate(self, authorization: bytes | None, ip: str) -> Client | Refusal | None:
        """What is remembered of the raw Authorization header; None: ask `authenticate_slow`."""
        known = self._known.get(authorization)
        now = self._now_ms()
        if known is None or now >= known.until:
            refused = self._refused.get(authorization)
            return refused.refusal if refused is not None and now < refused.until else None
        client = known.client
        if client.ip_networks and not allows(client.ip_networks, ip):
            return _away(ELSEWHERE, client)
        self._used[client.id] = now
        return client

    async def authenticate_slow(self, authorization: bytes | None, ip: str) -> Client | Refusal:
        """Read the header, ask the ledger, remember the answer."""
        if authorization is None:
            return MISSING
        address = whose(ip)
        if self._fails_too_often(address) and authorization not in self._before:
            return TOO_MANY
        asking = self._asking.get(authorization)
        if asking is None:  # of many requests with the same key only the first asks
            asking = self._asking[authorization] = asyncio.ensure_future(self._look_up(authorization))
            asking.add_done_callback(lambda _: self._asking.pop(authorization, None))
        found = await asyncio.shield(asking)
        if isinstance(found, Refusal):
            self._count_failure(address)
        elif found.ip_networks and not allows(found.ip_networks, ip):
            return _away(ELSEWHERE, found)
        else:
            self._used[found.id] = self._now_ms()
        return found

    async def authenticate_smpp(self, system_id: str, password: str, ip: str) -> Client | Refusal:
        """Who binds? An SMPP account is a client whose key id is its system_id."""
        address = whose(ip)
        if self._fails_too_often(address):
            return TOO_MANY
        row = await self._row(system_id)
        right = row is not None and await asyncio.to_thread(keys.password_matches, password, row[17])
        found = self._judge(row, self._now_ms()) if row is not None and right else WRONG
        if isinstance(found, Refusal):
            self._count_failure(address)
        elif found.ip_networks and not allows(found.ip_networks, ip):
            return ELSEWHERE
        else:
            await self.meet(found.environment)
        return found

    async def still(self, client: Client | None) -> bool:
        """Does this client's key still work? For connections that outlive many requests."""
        row = await self._row(client.key_id) if client is not None else None
        return row is not None and isinstance(self._judge(row, self._now_ms()), Client)

    def changed(self) -> None:
        """The configuration has changed: forget everything."""
        self._generation += 1
        # Who was right a moment ago may be asked about again, even while somebody guesses from the same address.
        self._trust(*self._known)
        self._known.clear()
        self._refused.clear()

    # -- asking the ledger

    async def _look_up(self, authorization: bytes) -> Client | Refusal:
        generation = self._generation
        credentials = _read(authorization)
        if credentials is None:
            return MALFORMED  # reading it again costs less than remembering
        now = self._now_ms()
        until = now + _REMEMBER_MS
        found: Client | Refusal
        if keys.is_token(credentials.text):
            found, until = await self._by_token(credentials.text, now, until)
        else:
            found = await self._by_key(credentials, now)
        if isinstance(found, Client):
            await self.meet(found.environment)
        if generation != self._generation:  # changed while we asked: good for now only
            if isinstance(found, Client):
                self._trust(authorization)
            return found
        if isinstance(found, Refusal):
            _remember(
                self._refused,
                authorization,
                _Refused(found, now + _REMEMBER_REFUSAL_MS),
                _REFUSALS_REMEMBERED,
            )
        else:
            until = min(until, found.expires_at or until)
            _remember(self._known, authorization, _Known(found, until), _REMEMBERED)
        return found

    async def _by_key(self, credentials: _Credentials, now: int) -> Client | Refusal:
        key_id = keys.id_of(credentials.text)
        row = await self._row(key_id) if key_id is not None else None
        if row is None or not keys.matches(credentials.text, row[17]):
            return WRONG
        found = self._judge(row, now)
        if isinstance(found, Client) and credentials.user not in (None, found.key_id, found.account_sid):
            return WRONG
        return found

    async def _by_token(self, token: str, now: int, until: int) -> tuple[Client | Refusal, int]:
        rows = await self._ledger.fetch(
            f"SELECT {COLUMNS}, t.hash, t.scopes, t.expires_at FROM {JOINED} JOIN tokens t ON t.client = c.id "
            "WHERE t.hash = $1",
            keys.fingerprint(token),
        )
        if not rows or not hmac.compare_digest(bytes(rows[0][20]), keys.fingerprint(token)):
            return WRONG, until
        scopes, expires_at = rows[0][21], rows[0][22]
        if expires_at <= now:
            return _away(EXPIRED, client_of(rows[0])), until
        found = self._judge(rows[0], now)
        if isinstance(found, Refusal):
            return found, until
        narrowed = found.scopes & frozenset(msgspec.json.decode(scopes, type=list[str]))
        return msgspec.structs.replace(found, scopes=narrowed), min(until, expires_at)

    async def _row(self, key_id: str) -> Row | None:
        rows = await self._ledger.fetch(f"SELECT {COLUMNS} FROM {JOINED} WHERE c.key_id = $1", key_id)
        return rows[0] if rows else None

    def _judge(self, row: Row, now: int) -> Client | Refusal:
        """Whoever gets here holds the secret, so it may be told what became of it."""
        if row[16] is not None:
            return _away(REVOKED, client_of(row))
        if row[15] is not None and row[15] <= now:
            return _away(EXPIRED, client_of(row))
        return client_of(row)

    # -- those who guess

    def _trust(self, *authorizations: bytes | None) -> None:
        """They were right: they are asked about, whoever guesses beside them."""
        if len(self._before) > _REMEMBERED:
            self._before = frozenset()
        self._before |= frozenset(authorizations)

    def _fails_too_often(self, address: str) -> bool:
        count, until = self._failures.get(address, (0, 0))
        return count >= _FAILURES and self._now_ms() < until

    def _count_failure(self, address: str) -> None:
        now = self._now_ms()
        count, until = self._failures.pop(address, (0, 0))
        if now >= until:
            count, until = 0, now + _FAILURE_WINDOW_MS
        _remember(self._failures, address, (count + 1, until), _REFUSALS_REMEMBERED * 10)

    # -- when keys were last used

    async def run(self) -> None:
        """Write down every minute which keys were used. Runs until cancelled."""
        while True:
            await asyncio.sleep(_USE_EVERY_S)
            try:
                await self.write_last_used()
            except Exception as error:  # edge of a task; the next minute tries again
                self._report(error)

    async def write_last_used(self) -> None:
        used, self._used = self._used, {}
        if not used:
            return
        try:
            async with self._ledger.transaction() as transaction:
                for client, at in used.items():
                    await transaction.execute(
                        "UPDATE clients SET last_used_at = $2 WHERE id = $1 AND coalesce(last_used_at, 0) < $2",
                        client,
                        at,
                    )
        except BaseException:
            self._used = {**used, **self._used}
            raise


def basic(user: str, password: str) -> bytes:
    """An Authorization header for credentials that came another way, as in the form of POST /oauth/token."""
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


def secret_in(authorization: bytes | None) -> str | None:
    """The key or token that a header bears."""
    credentials = None if authorization is None else _read(authorization)
    return None if credentials is None else credentials.text


def _read(authorization: bytes) -> _Credentials | None:
    """What the header says; None when it can't be credentials of ours."""
    scheme, _, value = authorization[:_LONGEST_HEADER].decode("latin-1").strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        credentials = _Credentials(value)
    elif scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        credentials = _Credentials(password, user) if password else _Credentials(user)
    else:
        return None
    token = scheme.lower() == "bearer" and keys.is_token(value)
    return credentials if token or keys.id_of(credentials.text) is not None else None


def whose(ip: str) -> str:
    """Where failures are counted: a host of IPv4, a network of IPv6, of which one host has all."""
    return str(ip_network((ip, 64), strict=False)) if ":" in ip and "." not in ip and "%" not in ip else ip


def _remember(memory: dict[_K, _V], key: _K, value: _V, limit: int) -> None:
    """Keep the newest `limit` entries."""
    if len(memory) >= limit:
        memory.pop(next(iter(memory)))
    memory[key] = value
