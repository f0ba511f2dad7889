"""What the rules look at: sums of the last minutes beside those of the seven days before, and how things stand now."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from heliograph.core.alarms import LEVEL, MINUTE, Marks, Rule, Seen, Tried, beside_past, clusters
from heliograph.core.message import LANE_NAMES
from heliograph.engine.insight.reading import Ask, Line, totals
from heliograph.engine.insight.rolling import DAY, HOUR, WHOLE
from heliograph.store.port import Ledger

PAST_DAYS: Final = 7
_PAST_KEPT_MS: Final = 10 * MINUTE
_FAILED: Final = ("undelivered", "failed", "expired")
_MARKS: Final = ("country", "connector", "kind", "template", "network", "code")
_HALF: Final = 30 * MINUTE
_ABOUT: Final = 60 * MINUTE  # to either side
_LEAST: Final = 10  # failures beyond what is usual that make an incident
_GROUPS: Final = 2_000
_TEN_MINUTES: Final = 10 * MINUTE
_FAILURES_MS: Final = 30 * MINUTE
_PENDING_AT_MOST: Final = 5_000
_STRAY_MS: Final = 60_000
_WITHOUT_PAUSED: Final = (
    "AND NOT EXISTS (SELECT 1 FROM pauses WHERE scope = 'all') "
    "AND connector NOT IN (SELECT value FROM pauses WHERE scope = 'connector') "
    "AND kind NOT IN (SELECT value FROM pauses WHERE scope = 'kind') "
    "AND workspace NOT IN (SELECT w.id FROM workspaces w JOIN pauses p ON p.value = w.name WHERE p.scope = 'workspace')"
)

Subject = tuple[tuple[str, str], ...]  # ("country", "DE"), …
Looked = dict[Subject, Seen]


class Where(NamedTuple):
    """A workspace and an environment of it."""

    workspace: int
    environment: int


class Sums:
    """Rules over sums. The past moves slowly: it is asked now and then."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._past: dict[tuple[Where, str], tuple[int, Looked]] = {}
        self._halves: dict[tuple[Where, str], dict[int, dict[Subject, float]]] = {}
        self._past_failed: dict[Where, tuple[int, dict[Marks, Tried]]] = {}

    async def look(self, where: Where, rule: Rule, now: int) -> Looked:
        """Each group that there is in the window."""
        end = (now - rule.lag_ms) // MINUTE * MINUTE
        start = end - rule.window_ms
        window = await self._sums(where, rule, start, end)
        past = await self._before(where, rule, start, end, now)
        return _beside(rule, window, past)

    async def _before(self, where: Where, rule: Rule, start: int, end: int, now: int) -> Looked:
        kept = self._past.get((where, rule.name))
        if kept is not None and 0 <= now - kept[0] < _PAST_KEPT_MS:
            return kept[1]
        if rule.sense != LEVEL:
            past = await self._sums(where, rule, start - PAST_DAYS * DAY, start)
        else:
            past = await self._days_before(where, rule, start, end)
        self._past[where, rule.name] = (now, past)
        return past

    async def _days_before(self, where: Where, rule: Rule, start: int, end: int) -> Looked:
        """Of each day the highest amount about this time: a campaign does not begin at the same minute every week."""
        highest: dict[Subject, dict[int, float]] = {}
        first, last, halves = (start - _ABOUT) // _HALF * _HALF, end + _ABOUT, rule.window_ms // _HALF
        for day in range(1, PAST_DAYS + 1):
            amounts = [await self._amounts(where, rule, at - day * DAY) for at in range(first, last, _HALF)]
            for place in range(len(amounts) - halves + 1):
                window = amounts[place : place + halves]
                for subject in {subject for half in window for subject in half}:
                    days = highest.setdefault(subject, {})
                    days[day] = max(days.get(day, 0.0), sum(half.get(subject, 0.0) for half in window))
        return {subject: Seen(0, 0, past=tuple(days.values())) for subject, days in highest.items()}

    async def _amounts(self, where: Where, rule: Rule, at: int) -> dict[Subject, float]:
        """Of half an hour long ago; it is asked once."""
        kept = self._halves.setdefault((where, rule.name), {})
        if at not in kept:
            for old in [other for other in kept if other < at - PAST_DAYS * DAY]:
                del kept[old]
            kept[at] = {subject: its.top for subject, its in (await self._sums(where, rule, at, at + _HALF)).items()}
        return kept[at]

    async def _sums(self, where: Where, rule: Rule, start: int, end: int) -> Looked:
        ask = Ask(
            workspace=where.workspace,
            environment=where.environment,
            measures=tuple(dict.fromkeys((*rule.bottom, *rule.top))),
            by=(*rule.by, *rule.mix),
            start=start,
            end=end,
            groups=500,
        )
        found: Looked = {}
        for line in (await totals(self._ledger, ask)).lines:
            sample = sum(_number(line, name) for name in rule.bottom)
            if sample:
                top = sum(_number(line, name) for name in rule.top)
                found[tuple((name, mark) for name, mark in line.group.items() if mark)] = Seen(top, int(sample))
        return found

    async def failures(self, where: Where, now: int) -> Looked:
        """Failures that belong together, beside what would be usual."""
        end = now // MINUTE * MINUTE
        start = end - _FAILURES_MS
        window = await self._failed(where, start, end)
        if sum(its.failed for its in window.values()) < _LEAST:
            return {}
        kept = self._past_failed.get(where)
        if kept is None or not 0 <= now - kept[0] < _PAST_KEPT_MS:
            kept = self._past_failed[where] = (now, await self._failed(where, start - PAST_DAYS * DAY, start))
        return {
            tuple((name, mark) for name, mark in zip(_MARKS, one.marks, strict=True) if mark): Seen(
                one.failed, one.failed, one.usual, 1
            )
            for one in clusters(beside_past(window, kept[1]), _LEAST)
        }

    async def _failed(self, where: Where, start: int, end: int) -> dict[Marks, Tried]:
        """Of the largest groups, how many were tried and failed."""
        ask = Ask(
            workspace=where.workspace,
            environment=where.environment,
            measures=("tried", *_FAILED),
            by=_MARKS,
            start=start,
            end=end,
            groups=_GROUPS,
        )
        return {
            tuple(line.group.values()): Tried(
                int(_number(line, "tried")), int(sum(_number(line, name) for name in _FAILED))
            )
            for line in (await totals(self._ledger, ask)).lines
        }

    async def webhook_latency(self, where: Where, now: int) -> Looked:
        names = ("webhook_latency_p95",)
        end = now // MINUTE * MINUTE + MINUTE
        ask = Ask(
            workspace=where.workspace, environment=where.environment, measures=names, start=end - _TEN_MINUTES, end=end
        )
        (line,) = (await totals(self._ledger, ask)).lines
        counted = msgspec.structs.replace(ask, measures=("webhooks_done",))
        (done,) = (await totals(self._ledger, counted)).lines
        value = line.values[names[0]][0]
        seconds = value / 1000 if isinstance(value, int | float) else 0.0
        return {(): Seen(seconds, int(_number(done, "webhooks_done")))}

    async def webhooks_failing(self, where: Where, now: int) -> Looked:
        """Of each endpoint, how many of the last minutes wait for another try."""
        end = now // MINUTE * MINUTE + MINUTE
        ask = Ask(
            workspace=where.workspace,
            environment=where.environment,
            measures=("webhooks_done", "webhooks_failed"),
            by=("detail",),
            start=end - _TEN_MINUTES,
            end=end,
        )
        done = {line.group["detail"]: line for line in (await totals(self._ledger, ask)).lines}
        waiting = await self._ledger.fetch(
            "SELECT endpoint, COUNT(*) FROM (SELECT endpoint FROM deliveries WHERE state = 'pending' AND tries > 0 "
            f"AND workspace = $1 AND environment = $2 LIMIT {_PENDING_AT_MOST}) d GROUP BY endpoint",
            *where,
        )
        failing = {"" if row[0] is None else str(row[0]): int(row[1]) for row in waiting}
        names = await self._endpoints(where)
        found: Looked = {}
        for endpoint in {*done, *failing}:
            line = done.get(endpoint)
            good = 0.0 if line is None else _number(line, "webhooks_done")
            bad = failing.get(endpoint, 0) + (0.0 if line is None else _number(line, "webhooks_failed"))
            if good or bad:
                name = names.get(endpoint, "callback_url")
                found[(("endpoint", name),)] = Seen(bad / (good + bad), int(good + bad))
        return found

    async def _endpoints(self, where: Where) -> dict[str, str]:
        rows = await self._ledger.fetch(
            "SELECT id, name FROM declared WHERE workspace = $1 AND kind = 'endpoint'", where.workspace
        )
        return {str(row[0]): str(row[1]) for row in rows}


def _beside(rule: Rule, window: Looked, past: Looked) -> Looked:
    """Each group beside its past. Where it is a mix of parts that differ, the past is that of the same mix; a part
    that is new counts as the whole did."""
    parts: dict[Subject, dict[Subject, Seen]] = {}
    for subject, seen in window.items():
        parts.setdefault(_whole(rule, subject), {})[subject] = seen
    tops: dict[Subject, float] = {}
    samples: dict[Subject, int] = {}
    for subject, seen in past.items():
        whole = _whole(rule, subject)
        tops[whole], samples[whole] = tops.get(whole, 0.0) + seen.top, samples.get(whole, 0) + seen.sample
    found: Looked = {}
    for whole, its in parts.items():
        top, sample = sum(seen.top for seen in its.values()), sum(seen.sample for seen in its.values())
        past_top, past_sample = tops.get(whole, 0.0), samples.get(whole, 0)
        if rule.mix and past_sample:
            usual = 0.0
            for part, seen in its.items():
                before = past.get(part, Seen(0, 0))
                known = before.sample and before.sample >= rule.minimum
                usual += seen.sample * (before.top / before.sample if known else past_top / past_sample)
            past_top = usual / sample * past_sample
        found[whole] = Seen(top, sample, past_top, past_sample, past.get(whole, Seen(0, 0)).past)
    return found


def _whole(rule: Rule, subject: Subject) -> Subject:
    return tuple((name, mark) for name, mark in subject if name in rule.by) if rule.mix else subject


def _number(line: Line, name: str) -> float:
    value = line.values[name][0]
    if isinstance(value, dict):
        return sum(float(amount) for amount in value.values())
    return float(value) if isinstance(value, int | float) else 0.0


async def active(ledger: Ledger, since: int) -> set[Where]:
    """Where anything was accepted, or happened, since then."""
    found: set[Where] = set()
    for table, cut in (("rollups", f"AND cut = {WHOLE}"), ("rollup_facts", ""), ("rollup_times", f"AND cut = {WHOLE}")):
        rows = await ledger.fetch(
            f"SELECT DISTINCT workspace, environment FROM {table} WHERE grain = {HOUR} {cut} AND at >= $1",
            since - since % HOUR,
        )
        found |= {Where(*row) for row in rows}
    return found


# -- how things stand


async def queues(ledger: Ledger, now: int) -> dict[str, Looked]:
    """By rule: how long the oldest due message of each lane has waited, leaving out what is paused."""
    rows = await ledger.fetch(
        f"SELECT lane, MIN(due_at) FROM messages WHERE owner = 0 AND due_at <= $1 {_WITHOUT_PAUSED} GROUP BY lane", now
    )
    oldest = {int(row[0]): int(row[1]) for row in rows}
    return {
        f"queue_age_{name}": {(): Seen(max(0, now - oldest[lane]) / 1000 if lane in oldest else 0.0, 1)}
        for lane, name in enumerate(LANE_NAMES)
    }


async def never_tried(ledger: Ledger, now: int, is_up: Callable[[str], bool]) -> Looked:
    rows = await ledger.fetch(
        "SELECT connector, MIN(due_at) FROM messages WHERE owner = 0 AND due_at <= $1 AND lane < 2 AND attempts = 0 "
        f"{_WITHOUT_PAUSED} GROUP BY connector",
        now,
    )
    return {(("connector", row[0]),): Seen(max(0, now - row[1]) / 1000, 1) for row in rows if is_up(row[0])}


async def links(ledger: Ledger, now: int) -> Looked:
    """How long each connector that somebody looks after has been down."""
    rows = await ledger.fetch("SELECT connector, down_since FROM link_states WHERE at > $1", now - 2 * MINUTE)
    return {
        (("connector", row[0]),): Seen(0.0 if row[1] is None else max(0.0, (now - row[1]) / 1000), 1) for row in rows
    }


async def keep_links(ledger: Ledger, states: Mapping[str, int | None], now: int) -> None:
    """Note how the links of this process are, for whoever looks."""
    async with ledger.transaction() as transaction:
        for connector, down_since in states.items():
            await transaction.execute(
                "INSERT INTO link_states (connector, down_since, at) VALUES ($1, $2, $3) ON CONFLICT (connector) "
                "DO UPDATE SET down_since = excluded.down_since, at = excluded.at",
                *(connector, down_since, now),
            )


async def stray_receipts(ledger: Ledger, now: int) -> Looked:
    """Receipts of the last quarter of an hour that have not found their message within a minute."""
    rows = await ledger.fetch(
        "SELECT connector, COUNT(*) FROM parked_receipts WHERE at > $1 AND at < $2 GROUP BY connector",
        *(now - 15 * MINUTE, now - _STRAY_MS),
    )
    return {(("connector", row[0]),): Seen(row[1], row[1]) for row in rows}


async def budgets(ledger: Ledger, now: int) -> dict[Where, Looked]:
    rows = await ledger.fetch(
        "SELECT workspace, environment, name, subject, told FROM tallies WHERE ends > $1 AND begins <= $1 AND told > 0",
        now,
    )
    found: dict[Where, Looked] = {}
    for workspace, environment, name, subject, told in rows:
        whose: Subject = (("budget", name), *((("of", subject),) if subject else ()))
        found.setdefault(Where(workspace, environment), {})[whose] = Seen(told, 1)
    return found


async def expiring(ledger: Ledger, now: int) -> dict[int, Looked]:
    """By workspace: keys and reviews of templates, with the days that are left (negative, so that less is more)."""
    keys = await ledger.fetch(
        "SELECT workspace, name, expires_at FROM clients WHERE revoked_at IS NULL AND expires_at > $1 "
        "AND expires_at < $2 AND NOT EXISTS (SELECT 1 FROM clients n WHERE n.replaces = clients.id)",
        *(now, now + 30 * DAY),
    )
    reviews = await ledger.fetch(
        "SELECT workspace, name, review_at FROM template_versions WHERE state = 'approved' AND review_at < $1",
        now + 30 * DAY,
    )
    found: dict[int, Looked] = {}
    for what, rows in (("key", keys), ("template", reviews)):
        for workspace, name, at in rows:
            found.setdefault(workspace, {})[(("what", what), ("name", name))] = Seen(-(at - now) / DAY, 1)
    return found
