"""The hot statements on SQLite: one commit's operations, applied in the writer thread.

Rows of one kind go in together, by one `executemany` a table: what costs is the statement, not the row. Everything
here runs inside one transaction that the ledger begins and ends.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw
import msgspec

from heliograph.core.campaigns import Step
from heliograph.core.channels import WHATSAPP
from heliograph.core.channels.whatsapp import SESSION_CLOSED, SESSION_MS, needs_session
from heliograph.core.charges import Key, Tally
from heliograph.core.consent import Stance, erased_stance
from heliograph.core.cooldown import COOLING
from heliograph.core.links import ShortLink
from heliograph.core.message import DELIVERY_COLUMNS, MESSAGE_COLUMNS, Delivery, Event, Message, Receipt
from heliograph.store.batch import Batch
from heliograph.store.port import (
    HIDDEN_MS,
    MOVED,
    Accept,
    Again,
    Arrivals,
    AttemptRow,
    Claim,
    ClaimDeliveries,
    Deliveries,
    Match,
    Move,
    Moves,
    NewEvent,
    Notice,
    Receipts,
    Subscribers,
)
from heliograph.store.protection import Protection
from heliograph.store.steps import (
    LATE,
    Pasts,
    answered_late,
    capped,
    first_events,
    fits,
    goes_later,
    hand_over,
    keep_caps,
    past_of,
    refusals_of,
    refused,
    resting,
    room,
    rulings,
    sort,
)
from heliograph.store.tallies import alarm_event, keep_limits, limits_of

_M: Final = ", ".join(f"m.{name}" for name in MESSAGE_COLUMNS)
_A: Final = ", ".join(f"a.{name}" for name in AttemptRow.__struct_fields__)
_D: Final = ", ".join(f"d.{name}" for name in DELIVERY_COLUMNS)
_E: Final = ", ".join(f"e.{name}" for name in Event.__struct_fields__)
_WIDTH_A: Final = len(AttemptRow.__struct_fields__)
_WIDTH_D: Final = len(DELIVERY_COLUMNS)
_WIDTH_E: Final = len(Event.__struct_fields__)


def _marks(count: int) -> str:
    return ", ".join("?" * count)


_INSERT_MESSAGE: Final = f"INSERT INTO messages ({', '.join(MESSAGE_COLUMNS)}) VALUES ({_marks(len(MESSAGE_COLUMNS))})"
_INSERT_ATTEMPT: Final = f"INSERT INTO attempts VALUES ({_marks(_WIDTH_A)})"
# Of a message that went on without it: what was not known is known now.
_LATE_ATTEMPT: Final = (
    f"{_INSERT_ATTEMPT} ON CONFLICT (message, attempt, part) DO UPDATE SET {LATE} WHERE attempts.state = 'unknown'"
)
_INSERT_EVENT: Final = f"INSERT INTO events VALUES ({_marks(_WIDTH_E)})"
_INSERT_DELIVERY: Final = f"INSERT INTO deliveries VALUES ({_marks(_WIDTH_D)})"
_INSERT_INBOUND: Final = (
    "INSERT OR IGNORE INTO inbound "
    "(id, workspace, environment, connector, carrier_id, from_number, to_number, text, raw, at, price, currency) "
    f"VALUES ({_marks(12)}) RETURNING id"
)
# The hot step sending → sent has a statement of its own: it leaves every indexed column alone.
_PLACES: Final = {name: f"{name} = ?{place}" for place, name in enumerate(MOVED, 1)}
_WAS: Final = f"?{len(MOVED) + 2}"
# What waited when it was decided on may have been tried meanwhile, and wait again: a later attempt has begun. One that
# was throttled on its way gives its number back.
_WHERE: Final = (
    f"WHERE id = ?{len(MOVED) + 1} AND state = {_WAS} AND attempts <= ?{MOVED.index('attempts') + 1} "
    f"+ (?{MOVED.index('state') + 1} = 'queued' AND {_WAS} = 'sending')"
)
_MOVE: Final = f"UPDATE messages SET {', '.join(_PLACES.values())} {_WHERE}"
_SENT_COLUMNS: Final = ("state", "updated_at", "sent_at", "price", "currency", "surcharge", "billed_segments")
_SENT: Final = f"UPDATE messages SET {', '.join(_PLACES[name] for name in _SENT_COLUMNS)} {_WHERE}"
_UPDATE_PART: Final = (
    "UPDATE attempts SET state = ?, failure = ?, code = ?, carrier_code = ?, receipt_at = ? "
    "WHERE message = ? AND attempt = ? AND part = ?"
)
# Two look-ups, not a join: SQLite reads the 40 columns of a joined row five times as slowly.
_SELECT_PART: Final = (
    f"SELECT {_A} FROM attempts a WHERE a.carrier_id = ? AND a.connector = ? ORDER BY a.message DESC LIMIT 1"
)
_SELECT_NAMED: Final = f"SELECT {_A} FROM attempts a WHERE a.message = ? AND a.attempt = ? AND a.connector = ? LIMIT 1"
_SELECT_MESSAGE: Final = f"SELECT {_M} FROM messages m WHERE m.id = ?"
_SELECT_PARTS: Final = f"SELECT {_A} FROM attempts a WHERE a.message = ? AND a.attempt = ? AND a.part <> ?"
_SELECT_PAST: Final = (
    "SELECT coalesce(sent_at, due_at), kind, tags, topic FROM messages "
    "WHERE workspace = ? AND environment = ? AND to_number = ? "
    "AND (sent_at IS NOT NULL OR owner IS NOT NULL) AND coalesce(sent_at, due_at) > ?"
)
_SELECT_SESSION: Final = (
    "SELECT 1 FROM inbound WHERE workspace = ? AND environment = ? AND from_number = ? "
    "AND to_number LIKE 'whatsapp:%' AND at > ? LIMIT 1"
)
_SELECT_CLAIM: Final = (
    f"SELECT {_M} FROM messages m INDEXED BY messages_waiting WHERE m.owner = 0 AND m.connector = ? AND m.lane = ? "
    "AND m.workspace = ? AND m.due_at <= ? {kinds}ORDER BY m.due_at, m.id LIMIT ?"
)
_TAKE_STEP: Final = (
    "UPDATE campaigns SET position = ?, next_at = ? WHERE id = ? AND position = ? AND state = 'running' RETURNING id"
)
_ADD_REFUSALS: Final = (
    "INSERT INTO campaign_refusals (campaign, batch, code, count) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (campaign, batch, code) DO UPDATE SET count = count + excluded.count"
)
_HEARING: Final = "SELECT EXISTS (SELECT 1 FROM stances), EXISTS (SELECT 1 FROM erased WHERE is_suppressed = 1)"
_SELECT_ERASED: Final = "SELECT ?, at FROM erased WHERE workspace = ? AND hash = ? AND is_suppressed = 1"
# One statement for all: a third of the price of one for each. One look into the index for each, too, not two: the plus
# keeps SQLite from searching for each workspace apart.
_SELECT_STANCES: Final = (
    f"SELECT j.key, {', '.join(Stance.__struct_fields__)} FROM json_each(?1) j "
    "CROSS JOIN stances s WHERE s.number = j.value AND +s.workspace IN (?2, 0)"
)
_SELECT_TALLY: Final = (
    "SELECT used, told FROM tallies WHERE environment = ? AND name = ? AND subject = ? AND begins = ?"
)
_KEEP_TALLY: Final = (
    "INSERT INTO tallies (environment, name, subject, begins, ends, workspace, used, told) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (environment, name, subject, begins) DO UPDATE SET used = excluded.used, told = excluded.told"
)
_INSERT_LINK: Final = f"INSERT INTO links ({', '.join(ShortLink._fields)}) VALUES ({_marks(len(ShortLink._fields))})"
_SELECT_DELIVERIES: Final = (
    f"SELECT {_D}, {_E}, {_M} FROM deliveries d JOIN events e ON e.seq = d.event "
    "LEFT JOIN messages m ON m.id = d.message "
    "WHERE d.target = ? AND d.state = 'pending' AND d.next_at <= ? ORDER BY d.next_at, d.id LIMIT ?"
)


class Writer:
    """Applies operations; owns the counters of rows that only this process writes."""

    def __init__(self, connection: apsw.Connection, now_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._cursor: Any = connection.cursor()  # rows come as the schema says, not as apsw types them
        self._now_ms = now_ms
        self.protection = Protection()
        self.subscribers: Subscribers = lambda environment, event_type, message: ()
        self._seq = self._highest("seq", "events")
        self._delivery = self._highest("id", "deliveries")
        self._events: list[tuple[Any, ...]] = []
        self._deliveries: list[tuple[Any, ...]] = []

    def _highest(self, column: str, table: str) -> int:
        return int(self._rows(f"SELECT coalesce(max({column}), 0) FROM {table}")[0][0])

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return list(self._cursor.execute(sql, values))

    def _many(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return list(self._cursor.executemany(sql, rows))

    def apply(self, batch: Batch) -> None:
        """Apply all operations of one commit, in their order."""
        self._events.clear()
        self._deliveries.clear()
        if accepts := batch.of(Accept):
            self._accept(accepts)
        if moves := batch.of(Moves):
            self._answer(moves)
        if receipts := batch.of(Receipts):
            self._receive(receipts)
        for arrivals in batch.of(Arrivals):
            self._arrive(arrivals)
        for claim in batch.of(Claim):
            self._claim(claim)
        if results := batch.of(Deliveries):
            self._deliver(results)
        self._tell()
        for due in batch.of(ClaimDeliveries):
            self._claim_deliveries(due)

    # -- events and what hears of them

    def emit(self, event: NewEvent, workspace: int, environment: int, message: Message | None) -> Sequence[Notice]:
        """Give an event its place, and make a delivery for everyone who wants to hear of it."""
        self._seq = seq = self._seq + 1
        number = None if message is None else message.id
        data = event.data if message is not None else self.protection.kept(workspace, f"event {seq}", event.data)
        self._events.append((seq, workspace, environment, number, event.type, event.at, data))
        hearers = event.only or (self.subscribers(environment, event.type, message) if event.told else ())
        if event.targets:
            hearers = (*hearers, *((None, target) for target in event.targets))
        if not hearers:
            return ()
        row = Event(seq, workspace, environment, number, event.type, event.at, event.data)
        return [Notice(self._delivery_of(row, endpoint, target), row, message) for endpoint, target in hearers]

    def _delivery_of(self, event: Event, endpoint: int | None, target: str) -> Delivery:
        self._delivery += 1
        delivery = Delivery(
            self._delivery,
            event.workspace,
            event.environment,
            event.seq,
            event.message,
            endpoint,
            target,
            "pending",
            0,
            event.at + HIDDEN_MS,
            event.at,
            None,
            None,
            None,
            None,
            0,
        )
        self._deliveries.append(msgspec.structs.astuple(delivery))
        return delivery

    def _tell(self) -> None:
        if self._events:
            self._cursor.executemany(_INSERT_EVENT, self._events)
        if self._deliveries:
            self._cursor.executemany(_INSERT_DELIVERY, self._deliveries)

    def record(
        self, workspace: int, environment: int, events: Sequence[NewEvent], message: Message | None
    ) -> list[Notice]:
        """Events of a cold transaction: written at once."""
        self._events.clear()
        self._deliveries.clear()
        notices = [notice for event in events for notice in self.emit(event, workspace, environment, message)]
        self._tell()
        return notices

    def redeliver(self, deliveries: Sequence[Again], now: int) -> None:
        """Events that are told once more, due at once."""
        rows = []
        for again in deliveries:
            self._delivery += 1
            delivery = Delivery(
                self._delivery,
                again.workspace,
                again.environment,
                again.event,
                again.message,
                again.endpoint,
                again.target,
                "pending",
                0,
                now,
                now,
                None,
                None,
                None,
                None,
                1,
            )
            rows.append(msgspec.structs.astuple(delivery))
        self._cursor.executemany(_INSERT_DELIVERY, rows)

    # -- accept

    def _accept(self, operations: list[Accept]) -> None:
        messages: list[tuple[Any, ...]] = []
        tags: list[tuple[int, str, int]] = []
        links: list[ShortLink] = []
        everything = [message for operation in operations for message in operation.messages]
        stances, cooling = self._stances(everything), self._cooling(everything)
        pasts, tallies = self._pasts(operations), self._tallies(operations)
        for operation in operations:
            operation.notices = []
            if operation.step is not None and not self._take_step(operation, operation.step):
                continue
            ruled = rulings(operation.messages, stances, operation.rules)
            operation.cooling = {m.id: cooling[m.id] for m in operation.messages if m.id in cooling} if cooling else {}
            unopened = self._unopened(operation.messages)
            operation.refused = unopened | dict.fromkeys(operation.cooling, COOLING) | refused(ruled)
            idempotency = operation.idempotency
            if idempotency is not None and self._repeated(operation):
                continue
            keep_caps(operation, pasts)
            if not operation.asks_only:
                keep_limits(operation, tallies)
            if operation.asks_only or (operation.refused and operation.all_or_none):
                continue
            self._keep_beside(operation)
            for message in operation.messages:
                if message.id in operation.refused:
                    continue
                messages.append(self.protection.row_of(message))
                if message.tags is not None:
                    tags += [(message.workspace, tag, message.id) for tag in msgspec.json.decode(message.tags)]
                for event in first_events(message, ruled.get(message.id), operation.held.get(message.id)):
                    operation.notices += self._emit_for(message, event)
            links += [self.protection.link_row(x) for x in operation.links if x.message not in operation.refused]
            if idempotency is not None:
                self._keep_answer(operation)
        operations[-1].notices += self._keep_tallies(tallies.values())
        self._insert(_INSERT_MESSAGE, messages)
        self._insert("INSERT OR IGNORE INTO message_tags VALUES (?, ?, ?)", tags)
        self._insert(_INSERT_LINK, links)

    def _insert(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._cursor.executemany(sql, rows)

    def _keep_beside(self, operation: Accept) -> None:
        """What is written before the messages themselves."""
        if operation.step is not None:
            self._cursor.executemany(_ADD_REFUSALS, refusals_of(operation, operation.step))
        if operation.decisions:
            self._cursor.executemany("INSERT INTO decisions VALUES (?, ?)", operation.decisions)

    def _emit_for(self, message: Message, event: NewEvent) -> Sequence[Notice]:
        return self.emit(event, message.workspace, message.environment, message)

    def _stances(self, messages: Sequence[Message]) -> dict[int, list[Stance]]:
        """What holds for the recipients, by message."""
        found: dict[int, list[Stance]] = {}
        if not messages:
            return found
        hearing, erasing = self._rows(_HEARING)[0]
        by_workspace: dict[int, list[Message]] = {}
        for message in messages if hearing else ():
            by_workspace.setdefault(message.workspace, []).append(message)
        for workspace, theirs in by_workspace.items():
            numbers = msgspec.json.encode([message.to for message in theirs]).decode()
            for place, *stance in self._cursor.execute(_SELECT_STANCES, (numbers, workspace)):
                found.setdefault(theirs[place].id, []).append(Stance(*stance))
        if erasing:  # of those who were erased only a hash says no
            hashed = [(m.id, m.workspace, self.protection.hash_number(m.workspace, m.to)) for m in messages]
            for number, at in self._many(_SELECT_ERASED, hashed):
                found.setdefault(number, []).append(erased_stance(at))
        return found

    def _cooling(self, messages: Sequence[Message]) -> dict[int, int]:
        """The messages whose numbers rest, and until when."""
        if not self._rows("SELECT EXISTS (SELECT 1 FROM cooldowns)")[0][0]:
            return {}
        by_id = {message.id: message for message in messages}
        hits = self._many(
            "SELECT ?, until, failures FROM cooldowns WHERE workspace = ? AND environment = ? AND number = ? "
            "AND until > ?",
            [(m.id, m.workspace, m.environment, m.to, m.accepted_at) for m in messages],
        )
        return {number: until for number, until, failures in hits if resting(by_id[number], failures)}

    def _unopened(self, messages: Sequence[Message]) -> dict[int, str]:
        """The messages that need a session with their recipients, who have not written of late."""
        return {
            m.id: SESSION_CLOSED
            for m in messages
            if m.channel == WHATSAPP
            and needs_session(m.channel, m.content)
            and not self._rows(_SELECT_SESSION, (m.workspace, m.environment, m.to, m.accepted_at - SESSION_MS))
        }

    def _pasts(self, operations: Sequence[Accept]) -> Pasts:
        """The other messages to those whom frequency caps protect."""
        persons, since = capped(operations)
        return {person: [past_of(*row) for row in self._rows(_SELECT_PAST, (*person, since))] for person in persons}

    def _tallies(self, operations: Sequence[Accept]) -> dict[Key, Tally]:
        """What budgets have counted so far."""
        found = {}
        for key, limit in limits_of(operations).items():
            rows = self._rows(_SELECT_TALLY, key)
            found[key] = Tally(limit, *(rows[0] if rows else (0, 0)))
        return found

    def _keep_tallies(self, tallies: Iterable[Tally]) -> list[Notice]:
        notices: list[Notice] = []
        rows = []
        for tally in tallies:
            limit, told = tally.limit, tally.told
            for alarm in tally.alarms():
                event = alarm_event(alarm, self._now_ms())
                notices += self.emit(event, limit.workspace, limit.key[0], None)
            if tally.used != tally.found or tally.told != told:
                rows.append((*limit.key, limit.ends, limit.workspace, tally.used, tally.told))
        self._insert(_KEEP_TALLY, rows)
        return notices

    def _take_step(self, operation: Accept, step: Step) -> bool:
        """Does the campaign still run, and stand where the step begins? Then it stands where the step ends."""
        taken = self._rows(_TAKE_STEP, (step.now, step.next_at, step.campaign, step.was))
        operation.conflict = not taken
        return bool(taken)

    def _repeated(self, operation: Accept) -> bool:
        """Is this idempotency key known? Then the answer is the kept one, or a conflict."""
        assert operation.idempotency is not None
        client, key, body_hash, _ = operation.idempotency
        operation.replayed, operation.conflict = None, False
        known = self._rows(
            "SELECT body_hash, answer FROM idempotency WHERE client = ? AND key = ? AND expires_at > ?",
            (client, key, self._now_ms()),
        )
        if not known:
            return False
        if known[0][0] == body_hash:
            operation.replayed = known[0][1]
        else:
            operation.conflict = True
        return True

    def _keep_answer(self, operation: Accept) -> None:
        assert operation.idempotency is not None and operation.reply is not None
        client, key, body_hash, expires_at = operation.idempotency
        self._cursor.execute(
            "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?)",
            (client, key, body_hash, operation.reply(operation), expires_at),
        )

    # -- messages that go on

    def _answer(self, operations: list[Moves]) -> None:
        moves = [move for operation in operations for move in operation.moves]
        lost = self._move(moves)
        for operation in operations:
            operation.notices, operation.lost, operation.unparked = [], set(), []
            for move in operation.moves:
                if id(move) in lost:
                    operation.lost.add(move.message.id)
                    self._keep_late(move)
                else:
                    operation.notices += self._events_of(move)
            operation.unparked = self._unpark(operation.moves)

    def _keep_late(self, move: Move) -> None:
        """What came for a message that had gone on, unless the message is gone altogether."""
        if move.attempts and self._rows("SELECT 1 FROM messages WHERE id = ?", (move.message.id,)):
            self._cursor.executemany(_LATE_ATTEMPT, map(msgspec.structs.astuple, move.attempts))
            self._emit_for(move.message, answered_late(move))

    def _events_of(self, move: Move) -> list[Notice]:
        notices: list[Notice] = []
        for event in move.events:
            notices += self._emit_for(move.message, event)
        return notices

    def _move(self, moves: Sequence[Move]) -> set[int]:
        """Update the messages and their attempts; answers the moves that came too late, by their id()."""
        lost = self._update(moves)
        new = [row for move in moves if id(move) not in lost for row in move.attempts]
        if new:
            self._cursor.executemany(_INSERT_ATTEMPT, map(msgspec.structs.astuple, new))
        fresh = set(map(id, new))  # whose receipt came with its answer: written as it stands now
        known = [row for move in moves if id(move) not in lost for row in move.receipts if id(row) not in fresh]
        if known:
            self._cursor.executemany(_UPDATE_PART, map(_part_values, known))
        return lost

    def _update(self, moves: Sequence[Move]) -> set[int]:
        """Update the messages. Nearly always all moves win: only when the count of rows says otherwise is it undone
        and done one by one, to learn which ones lost (asking each time, by RETURNING, more than doubles the price)."""
        chains = _chains(moves)
        steps = [(*chain[-1].row, chain[0].message.id, chain[0].was) for chain in chains]
        is_sent = [chain[-1].state == "sent" and chain[0].was == "sending" for chain in chains]
        sent = [step for step, quick in zip(steps, is_sent, strict=True) if quick]
        other = [step for step, quick in zip(steps, is_sent, strict=True) if not quick]
        before = self._connection.total_changes()
        self._cursor.execute("SAVEPOINT moves")
        if sent:
            self._cursor.executemany(_SENT, sent)
        if other:
            self._cursor.executemany(_MOVE, other)
        lost: set[int] = set()
        if self._connection.total_changes() - before < len(steps):
            self._cursor.execute("ROLLBACK TO moves")
            for chain, step in zip(chains, steps, strict=True):
                self._cursor.execute(_MOVE, step)
                if not self._connection.changes():
                    lost.update(map(id, chain))
        self._cursor.execute("RELEASE moves")
        return lost

    def _unpark(self, moves: Sequence[Move]) -> list[Receipt]:
        """Receipts that came before the answer that they belong to."""
        if not self._rows("SELECT EXISTS (SELECT 1 FROM parked_receipts)")[0][0]:
            return []
        ids = [(row.carrier_id, row.connector) for move in moves for row in move.attempts if row.carrier_id]
        found = self._many("DELETE FROM parked_receipts WHERE carrier_id = ? AND connector = ? RETURNING receipt", ids)
        named = [(row.message, row.connector) for move in moves for row in move.attempts if row.state == "unknown"]
        found += self._many("DELETE FROM parked_receipts WHERE message = ? AND connector = ? RETURNING receipt", named)
        return [msgspec.json.decode(row[0], type=Receipt) for row in found]

    # -- receipts

    def _receive(self, operations: list[Receipts]) -> None:
        moves: list[tuple[Receipts, Move]] = []
        touched: set[int] = set()

        def settle() -> None:
            self._move([move for _, move in moves])
            for operation, move in moves:
                operation.notices += self._events_of(move)
            moves.clear()
            touched.clear()

        for operation in operations:
            operation.matched, operation.parked, operation.notices = [], [], []
            for receipt in operation.receipts:
                match = self._match(receipt, operation.forms(receipt))
                if match is not None and match.message.id in touched:
                    settle()
                    match = self._match(receipt, operation.forms(receipt))
                if match is None:
                    operation.parked.append(receipt)
                    continue
                touched.add(match.message.id)
                operation.matched.append((receipt, match.message))
                moves.append((operation, operation.judge(match)))
        settle()
        parked = [receipt for operation in operations for receipt in operation.parked]
        if parked:
            now = self._now_ms()
            self._cursor.executemany(
                "INSERT INTO parked_receipts (connector, carrier_id, receipt, at, message) VALUES (?, ?, ?, ?, ?)",
                [(r.connector, r.carrier_id, msgspec.json.encode(r).decode(), now, r.message) for r in parked],
            )

    def _match(self, receipt: Receipt, forms: Iterable[str]) -> Match | None:
        for form in forms:
            found = self._cursor.execute(_SELECT_PART, (form, receipt.connector)).fetchall()
            if found:
                part = AttemptRow(*found[0])
                message = Message(*self._cursor.execute(_SELECT_MESSAGE, (part.message,)).fetchall()[0])
                return Match(receipt, message, part, self._other_parts(message, part))
        if receipt.attempt is None:
            return None
        found = self._cursor.execute(_SELECT_NAMED, (*receipt.attempt, receipt.connector)).fetchall()
        if not found:
            return None
        part = AttemptRow(*found[0])
        message = Message(*self._cursor.execute(_SELECT_MESSAGE, (part.message,)).fetchall()[0])
        return Match(receipt, message, part, [])

    def _other_parts(self, message: Message, part: AttemptRow) -> list[AttemptRow]:
        if message.segments == 1 and not message.billed_segments:
            return []
        return [AttemptRow(*row) for row in self._rows(_SELECT_PARTS, (part.message, part.attempt, part.part))]

    # -- messages from phones

    def _arrive(self, operation: Arrivals) -> None:
        operation.repeated = set()
        for arrival in operation.arrivals:
            inbound = arrival.inbound
            self._cursor.execute(
                _INSERT_INBOUND,
                (
                    arrival.id,
                    arrival.workspace,
                    arrival.environment,
                    inbound.connector,
                    inbound.carrier_id,
                    inbound.sender,
                    inbound.to,
                    self.protection.kept(arrival.workspace, f"inbound {arrival.id}", inbound.text),
                    self.protection.kept(arrival.workspace, f"inbound {arrival.id}", inbound.raw),
                    inbound.at,
                    arrival.price,
                    arrival.currency,
                ),
            )
            if not self._cursor.fetchall():
                operation.repeated.add(arrival.id)

    # -- claims

    def _claim(self, operation: Claim) -> None:
        operation.messages, operation.notices, operation.ended, operation.wanting = [], [], [], None
        operation.kept_back, operation.set_back, operation.held = set(), 0, []
        kinds = "".join(f"AND m.kind <> '{kind}' " for kind in sorted(operation.paused_kinds))
        left = operation.segments
        moves: list[Move] = []
        for share in operation.shares:
            if operation.wanting is not None:
                break
            due = [
                self.protection.opened(Message(*row))
                for row in self._cursor.execute(
                    _SELECT_CLAIM.format(kinds=kinds),
                    (
                        operation.connector,
                        share.lane,
                        share.workspace,
                        operation.now,
                        share.limit + room(share.workspace, operation),
                    ),
                )
            ]
            unwanted = refused(rulings(due, self._stances(due), operation.rules, operation.now))
            taken = 0
            for message in due:
                if taken == share.limit:
                    break
                if message.id not in unwanted and (later := goes_later(message, operation)) is not None:
                    moves += later
                    continue
                taken += 1
                if not fits(message, operation, left):
                    operation.wanting = (message.lane, message.segments)
                    break
                move = hand_over(message, operation, unwanted.get(message.id))
                moves.append(move)
                sort(message, operation)
                if message.owner == operation.owner:
                    left -= message.segments
        if moves:
            self._move(moves)
            for move in moves:
                operation.notices += self._events_of(move)

    # -- deliveries

    def _deliver(self, operations: list[Deliveries]) -> None:
        results = [delivery for operation in operations for delivery in operation.results]
        self._cursor.executemany(
            "UPDATE deliveries SET state = ?, tries = ?, next_at = ?, answered_at = ?, status = ?, latency_ms = ?, "
            "error = ? "
            "WHERE id = ?",
            [(d.state, d.tries, d.next_at, d.answered_at, d.status, d.latency_ms, d.error, d.id) for d in results],
        )
        failures = [(d.id, d.tries, d.answered_at, d.status, d.latency_ms, d.error) for d in results if d.error]
        if failures:
            self._cursor.executemany("INSERT OR REPLACE INTO delivery_failures VALUES (?, ?, ?, ?, ?, ?)", failures)

    def _claim_deliveries(self, operation: ClaimDeliveries) -> None:
        operation.notices = []
        rows = self._rows(_SELECT_DELIVERIES, (operation.target, operation.now, operation.limit))
        for row in rows:
            delivery = Delivery(*row[:_WIDTH_D])
            delivery.next_at = operation.hidden_until
            event = self.protection.event(row[_WIDTH_D : _WIDTH_D + _WIDTH_E])
            values = row[_WIDTH_D + _WIDTH_E :]
            operation.notices.append(Notice(delivery, event, Message(*values) if values[0] is not None else None))
        self._cursor.executemany(
            "UPDATE deliveries SET next_at = ? WHERE id = ?",
            [(operation.hidden_until, notice.delivery.id) for notice in operation.notices],
        )


def _chains(moves: Sequence[Move]) -> list[list[Move]]:
    """Moves that follow each other in one commit are one step: to where the last leads, from where the first began."""
    latest: dict[int, list[Move]] = {}
    chains: list[list[Move]] = []
    for move in moves:
        chain = latest.get(move.message.id)
        if chain is not None and chain[-1].state == move.was:
            chain.append(move)
        else:
            latest[move.message.id] = chain = [move]
            chains.append(chain)
    return chains


def _part_values(row: AttemptRow) -> tuple[Any, ...]:
    return (row.state, row.failure, row.code, row.carrier_code, row.receipt_at, row.message, row.attempt, row.part)
