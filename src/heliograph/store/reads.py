"""Cold queries that both engines understand: one message, lists, timelines, deliveries. Each names the workspace."""

from typing import Any, Final, Literal, NamedTuple

import msgspec

from heliograph.core import ids
from heliograph.core.message import DELIVERY_COLUMNS, MESSAGE_COLUMNS, Delivery, Event, Message
from heliograph.core.views import message_id
from heliograph.store.port import AttemptRow, Ledger

Table = Literal["messages", "deliveries"]
FAR: Final = 200_000  # messages that a look of a program goes over at most; a person waits for less
_MESSAGE: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
_ATTEMPT: Final = ", ".join(AttemptRow.__struct_fields__)
_EVENT: Final = ", ".join(f"e.{name}" for name in Event.__struct_fields__)
_DELIVERY: Final = ", ".join(f"d.{name}" for name in DELIVERY_COLUMNS)


class Where(msgspec.Struct, frozen=True):
    """Whose rows: nothing is ever read without both."""

    workspace: int
    environment: int


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of messages is narrowed to."""

    to: str | None = None
    to_ends: str | None = None  # the last digits of the number
    channel: str | None = None
    state: tuple[str, ...] = ()
    kind: str | None = None
    country: str | None = None
    network: str | None = None
    sender: str | None = None
    tag: str | None = None
    correlation_id: str | None = None
    batch: int | None = None
    batches: tuple[int, ...] = ()  # of a campaign
    connector: str | None = None
    template: str | None = None  # NAME, of any version, or NAME@VERSION
    code: str | None = None  # of a failure: ours, its class, or the carrier's own
    after_ms: int | None = None  # accepted at or after
    before_ms: int | None = None
    below_id: int | None = None  # the cursor: newest first
    above_id: int | None = None  # how far a look goes


class _Sql:
    """Conditions with their values, numbered as they come."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        """`condition` has a {} for each value."""
        marks = []
        for value in values:
            self.values.append(value)
            marks.append(f"${len(self.values)}")
        self.conditions.append(condition.format(*marks))

    def add_if(self, condition: str, value: Any) -> None:
        if value is not None:
            self.add(condition, value)


async def message(ledger: Ledger, where: Where, number: int) -> Message | None:
    rows = await ledger.fetch(
        f"SELECT {_MESSAGE} FROM messages m WHERE m.id = $1 AND m.workspace = $2 AND m.environment = $3",
        number,
        where.workspace,
        where.environment,
    )
    return ledger.protection.opened(Message(*rows[0])) if rows else None


async def messages_by_id(ledger: Ledger, where: Where, numbers: list[int]) -> list[Message]:
    """Those of the messages that exist, in no order. The signs keep SQLite from going through the whole workspace."""
    if not numbers:
        return []
    marks = ", ".join(f"${index}" for index in range(3, len(numbers) + 3))
    rows = await ledger.fetch(
        f"SELECT {_MESSAGE} FROM messages m WHERE +m.workspace = $1 AND +m.environment = $2 AND m.id IN ({marks})",
        where.workspace,
        where.environment,
        *numbers,
    )
    return [ledger.protection.opened(Message(*row)) for row in rows]


async def list_messages(ledger: Ledger, where: Where, narrowed: MessageFilter, limit: int) -> list[Message]:
    """Newest first."""
    sql = _Sql()
    # Only these two have an index that begins with the workspace. Else it must not lead: most messages are of one, and
    # SQLite would sort all of them rather than walk down from the newest. The sign takes the column out of its plans.
    is_led = narrowed.to is not None or narrowed.correlation_id is not None
    sign = "" if is_led else "+"
    sql.add(f"{sign}m.workspace = {{}} AND {sign}m.environment = {{}}", where.workspace, where.environment)
    sql.add_if("m.to_number = {}", narrowed.to)
    sql.add_if("coalesce(m.channel, 'sms') = {}", narrowed.channel)
    if narrowed.to_ends is not None:
        sql.add("m.to_number LIKE {}", f"%{narrowed.to_ends}")
    sql.add_if("m.kind = {}", narrowed.kind)
    sql.add_if("m.country = {}", narrowed.country)
    sql.add_if("m.network = {}", narrowed.network)
    sql.add_if("m.sender = {}", narrowed.sender)
    sql.add_if("m.correlation_id = {}", narrowed.correlation_id)
    sql.add_if("m.batch = {}", narrowed.batch)
    sql.add_if("m.accepted_at >= {}", narrowed.after_ms)
    sql.add_if("m.accepted_at < {}", narrowed.before_ms)
    sql.add_if("m.id < {}", narrowed.below_id)
    sql.add_if("m.connector = {}", narrowed.connector)
    sql.add_if("m.id > {}", narrowed.above_id)
    if narrowed.state:
        sql.add("m.state IN (" + ", ".join("{}" for _ in narrowed.state) + ")", *narrowed.state)
    if narrowed.batches:
        sql.add("m.batch IN (" + ", ".join("{}" for _ in narrowed.batches) + ")", *narrowed.batches)
    if narrowed.template is not None:
        upper = f"{narrowed.template}@~" if "@" not in narrowed.template else narrowed.template
        sql.add("m.template >= {} AND m.template <= {}", narrowed.template, upper)
    if narrowed.code is not None:
        sql.add("{} IN (m.failure_code, m.failure, m.carrier_code)", narrowed.code)
    if narrowed.tag is not None:
        sql.add(
            "m.id IN (SELECT t.message FROM message_tags t WHERE t.workspace = {} AND t.tag = {})",
            where.workspace,
            narrowed.tag,
        )
    sql.values.append(limit)
    rows = await ledger.fetch(
        f"SELECT {_MESSAGE} FROM messages m WHERE {' AND '.join(sql.conditions)} "
        f"ORDER BY m.id DESC LIMIT ${len(sql.values)}",
        *sql.values,
    )
    return [ledger.protection.opened(Message(*row)) for row in rows]


class Look(NamedTuple):
    """What was found. `next`: where the next look begins; `seen_to`: when the newest message was accepted that was not
    looked at."""

    messages: list[Message]
    next: str | None = None
    seen_to: int | None = None


async def look(ledger: Ledger, where: Where, narrowed: MessageFilter, limit: int, far: int = FAR) -> Look:
    """One page of the list, which takes no longer however many are stored: where no index leads to what is looked for,
    it goes back over so many messages and says how far it saw. The next page goes on from there, also when this one has
    found nothing."""
    floor = None if is_led(narrowed) else await floor_of(ledger, "messages", far, narrowed.below_id)
    rows = await list_messages(ledger, where, msgspec.structs.replace(narrowed, above_id=floor), limit + 1)
    messages = rows[:limit]
    if len(rows) > limit:
        return Look(messages, message_id(messages[-1]))
    if floor is None or floor <= 0:
        return Look(messages)
    rest = await ledger.fetch("SELECT accepted_at, id FROM messages WHERE id <= $1 ORDER BY id DESC LIMIT 1", floor)
    if not rest or (narrowed.after_ms is not None and rest[0][0] < narrowed.after_ms):
        return Look(messages)
    at, number = rest[0]
    return Look(messages, ids.make("msg", at, number + 1), at)


def is_led(narrowed: MessageFilter) -> bool:
    """Does an index lead to the few that it means?"""
    leads = (narrowed.to, narrowed.correlation_id, narrowed.tag, narrowed.batch)
    return any(lead is not None for lead in leads) or bool(narrowed.batches)


async def floor_of(ledger: Ledger, table: Table, far: int, below: int | None = None) -> int:
    """The number above which the newest so many rows of a table stand: of all, or of those below a number."""
    if ledger.is_alone:  # its numbers have no gaps
        newest = below - 1 if below is not None else (await ledger.fetch(f"SELECT max(id) FROM {table}"))[0][0]
        return (newest or 0) - far
    rows = await ledger.fetch(
        f"SELECT id FROM {table} WHERE id < $1 ORDER BY id DESC LIMIT 1 OFFSET $2", below or 1 << 62, far
    )
    return rows[0][0] if rows else 0


async def events(ledger: Ledger, message_number: int) -> list[Event]:
    """The timeline of a message that was looked up before (so that its workspace is known to fit)."""
    rows = await ledger.fetch(f"SELECT {_EVENT} FROM events e WHERE e.message = $1 ORDER BY e.seq", message_number)
    return [ledger.protection.event(row) for row in rows]


async def attempts(ledger: Ledger, message_number: int) -> list[AttemptRow]:
    rows = await ledger.fetch(
        f"SELECT {_ATTEMPT} FROM attempts WHERE message = $1 ORDER BY attempt, part", message_number
    )
    return [AttemptRow(*row) for row in rows]


async def decision(ledger: Ledger, number: int) -> str | None:
    rows = await ledger.fetch("SELECT trace FROM decisions WHERE id = $1", number)
    return rows[0][0] if rows else None


async def batch_states(ledger: Ledger, where: Where, batch: int) -> dict[str, int]:
    """How many messages of a batch are in which state; empty when there is no such batch."""
    rows = await ledger.fetch(
        "SELECT state, count(*) FROM messages WHERE batch = $1 AND workspace = $2 AND environment = $3 GROUP BY state",
        batch,
        where.workspace,
        where.environment,
    )
    return dict(rows)


async def deliveries(
    ledger: Ledger,
    where: Where,
    *,
    endpoint: int | None = None,
    message_number: int | None = None,
    state: str | None = None,
    below_id: int | None = None,
    above_id: int | None = None,
    limit: int = 50,
) -> list[tuple[Delivery, Event]]:
    """The delivery log, newest first."""
    sql = _Sql()
    sql.add("d.workspace = {} AND d.environment = {}", where.workspace, where.environment)
    sql.add_if("d.endpoint = {}", endpoint)
    sql.add_if("d.message = {}", message_number)
    if state == "failed":  # has an index of its own, which a plan for any state can't use
        sql.add("d.state = 'failed'")
    else:
        sql.add_if("d.state = {}", state)
    sql.add_if("d.id < {}", below_id)
    sql.add_if("d.id > {}", above_id)
    sql.values.append(limit)
    rows = await ledger.fetch(
        f"SELECT {_DELIVERY}, {_EVENT} FROM deliveries d JOIN events e ON e.seq = d.event "
        f"WHERE {' AND '.join(sql.conditions)} ORDER BY d.id DESC LIMIT ${len(sql.values)}",
        *sql.values,
    )
    width = len(DELIVERY_COLUMNS)
    return [(Delivery(*row[:width]), ledger.protection.event(row[width:])) for row in rows]


async def delivery(ledger: Ledger, where: Where, number: int) -> tuple[Delivery, Event] | None:
    rows = await ledger.fetch(
        f"SELECT {_DELIVERY}, {_EVENT} FROM deliveries d JOIN events e ON e.seq = d.event "
        "WHERE d.id = $1 AND d.workspace = $2 AND d.environment = $3",
        number,
        where.workspace,
        where.environment,
    )
    width = len(DELIVERY_COLUMNS)
    return (Delivery(*rows[0][:width]), ledger.protection.event(rows[0][width:])) if rows else None


async def delivery_failures(ledger: Ledger, delivery: int) -> list[tuple[Any, ...]]:
    """(try, at, status, latency_ms, error) of every try that failed."""
    return await ledger.fetch(
        "SELECT try, at, status, latency_ms, error FROM delivery_failures WHERE delivery = $1 ORDER BY try", delivery
    )


async def events_to_replay(
    ledger: Ledger,
    where: Where,
    *,
    after_ms: int | None = None,
    before_ms: int | None = None,
    message_numbers: list[int] | None = None,
    above_seq: int = 0,
    limit: int = 1_000,
) -> list[Event]:
    """Events of a time range or of some messages, oldest first; those that only the history keeps are left out."""
    sql = _Sql()
    sql.add("e.workspace = {} AND e.environment = {} AND e.seq > {}", where.workspace, where.environment, above_seq)
    sql.add("e.type NOT LIKE {} AND e.type NOT LIKE {}", "attempt.%", "receipt.%")
    sql.add_if("e.at >= {}", after_ms)
    sql.add_if("e.at < {}", before_ms)
    if message_numbers is not None:
        sql.add("e.message IN (" + ", ".join("{}" for _ in message_numbers) + ")", *message_numbers)
    sql.values.append(limit)
    rows = await ledger.fetch(
        f"SELECT {_EVENT} FROM events e WHERE {' AND '.join(sql.conditions)} ORDER BY e.seq LIMIT ${len(sql.values)}",
        *sql.values,
    )
    return [ledger.protection.event(row) for row in rows]
