"""A gateway's life in simulated time: callers, a network, customers' servers, crashes and outages, and a record of
all that was seen from outside. What must hold of the record stands in `oracle`."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgspec

from heliograph.carriers import catalogue
from heliograph.carriers.port import Carrier, Events
from heliograph.carriers.port import World as Outdoors
from heliograph.core.failures import Refusal
from heliograph.core.message import Inbound, Outcome, Submission
from heliograph.core.request import MessageRequest
from heliograph.core.signing import secret_from
from heliograph.engine import declare
from heliograph.engine.clients import create_key
from heliograph.engine.draft import Caller
from heliograph.engine.environments import ensure_defaults
from heliograph.engine.form import Tools
from heliograph.engine.gateway import Gateway, Outside
from heliograph.engine.notify.settings import Settings as NotifySettings
from heliograph.engine.people.quiescence import quiet
from heliograph.engine.people.record import Said, record
from heliograph.engine.retention import Retention
from heliograph.engine.specs import ConnectorSpec
from heliograph.engine.ways import Patience
from heliograph.ports import Unavailable
from heliograph.store.port import Accept, Idempotency
from tests.sim.ledger import Disk, SimLedger
from tests.sim.loop import Life, SimClock

RATE: Final = 8  # segments a second that the connector may take
_LONGEST_SILENCE_S: Final = 3 * 86_400.0 + 60.0
_SECRET: Final = secret_from(bytes(32))
_NUMBERS: Final = [f"+44791112{number:04d}" for number in range(40)]
# What phones and networks can do, asked for by text; an empty one leaves it to the network's personality.
_WISHES: Final = (
    *[""] * 12,
    *("undelivered", "transient", "always_transient", "throttled", "never_answered", "no_receipt", "slow"),
    *("duplicate_receipts", "receipt_before_answer", "reordered", "corrected", "fake_receipt", "bad_number"),
    "reply:Hello yourself",
)
PERSONALITIES: Final = (
    ["honest"],
    ["throttling"],
    ["hex_ids", "doubling"],
    ["padded_ids", "reordering"],
    ["eager"],
    ["losing"],
    ["lying", "doubling"],
)


class Told(msgspec.Struct, frozen=True):
    """A submission as the carrier saw it."""

    connector: str
    message: int
    attempt: int
    flagged: bool
    at: float
    segments: int
    number: str
    commit: int  # that of its intent
    on_disk: int  # how many commits there were when it was handed over


class Record:
    """What was seen from outside, over all lives."""

    def __init__(self) -> None:
        self.submissions: list[Told] = []
        self.outcomes: list[str | None] = []  # of each submission: what the gateway was told; None: nothing
        self.latest: dict[tuple[int, int], int] = {}  # (message, attempt) → its last submission
        self.too_early: list[tuple[int, int]] = []  # handed over before the intent was durable
        self.accepted: dict[str, int] = {}  # idempotency key → message
        self.twice: list[str] = []  # the same key, answered with two messages
        self.heard: defaultdict[str, set[bytes]] = defaultdict(set)  # event id → bodies
        self.stopped: dict[str, float] = {}  # number → when its opt-out had been answered
        self.defects: list[BaseException] = []
        self.deaths = 0


class Network:
    """A sandbox carrier; what goes in and what comes out is written down."""

    def __init__(self, carrier: Carrier, disk: Disk, life: Life, record: Record) -> None:
        self.name = carrier.name
        self.window = carrier.window
        self.capabilities = carrier.capabilities
        self.stop, self.query = carrier.stop, carrier.query
        self._carrier, self._disk, self._life, self._record = carrier, disk, life, record
        self._events: Events
        self.receipts: Callable[..., None]
        self.link: Callable[..., None]

    async def start(self, events: Events) -> None:
        self._events = events
        self.receipts, self.link = events.receipts, events.link
        await self._carrier.start(self)

    def inbound(self, messages: Sequence[Inbound], committed: Callable[[], None] | None = None) -> None:
        self._events.inbound(messages, committed)

    def answered(self, submission: Submission, outcome: Outcome) -> None:
        place = self._record.latest[submission.message.id, submission.attempt]
        self._record.outcomes[place] = outcome.state
        self._events.answered(submission, outcome)

    def submit(self, submissions: Sequence[Submission]) -> None:
        for message, attempt, _ in submissions:
            handed = self._disk.handed.get((message.id, attempt))
            if handed is None:
                self._record.too_early.append((message.id, attempt))
            self._record.submissions.append(
                Told(
                    self.name,
                    message.id,
                    attempt,
                    bool(message.possible_duplicate),
                    self._life.loop.time(),
                    message.segments,
                    message.to,
                    handed[0] if handed else 0,
                    self._disk.commits,
                )
            )
            self._record.latest[message.id, attempt] = len(self._record.outcomes)
            self._record.outcomes.append(None)
        self._carrier.submit(submissions)


class _Place(msgspec.Struct, frozen=True):
    origin: str


class _Answer(msgspec.Struct):
    status: int
    reason: str = "ok"
    detail: str = ""
    body: bytes = b""
    latency_ms: int = 1
    retry_after: float | None = None


class Customers:
    """The servers that hear webhooks: slow, failing and forgetful at times, well at others."""

    def __init__(self, life: Life, chance: Random, record: Record, calm: Callable[[], bool]) -> None:
        self._life, self._chance, self._record, self._calm = life, chance, record, calm

    def target(self, url: str) -> _Place:
        return _Place(url)

    def is_here(self, url: str) -> bool:
        return True

    def post(self, to: Any, headers: bytes, body: bytes, timeout_s: float, done: Callable[[Any], None]) -> None:
        luck = 1.0 if self._calm() else self._chance.random()
        if luck < 0.1:  # nobody there
            self._life.later(timeout_s, lambda: done(_Answer(0, "timeout")))
            return
        names = dict(line.split(": ", 1) for line in headers.decode().splitlines())
        self._record.heard[names["webhook-id"]].add(body)
        delay = self._chance.random() * (0.05 if luck > 0.3 else timeout_s)
        # A server that has heard and answers with a failure will hear again.
        self._life.later(delay, lambda: done(_Answer(500 if luck < 0.2 else 200)))

    def get(self, to: Any, headers: bytes, timeout_s: float, done: Callable[[Any], None]) -> None:
        self.post(to, headers, b"", timeout_s, done)


class Watching:
    """Keeps defects: there must be none."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def defect(self, error: BaseException) -> None:
        self._record.defects.append(error)

    def accepted(self, messages: Any) -> None: ...
    def refused(self, code: str, count: int = 1) -> None: ...
    def answered(self, connector: str, answers: Any) -> None: ...
    def ended(self, messages: Any) -> None: ...
    def delivery(self, delivery: Any, answer: Any) -> None: ...
    def note(self, what: str, **facts: object) -> None: ...


class Simulation:
    """One history: everything in it follows from its seed."""

    def __init__(
        self,
        seed: int,
        *,
        messages: int = 150,
        deaths: int = 4,
        outages: int = 2,
        people: int = len(_NUMBERS),
        opt_out_every: int = 25,
    ) -> None:
        self.chance = Random(seed)
        self.disk = Disk(Random(seed + 1))
        self.record = Record()
        self._messages, self._deaths, self._outages = messages, deaths, outages
        self._people, self._opt_out_every = _NUMBERS[:people], opt_out_every
        self._busy_s = 60.0  # callers come, things break; afterwards it is calm
        self._pause_s = 0.0  # how long the process stays dead; 0: by chance
        self._died = asyncio.Event()
        self._gateway: Gateway | None = None
        self._life: Life
        self._caller: Caller
        self._open: set[asyncio.Task[None]] = set()

    def calm(self) -> bool:
        return asyncio.get_running_loop().time() > self._busy_s

    async def run(self, *, to_the_end: bool = True) -> Record:
        await self.disk.format()
        await self._declare()
        supervisor = asyncio.create_task(self._supervise())
        callers = [asyncio.create_task(self._call(number)) for number in range(self._messages)]
        trouble = asyncio.create_task(self._trouble())
        await asyncio.gather(*callers, trouble)
        if not to_the_end:
            await asyncio.sleep(30)
            self._die(self._life)
            supervisor.cancel()
            return self.record
        await asyncio.sleep(1_800)  # what can end by retrying ends
        self._pause_s = _LONGEST_SILENCE_S
        self._die(self._life)
        await asyncio.sleep(_LONGEST_SILENCE_S + 3_600)  # and after this, also what nobody ever reported
        supervisor.cancel()
        return self.record

    # -- the process

    async def _declare(self) -> None:
        life = Life()
        ledger = SimLedger(self.disk, life, self.record.defects.append)
        now = SimClock(life).now_ms()
        await ensure_defaults(ledger, _seal, now=now)
        await create_key(ledger, name="caller", scopes=["admin"], actor="sim", now=now)
        spec = {
            "kind": "sandbox",
            "personality": self.chance.choice(PERSONALITIES),
            "answer_delay_ms": self.chance.choice([0, 5, 400]),
            "receipt_delay_ms": self.chance.choice([0, 50, 3_000]),
            "spread": 0.8,
            "seed": self.chance.randrange(1_000),
        }
        document = {
            "connectors": {name: spec | {"max_segments_per_second": RATE} for name in ("first", "second")},
            "routes": [{"name": "all", "via": ["first", "second"]}],
            "endpoints": {"app": {"url": "https://app.example/", "secret": _SECRET}},
        }
        tools = Tools(catalogue.check, lambda url: None, lambda: _SECRET, _seal, _unseal)
        await declare.apply(ledger, document, tools, actor="sim", now=now)
        workspace, environment = self.disk.rows("SELECT workspace, id FROM environments WHERE name = 'live'")[0]
        self._caller = Caller(self.disk.rows("SELECT id FROM clients")[0][0], workspace, environment, None)
        yes = [Said(address=one, action="opt_in", scope="promotional", at=now) for one in self._people]
        await record(ledger, workspace, environment, yes, actor="sim", now=now)
        life.end()

    async def _supervise(self) -> None:
        """Start the process, and start it again whenever it dies."""
        while True:
            self._life = life = Life()
            self._died = asyncio.Event()
            self.disk.die = lambda life=life: self._die(life)  # type: ignore[misc]
            life.run(self._live(life))  # it may die while it starts
            await self._died.wait()
            self.record.deaths += 1
            await asyncio.sleep(self._pause_s or self.chance.uniform(0.05, 30.0))

    def _die(self, life: Life) -> None:
        life.end()
        self.disk.let_go()
        self.disk.dies_before = self.disk.dies_after = None
        self._gateway = None
        self._died.set()

    async def _live(self, life: Life) -> None:
        clock, chance = SimClock(life), Random(self.chance.random())
        ledger = SimLedger(self.disk, life, self.record.defects.append)

        def carrier(spec: ConnectorSpec) -> Any:
            built = catalogue.build(spec.kind, spec.name, spec.settings, Outdoors(clock, chance))
            return Network(built, self.disk, life, self.record)

        gateway = Gateway(
            ledger,
            Outside(
                clock,
                chance,
                Customers(life, chance, self.record, self.calm),
                Watching(self.record),
                carrier,
                lambda spec: None,
                lambda url: None,
                _unseal,
            ),
            roles=frozenset({"api", "engine"}),
            notify=NotifySettings(),
            keeping=Retention(0, 0),
            patience=Patience(),
        )
        while life.alive:
            try:
                await gateway.start()
            except Unavailable:
                await asyncio.sleep(1.0)
            except Exception as error:
                self.record.defects.append(error)
                self._die(life)
            else:
                self._gateway = gateway
                return

    # -- what befalls it

    async def _trouble(self) -> None:
        loop = asyncio.get_running_loop()
        kinds = ["death"] * self._deaths + ["outage"] * self._outages
        moments = sorted((self.chance.uniform(0, self._busy_s), kind) for kind in kinds)
        for at, kind in moments:
            await asyncio.sleep(max(0.0, at - loop.time()))
            if kind == "outage":
                self.disk.out_until = loop.time() + self.chance.uniform(0.1, 8.0)
                continue
            how = self.chance.randrange(3)
            if how == 0:
                self.disk.dies_before = self.disk.commits + self.chance.randrange(1, 4)
            elif how == 1:
                self.disk.dies_after = self.disk.commits + self.chance.randrange(1, 4)
            else:
                self.disk.die()

    # -- callers

    async def _call(self, number: int) -> None:
        """A caller who asks until there is an answer."""
        await asyncio.sleep(self.chance.uniform(0, self._busy_s * 0.9))
        if number % self._opt_out_every == self._opt_out_every - 1:
            await self._opt_out(self.chance.choice(self._people))
            return
        wish = self.chance.choice(_WISHES)
        request = MessageRequest(
            to=self.chance.choice(self._people),
            text=f"Number {number} [sandbox:{wish}]" + "!" * self.chance.choice([0, 0, 0, 300]),
            kind=self.chance.choice(["otp", "transactional", "promotional"]),
            valid_for=self.chance.choice([None, None, None, 5, 60]),
        )
        if request.kind == "otp":
            request.text = request.text and request.text[:100]
        while (answer := await self._ask(request, f"call-{number}")) is None:
            await asyncio.sleep(self.chance.uniform(0.05, 2.0))
        if answer > 0 and self.record.accepted.setdefault(f"call-{number}", answer) != answer:
            self.record.twice.append(f"call-{number}")

    async def _ask(self, request: MessageRequest, key: str) -> int | None:
        """The message's number; 0 when it was refused; None when nobody knows, as when the server died meanwhile."""
        gateway, died = self._gateway, self._died
        if gateway is None:
            return None
        now = self._now()
        draft = gateway.intake.draft(self._caller, request, now)
        if isinstance(draft, Refusal):
            return 0
        answered: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

        def done(operation: Accept) -> None:
            if operation.error is not None:
                answered.set_result(None)
            elif operation.replayed is not None:
                answered.set_result(int(operation.replayed))
            elif operation.refused:
                answered.set_result(0)
            else:
                answered.set_result(operation.messages[0].id)

        with self._life.within():  # what this sets going dies with the process
            gateway.intake.accept(
                (draft,),
                done,
                idempotency=Idempotency(self._caller.client, key, key.encode().ljust(32), now + 86_400_000),
                reply=lambda operation: str(0 if operation.refused else operation.messages[0].id).encode(),
                all_or_none=True,
            )
        death = asyncio.ensure_future(died.wait())
        await asyncio.wait([answered, death], return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        return answered.result() if answered.done() else None

    async def _opt_out(self, number: str) -> None:
        """A person says stop, until somebody has heard it; by preference when something is just on its way to them."""
        since = asyncio.get_running_loop().time()
        for _ in range(2_000):
            if self.disk.handed_at.get(number, -1.0) >= since:
                break
            await asyncio.sleep(0.002)
        while True:
            gateway, life, died = self._gateway, self._life, self._died
            if gateway is not None:
                work = life.run(self._record_opt_out(gateway, number))
                death = asyncio.ensure_future(died.wait())
                await asyncio.wait([work, death], return_when=asyncio.FIRST_COMPLETED)
                death.cancel()
                if work.done() and not work.cancelled() and work.exception() is None:
                    return
            await asyncio.sleep(1.0)

    async def _record_opt_out(self, gateway: Gateway, number: str) -> None:
        caller = self._caller
        now = self._now()
        said = Said(address=number, action="opt_out", source="keyword", at=now)
        await record(gateway.ledger, caller.workspace, caller.environment, [said], actor="sim", now=now)
        await quiet(gateway.ledger, SimClock(self._life), [caller.workspace], number)
        self.record.stopped.setdefault(number, asyncio.get_running_loop().time())

    def _now(self) -> int:
        return SimClock(Life()).now_ms()


def _seal(secret: str) -> str:
    return f"sealed:{secret}"


def _unseal(secret: str) -> str:
    return secret.removeprefix("sealed:")
