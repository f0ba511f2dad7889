"""How alarms live, what rules say of numbers, which failures belong together; and quiet through a normal week."""

import random
from itertools import accumulate
from math import cos, pi, sqrt
from typing import Any

import pytest

from heliograph.core.alarm_rules import OVER_SUMS, RULES
from heliograph.core.alarms import (
    BAD,
    BETWEEN,
    CLEAR_MS,
    FINE,
    FIRING,
    LEVEL,
    MINUTE,
    OK,
    PENDING,
    RESOLVED,
    UNKNOWN,
    Alarm,
    Cluster,
    Failures,
    Seen,
    clusters,
    judge,
    step,
)

FOR = 2 * MINUTE


def walk(*looks: str, every: int = MINUTE) -> list[str]:
    """The states that follow from looks, one a minute."""
    alarm, states = Alarm(), []
    for place, verdict in enumerate(looks):
        alarm = step(alarm, verdict, place * every, FOR)
        states.append(alarm.state)
    return states


@pytest.mark.parametrize(
    ("looks", "states"),
    [
        ([FINE, BAD], [OK, PENDING]),
        ([BAD, BAD, BAD], [PENDING, PENDING, FIRING]),
        ([BAD, FINE, BAD, BAD], [PENDING, OK, PENDING, PENDING]),
        ([BAD, BETWEEN, BAD], [PENDING, PENDING, FIRING]),
        ([BAD, UNKNOWN], [PENDING, OK]),
        ([BAD, BAD, BAD, FINE, FINE], [PENDING, PENDING, FIRING, FIRING, FIRING]),
        ([BAD, BAD, BAD, *[FINE] * 6], [PENDING, PENDING, *[FIRING] * 6, RESOLVED]),
        ([BAD, BAD, BAD, *[FINE, BAD] * 5], [PENDING, PENDING, *[FIRING] * 11]),
        ([BAD, BAD, BAD, *[FINE, BETWEEN] * 8], [PENDING, PENDING, *[FIRING] * 17]),
        ([BAD, BAD, BAD, *[UNKNOWN] * 29], [PENDING, PENDING, *[FIRING] * 30]),
        ([BAD, BAD, BAD, *[UNKNOWN] * 30], [PENDING, PENDING, *[FIRING] * 30, RESOLVED]),
        ([BAD, BAD, BAD, *[FINE] * 6, BAD], [PENDING, PENDING, *[FIRING] * 6, RESOLVED, PENDING]),
    ],
)
def test_an_alarm_fires_when_it_lasts_and_ends_when_it_has_been_fine_for_a_while(
    looks: list[str], states: list[str]
) -> None:
    assert walk(*looks) == states


def test_what_need_not_last_fires_at_once() -> None:
    assert step(Alarm(), BAD, 1_000, 0).state == FIRING


@pytest.mark.parametrize(
    ("rule", "seen", "verdict"),
    [
        ("delivery_drop", Seen(95, 100, 9_600, 10_000), FINE),
        ("delivery_drop", Seen(88, 100, 9_600, 10_000), BETWEEN),
        ("delivery_drop", Seen(50, 100, 9_600, 10_000), BAD),
        ("delivery_drop", Seen(20, 39, 9_600, 10_000), UNKNOWN),  # too few
        ("delivery_drop", Seen(20, 100), UNKNOWN),  # nobody knows what is usual
        ("delivery_drop", Seen(49, 100, 5_000, 10_000), FINE),  # it was never better
        ("send_errors", Seen(1, 100, 10, 10_000), FINE),
        ("send_errors", Seen(40, 100, 10, 10_000), BAD),
        ("send_errors", Seen(40, 100), BAD),  # also of a connector that is new
        ("send_errors", Seen(5, 19, 10, 10_000), UNKNOWN),
        ("send_errors", Seen(30, 100, 2_000, 10_000), FINE),  # a carrier that is always bad
        ("unknown_outcomes", Seen(10, 100, 0, 10_000), BAD),
        ("segments_up", Seen(220, 100, 11_000, 10_000), BAD),
        ("segments_up", Seen(112, 100, 11_000, 10_000), FINE),
        ("cost_spike", Seen(90.0, 500, past=(10, 12, 11, 9, 10, 11, 12)), BAD),
        ("cost_spike", Seen(14.0, 500, past=(10, 12, 11, 9, 10, 11, 12)), FINE),
        ("cost_spike", Seen(90.0, 500, past=(10, 80, 11, 9, 10, 70, 12)), FINE),  # campaigns on some days
        ("cost_spike", Seen(90.0, 500, past=(10,)), UNKNOWN),
        ("opt_outs_up", Seen(9, 100, 50, 10_000), BAD),
        ("opt_outs_up", Seen(1, 200, 50, 10_000), FINE),
        ("verification_conversion", Seen(10, 100, 7_000, 10_000), BAD),
        ("verification_conversion", Seen(68, 100, 7_000, 10_000), FINE),
        ("no_receipts", Seen(60, 60, 1_000, 10_000), BAD),
        ("no_receipts", Seen(5, 60, 1_000, 10_000), FINE),
        ("no_receipts", Seen(60, 60, 9_900, 10_000), FINE),  # a carrier that never tells
        ("queue_age_otp", Seen(11, 1), BAD),
        ("queue_age_otp", Seen(9, 1), BETWEEN),
        ("queue_age_otp", Seen(1, 1), FINE),
        ("webhooks_failing", Seen(0.5, 10), BAD),
        ("webhooks_failing", Seen(1.0, 4), UNKNOWN),
        ("connector_down", Seen(31, 1), BAD),
        ("stray_receipts", Seen(11, 11), BAD),
        ("budget", Seen(80, 1), BAD),
        ("budget", Seen(50, 1), FINE),
        ("expiring", Seen(-3, 1), BAD),
        ("expiring", Seen(-20, 1), FINE),
    ],
)
def test_a_rule_tells_good_from_bad(rule: str, seen: Seen, verdict: str) -> None:
    assert judge(RULES[rule], seen).verdict == verdict


def test_failures_that_have_something_in_common_are_one_incident() -> None:
    def of(country: str, connector: str, code: str, failed: int, usual: float = 1) -> Failures:
        return Failures((country, connector, "otp", "", code), failed, usual)

    filtered = [of(country, "telco", "blocked", 50) for country in ("DE", "GB", "FR")]
    noise = [of("US", "spare", "absent", 3, 3), of("ES", "spare", "absent", 2, 2)]
    assert clusters([*filtered, *noise], 10) == [Cluster(("", "telco", "otp", "", "blocked"), 150, 3)]
    two = [*filtered, of("US", "spare", "expired", 40)]
    assert [one.marks for one in clusters(two, 10)] == [
        ("", "telco", "otp", "", "blocked"),
        ("US", "spare", "otp", "", "expired"),
    ]
    assert clusters(noise, 10) == []
    assert clusters([of("DE", "telco", "absent", 9)], 10) == []


# -- a week, minute by minute


class Week:
    """Two weeks of traffic with the rhythm of day and night, weekends and chance; the first is the past."""

    DAYS = 14

    def __init__(self, seed: int, **shares: float) -> None:
        self.chance = random.Random(seed)
        self.sums: dict[str, list[float]] = {}
        a_minute = [self.load(minute) for minute in range(self.DAYS * 1440)]
        bottom = [self.poisson(load) for load in a_minute]
        self.keep("bottom", bottom)
        for name, share in shares.items():
            self.keep(name, [self.binomial(count, share) for count in bottom])

    def load(self, minute: int) -> float:
        day, hour = minute // 1440, minute % 1440 / 60
        weekend = 0.5 if day % 7 in (5, 6) else 1.0
        return 6.0 * weekend * (1.1 - cos(2 * pi * (hour - 3) / 24))

    def poisson(self, mean: float) -> int:
        return max(0, round(self.chance.gauss(mean, sqrt(mean))))

    def binomial(self, count: int, share: float) -> int:
        return sum(self.chance.random() < share for _ in range(count))

    def keep(self, name: str, numbers: list[int]) -> None:
        self.sums[name] = [0, *accumulate(numbers)]

    def between(self, name: str, start: int, end: int) -> float:
        return self.sums[name][max(end, 0)] - self.sums[name][max(start, 0)]

    def seen(self, rule: Any, top: str, minute: int, weight: float = 1.0) -> Seen:
        end = minute - rule.lag_ms // MINUTE
        start = end - rule.window_ms // MINUTE
        now = (self.between(top, start, end) * weight, int(self.between("bottom", start, end)))
        if rule.sense == LEVEL:
            days = [self.between(top, start - d * 1440, end - d * 1440) * weight for d in range(1, 8)]
            return Seen(*now, past=days)
        past = start - 7 * 1440, start
        return Seen(*now, self.between(top, *past) * weight, int(self.between("bottom", *past)))


USUAL = {  # rule → what its share is in a normal week
    "delivery_drop": 0.96,
    "send_errors": 0.01,
    "unknown_outcomes": 0.002,
    "segments_up": 1.0,
    "cost_spike": 1.0,
    "opt_outs_up": 0.004,
    "verification_conversion": 0.75,
    "no_receipts": 0.05,
}


@pytest.mark.parametrize("name", OVER_SUMS)
@pytest.mark.parametrize("seed", range(2))
def test_a_normal_week_with_its_days_nights_and_weekend_rings_nothing(name: str, seed: int) -> None:
    rule, week = RULES[name], Week(seed, top=USUAL[name])
    alarm, fired = Alarm(), 0
    for minute in range(7 * 1440, 14 * 1440):
        verdict = judge(rule, week.seen(rule, "top", minute, 1.15 if name == "segments_up" else 1.0)).verdict
        before, alarm = alarm.state, step(alarm, verdict, minute * MINUTE, rule.for_ms, CLEAR_MS)
        fired += alarm.state == FIRING and before != FIRING
    assert fired == 0


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("delivery_drop", 0.6),
        ("send_errors", 0.3),
        ("unknown_outcomes", 0.2),
        ("verification_conversion", 0.3),
        ("opt_outs_up", 0.06),
        ("no_receipts", 1.0),
    ],
)
def test_a_fault_in_that_week_rings_once_and_is_over_after_it(name: str, broken: float) -> None:
    rule, week = RULES[name], Week(3, top=USUAL[name], broken=broken)
    fault = (10 * 1440 + 720, 10 * 1440 + 720 + 6 * 60)  # at noon, for six hours
    mixed = [
        int(week.between("broken" if fault[0] <= m < fault[1] else "top", m, m + 1)) for m in range(Week.DAYS * 1440)
    ]
    week.keep("top", mixed)
    alarm, fired, over = Alarm(), [], []
    for minute in range(7 * 1440, 14 * 1440):
        before = alarm.state
        alarm = step(alarm, judge(rule, week.seen(rule, "top", minute)).verdict, minute * MINUTE, rule.for_ms)
        if alarm.state != before:
            (fired if alarm.state == FIRING else over if alarm.state == RESOLVED else []).append(minute)
    assert (len(fired), len(over)) == (1, 1)
    assert fault[0] < fired[0] < fault[0] + rule.window_ms // MINUTE + rule.lag_ms // MINUTE
    assert over[0] > fault[1]
