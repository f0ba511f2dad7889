"""How alarms live, what rules say of numbers, which failures belong together. `tests.sim.test_week` has them all
look at a simulated week."""

import pytest

from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import (
    BAD,
    BETWEEN,
    FINE,
    FIRING,
    MINUTE,
    OK,
    PENDING,
    RESOLVED,
    UNKNOWN,
    Alarm,
    Cluster,
    Failures,
    Seen,
    Tried,
    beside_past,
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
        ("delivery_drop", Seen(86, 100, 9_600, 10_000), BETWEEN),
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
        ("segments_up", Seen(200, 100), UNKNOWN),  # a campaign, which said so before it started
        ("cost_spike", Seen(90.0, 500, past=(10, 12, 11, 9, 10, 11, 12)), BAD),
        ("cost_spike", Seen(14.0, 500, past=(10, 12, 11, 9, 10, 11, 12)), FINE),
        ("cost_spike", Seen(90.0, 500, past=(10, 80, 11, 9, 10, 70, 12)), FINE),  # campaigns on some days
        ("cost_spike", Seen(90.0, 500, past=(10,)), UNKNOWN),
        ("opt_outs_up", Seen(12, 100, 50, 10_000), BAD),
        ("opt_outs_up", Seen(1, 200, 50, 10_000), FINE),
        ("verification_conversion", Seen(10, 100, 7_000, 10_000), BAD),
        ("verification_conversion", Seen(68, 100, 7_000, 10_000), FINE),
        ("verification_conversion", Seen(10, 40, 7_000, 10_000), BAD),  # also of few
        ("verification_conversion", Seen(36, 65, 8_125, 10_000), BETWEEN),  # by chance, once in a hundred thousand
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
    def of(country: str, connector: str, code: str, failed: int, usual: float = 1, network: str = "") -> Failures:
        return Failures((country, connector, "otp", "", network, code), failed, usual)

    filtered = [of(country, "telco", "blocked", 50) for country in ("DE", "GB", "FR")]
    noise = [of("US", "spare", "absent", 3, 3), of("ES", "spare", "absent", 2, 2)]
    assert clusters([*filtered, *noise], 10) == [Cluster(("", "telco", "otp", "", "", "blocked"), 150, 3)]
    two = [*filtered, of("US", "spare", "expired", 40)]
    assert [one.marks for one in clusters(two, 10)] == [
        ("", "telco", "otp", "", "", "blocked"),
        ("US", "spare", "otp", "", "", "expired"),
    ]
    inside = [of("GB", "telco", "blocked", failed, network=name) for name, failed in (("EE", 1), ("O2", 40))]
    assert [one.marks for one in clusters(inside, 10)] == [("GB", "telco", "otp", "", "O2", "blocked")]
    assert clusters(noise, 10) == []
    assert clusters([of("DE", "telco", "absent", 9)], 10) == []


def test_a_campaign_of_which_a_few_always_fail_is_no_incident() -> None:
    past = {
        ("GB", "telco", "promotional", "spring", "", ""): Tried(1_900, 0),
        ("GB", "telco", "promotional", "spring", "", "absent"): Tried(100, 100),
        ("GB", "telco", "otp", "", "", ""): Tried(8_000, 0),
    }
    window = {
        ("GB", "telco", "promotional", "summer", "", ""): Tried(380, 0),
        ("GB", "telco", "promotional", "summer", "", "absent"): Tried(20, 20),
    }
    assert beside_past(window, past) == [Failures(("GB", "telco", "promotional", "summer", "", "absent"), 20, 20.0)]
    assert clusters(beside_past(window, past), 10) == []
    window["GB", "telco", "promotional", "summer", "", "blocked"] = Tried(50, 50)
    assert [one.marks for one in clusters(beside_past(window, past), 10)] == [
        ("GB", "telco", "promotional", "summer", "", "blocked")
    ]


def test_what_is_usual_is_that_of_the_template_of_its_way_or_of_all() -> None:
    past = {
        ("GB", "telco", "otp", "code", "", "absent"): Tried(100, 100),
        ("GB", "telco", "otp", "code", "", ""): Tried(900, 0),
        ("GB", "telco", "otp", "", "", ""): Tried(1_000, 0),
    }
    usual = [(("GB", "otp", "code"), 10.0), (("GB", "otp", "new"), 5.0), (("LV", "otp", "code"), 5.0)]
    for (country, kind, template), expected in usual:
        window = {(country, "telco", kind, template, "", ""): Tried(100, 0)}
        (row,) = beside_past(window, past)
        assert (row.marks, row.usual) == ((country, "telco", kind, template, "", "absent"), pytest.approx(expected))


def test_many_small_groups_that_fail_a_little_by_chance_are_no_incident() -> None:
    rows = [Failures(("DE", "telco", "otp", f"t{number}", "", "absent"), 1, 0.2) for number in range(25)]
    quiet = [Failures(("DE", "telco", "otp", f"u{number}", "", "absent"), 0, 0.2) for number in range(80)]
    assert clusters(rows, 10), "had the others not been there"
    assert clusters([*rows, *quiet], 10) == []
