"""What the engine asks of a ledger, in batches.

Hot writes are *operations*: values that are handed to `Ledger.add` and done when the commit that carries them is on
disk. A commit takes whatever has gathered; its operations are applied in the order of the classes below and, within a
class, in that of arrival. Then each one's `done` is called on the event loop with the operation itself, which holds its
results; `error` is set when it could not be kept.

Everything else (configuration, keys, lists, statistics) is cold: plain SQL that both engines understand, through
`fetch` and `transaction`. Placeholders are $1, $2, …; times are integers in milliseconds; booleans are 0 and 1.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from heliograph.core.campaigns import Step
from heliograph.core.chain import Noted
from heliograph.core.charges import Charge, Limit
from heliograph.core.consent import Rulebook
from heliograph.core.frequency import FrequencyCap
from heliograph.core.links import ShortLink
from heliograph.core.message import Delivery, Event, Inbound, Message, Receipt
from heliograph.core.quiet import Answer
from heliograph.store.protection import Protection

Row: TypeAlias = tuple[Any, ...]
_T = TypeVar("_T")
Statement: TypeAlias = tuple[Any, ...]  # its text, and then its values

# A delivery born in a commit is sent from memory by the process that made it; nobody else takes it meanwhile.
HIDDEN_MS: Final = 20_000


class Idempotency(NamedTuple):
    """A caller's key for one request: the same key with the same body gets the same answer again."""

    client: int
    key: str
    body_hash: bytes
    expires_at: int


class Notice(msgspec.Struct, gc=False, frozen=True):
    """A delivery that was born in this commit, with all that is needed to send it at once."""

    delivery: Delivery
    event: Event
    message: Message | None


class AttemptRow(msgspec.Struct, gc=False):
    """One part of one attempt, as a row. A refused or unknown attempt has one row, part 1."""

    message: int
    attempt: int
    part: int
    connector: str
    state: str  # unknown | accepted | refused, then what the receipt said: delivered, undelivered, …
    carrier_id: str | None
    failure: str | None
    code: str | None
    carrier_code: str | None
    handed_at: int
    answered_at: int | None
    receipt_at: int | None


class NewEvent(msgspec.Struct, gc=False, frozen=True):
    """An event before it has a place."""

    type: str
    at: int
    data: str | None = None
    told: bool = True  # False: stays in the history only, no webhook hears of it
    only: Sequence[tuple[int | None, str]] = ()  # who hears of it, if not all who subscribed: (endpoint, target)
    targets: tuple[str, ...] = ()  # who hears of it beside the subscribers


# What may change of a message after it was accepted, in the order of `Move.row`.
MOVED: Final = (
    *("state", "updated_at", "due_at", "valid_until", "connector", "attempts", "owner", "price", "currency"),
    *("failure", "failure_code", "carrier_code", "sent_at", "final_at", "possible_duplicate", "surcharge"),
    "billed_segments",
)


class Move(msgspec.Struct, gc=False, eq=False):
    """A message that goes on: its new values, the state it must still be in, and what there is to tell.

    The values are read now: the message itself may go on before this move is written.
    """

    message: Message
    was: str
    events: tuple[NewEvent, ...]
    attempts: tuple[AttemptRow, ...] = ()  # new rows
    receipts: tuple[AttemptRow, ...] = ()  # rows that exist, with their new state
    state: str = ""  # read of the message, as is …
    row: tuple[Any, ...] = ()  # … the rest

    def __post_init__(self) -> None:
        m = self.message
        self.state = m.state
        self.row = (  # one by one: to ask for them by name would cost twice as much
            m.state,
            m.updated_at,
            m.due_at,
            m.valid_until,
            m.connector,
            m.attempts,
            m.owner,
            m.price,
            m.currency,
            m.failure,
            m.failure_code,
            m.carrier_code,
            m.sent_at,
            m.final_at,
            m.possible_duplicate,
            m.surcharge,
            m.billed_segments,
        )


class Over(NamedTuple):
    """A frequency cap that a message would break, and from when on it would not."""

    cap: str
    until: int


class Operation(msgspec.Struct, kw_only=True):
    """Common to all: whom to call when it is durable. `error` is None unless it could not be kept."""

    done: Callable[[Any], None]
    error: Exception | None = None


class Accept(Operation):
    """New messages of one request, all or none. Left out and named are those that their recipients do not want, and
    those to numbers that a carrier does not know, until they have rested. What would break a frequency cap is held
    until it doesn't, or left out as well; what a budget has no room for is left out, all else counted.

    A message comes in state `sending` with an owner when its attempt is to be handed over at this commit, otherwise
    `queued`, `scheduled` (waiting for a claim).
    """

    messages: list[Message]
    decisions: list[tuple[int, str]] = []  # traces that are not yet in the ledger: (id, JSON)
    idempotency: Idempotency | None = None
    reply: Callable[["Accept"], bytes] | None = None  # makes the answer to keep beside an idempotency key
    rules: Rulebook = Rulebook()
    caps: dict[int, tuple[FrequencyCap, ...]] = {}  # message → the frequency caps that it must keep
    charges: dict[int, tuple[Charge, ...]] = {}  # message → what it adds to budgets
    links: list[ShortLink] = []
    all_or_none: bool = False  # one unwanted message refuses the whole request
    step: Step | None = None  # of a campaign: taken with its messages, or nothing is kept (`conflict`)
    asks_only: bool = False  # say what would be refused; keep nothing
    # results
    refused: dict[int, str] = msgspec.field(default_factory=dict)  # messages that were left out, by id, and why
    cooling: dict[int, int] = msgspec.field(default_factory=dict)  # those of them whose numbers rest → until when
    over: dict[int, Over] = msgspec.field(default_factory=dict)  # those of them that would break a cap
    held: dict[int, Over] = msgspec.field(default_factory=dict)  # messages that were held until they break none
    overspent: dict[int, Limit] = msgspec.field(default_factory=dict)  # those of them that a budget has no room for
    replayed: bytes | None = None  # the answer kept for this idempotency key
    conflict: bool = False  # same key, other body
    notices: list[Notice] = msgspec.field(default_factory=list)


class Moves(Operation):
    """Messages that go on: answers of carriers, expiry, cancellation, recovery. A move whose message is no longer in
    the state `was` is left out and named: somebody else was faster."""

    moves: list[Move]
    # results
    lost: set[int] = msgspec.field(default_factory=set)
    notices: list[Notice] = msgspec.field(default_factory=list)
    unparked: list[Receipt] = msgspec.field(default_factory=list)  # receipts that had come before these answers


class Match(msgspec.Struct, gc=False, frozen=True):
    """A receipt with the part that it belongs to, the attempt's other parts and their message."""

    receipt: Receipt
    message: Message
    part: AttemptRow
    others: Sequence[AttemptRow]


class Receipts(Operation):
    """Receipts from carriers. Each is matched by (connector, one of its id forms); `judge` says what follows.
    What can't be matched is parked."""

    receipts: list[Receipt]
    forms: Callable[[Receipt], Iterable[str]]  # the id forms to try, in order
    judge: Callable[[Match], Move]
    # results
    matched: list[tuple[Receipt, Message]] = msgspec.field(default_factory=list)
    parked: list[Receipt] = msgspec.field(default_factory=list)
    notices: list[Notice] = msgspec.field(default_factory=list)


class Share(NamedTuple):
    """How many messages to take from one lane of one workspace."""

    lane: int
    workspace: int
    limit: int


class Allowance(msgspec.Struct):
    """What one claim may take of a sender with a rate of its own, and where what finds nothing left goes."""

    turns: list[int]  # by lane: when the next message has its turn, behind those that wait already
    gap_ms: float  # how long a segment takes
    units: int = 0  # segments, of which …
    even: int = 0  # … so many may go to other lanes than the first
    today: int = 0
    is_idle: bool = False  # a message that is larger than its rate may go, alone
    patience: int = 0  # so many stay where they are though nothing is left for them: they go as soon as something is
    held: int = 0
    is_asked: bool = False  # result: was there a message of it?

    def take(self, lane: int, segments: int) -> bool:
        """Is enough left for a message? Then it is taken."""
        self.is_asked = True
        left = min(self.units, self.even) if lane else self.units
        if segments > left and not (self.is_idle and segments <= self.today):
            return False
        self.units, self.even, self.today = self.units - segments, self.even - segments, self.today - segments
        self.is_idle = False
        return True

    def turn(self, lane: int, segments: int) -> int:
        """When a message has its turn, behind those that wait already."""
        at = self.turns[lane]
        self.turns[lane] = at + max(1, round(segments * self.gap_ms))
        return self.turns[lane]


def never_closed(message: Message, at: int) -> Answer | None:
    """No quiet hours."""
    return None


class Claim(Operation):
    """Take due messages of a connector for hand-over: they become `sending`, with one more attempt, owned by `owner`.
    What their recipients say is asked in the same transaction; what is unwanted is rejected, what is late expires. What
    would come in quiet hours goes on waiting, until they are over."""

    connector: str
    shares: list[Share]
    segments: int  # the claimed messages hold at most so many
    now: int
    owner: int
    rules: Rulebook = Rulebook()
    paused_kinds: frozenset[str] = frozenset()
    quiet_kinds: frozenset[str] = frozenset()  # only of these is `closed` asked
    closed: Callable[[Message, int], Answer | None] = never_closed  # by the ledger's writer, perhaps in its thread
    is_idle: bool = False  # nothing counts against the rate now: even a message that is larger than it may go, alone
    allowances: dict[tuple[int, str], Allowance] = {}  # (workspace, sender) → of those that have a rate of their own
    # results
    kept_back: set[tuple[int, int]] = msgspec.field(default_factory=set)  # (lane, workspace): some stay in front
    set_back: int = 0  # how many come later, so that they are in nobody's way
    wanting: tuple[int, int] | None = None  # (lane, segments) of the message for which there was too little left
    messages: list[Message] = msgspec.field(default_factory=list)
    notices: list[Notice] = msgspec.field(default_factory=list)
    ended: list[Message] = msgspec.field(default_factory=list)  # rejected or expired instead
    held: list[Message] = msgspec.field(default_factory=list)  # wait on, because of quiet hours


class Deliveries(Operation):
    """Results of webhook tries."""

    results: list[Delivery]


class ClaimDeliveries(Operation):
    """Take due deliveries of one target; each is hidden from others until `hidden_until`."""

    target: str
    limit: int
    now: int
    hidden_until: int
    # results
    notices: list[Notice] = msgspec.field(default_factory=list)


class Arrival(NamedTuple):
    """A message from a phone, and the workspace and environment that its number belongs to."""

    id: int
    workspace: int
    environment: int
    inbound: Inbound
    price: str | None = None  # of all its segments
    currency: str | None = None


class Arrivals(Operation):
    """Messages from phones. One that the carrier brings twice (same connector and carrier id) is kept once."""

    arrivals: list[Arrival]
    # results
    repeated: set[int] = msgspec.field(default_factory=set)


class Backlog(NamedTuple):
    """Messages of one lane of one workspace that wait for a connector."""

    lane: int
    workspace: int


class Again(NamedTuple):
    """An event that is to be told once more, or to one endpoint only."""

    event: int  # seq
    workspace: int
    environment: int
    message: int | None
    endpoint: int | None
    target: str


class Transaction(Protocol):
    """Cold statements that belong together."""

    async def fetch(self, sql: str, *values: object) -> list[Row]: ...

    async def execute(self, sql: str, *values: object) -> None: ...
    async def execute_all(self, statements: Sequence[Statement]) -> None: ...  # in one go where that costs less

    async def record(
        self, workspace: int, environment: int, events: Sequence[NewEvent], message: Message | None = None
    ) -> None:
        """Add events, of a message or of none; their webhooks go out after the commit."""

    def note(self, noted: Noted) -> None:
        """Add an entry to the audit log when all else is written."""

    async def redeliver(self, deliveries: Sequence[Again], now: int) -> None:
        """Make new deliveries of events that exist, marked as replays and due at once."""


# (environment, event type, message) → who wants to hear of it: (endpoint or None for a callback URL, target).
Subscribers: TypeAlias = Callable[[int, str, Message | None], Sequence[tuple[int | None, str]]]


class Ledger(Protocol):
    """A ledger at work."""

    process: int  # who we are in this ledger: unique, rising with each start
    is_alone: bool  # no other process can serve this ledger
    subscribers: Subscribers  # set by the engine before the first operation

    @property
    def protection(self) -> Protection: ...

    def next_id(self, kind: str) -> int:
        """A fresh row number for `message`, `decision`, `batch` or `inbound`; never given twice."""

    def add(self, operation: Operation) -> None:
        """Hand over an operation; only from the event loop."""

    async def backlog(self, connector: str, now: int) -> list[Backlog]:
        """Which lanes and workspaces have due messages waiting for this connector."""

    async def due_targets(self, now: int) -> list[str]:
        """Webhook targets that have due deliveries."""

    async def events_after(self, position: str, limit: int) -> tuple[list[Event], str]:
        """Events after a position in an order without gaps: what is committed later comes later. "" is the start."""

    async def events_end(self) -> str:
        """The position after every event that was committed before."""

    async def stretch(self, position: str, limit: int) -> tuple[str, tuple[object, ...], str]:
        """The next events in the same order: a condition on `events e`, its values, and the position behind them."""

    async def fetch(self, sql: str, *values: object) -> list[Row]:
        """A cold read; sees everything that was answered as committed."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A cold write. Inside, await nothing but the transaction."""

    async def briefly(self, do: Callable[[Transaction], Coroutine[Any, Any, _T]]) -> _T:
        """The same for a few rows by their keys, none of them declared: it costs less than a commit of its own."""

    async def listen(self, woken: Callable[[str], None], told: Callable[[list[Notice]], None]) -> None:
        """Call `woken` with a topic (`queue`, `config`, `deliveries`) when somebody wrote something of it, and `told`
        with the deliveries that a cold transaction of this process gave birth to."""

    async def close(self) -> None: ...
