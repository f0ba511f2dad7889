"""What goes wrong on a Wednesday at ten, something for each rule of the alarms, and which rules may ring for it.

`python -m tests.sim.faults --seeds 5` breaks it all in five different weeks; pytest does in one.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from heliograph.core.alarms import MINUTE
from heliograph.core.charges import Charge, Limit
from heliograph.engine.clients import create_key, revoke_key
from heliograph.engine.templates import versions
from heliograph.store.port import Receipts
from tests.sim.traffic import DAY, FLOWS, HOUR, MONDAY, Fate, Flow, Traffic
from tests.sim.week import Fired, Saved, Week, past
from tests.store.making import RECEIVING, accept, do, message, receipt

WEDNESDAY: Final = MONDAY + 2 * DAY + 10 * HOUR
_BEGINS: Final = WEDNESDAY + MINUTE  # after a look at which all is well
Step = Callable[[Week], Awaitable[None]]


class Fault(NamedTuple):
    """What begins and ends. Times are in minutes: for how long it lasts, within which time its rule fires, and within
    which it is over after the fault has ended."""

    begin: Step
    lasts: int
    fires: int
    over: int
    about: Mapping[str, str] = {}
    related: frozenset[str] = frozenset()  # rules that may ring for it too
    end: Step | None = None
    rule: str = ""  # where it is not its name


def bent(which: Callable[[Fate], bool], change: Callable[[Traffic, Fate], None], share: float = 1.0) -> Step:
    """Some messages have another fate."""

    def bend(traffic: Traffic, fate: Fate) -> None:
        if which(fate) and traffic.chance.random() < share:
            change(traffic, fate)

    async def begin(week: Week) -> None:
        week.traffic.bend = bend

    return begin


def more(a_minute: int, make: Callable[[Traffic, int], Fate], minutes: int = 1_000) -> Step:
    """More messages than usual."""

    async def begin(week: Week) -> None:
        last = week.clock.ms + minutes * MINUTE

        def extra(traffic: Traffic, at: int) -> Iterator[Fate]:
            for place in range(a_minute if at < last else 0):
                yield make(traffic, at + place)

        week.traffic.more = extra

    return begin


def undelivered(code: str) -> Callable[[Traffic, Fate], None]:
    def change(traffic: Traffic, fate: Fate) -> None:
        fate.state, fate.code, fate.final_at = "undelivered", code, fate.sent_at + 3_000

    return change


def refused(traffic: Traffic, fate: Fate) -> None:
    fate.failed = True


def unanswered(traffic: Traffic, fate: Fate) -> None:
    fate.unknown = True


def longer(traffic: Traffic, fate: Fate) -> None:
    fate.segments = 4


def untold(traffic: Traffic, fate: Fate) -> None:
    """Its receipt comes when the carrier tells again, after so long as the fault lasts."""
    fate.final_at = max(fate.final_at, WEDNESDAY + 105 * MINUTE)


def dear(traffic: Traffic, at: int) -> Fate:
    return traffic.fate(at, Flow("LV", "+3712", "other", "transactional", 0, 0.97, 1.8), "", 1, 0.97)


def pumped(traffic: Traffic, at: int) -> Fate:
    fate = traffic.fate(at, next(one for one in FLOWS if (one.country, one.kind) == ("FR", "otp")), "", 1, 0.97)
    fate.converts = 0.0
    return fate


def promotion(opt_outs: float) -> Callable[[Traffic, int], Fate]:
    def make(traffic: Traffic, at: int) -> Fate:
        fate = traffic.fate(at, FLOWS[1]._replace(kind="promotional"), "flash-sale", 1, 0.94)
        if fate.state == "delivered" and traffic.chance.random() < opt_outs:
            fate.opt_out_at = at + traffic.chance.randrange(2 * MINUTE, 15 * MINUTE)
        return fate

    return make


def held(*kinds: str) -> Step:
    """No connector takes them."""

    async def begin(week: Week) -> None:
        week.held |= set(kinds)

    return begin


async def released(week: Week) -> None:
    week.release()


async def campaign_that_waits(week: Week) -> None:
    await held("promotional")(week)
    await more(20, promotion(0.004), minutes=2)(week)


async def endpoint_down(week: Week) -> None:
    week.broken.add("orders")


async def endpoint_up(week: Week) -> None:
    week.broken.clear()


async def endpoints_slow(week: Week) -> None:
    week.late_ms = {"orders": 30_000, "codes": 30_000}


async def endpoints_fast(week: Week) -> None:
    week.late_ms = {}


async def link_down(week: Week) -> None:
    week.links["telco"].up = False


async def link_up(week: Week) -> None:
    week.links["telco"].up = True


async def strangers(week: Week) -> None:
    reports = [receipt(f"x{number}", connector="other", at=week.clock.ms) for number in range(15)]
    await do(week.ledger, Receipts, receipts=reports, **RECEIVING)


async def spent(week: Week) -> None:
    now = week.clock.ms
    limit = Limit((1, "spring/spend", "", now), 1, now + 30 * MINUTE, 100, "messages", warn_at=(50, 80))
    made: Any = message(week.ledger, accepted_at=now, state="delivered", owner=None, sent_at=now, final_at=now)
    await accept(week.ledger, made, charges={made.id: (Charge(limit, 85),)})


async def old_key(week: Week) -> None:
    now = week.clock.ms
    await create_key(week.ledger, name="shop", expires_at=now + 3 * DAY, actor="sim", now=now)


async def key_revoked(week: Week) -> None:
    rows = await week.ledger.fetch("SELECT key_id FROM clients WHERE name = 'shop'")
    await revoke_key(week.ledger, rows[0][0], actor="sim", now=week.clock.ms)


async def old_template(week: Week) -> None:
    now = week.clock.ms
    review_by = datetime.fromtimestamp((now + 3 * DAY) / 1000, UTC).date().isoformat()
    spec = json.dumps({"texts": {"en": "Welcome."}, "review_by": review_by})
    async with week.ledger.transaction() as transaction:
        await versions.follow(transaction, 1, "welcome", spec, "sim", now)
    await versions.submit(week.ledger, 1, "welcome", None, actor="sim", now=now)
    await versions.approve(week.ledger, 1, "welcome", 1, acknowledged=None, actor="sim", now=now)


async def template_retired(week: Week) -> None:
    await versions.retire(week.ledger, 1, "welcome", None, actor="sim", now=week.clock.ms)


def of(**marks: str) -> Callable[[Fate], bool]:
    return lambda fate: all(getattr(fate, name) == mark for name, mark in marks.items())


FAULTS: Final = {
    "delivery_drop": Fault(
        bent(of(country="GB", connector="telco"), undelivered("blocked"), 0.5),
        *(45, 30, 75),
        {"country": "GB", "connector": "telco"},
        frozenset({"failures", "verification_conversion"}),
    ),
    "send_errors": Fault(bent(of(connector="telco"), refused, 0.7), 25, 15, 20, {"connector": "telco"}),
    "unknown_outcomes": Fault(
        bent(of(connector="telco"), unanswered, 0.7),
        *(25, 15, 20, {"connector": "telco"}, frozenset({"send_errors"})),
    ),
    "segments_up": Fault(bent(of(kind="otp"), longer), 60, 45, 80, {"kind": "otp"}),
    "cost_spike": Fault(more(8, dear), 40, 25, 75, {"currency": "EUR"}),
    "opt_outs_up": Fault(more(10, promotion(0.12), minutes=20), 30, 45, 400, {"kind": "promotional"}),
    "verification_conversion": Fault(more(4, pumped), 60, 50, 110, {"country": "FR"}),
    "no_receipts": Fault(bent(of(connector="other"), untold), 105, 85, 15, {"connector": "other"}),
    "failures": Fault(
        bent(of(template="order-shipped"), undelivered("template_refused")),
        *(40, 40, 45, {"template": "order-shipped", "code": "template_refused"}, frozenset({"delivery_drop"})),
    ),
    "failures in one network": Fault(
        bent(of(country="GB", network="Vodafone"), undelivered("blocked")),
        *(40, 40, 75, {"country": "GB", "network": "Vodafone", "code": "blocked"}),
        related=frozenset({"delivery_drop", "verification_conversion"}),
        rule="failures",
    ),
    "webhooks_failing": Fault(
        endpoint_down, 20, 10, 20, {"endpoint": "orders"}, frozenset({"webhook_latency"}), endpoint_up
    ),
    "webhook_latency": Fault(endpoints_slow, 20, 15, 20, end=endpoints_fast),
    "queue_age_otp": Fault(held("otp"), 4, 3, 8, end=released),
    "queue_age_transactional": Fault(held("transactional", "support"), 5, 5, 8, end=released),
    "queue_age_promotional": Fault(campaign_that_waits, 140, 130, 10, end=released),
    "never_tried": Fault(
        held("transactional", "support"),
        *(12, 10, 8, {"connector": "telco"}, frozenset({"queue_age_transactional"}), released),
    ),
    "connector_down": Fault(link_down, 5, 2, 7, {"connector": "telco"}, end=link_up),
    "stray_receipts": Fault(strangers, 5, 3, 20, {"connector": "other"}),
    "budget": Fault(spent, 31, 2, 8, {"budget": "spring/spend"}),
    "expiring": Fault(old_key, 5, 2, 8, {"what": "key", "name": "shop"}, end=key_revoked),
    "a review that is due": Fault(
        old_template, 5, 2, 8, {"what": "template", "name": "welcome"}, end=template_retired, rule="expiring"
    ),
}


async def broken(folder: Path, wednesday: Saved, fault: Fault) -> list[Fired]:
    """What rings while it lasts, and for a while after it."""
    week = await wednesday.open(folder)
    await week.live(_BEGINS)
    await fault.begin(week)
    await _closely(week, _BEGINS + fault.lasts * MINUTE)
    week.mend()
    if fault.end is not None:
        await fault.end(week)
    await _closely(week, _BEGINS + (fault.lasts + fault.over) * MINUTE)
    fired = await week.fired()
    await week.ledger.close()
    if week.watch.defects:
        raise week.watch.defects[0]
    return fired


async def _closely(week: Week, until: int) -> None:
    await week.live(min(until, week.clock.ms + 12 * MINUTE))
    await week.live(until, calm=5)


def wrong(name: str, fired: list[Fired]) -> list[str]:
    """What is not as it should be."""
    fault = FAULTS[name]
    rule = fault.rule or name
    its = [one for one in fired if one.rule == rule]
    named = [one for one in its if fault.about.items() <= json.loads(one.subject).items()]
    found = [] if named else ["it did not ring, or not of what is broken"]
    if named and named[0].at > _BEGINS + fault.fires * MINUTE:
        found.append("it rang late")
    if strangers := {one.rule for one in fired} - {rule} - fault.related:
        found.append(f"rang too: {', '.join(sorted(strangers))}")
    if any(one.over is None for one in its):
        found.append("it goes on")
    return found


async def _all(folder: Path, seed: int) -> dict[str, tuple[list[str], list[Fired]]]:
    for at in ("monday", "wednesday", *FAULTS):
        (folder / at).mkdir()
    monday = await past(folder / "monday" / "heliograph.db", seed, MONDAY)
    wednesday = await monday.later(folder / "wednesday", WEDNESDAY)
    found = {}
    for name, fault in FAULTS.items():
        fired = await broken(folder / name, wednesday, fault)
        found[name] = wrong(name, fired), fired
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    asked = parser.parse_args()
    bad = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        with tempfile.TemporaryDirectory(prefix="hg-faults-") as folder:
            for name, (faults, fired) in asyncio.run(_all(Path(folder), seed)).items():
                bad += bool(faults)
                if faults:
                    sys.stdout.write(f"seed {seed}, {name}: {'; '.join(faults)}\n")
                    sys.stdout.write("".join(f"  {one}\n" for one in fired))
        sys.stdout.write(f"seed {seed} is through\n")
        sys.stdout.flush()
    raise SystemExit(bad > 0)


if __name__ == "__main__":
    main()
