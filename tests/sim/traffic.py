"""What a messaging week looks like: quiet nights, peaks in the morning and in the evening, weekends at half the load,
campaigns on their days, phones that are off, carriers that throttle for a minute. Seeded, so that a week comes again.
"""

import heapq
import random
from collections.abc import Callable, Iterator
from math import exp, log
from typing import Any, Final, NamedTuple

import msgspec

from heliograph.core.alarms import MINUTE

HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
MONDAY: Final = 1_700_438_400_000
_NEVER: Final = 3 * DAY  # so long after a carrier took it, a message without a receipt is given up on


class Flow(NamedTuple):
    """One sort of messages: how many on a weekday, by which way, and how many arrive."""

    country: str
    prefix: str
    connector: str
    kind: str
    a_day: float
    arrives: float
    price: float
    segments: float = 1.1


FLOWS: Final = (
    Flow("GB", "+4474", "telco", "otp", 500, 0.985, 0.03, 1.0),
    Flow("GB", "+4474", "telco", "transactional", 600, 0.975, 0.03, 1.3),
    Flow("DE", "+4917", "telco", "otp", 300, 0.98, 0.06, 1.0),
    Flow("DE", "+4917", "telco", "transactional", 350, 0.97, 0.06, 1.3),
    Flow("FR", "+3361", "other", "otp", 250, 0.97, 0.05, 1.0),
    Flow("FR", "+3361", "other", "transactional", 250, 0.96, 0.05, 1.3),
    Flow("US", "+1202", "other", "transactional", 250, 0.95, 0.01, 1.2),
    Flow("US", "+1202", "other", "support", 60, 0.96, 0.01, 1.5),
    Flow("ES", "+3461", "spare", "transactional", 40, 0.9, 0.07),
    Flow("IT", "+3934", "spare", "otp", 30, 0.9, 0.07, 1.0),
)
TEMPLATES: Final = ("", "", "order-shipped", "order-paid", "reminder")
CODES: Final = ("absent", "absent", "unknown_subscriber", "filtered")
NETWORKS: Final = {  # a mark for each tenth of the numbers
    "GB": ("EE", "EE", "EE", "O2", "O2", "O2", "Vodafone", "Vodafone", "Vodafone", "Three"),
    "DE": ("T-Mobile", "T-Mobile", "T-Mobile", "T-Mobile", "Vodafone", "Vodafone", "Vodafone", "O2", "O2", "O2"),
    "FR": ("Orange France", "Orange France", "Orange France", "Orange France", "SFR", "SFR", "SFR", "Free", "Free", ""),
}
CONVERTS: Final = {"GB": 0.82, "DE": 0.8, "FR": 0.74, "IT": 0.7}


class Campaign(NamedTuple):
    """On which day of the week, from which hour on, to how many in GB and DE, in how many segments, how many a
    minute."""

    weekday: int
    hour: float
    people: int
    segments: int
    a_minute: int


CAMPAIGNS: Final = (Campaign(1, 10.0, 900, 2, 20), Campaign(3, 15.0, 700, 1, 20), Campaign(5, 11.0, 300, 1, 10))


class Fate(msgspec.Struct):
    """One message, with all that will become of it. A fault may bend it before it is accepted."""

    at: int
    country: str
    network: str
    connector: str
    kind: str
    number: str
    template: str
    segments: int
    price: float
    converts: float  # of a one-time code: how probably it is entered once it has arrived
    sent_at: int
    final_at: int = 0
    state: str = "delivered"
    code: str | None = None
    failed: bool = False
    unknown: bool = False
    opt_out_at: int | None = None


def load(minute_of_week: float) -> float:
    """How much of a weekday's traffic falls into this minute."""
    day, hour = int(minute_of_week // 1440), minute_of_week % 1440 / 60
    weekend = 0.5 if day in (5, 6) else 1.0
    morning, evening = 10.5 if day in (5, 6) else 9.5, 19.0
    shape = 0.05 + exp(-(((hour - morning) / 2.2) ** 2)) + 0.8 * exp(-(((hour - evening) / 2.5) ** 2))
    return weekend * shape / 515


class Traffic:
    """The fates of all messages, minute by minute, and what happens beside them."""

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        self.seed, self.chance, self.scale = seed, random.Random(seed), scale
        self.made = 0
        self.events: list[tuple[int, int, str, str]] = []  # (at, order, name, data), the next one first
        self.bend: Callable[[Traffic, Fate], None] | None = None
        self.more: Callable[[Traffic, int], Iterator[Fate]] | None = None
        self._throttled: tuple[str, int] = ("", 0)

    def minute(self, at: int) -> Iterator[Fate]:
        """What is accepted in it."""
        chance, minute = self.chance, (at - MONDAY) // MINUTE % (7 * 1440)
        now, slow = load(minute) * self.scale, self._hiccup(at)
        for flow in FLOWS:
            for _ in range(self.poisson(flow.a_day * now)):
                template = chance.choice(TEMPLATES) if flow.kind == "transactional" else ""
                segments = 1 + (chance.random() < flow.segments - 1)
                fate = self.fate(at + chance.randrange(MINUTE), flow, template, segments, flow.arrives)
                fate.failed = chance.random() < (0.3 if flow.connector == slow else 0.004)
                fate.unknown = chance.random() < 0.0005
                yield from self._bent(fate)
        for campaign in CAMPAIGNS:
            if minute == campaign.weekday * 1440 + int(campaign.hour * 60) + self._late(at, campaign):
                yield from self._campaign(campaign, at)
        for extra in self.more(self, at) if self.more is not None else ():
            yield from self._bent(extra)

    def _hiccup(self, at: int) -> str:
        """Twice a day a carrier throttles for a minute."""
        if self.chance.random() < 2 / 1440:
            self._throttled = (self.chance.choice(("telco", "other", "spare")), at)
        return self._throttled[0] if self._throttled[1] == at else ""

    def _late(self, at: int, campaign: Campaign) -> int:
        """Somebody starts it by hand, up to so many minutes later."""
        return random.Random(f"{self.seed} {(at - MONDAY) // (7 * DAY)} {campaign.weekday}").randrange(45)

    def _campaign(self, campaign: Campaign, at: int) -> Iterator[Fate]:
        people = round(campaign.people * self.scale * self.chance.uniform(0.75, 1.25))
        week = (at - MONDAY) // (7 * DAY)
        for place in range(people):
            base = FLOWS[self.chance.choice((1, 1, 3))]
            flow = base._replace(kind="promotional")
            sent_at = at + place * MINUTE // round(campaign.a_minute * self.scale)
            fate = self.fate(at, flow, f"campaign-{campaign.weekday}-{week}", campaign.segments, 0.94, sent_at)
            yield from self._bent(fate)

    def fate(
        self, at: int, flow: Flow, template: str, segments: int, arrives: float, sent_at: int | None = None
    ) -> Fate:
        chance = self.chance
        self.made += 1
        number = f"{flow.prefix}{self.made % 10_000_000:07d}"
        networks = NETWORKS.get(flow.country, ("",))
        fate = Fate(
            *(
                at,
                flow.country,
                networks[self.made * 7 % len(networks)],
                flow.connector,
                flow.kind,
                number,
                template,
                segments,
                flow.price,
            ),
            *(CONVERTS.get(flow.country, 0.75), (sent_at or at) + chance.randrange(40, 700)),
        )
        pick = chance.random()
        if pick < 0.96:  # a few seconds
            fate.final_at = fate.sent_at + round(4_000 * exp(chance.gauss(0, 0.8)))
        elif pick < 0.995:  # the phone is off
            fate.final_at = fate.sent_at + round(exp(chance.uniform(log(MINUTE), log(8 * HOUR))))
        else:
            fate.final_at, fate.state, fate.code = fate.sent_at + _NEVER, "expired", "no_receipt"
        if fate.state == "delivered" and chance.random() > arrives:
            fate.state, fate.code = "undelivered", chance.choice(CODES)
        if fate.kind == "promotional" and fate.state == "delivered" and chance.random() < 0.004:
            fate.opt_out_at = fate.final_at + round(exp(chance.uniform(log(MINUTE), log(12 * HOUR))))
        return fate

    def _bent(self, fate: Fate) -> Iterator[Fate]:
        if self.bend is not None:
            self.bend(self, fate)
        self._beside(fate)
        yield fate

    def _beside(self, fate: Fate) -> None:
        """Attempts that failed first, codes that are entered, people who want no more."""
        if fate.failed or fate.unknown:
            name, code = ("unknown", "timeout") if fate.unknown else ("failed", "throttled")
            data = f'{{"attempt":1,"connector":"{fate.connector}","failure":"transient","code":"{code}"}}'
            self.happen(fate.at + 20, f"attempt.{name}", data)
        if fate.kind == "otp":
            self._verified(fate, fate.converts if fate.state == "delivered" else 0.0)
        if fate.opt_out_at is not None:
            self.happen(
                fate.opt_out_at,
                "contact.opted_out",
                f'{{"number":"{fate.number}","scope":"*","source":"keyword"}}',
            )

    def _verified(self, fate: Fate, converts: float) -> None:
        data = f'{{"country":"{fate.country}"}}'
        self.happen(fate.at, "verification.started", data)
        if self.chance.random() < converts:
            entered = max(fate.at, min(fate.final_at, fate.at + 5 * MINUTE)) + self.chance.randrange(8_000, 60_000)
            self.happen(entered, "verification.approved", data)

    def happen(self, at: int, name: str, data: str) -> None:
        heapq.heappush(self.events, (at, len(self.events) + self.made, name, data))

    def happened(self, until: int) -> Iterator[tuple[int, str, str]]:
        while self.events and self.events[0][0] < until:
            at, _, name, data = heapq.heappop(self.events)
            yield at, name, data

    def poisson(self, mean: float) -> int:
        left, count = exp(-mean), 0
        product: Any = self.chance.random()
        while product > left:
            count += 1
            product *= self.chance.random()
        return count
