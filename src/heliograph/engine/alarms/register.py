"""Alarms as they are kept: each time that something is wrong is one row, from its first bad look to its end, with its
history. Silences keep alarms from being told; they still stand in the list."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core import ids
from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import FIRING, OK, PENDING, RESOLVED, UNKNOWN, Alarm, Rule, Signal, step
from heliograph.core.failures import Refusal, Refused
from heliograph.core.views import moment
from heliograph.engine import audit
from heliograph.engine.alarms.looking import Subject, Where
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Ledger, NewEvent, Row, Transaction

PREFIX: Final = "alm"
_LONGEST_SILENCE_MS: Final = 30 * 86_400_000
_COLUMNS: Final = (
    "id, workspace, environment, rule, subject, severity, state, since, bad_at, fine_since, began_at, fired_at, "
    "resolved_at, value, ceiling, usual, sample, worst, acknowledged_by, acknowledged_at"
)


class Known(msgspec.Struct):
    """An alarm as its row has it."""

    id: int
    workspace: int
    environment: int
    rule: str
    subject: str
    severity: str
    state: str
    since: int
    bad_at: int
    fine_since: int | None
    began_at: int
    fired_at: int | None
    resolved_at: int | None
    value: float | None
    ceiling: float | None
    usual: float | None
    sample: int
    worst: float | None
    acknowledged_by: str | None
    acknowledged_at: int | None

    @property
    def where(self) -> Where:
        return Where(self.workspace, self.environment)

    @property
    def about(self) -> dict[str, str]:
        return msgspec.json.decode(self.subject, type=dict[str, str])

    @property
    def public_id(self) -> str:
        return ids.make(PREFIX, self.began_at, self.id)


class AlarmView(msgspec.Struct):
    """An alarm as the API shows it."""

    id: str
    rule: str
    title: str
    severity: str
    status: str
    subject: dict[str, str]
    summary: str
    value: float | None
    limit: float | None
    usual: float | None
    unit: str
    sample: int
    began_at: str
    fired_at: str | None
    last_seen_at: str
    resolved_at: str | None
    acknowledged_by: str | None
    acknowledged_at: str | None


class Found(NamedTuple):
    """A rule looked at one subject."""

    where: Where
    rule: Rule
    subject: Subject
    signal: Signal


def subject_text(subject: Subject) -> str:
    return msgspec.json.encode(dict(subject)).decode()


async def open_ones(ledger: Ledger) -> list[Known]:
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM alarms WHERE state <> 'resolved' ORDER BY id")
    return [Known(*row) for row in rows]


async def take(ledger: Ledger, found: Sequence[Found], known: Sequence[Known], now: int) -> list[Known]:
    """Keep what was seen; answers the alarms that began to fire or were resolved. `known` were the open ones."""
    by_key = {(one.where, one.rule, one.subject): one for one in known}
    changed: list[Known] = []
    async with ledger.transaction() as transaction:
        for where, rule, subject, signal in found:
            text = subject_text(subject)
            before = by_key.pop((where, rule.name, text), None)
            after = await _step(transaction, where, rule, text, signal, before, now)
            if after is not None:
                changed.append(after)
        for lost in by_key.values():  # nothing was seen of them
            rule = RULES[lost.rule]
            nothing = Signal(UNKNOWN, lost.value, lost.ceiling, lost.usual, lost.sample)
            after = await _step(transaction, lost.where, rule, lost.subject, nothing, lost, now)
            if after is not None:
                changed.append(after)
        for one in changed:
            name = f"alarm.{one.state}"
            event = NewEvent(name, now, msgspec.json.encode(view(one)).decode())
            await transaction.record(one.workspace, one.environment, [event])
    return changed


async def _step(
    transaction: Transaction, where: Where, rule: Rule, subject: str, signal: Signal, before: Known | None, now: int
) -> Known | None:
    """One alarm after a look; told are its firing and its end."""
    was = Alarm() if before is None else Alarm(before.state, before.since, before.bad_at, before.fine_since)
    after = step(was, signal.verdict, now, rule.for_ms)
    if after.state == OK:
        if before is not None:
            await transaction.execute("DELETE FROM alarms WHERE id = $1", before.id)
        return None
    known = before or await _begin(transaction, where, rule, subject, now)
    entered = after.state != (was.state if before is not None else OK)
    known.state, known.since, known.bad_at, known.fine_since = after.state, after.since, after.bad_at, after.fine_since
    if signal.verdict != UNKNOWN:
        known.value, known.ceiling, known.usual, known.sample = signal.value, signal.limit, signal.usual, signal.sample
        known.worst = _farther(known.worst, signal.value, signal.usual or 0.0)
    if entered and after.state == FIRING:
        known.fired_at = now
    elif after.state == RESOLVED:
        known.resolved_at = now
    await _write(transaction, known)
    if entered:
        await _note(transaction, known.id, now, after.state, summary(known))
    return known if entered and after.state in (FIRING, RESOLVED) else None


def _farther(one: float | None, other: float | None, usual: float) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return other if abs(other - usual) > abs(one - usual) else one


async def _begin(transaction: Transaction, where: Where, rule: Rule, subject: str, now: int) -> Known:
    rows = await transaction.fetch(
        "INSERT INTO alarms (workspace, environment, rule, subject, severity, state, since, bad_at, began_at, sample) "
        f"VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7, 0) RETURNING {_COLUMNS}",
        *(*where, rule.name, subject, rule.severity, PENDING, now),
    )
    return Known(*rows[0])


async def _write(transaction: Transaction, known: Known) -> None:
    await transaction.execute(
        "UPDATE alarms SET state = $2, since = $3, bad_at = $4, fine_since = $5, fired_at = $6, resolved_at = $7, "
        "value = $8, ceiling = $9, usual = $10, sample = $11, worst = $12 WHERE id = $1",
        *(known.id, known.state, known.since, known.bad_at, known.fine_since, known.fired_at, known.resolved_at),
        *(known.value, known.ceiling, known.usual, known.sample, known.worst),
    )


async def _note(transaction: Transaction, alarm: int, at: int, what: str, detail: str) -> None:
    await transaction.execute(
        "INSERT INTO alarm_steps (alarm, at, what, detail) VALUES ($1, $2, $3, $4)", alarm, at, what, detail
    )


# -- how it is told

_UNITS: Final = {"seconds": " s", "percent": " %", "per_message": " per message", "count": "", "money": "", "days": ""}


def figure(value: float | None, unit: str) -> str:
    if value is None:
        return "unknown"
    if unit == "share":
        return f"{value * 100:.1f} %"
    if unit == "days":
        return f"{-value:.0f} days left"
    return f"{value:.{0 if unit in ('count', 'percent') else 2}f}{_UNITS[unit]}"


def summary(known: Known) -> str:
    """One line: what, of what, how much, against what."""
    rule = RULES[known.rule]
    about = ", ".join(f"{name} {value}" for name, value in known.about.items() if value)
    told = [figure(known.value, rule.unit)]
    if known.usual is not None:
        told.append(f"usually {figure(known.usual, rule.unit)}")
    if known.sample > 1:
        told.append(f"of {known.sample}")
    return f"{rule.title}{f' ({about})' if about else ''}: {', '.join(told)}"


def view(known: Known) -> AlarmView:
    rule = RULES[known.rule]
    return AlarmView(
        id=known.public_id,
        rule=known.rule,
        title=rule.title,
        severity=known.severity,
        status=known.state,
        subject=known.about,
        summary=summary(known),
        value=known.value,
        limit=known.ceiling,
        usual=known.usual,
        unit=rule.unit,
        sample=known.sample,
        began_at=moment(known.began_at),
        fired_at=_moment(known.fired_at),
        last_seen_at=moment(known.bad_at),
        resolved_at=_moment(known.resolved_at),
        acknowledged_by=known.acknowledged_by,
        acknowledged_at=_moment(known.acknowledged_at),
    )


def _moment(at: int | None) -> str | None:
    return None if at is None else moment(at)


# -- reading and acting


async def listed(ledger: Ledger, where: Where, state: str | None, below: int | None, limit: int) -> list[Known]:
    """The newest first."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM alarms WHERE workspace = $1 AND environment = $2 AND ($3 = '' OR state = $3) "
        "AND id < $4 ORDER BY id DESC LIMIT $5",
        *(*where, state or "", below or 1 << 62, limit),
    )
    return [Known(*row) for row in rows]


async def find(ledger: Ledger, where: Where, public_id: str) -> Known:
    """Raises `Refused`."""
    at, number = ids.parse(PREFIX, public_id) or (0, 0)
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM alarms WHERE workspace = $1 AND environment = $2 AND id = $3 AND began_at = $4",
        *(*where, number, at),
    )
    if not rows:
        raise Refused(Refusal("not_found", f"there is no alarm {public_id[:60]!r}", status=404))
    return Known(*rows[0])


async def history(ledger: Ledger, alarm: int) -> list[Row]:
    """(at, what, detail)"""
    return await ledger.fetch("SELECT at, what, detail FROM alarm_steps WHERE alarm = $1 ORDER BY id", alarm)


async def acknowledge(ledger: Ledger, known: Known, actor: str, now: int) -> Known:
    """Somebody looks after it: it is not told again until it is over."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "UPDATE alarms SET acknowledged_by = $2, acknowledged_at = $3 WHERE id = $1 AND acknowledged_at IS NULL "
            f"RETURNING {_COLUMNS}",
            *(known.id, str(actor), now),
        )
        if rows:
            await _note(transaction, known.id, now, "acknowledged", f"by {actor}")
            await audit.note(
                transaction,
                workspace=known.workspace,
                actor=actor,
                action="alarm.acknowledged",
                object=f"alarm:{known.public_id}",
                now=now,
                detail={"rule": known.rule},
            )
    return Known(*rows[0]) if rows else known


class Silence(msgspec.Struct):
    """What is not to be told for a while."""

    id: str
    rule: str | None
    subject: dict[str, str]
    until: str
    why: str
    by: str


async def silence(
    ledger: Ledger,
    workspace: int,
    rule: str | None,
    subject: Mapping[str, str],
    until: int,
    why: str,
    actor: str,
    now: int,
) -> Silence:
    """Raises `Refused`."""
    if rule is not None and rule not in RULES:
        raise Refused(Refusal("bad_value", f"{rule[:40]!r} is no rule.{did_you_mean(rule, RULES)}", "/rule"))
    if not now < until <= now + _LONGEST_SILENCE_MS:
        raise Refused(Refusal("bad_time", "a silence ends in the next thirty days", "/until"))
    text = msgspec.json.encode(dict(subject)).decode()
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO silences (workspace, rule, subject, until, why, actor, at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
            *(workspace, rule or "", text, until, why, str(actor), now),
        )
        made = _silence((rows[0][0], rule or "", text, until, why, str(actor), now))
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="alarm.silenced",
            object=f"silence:{made.id}",
            now=now,
            detail={"rule": rule, "subject": dict(subject), "until": made.until, "why": why},
        )
    return made


async def silences(ledger: Ledger, workspace: int, now: int) -> list[Silence]:
    rows = await ledger.fetch(
        "SELECT id, rule, subject, until, why, actor, at FROM silences WHERE workspace = $1 AND until > $2 ORDER BY id",
        *(workspace, now),
    )
    return [_silence(row) for row in rows]


async def unsilence(ledger: Ledger, workspace: int, public_id: str, actor: str, now: int) -> None:
    """Raises `Refused`."""
    at, number = ids.parse("sil", public_id) or (0, 0)
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "DELETE FROM silences WHERE workspace = $1 AND id = $2 AND at = $3 RETURNING id", workspace, number, at
        )
        if not rows:
            raise Refused(Refusal("not_found", f"there is no silence {public_id[:60]!r}", status=404))
        await audit.note(
            transaction,
            workspace=workspace,
            actor=actor,
            action="alarm.unsilenced",
            object=f"silence:{public_id}",
            now=now,
        )


def _silence(row: Sequence[Any]) -> Silence:
    number, rule, subject, until, why, actor, at = row
    about = msgspec.json.decode(subject, type=dict[str, str])
    return Silence(ids.make("sil", at, number), rule or None, about, moment(until), why, actor)


def is_silent(known: Known, silences: Sequence[Silence]) -> bool:
    about = known.about
    return any(
        one.rule in (None, known.rule) and all(about.get(name) == value for name, value in one.subject.items())
        for one in silences
    )
