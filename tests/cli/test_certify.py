"""Putting receivers to the test: a good one passes, and each mistake is found by the case made for it."""

import json
import time

import pytest

from heliograph.cli.certifying import CASES
from tests.cli import receiver as receivers
from tests.cli.conftest import Run
from tests.cli.receiver import SECRET, Judge, receiver

TAKEN = {case.name for case in CASES if case.taken}
FORGED = {case.name for case in CASES if not case.taken}
STALE = {"an event that was signed an hour ago is refused", "an event that was signed for the future is refused"}
TWICE = {"the same event again is taken too", "the same event twice at the same moment is taken"}
AT_ONCE = {"50 events at once are taken", "the same event twice at the same moment is taken"}


def failed(run: Run, judge: Judge, *words: str) -> dict[str, str]:
    """What the receiver got wrong, and how."""
    with receiver(judge) as url:
        done = run("webhooks", "certify", url, "--secret", SECRET, *words, "--json")
    results = json.loads(done.out)["data"]
    assert [result["name"] for result in results] == [case.name for case in CASES]
    wrong = {result["name"]: result["got"] for result in results if not result["passed"]}
    assert done.code == (1 if wrong else 0)
    return wrong


def test_a_receiver_that_does_all_as_it_should_passes(run: Run) -> None:
    assert failed(run, receivers.right) == {}


@pytest.mark.parametrize(
    ("judge", "mistakes"),
    [
        (receivers.trusting, FORGED),
        (receivers.unsigned_is_fine, {"an event without signature is refused"}),
        (receivers.age_is_nothing, STALE),
        (receivers.knows_all_types, {"an event of an unknown type is taken"}),
        (receivers.breaks_on_forgery, FORGED),
        (receivers.RefusesRepeats(), TWICE),
        (receivers.OneAtATime(), AT_ONCE),
        (receivers.moved, TAKEN | FORGED),
    ],
)
def test_each_mistake_is_found_by_its_case(run: Run, judge: Judge, mistakes: set[str]) -> None:
    assert failed(run, judge).keys() == mistakes


def test_an_answer_that_comes_too_late_is_told_from_none(run: Run) -> None:
    def slow(headers: dict[str, str], body: bytes) -> int:
        time.sleep(0.05)
        return receivers.right(headers, body)

    wrong = failed(run, slow, "--timeout", "0.01")
    assert all("too late, the event would be sent again" in got for got in wrong.values())
    assert wrong.keys() == {case.name for case in CASES}


def test_a_receiver_that_is_not_there_fails_everything(run: Run) -> None:
    done = run("webhooks", "certify", "http://127.0.0.1:1/", "--secret", SECRET)
    assert (done.code, done.err) == (1, f"heliograph: {len(CASES)} of {len(CASES)} cases failed\n")
    assert "no answer: [Errno 111] Connection refused" in done.out
