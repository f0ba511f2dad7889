"""The guard: who is kept back and why; and how much of an attack it stops, and how many people it hinders."""

import random
from typing import Any

import msgspec
import pytest

from heliograph.core.verify import guard
from heliograph.core.verify.guard import ALLOW, BLOCK, CHALLENGE, DELAY, judge
from heliograph.core.verify.policy import Limits, VerifyPolicy
from heliograph.core.verify.tallies import BUCKET_MS, DAY, Books, Place, Tally
from tests.core.verify_traffic import SHAPES, Score, run

PLACE = Place("+447400123456", "GB", 7, "ab12", "1f", "2e")
NOW = 1_800_000_000_000


def judged(policy: VerifyPolicy | None = None, *, serves: bool = True, dear: bool = False, **tallies: Tally) -> Any:
    names = {subject.partition(":")[0]: subject for subject in (*PLACE.subjects(), PLACE.days)}
    found = judge(PLACE, {names[k]: t for k, t in tallies.items()}, policy or VerifyPolicy(), dear=dear, serves=serves)
    return found.action, list(found.reasons)


@pytest.mark.parametrize(
    ("tallies", "action", "reasons"),
    [
        ({}, ALLOW, []),
        ({"phone": Tally(hour=4, day=9)}, ALLOW, []),
        ({"phone": Tally(hour=5, day=5)}, DELAY, ["phone_limit"]),
        ({"phone": Tally(hour=0, day=10)}, DELAY, ["phone_limit"]),
        ({"phone": Tally(failed_hour=10)}, BLOCK, ["too_many_failures"]),
        ({"phone": Tally(failed_day=20)}, BLOCK, ["too_many_failures"]),
        ({"ip": Tally(moment=5)}, CHALLENGE, ["ip_limit"]),
        ({"ip": Tally(day=20)}, CHALLENGE, ["ip_limit"]),
        ({"device": Tally(hour=5)}, CHALLENGE, ["device_limit"]),
        ({"near": Tally(moment=5)}, BLOCK, ["sequential_numbers"]),
        ({"near": Tally(moment=5, verified=288)}, ALLOW, []),  # it verifies two in ten minutes all day: twelve may come
        ({"prefix": Tally(moment=10)}, BLOCK, ["prefix_limit"]),
        ({"prefix": Tally(hour=30)}, BLOCK, ["prefix_limit"]),
        ({"prefix": Tally(sent=8)}, ALLOW, []),
        ({"prefix": Tally(sent=12)}, BLOCK, ["never_verified"]),
        ({"wide": Tally(sent=12)}, BLOCK, ["never_verified"]),
        ({"wide": Tally(sent=12), "prefix": Tally(sent=3, verified=3)}, ALLOW, []),  # the narrower one knows better
        ({"wide": Tally(sent=12), "phone": Tally(verified=1)}, ALLOW, []),  # a person of whom we know
        ({"country": Tally(sent=100, verified=20)}, BLOCK, ["unproven_range"]),
        ({"country": Tally(sent=100, verified=20), "range": Tally(sent=3, verified=3)}, ALLOW, []),
        ({"country": Tally(sent=100, verified=70)}, ALLOW, []),
        ({"country": Tally(sent=100, verified=20), "days": Tally(best_day=1_000)}, ALLOW, []),  # 20 % of it
        ({"country": Tally(open_moment=31)}, BLOCK, ["unproven_range"]),  # so many at once is new
        ({"country": Tally(open_moment=31, sent=5_000, verified=3_500)}, ALLOW, []),
        ({"country": Tally(moment=400, open_moment=9)}, ALLOW, []),  # kept back already, or entered already
        ({"phone": Tally(moment=4, hour=4), "near": Tally(moment=8), "prefix": Tally(moment=13, hour=33)}, ALLOW, []),
        ({"ip": Tally(day=20), "near": Tally(moment=9)}, BLOCK, ["ip_limit", "sequential_numbers"]),
    ],
)
def test_each_reason_has_its_threshold(tallies: dict[str, Tally], action: str, reasons: list[str]) -> None:
    assert judged(**tallies) == (action, reasons)


def test_lists_come_first() -> None:
    assert judged(serves=False) == (BLOCK, ["country_not_served"])
    assert judged(dear=True) == (BLOCK, ["high_cost"])
    assert judged(VerifyPolicy(deny=["+44740012"])) == (BLOCK, ["on_deny_list"])
    allowed = VerifyPolicy(allow=["+447400"])
    assert judged(allowed, serves=False, dear=True, prefix=Tally(sent=99)) == (ALLOW, ["on_allow_list"])


def test_a_limit_of_nothing_is_none() -> None:
    policy = VerifyPolicy(limits=Limits(**dict.fromkeys(Limits.__struct_fields__, 0)))
    full = Tally(moment=999, hour=999, day=999, failed_hour=99, failed_day=99)
    assert judged(policy, phone=full, ip=full, device=full, near=full, prefix=full, client=full) == (ALLOW, [])


def test_every_reason_says_what_it_does_and_means() -> None:
    assert all(action in guard.ACTIONS and what for action, what in guard.REASONS.values())


def test_books_forget_after_a_day_and_count_what_is_verified_where_it_began() -> None:
    books = Books()
    subjects = ["wide:+44"]
    books.asked(subjects, NOW, sent=True)
    books.asked(subjects, NOW, sent=False)
    books.verified(subjects, "days:GB", NOW, NOW + 60_000)
    later = NOW + BUCKET_MS
    assert books.tallies(subjects, "days:GB", NOW)["wide:+44"] == Tally(
        moment=2, hour=2, day=2, held_hour=1, open_moment=0
    )
    shown = books.tallies(subjects, "days:GB", later)
    assert shown["wide:+44"] == Tally(moment=2, hour=2, day=2, held_hour=1, sent=1, verified=1)
    assert shown["days:GB"].best_day == 1
    much_later = books.tallies(subjects, "days:GB", NOW + DAY * BUCKET_MS)
    assert much_later["wide:+44"] == Tally() and much_later["days:GB"].best_day == 1


# -- attacks

# Fifty thousand requests: three of five are the attack's. All five shapes at once, from seeds that stay the same.
ATTACKS = dict.fromkeys(SHAPES, 6_000)
PEOPLE = 20_000


def held(score: Score) -> bool:
    return score.stopped_share >= 0.95 and score.hindered_share <= 0.005


def test_of_fifty_thousand_requests_the_attack_is_stopped_and_people_are_not() -> None:
    score = run(1, ATTACKS, PEOPLE, policy=VerifyPolicy())
    assert score.people + score.attacks == 50_000
    assert held(score), score


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_attack_is_stopped_alone(shape: str) -> None:
    score = run(2, {shape: 4_000}, 2_000, policy=VerifyPolicy())
    assert held(score), score


def test_it_does_not_hang_on_the_seed() -> None:
    seed = random.SystemRandom().randrange(10**9)
    score = run(seed, dict.fromkeys(SHAPES, 800), 2_000, policy=VerifyPolicy())
    assert held(score), (seed, score)


def test_without_an_attack_hardly_anybody_is_hindered() -> None:
    score = run(3, {}, 5_000, policy=VerifyPolicy())
    assert score.hindered_share <= 0.005, score


def test_where_only_lists_count_the_same_attack_gets_through() -> None:
    """The simulation tells something: it is the guard that stops it."""
    blind = msgspec.structs.replace(VerifyPolicy(), allow=["+44", "+49", "+33"])
    score = run(2, {"a slow drip": 1_000}, 1_000, policy=blind)
    assert score.stopped_share == 0
