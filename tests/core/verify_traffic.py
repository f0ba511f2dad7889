"""Traffic of people and of attackers, for the guard: made from a seed, judged in virtual time with books in memory."""

import heapq
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from heliograph.core.verify.guard import ALLOW, judge
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.core.verify.tallies import Books, Place

START = 1_800_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SERVED = ("GB", "DE", "FR")
# Where people are: country, calling code, the beginnings of its mobile numbers that are much used, digits behind them.
HOMES = (
    ("GB", "+44", ("7400", "7402", "7500", "7520", "7700", "7800", "7911"), 6),
    ("DE", "+49", ("1511", "1512", "1520", "1601", "1702", "1760"), 7),
    ("FR", "+33", ("601", "612", "620", "650", "670", "680"), 6),
)
CONVERT = 0.82  # of people


class Asked(NamedTuple):
    """A request for a code. `person`: somebody who wants in."""

    at: int
    place: Place
    person: bool
    serial: int


class Score(NamedTuple):
    """What became of both kinds of requests."""

    people: int
    hindered: int
    attacks: int
    stopped: int

    @property
    def stopped_share(self) -> float:
        return self.stopped / self.attacks

    @property
    def hindered_share(self) -> float:
        return self.hindered / self.people


def people(chance: random.Random, count: int, start: int, span: int) -> Iterator[Asked]:
    """People of three countries, one in ten from a much used address (an office, a carrier's gateway)."""
    for serial in range(count):
        country, code, beginnings, digits = chance.choices(HOMES, (5, 3, 2))[0]
        number = f"{code}{chance.choice(beginnings)}{chance.randrange(10**digits):0{digits}}"
        shared = chance.random() < 0.1
        ip = f"office{chance.randrange(2_000)}" if shared else f"home{chance.randrange(10**9)}"
        place = Place(number, country, 1, number, ip, f"phone{chance.randrange(10**9)}")
        yield Asked(start + chance.randrange(span), place, True, serial)


def _attack(at: int, country: str, number: str, serial: int, chance: random.Random, *, ips: int = 10**6) -> Asked:
    """Every request with an address and a device of its own, so that neither gives it away."""
    ip, device = f"bot{chance.randrange(ips)}", f"device{chance.randrange(10**9)}"
    return Asked(at, Place(number, country, 1, number, ip, device), False, serial)


def flood(chance: random.Random, count: int, start: int, span: int) -> Iterator[Asked]:
    """One prefix of ten thousand numbers, as fast as it goes."""
    for serial in range(count):
        yield _attack(start + chance.randrange(span), "GB", f"+44782345{chance.randrange(10**4):04}", serial, chance)


def sequence(chance: random.Random, count: int, start: int, span: int) -> Iterator[Asked]:
    """One number after the other through half a million, in steps, in even time."""
    for serial in range(count):
        number = f"+4915678{serial * 17 % 500_000:06}"
        yield _attack(start + serial * span // count, "DE", number, serial, chance)


def countries(chance: random.Random, count: int, start: int, span: int) -> Iterator[Asked]:
    """Dear places all over the world, and some of the countries that are served."""
    dear = (("TJ", "+99290"), ("UZ", "+99890"), ("AZ", "+99450"), ("LK", "+9471"), ("MM", "+959"), ("GB", "+447451"))
    for serial in range(count):
        country, beginning = chance.choice(dear)
        number = f"{beginning}{chance.randrange(10**6):06}"
        yield _attack(start + chance.randrange(span), country, number, serial, chance)


def drip(chance: random.Random, count: int, start: int, span: int) -> Iterator[Asked]:
    """A few ranges that earn, each a little all day long, never in a hurry."""
    ranges = ("+447418", "+447537", "+4917725", "+337560")
    for serial in range(count):
        beginning = chance.choice(ranges)
        country = {"+44": "GB", "+49": "DE", "+33": "FR"}[beginning[:3]]
        number = f"{beginning}{chance.randrange(10**5):05}0"
        yield _attack(start + chance.randrange(span), country, number, serial, chance)


def bots(chance: random.Random, count: int, start: int, span: int) -> Iterator[Asked]:
    """Ranges among those of people, from a few hundred addresses."""
    for serial in range(count):
        number = f"+44740055{chance.randrange(10**4):04}"
        yield _attack(start + chance.randrange(span), "GB", number, serial, chance, ips=300)


SHAPES: dict[str, Callable[[random.Random, int, int, int], Iterator[Asked]]] = {
    "one prefix": flood,
    "a sequence": sequence,
    "many countries": countries,
    "a slow drip": drip,
    "among people": bots,
}


def run(seed: int, attacks: dict[str, int], persons: int, *, span: int = 6 * HOUR, policy: VerifyPolicy) -> Score:
    """A quiet day of people first, so that the guard knows what is usual; then both at once."""
    chance, books = random.Random(seed), Books()
    history = list(people(chance, 2 * persons, START - DAY, DAY))
    begin = START + chance.randrange(HOUR)
    asked = history + list(people(chance, persons, START, span))
    for shape, count in attacks.items():
        asked += SHAPES[shape](chance, count, begin, span - HOUR)
    asked.sort(key=lambda one: (one.at, one.serial))
    entered: list[tuple[int, int, Place]] = []  # when, of which start
    score = [0, 0, 0, 0]
    for at, place, person, _ in asked:
        while entered and entered[0][0] <= at:
            when, started, whose = heapq.heappop(entered)
            books.verified(whose.subjects(), whose.days, started, when)
        subjects = place.subjects()
        tallies = books.tallies(subjects, place.days, at)
        found = judge(place, tallies, policy, dear=False, serves=place.country in SERVED)
        is_sent = found.action == ALLOW
        books.asked(subjects, at, sent=is_sent)
        if is_sent and person and chance.random() < CONVERT:
            heapq.heappush(entered, (at + chance.randrange(8_000, 120_000), at, place))
        if at >= START:
            place_in_score = 0 if person else 2
            score[place_in_score] += 1
            score[place_in_score + 1] += not is_sent
    return Score(*score)
