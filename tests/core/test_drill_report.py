"""How a drill judges its probes, by when they left and what their plan says."""

import pytest

from heliograph.core.outages import KindPlan, OutagePolicy
from heliograph.products.drills.report import Happened, Report, Times, make

OUT, NOTICED, BACK, OVER = 100_000, 103_000, 130_000, 133_000
TIMES = Times(OUT, BACK, NOTICED, OVER)
PLANS = {"otp": KindPlan(then="fail"), "promotional": KindPlan(then="pause")}


def reported(kind: str, accepted_at: int, state: str, sent_at: int | None, code: str | None = None) -> Report:
    sent = () if sent_at is None else ((sent_at, False),)
    final_at = (sent_at or accepted_at) + 500
    one = Happened("msg_1", kind, accepted_at, state, "first", "sms", code, final_at, sent, held=True)
    return make(OutagePolicy(kinds=PLANS), TIMES, [one], {})


@pytest.mark.parametrize(
    ("kind", "accepted_at", "state", "sent_at", "code", "why"),
    [
        ("promotional", OUT - 1_000, "delivered", OUT - 900, None, None),
        ("promotional", OUT + 1_000, "delivered", OVER + 100, None, None),
        ("promotional", OUT + 1_000, "delivered", BACK + 100, None, "it left before the outage was over"),
        ("promotional", BACK - 1_000, "delivered", BACK + 100, None, None),  # nobody had looked yet
        ("promotional", BACK - 1_000, "delivered", BACK - 1, None, "it left before the outage was over"),
        ("promotional", OUT + 1_000, "delivered", OUT + 1_100, None, None),  # nobody had noticed
        ("promotional", OUT + 5_000, "delivered", BACK - 1, None, "it left before the outage was over"),
        ("promotional", OUT + 5_000, "expired", None, None, "it should wait, and expired"),
        ("promotional", BACK + 1, "failed", None, None, "it should have arrived, and failed"),
        ("otp", OUT + 5_000, "failed", None, "provider_outage", None),
        ("otp", OUT + 5_000, "delivered", BACK, None, "it should fail as provider_outage, and delivered (no code)"),
        ("otp", BACK - 1_000, "delivered", BACK, None, None),  # they were back before its plan had begun
    ],
)
def test_a_probe_is_judged_by_its_plan(
    kind: str, accepted_at: int, state: str, sent_at: int | None, code: str | None, why: str | None
) -> None:
    report = reported(kind, accepted_at, state, sent_at, code)
    assert [probe.why for each in report.kinds for probe in each.probes] == [why]
    assert report.passed == (why is None)


def test_an_outage_that_nobody_noticed_fails_the_drill() -> None:
    unseen = Times(OUT, BACK, None, None)
    one = Happened("msg_1", "otp", OUT + 1, "delivered", "first", "sms", None, BACK, ((BACK, False),), held=False)
    report = make(OutagePolicy(kinds=PLANS), unseen, [one], {})
    assert not report.passed
    assert report.kinds[0].probes[0].why == "the outage was not noticed"
