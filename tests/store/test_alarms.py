"""Each default rule, rung by the fault that it is there for, in both engines; who is told, who is not, and its end."""

from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio

from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import FIRING, MINUTE
from heliograph.engine.alarms import looking, register, telling
from heliograph.engine.alarms.desk import Alarms
from heliograph.engine.alarms.looking import Where
from heliograph.engine.alarms.policy import AlarmPolicy, RuleChange
from heliograph.engine.insight import rolling
from heliograph.store.port import NewEvent
from tests.store.making import NOW, accept, message

pytestmark = pytest.mark.asyncio

HOUR, DAY = 60 * MINUTE, 86_400_000
HERE = Where(1, 1)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.ms = NOW

    def now_ms(self) -> int:
        return self.ms


class Watch:
    """What the engine complains of."""

    def __init__(self) -> None:
        self.defects: list[BaseException] = []
        self.notes: list[dict[str, Any]] = []

    def defect(self, error: BaseException) -> None:
        self.defects.append(error)

    def note(self, what: str, **facts: Any) -> None:
        self.notes.append({"what": what} | facts)


class Web:
    """Takes posts, or refuses them."""

    def __init__(self) -> None:
        self.status, self.posts = 200, list[tuple[str, bytes]]()

    def target(self, url: str) -> Any:
        return url

    def post(self, target: Any, headers: bytes, body: bytes, timeout_s: float, done: Any) -> None:
        self.posts.append((target, body))
        done(SimpleNamespace(status=self.status, reason="refused"))


class Mailbox:
    """Takes mail."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str, str]] = []

    async def send(self, to: str, subject: str, text: str) -> str | None:
        self.letters.append((to, subject, text))
        return None


class Gateway:
    """A desk of alarms over a ledger, with the world around it made up."""

    def __init__(self, ledger: Any, policy: AlarmPolicy) -> None:
        self.ledger, self.clock, self.watch, self.web, self.mail = ledger, Clock(), Watch(), Web(), Mailbox()
        policies = SimpleNamespace(alarms=policy)
        self.realm = SimpleNamespace(
            id=1, name="live", workspace=1, workspace_name="default", mode="live", policies=policies
        )
        self.certificates: dict[str, int] = {}
        self.teller = telling.Teller(
            ledger,
            self.clock,
            self.web,
            None,
            self.mail,
            str,
            self.watch,
            lambda number: policy,  # type: ignore[arg-type]
        )
        self.desk = Alarms(
            *(ledger, self.clock, self.watch, lambda: SimpleNamespace(realms={1: self.realm}), {}),  # type: ignore[arg-type]
            lambda: self.certificates,
            self.teller,
        )
        self.desk.sums_every_ms = 0

    async def look(self, minutes: float = 0) -> set[str]:
        """The rules that fire, so many minutes later."""
        self.clock.ms += round(minutes * MINUTE)
        while await rolling.roll(self.ledger, self.clock.ms):
            pass
        await self.desk.look()
        await self.teller.tell()
        return {one.rule for one in await register.open_ones(self.ledger) if one.state == FIRING}

    async def traffic(self, count: int, age_ms: int, span_ms: int = HOUR, **changes: Any) -> None:
        """Messages that were accepted so long ago, evenly over a span, and have ended."""
        made = []
        for place in range(count):
            at = self.clock.ms - age_ms + place * span_ms // count
            fields = {"accepted_at": at, "due_at": at, "state": "delivered", "owner": None, "attempts": 1}
            fields |= {"sent_at": at + 50, "final_at": at + 900, "price": "0.05", "currency": "EUR"}
            made.append(message(self.ledger, **fields | changes))
        await accept(self.ledger, *made)

    async def past(self) -> None:
        for days in range(1, 8):
            await self.traffic(60, days * DAY + HOUR, 2 * HOUR)
        self.clock.ms -= DAY
        await self.tell("verification.started", 100, '{"country":"DE"}')
        await self.tell("verification.approved", 80, '{"country":"DE"}')
        self.clock.ms += DAY

    async def run(self, sql: str, *values: Any) -> None:
        async with self.ledger.transaction() as transaction:
            await transaction.execute(sql, *values)

    async def tell(self, name: str, count: int, data: str, number: int | None = None) -> None:
        """So many events of the last minutes."""
        async with self.ledger.transaction() as transaction:
            events = [NewEvent(name, self.clock.ms - 2 * MINUTE, data, told=False)] * count
            its = None if number is None else message(self.ledger, id=number)
            await transaction.record(1, 1, events, its)


@pytest_asyncio.fixture
async def gateway(ledger: Any) -> Gateway:
    return Gateway(ledger, AlarmPolicy(webhooks=["https://chat.example/hook"], email=["oncall@example.com"]))


async def worse_delivery(here: Gateway) -> None:
    await here.traffic(100, 30 * MINUTE, 20 * MINUTE, state="undelivered", failure_code="absent")


async def refusals(here: Gateway) -> None:
    failed = {"state": "failed", "sent_at": None, "failure_code": "rejected_by_carrier"}
    await here.traffic(40, 8 * MINUTE, 6 * MINUTE, **failed)


async def unknowns(here: Gateway) -> None:
    await here.traffic(30, 8 * MINUTE, 6 * MINUTE)
    rows = await here.ledger.fetch("SELECT max(id) FROM messages")
    data = '{"attempt":1,"connector":"telco","failure":"unknown","code":"timeout"}'
    await here.tell("attempt.unknown", 20, data, rows[0][0])


async def long_texts(here: Gateway) -> None:
    await here.traffic(60, 50 * MINUTE, 40 * MINUTE, segments=4)


async def dear(here: Gateway) -> None:
    await here.traffic(150, 50 * MINUTE, 40 * MINUTE, price="2.50")


async def noes(here: Gateway) -> None:
    await here.traffic(120, 5 * HOUR, 4 * HOUR)
    await here.tell("contact.opted_out", 30, '{"number":"+491700000001","scope":"*","source":"keyword"}')


async def pumping(here: Gateway) -> None:
    here.clock.ms -= 15 * MINUTE
    await here.tell("verification.started", 60, '{"country":"DE"}')
    here.clock.ms += 15 * MINUTE


async def silence_of_a_carrier(here: Gateway) -> None:
    await here.traffic(60, 70 * MINUTE, 50 * MINUTE, state="sent", final_at=None, owner=1)


async def one_code(here: Gateway) -> None:
    await here.traffic(100, 25 * MINUTE, 20 * MINUTE, state="undelivered", failure_code="filtered", country="FR")


async def endpoint_down(here: Gateway) -> None:
    here.ledger.subscribers = lambda environment, name, message: ((7, "endpoint:7"),)
    await here.traffic(5, 3 * MINUTE, MINUTE)
    await here.run("UPDATE deliveries SET tries = 2, next_at = $1", here.clock.ms + HOUR)


async def late_webhooks(here: Gateway) -> None:
    here.ledger.subscribers = lambda environment, name, message: ((7, "endpoint:7"),)
    await here.traffic(20, 3 * MINUTE, MINUTE)
    await here.run("UPDATE deliveries SET tries = 1, state = 'done', answered_at = created_at + 30000, status = 200")


def waiting(lane: int, kind: str, minutes: int) -> Any:
    async def fault(here: Gateway) -> None:
        due = here.clock.ms - minutes * MINUTE
        await accept(here.ledger, message(here.ledger, lane=lane, kind=kind, accepted_at=due, due_at=due))

    return fault


async def link_down(here: Gateway) -> None:
    await looking.keep_links(here.ledger, {"telco": here.clock.ms - MINUTE}, here.clock.ms)


async def strangers(here: Gateway) -> None:
    for number in range(12):
        await here.run(
            "INSERT INTO parked_receipts (connector, carrier_id, receipt, at) VALUES ('telco', $1, '{}', $2)",
            *(f"x{number}", here.clock.ms - 5 * MINUTE),
        )


async def spent(here: Gateway) -> None:
    await here.run(
        "INSERT INTO tallies (environment, name, subject, begins, ends, workspace, used, told) "
        "VALUES (1, 'spring/spend', '', $1, $2, 1, 85, 80)",
        *(here.clock.ms - DAY, here.clock.ms + DAY),
    )


async def old_certificate(here: Gateway) -> None:
    here.certificates = {"/etc/heliograph/cert.pem": here.clock.ms + 3 * DAY}


FAULTS = {
    "delivery_drop": worse_delivery,
    "send_errors": refusals,
    "unknown_outcomes": unknowns,
    "segments_up": long_texts,
    "cost_spike": dear,
    "opt_outs_up": noes,
    "verification_conversion": pumping,
    "no_receipts": silence_of_a_carrier,
    "failures": one_code,
    "webhooks_failing": endpoint_down,
    "webhook_latency": late_webhooks,
    "queue_age_otp": waiting(0, "otp", 2),
    "queue_age_transactional": waiting(1, "transactional", 4),
    "queue_age_promotional": waiting(2, "promotional", 180),
    "never_tried": waiting(1, "transactional", 10),
    "connector_down": link_down,
    "stray_receipts": strangers,
    "budget": spent,
    "expiring": old_certificate,
}


async def test_every_rule_has_a_fault() -> None:
    assert FAULTS.keys() == RULES.keys()


@pytest.mark.parametrize("rule", RULES)
async def test_a_fault_rings_the_rule_that_is_there_for_it(gateway: Gateway, rule: str) -> None:
    await gateway.past()
    await gateway.traffic(60, 3 * HOUR, HOUR)
    assert await gateway.look() == set()
    await FAULTS[rule](gateway)
    await gateway.look()
    lasting = RULES[rule].for_ms / MINUTE
    if rule == "never_tried" or lasting:
        assert rule not in await gateway.look(0.1)
    await gateway.look(lasting)
    fired = await gateway.look(0.2)  # on PostgreSQL the last events may be seen a look later
    assert rule in fired, [register.summary(one) for one in await register.open_ones(gateway.ledger)]
    assert gateway.watch.defects == []
    events = await gateway.ledger.fetch("SELECT COUNT(*) FROM events WHERE type = 'alarm.firing'")
    assert events[0][0] == len(fired)
    assert gateway.web.posts and gateway.mail.letters


async def test_what_happens_at_once_is_told_at_once_and_its_end_too(gateway: Gateway) -> None:
    await strangers(gateway)
    await spent(gateway)
    assert await gateway.look() == {"stray_receipts", "budget"}
    ((url, body),) = gateway.web.posts
    assert url == "https://chat.example/hook"
    assert b"WARNING: A budget is nearly used (budget spring/spend): 80 %" in body
    assert b"Receipts for messages that nobody knows (connector telco)" in body
    await gateway.look(1)
    assert len(gateway.web.posts) == 1
    await gateway.run("DELETE FROM parked_receipts")
    await gateway.look(1)
    assert await gateway.look(5) == {"budget"}
    assert b"OVER: Receipts for messages that nobody knows" in gateway.web.posts[1][1]
    (over,) = await register.listed(gateway.ledger, HERE, "resolved", None, 10)
    assert [row[1] for row in await register.history(gateway.ledger, over.id)] == ["firing", "resolved"]


async def test_a_channel_that_fails_is_tried_again(gateway: Gateway) -> None:
    gateway.web.status = 500
    await spent(gateway)
    await gateway.look()
    assert (len(gateway.web.posts), len(gateway.mail.letters)) == (1, 1)
    gateway.web.status = 200
    await gateway.look(0.2)
    await gateway.look(5)
    assert (len(gateway.web.posts), len(gateway.mail.letters)) == (2, 1)
    assert await gateway.ledger.fetch("SELECT * FROM alarm_notices") == []


async def test_a_silence_keeps_an_alarm_from_being_told(gateway: Gateway) -> None:
    about = {"connector": "telco"}
    now = gateway.clock.ms
    made = await register.silence(gateway.ledger, 1, "stray_receipts", about, now + HOUR, "moving", "me", now)
    await strangers(gateway)
    assert await gateway.look() == {"stray_receipts"}
    assert gateway.web.posts == []
    await register.unsilence(gateway.ledger, 1, made.id, "me", now)
    assert await register.silences(gateway.ledger, 1, now) == []


async def test_a_rule_that_is_off_does_not_ring(ledger: Any) -> None:
    gateway = Gateway(ledger, AlarmPolicy(rules={"budget": RuleChange(enabled=False)}))
    await spent(gateway)
    assert await gateway.look() == set()


async def test_an_incident_that_grows_stays_the_same(gateway: Gateway) -> None:
    await gateway.past()
    await one_code(gateway)
    await gateway.look()
    (first,) = [one for one in await register.open_ones(gateway.ledger) if one.rule == "failures"]
    assert first.about["code"] == "filtered"
    await gateway.traffic(80, 4 * MINUTE, 3 * MINUTE, state="undelivered", failure_code="filtered", country="ES")
    await gateway.look(1)
    (same,) = [one for one in await register.open_ones(gateway.ledger) if one.rule == "failures"]
    assert (same.id, same.sample > first.sample) == (first.id, True)
    await gateway.look(60)
    await gateway.look(6)
    assert [one for one in await register.open_ones(gateway.ledger) if one.rule == "failures"] == []


async def test_nobody_rings_in_an_empty_gateway(gateway: Gateway) -> None:
    for _ in range(3):
        assert await gateway.look(10) == set()
    assert gateway.watch.defects == []
