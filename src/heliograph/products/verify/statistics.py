"""How verifications go: what converts, what the guard kept back, what that saved, what another policy would do."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from heliograph.core.verify import guard
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.core.verify.tallies import Books, Place
from heliograph.engine.insight import verified
from heliograph.products.verify.row import APPROVED, SELECT, Verification
from heliograph.store.port import Ledger, Row

TRIED_AT_MOST: Final = 20_000
_SHOWN: Final = 200
_AT_ONCE: Final = 200
_EDGE: Final = (
    "started_at >= $3 AND started_at < $4 AND +workspace = $1 AND +environment = $2"  # by time, the shortest way
)
_SUMS: Final = "CAST(sum(started) AS BIGINT), CAST(sum(approved) AS BIGINT), CAST(sum(blocked) AS BIGINT)"
_CLIENT: Final = "(SELECT c.name FROM clients c WHERE c.id = CAST(kept.name AS BIGINT))"


class Line(msgspec.Struct):
    """Of a country, a prefix (a number without its last four digits), or a client."""

    name: str
    started: int
    sent: int
    approved: int
    blocked: int
    conversion: float | None  # approved ÷ sent


class Money(msgspec.Struct):
    """An amount."""

    amount: str
    currency: str


class Statistics(msgspec.Struct):
    """Since a time; the lines with the most first."""

    total: Line
    countries: list[Line]
    prefixes: list[Line]
    clients: list[Line]
    saved: list[Money]  # the price of the messages that were kept back


class Trial(msgspec.Struct):
    """What a policy would have done with past requests."""

    requests: int
    actions: dict[str, int]
    reasons: dict[str, int]
    approved_held_back: int  # of those that were verified: people who would have been hindered
    saved: list[Money]


async def statistics(ledger: Ledger, where: tuple[int, int], since: int) -> Statistics:
    """Whole hours as they are kept; of the hour in which it begins, what began since is counted."""
    asked = (*where, since, -(-since // verified.HOUR) * verified.HOUR)
    total = await ledger.fetch(f"SELECT '', {_SUMS} FROM ({_kept(verified.COUNTRY)}) kept", *asked)
    countries, prefixes, clients = [
        await ledger.fetch(
            f"SELECT {name}, {_SUMS} FROM ({_kept(what)}) kept GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_SHOWN}", *asked
        )
        for what, name in ((verified.COUNTRY, "name"), (verified.PREFIX, "name"), (verified.CLIENT, _CLIENT))
    ]
    prices = await ledger.fetch(f"SELECT name, sum(started) FROM ({_kept(verified.SAVED)}) kept GROUP BY name", *asked)
    saved = {(price, currency): int(count) for name, count in prices for price, _, currency in [name.partition(" ")]}
    return Statistics(_line(total[0]), _lines(countries), _lines(prefixes), _lines(clients), money(saved))


async def delivered(ledger: Ledger, where: tuple[int, int], since: int) -> int:
    """Of how many a phone has got a code, as far as the carriers say."""
    asked = (*where, since, -(-since // verified.HOUR) * verified.HOUR)
    rows = await ledger.fetch(f"SELECT sum(delivered) FROM ({_kept(verified.COUNTRY)}) kept", *asked)
    return int(rows[0][0] or 0)


def _kept(what: str) -> str:
    """The lines of the sums, and those that are counted for the edge."""
    edge = verified.each(what).replace("{more}", "").replace("{which}", _EDGE)
    return (
        f"SELECT name, {', '.join(verified.COLUMNS)} FROM verification_sums WHERE workspace = $1 AND environment = $2 "
        f"AND what = '{what}' AND at >= $4 UNION ALL {edge}"
    )


def _lines(rows: Sequence[Row]) -> list[Line]:
    return [_line(row) for row in rows]


def _line(row: Row) -> Line:
    name, started, approved, blocked = row[0] or "", *(int(count or 0) for count in row[1:])
    sent = started - blocked
    return Line(name, started, sent, approved, blocked, round(approved / sent, 4) if sent else None)


def money(prices: Mapping[tuple[str, str], int]) -> list[Money]:
    """Sums by currency, of how many at each price."""
    counts: Counter[str] = Counter()
    amounts: dict[str, Decimal] = {}
    for (price, currency), count in prices.items():
        counts[currency] += count
        amounts[currency] = amounts.get(currency, Decimal()) + Decimal(price) * count
    return [Money(format(amounts[currency], "f"), currency) for currency, _ in counts.most_common()]


async def kept_back(ledger: Ledger, where: tuple[int, int], below: int | None, limit: int) -> list[Verification]:
    """What the guard had something to say about, also where it only looked on; the newest first."""
    rows = await ledger.fetch(
        f"SELECT {SELECT} FROM verifications WHERE workspace = $1 AND environment = $2 AND action <> 'allow' "
        "AND id < $3 ORDER BY id DESC LIMIT $4",
        *(*where, below or 1 << 62, limit),
    )
    return [Verification(*row) for row in rows]


async def listed(
    ledger: Ledger, where: tuple[int, int], to: str | None, state: str | None, below: int | None, limit: int, now: int
) -> list[Verification]:
    """The newest first. One that has ended by time or wrong codes counts as such, noted or not."""
    is_open = "expires_at > $6 AND checks < max_checks"
    narrowed = f"(state = $4 AND (state <> 'pending' OR ({is_open})))"
    late = "state = 'pending' AND checks < max_checks AND expires_at <= $6 AND $4 = 'expired'"
    wrong = "state = 'pending' AND checks >= max_checks AND $4 = 'failed'"
    led = "+environment = $2 AND to_number = $3" if to else "environment = $2 AND $3 = ''"
    rows = await ledger.fetch(
        f"SELECT {SELECT} FROM verifications WHERE workspace = $1 AND {led} "
        f"AND ($4 = '' OR {narrowed} OR ({late}) OR ({wrong})) AND id < $5 "
        "AND started_at <= $6 ORDER BY id DESC LIMIT $7",
        *(*where, to or "", state or "", below or 1 << 62, now, limit),
    )
    return [Verification(*row) for row in rows]


async def attempt(ledger: Ledger, where: tuple[int, int], policy: VerifyPolicy, home: str | None, since: int) -> Trial:
    """Judge past requests, the last ones first to be kept, as if this policy had been in force. What was blocked then
    counts as never verified: nobody knows."""
    rows = await ledger.fetch(
        f"SELECT {SELECT} FROM verifications WHERE workspace = $1 AND environment = $2 AND started_at >= $3 "
        f"ORDER BY id DESC LIMIT {TRIED_AT_MOST}",
        *(*where, since),
    )
    past = sorted((Verification(*row) for row in rows), key=lambda one: one.started_at)
    books, entered = Books(), list[tuple[int, int, int]]()
    actions, reasons, hindered = Counter[str](), Counter[str](), 0
    saved = Counter[tuple[str, str]]()
    served = policy.countries or [country for country in (home,) if country]
    for number, row in enumerate(past):
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)  # others have their turn
        while entered and entered[0][0] <= row.started_at:
            at, started, which = heapq.heappop(entered)
            place = past[which].place
            books.verified(place.subjects(), place.days, started, at)
        found = _judged(books, row.place, row, policy, row.country in served)
        actions[found.action] += 1
        reasons.update(found.reasons)
        if found.action != guard.ALLOW:
            if row.price is not None and row.currency is not None:
                saved[row.price, row.currency] += 1
            hindered += row.state == APPROVED
        elif row.state == APPROVED and row.ended_at is not None:
            heapq.heappush(entered, (row.ended_at, row.started_at, number))
    return Trial(len(past), dict(actions), dict(reasons), hindered, money(saved))


def _judged(books: Books, place: Place, row: Verification, policy: VerifyPolicy, serves: bool) -> guard.Judgement:
    subjects, at = place.subjects(), row.started_at
    tallies = books.tallies(subjects, place.days, at)
    found = guard.judge(place, tallies, policy, dear=policy.is_dear(row.price), serves=serves)
    books.asked(subjects, at, sent=found.action == guard.ALLOW)
    return found
