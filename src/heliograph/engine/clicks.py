"""Whoever follows a short link: where it leads, and what is kept of it.

We never fetch what a link leads to, and lead nowhere but where a caller of ours said. Who followed is not kept: only
when, from which class of device, and whether it was a program. Clicks are written in batches behind the answer, so that
nobody waits for a commit; a crash may lose those of the last moment.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core import ids
from heliograph.core.links import CLICKED, ShortLink, Visit, is_token, judge
from heliograph.core.message import MESSAGE_COLUMNS, Message
from heliograph.core.views import message_id, moment
from heliograph.engine import conversions
from heliograph.engine.background import Work
from heliograph.engine.declared import Snapshot
from heliograph.engine.short_links import PATH
from heliograph.ports import Clock
from heliograph.store.port import Ledger, NewEvent, Transaction

LINK_CLICKED: Final = "link.clicked"

_MESSAGE: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
_SHOWN: Final = 100  # clicks of one link that are kept and told one by one; the rest is only counted
_WAITING: Final = 10_000
_LOOKED_AT: Final = 20_000
_AT_ONCE: Final = 200
_GUESSES: Final = 20  # unknown tokens from one address in a minute
_MINUTE_MS: Final = 60_000
_ADDRESSES: Final = 20_000


class Followed(NamedTuple):
    """Somebody followed a link; nothing of who it was."""

    token: str
    at: int
    method: str
    agent: str
    purpose: str


class LinkView(msgspec.Struct):
    """A short link of a message; `clicks` by people, `bot_clicks` by programs."""

    token: str
    url: str | None
    expires_at: str
    clicks: int
    bot_clicks: int
    last_clicks: list["ClickView"]


class ClickView(msgspec.Struct):
    """One click. `bot` says why it was no person."""

    at: str
    agent: str
    bot: str | None


class ClickDesk:
    """The short links of one process."""

    def __init__(
        self, ledger: Ledger, clock: Clock, soon: Callable[[Work], None], snapshot: Callable[[], Snapshot]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._soon = soon
        self._snapshot = snapshot
        self._waiting: list[Followed] = []
        self._is_writing = False
        self._minute = 0
        self._guesses: dict[str, int] = {}

    def token_at(self, host: str, path: str) -> str | None:
        """What may be a token, at a place where links are; None: no such place."""
        if path.startswith(f"{PATH}/"):
            return path.removeprefix(f"{PATH}/")
        if host in self._snapshot().link_hosts and is_token(path[1:]):
            return path[1:]
        return None

    def has_guessed(self, address: str) -> bool:
        """Did this address ask for too many links that don't exist?"""
        minute = self._clock.now_ms() // _MINUTE_MS
        if minute != self._minute or len(self._guesses) > _ADDRESSES:
            self._minute, self._guesses = minute, {}
        return self._guesses.get(address, 0) >= _GUESSES

    async def follow(self, token: str, host: str, address: str, followed: Followed) -> str | None:
        """Where a link leads; None when there is none, or none any more."""
        rows = []
        if is_token(token):
            rows = await self._ledger.fetch(
                "SELECT workspace, environment, url, expires_at FROM links WHERE token = $1", token
            )
        if not rows or not self._belongs(rows[0][1], host):
            self._guesses[address] = self._guesses.get(address, 0) + 1
            return None
        workspace, _, kept, expires_at = rows[0]
        url = self._ledger.protection.read(workspace, f"link {token}", kept)
        if url is None or expires_at <= self._clock.now_ms():
            return None
        if len(self._waiting) < _WAITING:
            self._waiting.append(followed)
            self._soon(self.write)
        return url

    def _belongs(self, environment: int, host: str) -> bool:
        """A workspace's domain leads to links of that workspace alone."""
        snapshot = self._snapshot()
        realm = snapshot.realms.get(environment)
        return realm is not None and (host not in snapshot.link_hosts or realm.policies.links.host == host)

    async def write(self) -> None:
        """Keep the clicks that have gathered; one at a time, so that what comes meanwhile goes together."""
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                async with self._ledger.transaction() as transaction:
                    for followed in sorted(some):  # in one order, so that two processes can't wait for each other
                        await self._keep(transaction, followed)
        finally:
            self._is_writing = False

    async def _keep(self, transaction: Transaction, followed: Followed) -> None:
        token, at = followed.token, followed.at
        rows = await transaction.fetch(
            f"SELECT {_MESSAGE}, l.url FROM links l JOIN messages m ON m.id = l.message WHERE l.token = $1", token
        )
        if not rows:  # erased meanwhile
            return
        message, kept = Message(*rows[0][:-1]), rows[0][-1]
        # Of a message whose outcome is not known yet, the hand-over may long have been followed by its arrival.
        left_at = message.sent_at or (message.accepted_at if message.attempts else None)
        since = None if left_at is None else at - left_at
        click = judge(Visit(followed.method, followed.agent, followed.purpose, since))
        column = "clicks" if click.bot is None else "bot_clicks"
        counts = await transaction.fetch(
            f"UPDATE links SET {column} = {column} + 1 WHERE token = $1 RETURNING clicks, bot_clicks", token
        )
        people, bots = counts[0]
        if (people if click.bot is None else bots) <= _SHOWN:
            await transaction.execute(
                "INSERT INTO clicks (token, place, at, agent, bot) VALUES ($1, $2, $3, $4, $5)",
                *(token, people + bots, at, click.agent, click.bot),
            )
            if click.bot is None:
                url = self._ledger.protection.read(message.workspace, f"link {token}", kept)
                event = NewEvent(LINK_CLICKED, at, _facts(message, url, click.agent, people))
                await transaction.record(message.workspace, message.environment, [event])
        if click.bot is None and people == 1:
            await conversions.keep(transaction, message, CLICKED, at)


def _facts(message: Message, url: str | None, agent: str, clicks: int) -> str:
    tags: Any = msgspec.Raw(message.tags.encode()) if message.tags else None
    facts = {
        "message_id": message_id(message),
        "to": message.to,
        "url": url,
        "agent": agent,
        "clicks": clicks,
        "tags": tags,
        "correlation_id": message.correlation_id,
    }
    return msgspec.json.encode(facts).decode()


async def links_of(ledger: Ledger, message: Message) -> list[LinkView]:
    """The short links of a message, with their last clicks."""
    rows = await ledger.fetch(
        "SELECT token, url, expires_at, clicks, bot_clicks FROM links WHERE workspace = $1 AND message = $2 "
        "ORDER BY token",
        *(message.workspace, message.id),
    )
    read = ledger.protection.read
    views = []
    for token, url, expires_at, people, bots in rows:
        clicks = await ledger.fetch(
            "SELECT at, agent, bot FROM clicks WHERE token = $1 ORDER BY place DESC LIMIT $2", token, _SHOWN
        )
        last = [ClickView(moment(at), agent, bot) for at, agent, bot in clicks]
        views.append(
            LinkView(token, read(message.workspace, f"link {token}", url), moment(expires_at), people, bots, last)
        )
    return views


class LinkLine(NamedTuple):
    """A short link in a list; `url` is None when it is no longer kept."""

    token: str
    url: str | None
    created_at: int
    clicks: int
    bot_clicks: int
    message: str | None
    to: str | None


async def newest_links(
    ledger: Ledger, workspace: int, environment: int, limit: int, *, clicked: bool
) -> list[LinkLine]:
    """Those that live the longest from now on, which are the newest; `clicked`: that somebody followed. It looks
    through the last ones of all workspaces, not through everything there is."""
    rows = await ledger.fetch(
        "SELECT l.token, l.url, l.created_at, l.clicks, l.bot_clicks, m.accepted_at, m.id, m.to_number FROM "
        "(SELECT * FROM (SELECT * FROM links ORDER BY expires_at DESC LIMIT $3) AS x WHERE workspace = $1 "
        "AND environment = $2 AND clicks >= $4 ORDER BY created_at DESC, token LIMIT $5) AS l "
        "LEFT JOIN messages m ON m.id = l.message AND m.workspace = l.workspace ORDER BY l.created_at DESC, l.token",
        *(workspace, environment, _LOOKED_AT, int(clicked), limit),
    )
    read = ledger.protection.read
    return [
        LinkLine(
            *(token, read(workspace, f"link {token}", url), created_at, people, bots),
            None if number is None else ids.make("msg", accepted_at, number),
            to,
        )
        for token, url, created_at, people, bots, accepted_at, number, to in rows
    ]


async def keep_links(transaction: Transaction, ledger: Ledger, links: Sequence[ShortLink]) -> None:
    """Links of a text that took another's place."""
    for link in links:
        await transaction.execute(
            "INSERT INTO links (token, workspace, environment, message, url, created_at, expires_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            *ledger.protection.link_row(link),
        )


async def forget(transaction: Transaction, messages: str, *values: object) -> None:
    """Links go with their messages; `messages` is SQL for a list of them."""
    chosen = f"SELECT token FROM links WHERE message IN ({messages})"
    await transaction.execute(f"DELETE FROM clicks WHERE token IN ({chosen})", *values)
    await transaction.execute(f"DELETE FROM links WHERE message IN ({messages})", *values)


async def tidy(transaction: Transaction, now: int) -> None:
    """Links whose time is over lead nowhere, and are not needed."""
    await transaction.execute("DELETE FROM clicks WHERE token IN (SELECT token FROM links WHERE expires_at < $1)", now)
    await transaction.execute("DELETE FROM links WHERE expires_at < $1", now)
