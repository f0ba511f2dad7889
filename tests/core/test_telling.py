"""The history of a message, as people are told it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import failures, lifecycle
from heliograph.core.meanings import CLASSES, CODES, STATES, meaning
from heliograph.core.message import Event
from heliograph.core.telling import span, told

NOON = 1_795_262_400_000  # 12:00 UTC
SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


def history(*steps: tuple[str, int] | tuple[str, int, dict[str, Any]]) -> list[Event]:
    """Events with how long after noon they were, and what they say."""
    return [
        Event(seq, 1, 1, 1, step[0], NOON + step[1], msgspec.json.encode(step[2]).decode() if len(step) > 2 else None)
        for seq, step in enumerate(steps, 1)
    ]


def last(*steps: Any) -> str:
    return told(history(*steps))[-1].words


SENT = ("message.sent", 400, {"attempt": 1, "connector": "telco"})


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([("message.accepted", 0)], "We accepted it and kept it."),
        ([("message.accepted", 0), ("message.queued", 0)], "It got its place in the queue."),
        ([("message.accepted", 0), SENT], "The carrier telco took it 0.4 s later."),
        (
            [("message.queued", 0), ("message.sent", 12, {"attempt": 2, "connector": "backup"})],
            "The carrier backup took it 12 ms later, at attempt 2.",
        ),
        (
            [("message.sent", 0, {"attempt": 2, "connector": "telco", "possible_duplicate": True})],
            "The carrier telco took it at once, at attempt 2. It may arrive twice: of an earlier attempt nobody knows "
            "the outcome.",
        ),
        ([SENT, ("message.delivered", 3 * SECOND)], "It arrived on the phone 2.6 s after the carrier had it."),
        (
            [SENT, ("receipt.ignored", 5 * SECOND, {"fact": "buffered"}), ("message.delivered", 2 * HOUR + 5 * MINUTE)],
            "It arrived. The phone could not be reached until 14:05.",
        ),
        (
            [SENT, ("receipt.ignored", SECOND, {"fact": "buffered"}), ("message.delivered", 2 * SECOND)],
            "It arrived on the phone 1.6 s after the carrier had it.",
        ),
        (
            [SENT, ("receipt.ignored", SECOND, {"fact": "buffered", "ignored": "progress report"})],
            "The carrier is still trying: the phone can't be reached right now.",
        ),
        (
            [SENT, ("message.undelivered", 10 * SECOND, {"failure": "unreachable", "code": "absent_subscriber"})],
            "It did not arrive; the carrier said so 9.6 s later. The phone could not be reached for as long as the "
            "carrier tried.",
        ),
        (
            [("message.failed", 0, {"attempt": 3, "failure": "permanent", "code": "from-nowhere"})],
            "It failed after 3 attempts. The carrier says that this message can't be delivered.",
        ),
        (
            [
                ("message.queued", 0),
                (
                    "attempt.failed",
                    SECOND,
                    {"connector": "telco", "failure": "transient", "next_attempt_at": NOON + 5 * MINUTE},
                ),
            ],
            "The carrier telco did not take it 1.0 s later. Something was in the way that may pass. The next attempt "
            "is due at 12:05.",
        ),
        (
            [("attempt.unknown", 0, {"connector": "telco", "failure": "unknown", "code": "link_lost"})],
            "The carrier telco gave no clear answer: it may have it, or not.",
        ),
        (
            [("message.held", 0, {"rule": "quiet_hours", "why": "GB, 21:00 to 08:00", "next_attempt_at": NOON + HOUR})],
            "It was held back until 13:00: GB, 21:00 to 08:00.",
        ),
        (
            [("message.rerouted", 0, {"connector": "backup", "why": "telco is down"})],
            "It was put on another way, over backup: telco is down.",
        ),
        (
            [("message.undelivered", 0, {}), ("message.delivered", MINUTE, {"correction": True})],
            "It arrived on the phone 1 min later. An earlier report was wrong.",
        ),
        (
            [("message.rejected", 0, {"failure": "opted_out", "code": "opted_out"})],
            "It was held back by a rule at once. The recipient has opted out of such messages.",
        ),
        ([("message.queued", 0), ("message.canceled", 90 * SECOND)], "It was taken back 1 min 30 s later."),
        (
            [("receipt.ignored", 0, {"fact": "delivered", "part": 1, "ignored": "other parts are still open"})],
            "Part 1 arrived; of other parts nothing was known yet.",
        ),
        (
            [("receipt.ignored", 0, {"fact": "undelivered", "part": 3, "ignored": "duplicate"})],
            "A report of part 3 (undelivered) said what was known already.",
        ),
        (
            [("receipt.ignored", 0, {"fact": "undelivered", "ignored": "already delivered"})],
            "A report (undelivered) came, which changed nothing: already delivered.",
        ),
        ([("something.new", 0, {"attempt": "not a number"})], "Something new at once."),
    ],
)
def test_a_step_is_told_in_a_sentence(steps: list[Any], words: str) -> None:
    assert last(*steps) == words


def test_what_the_carrier_said_stands_beside_the_sentence() -> None:
    (step,) = told(history(("message.undelivered", 0, {"failure": "unreachable", "code": "x", "carrier_code": "27"})))
    assert (step.tone, step.detail) == ("bad", "x (27)")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["message.sent", "message.delivered", "receipt.ignored", "x.y"]), st.integers(0, 10**9)
        )
    )
)
def test_every_history_can_be_told(steps: list[tuple[str, int]]) -> None:
    found = told(history(*steps))
    assert [step.seq for step in found] == list(range(1, len(steps) + 1))
    assert all(step.words.endswith(".") and step.tone in ("good", "bad", "warn", "info", "wait") for step in found)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 ms"),
        (99, "99 ms"),
        (400, "0.4 s"),
        (59_900, "59.9 s"),
        (60_000, "1 min"),
        (3_723_000, "1 h 2 min"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_a_span_is_said_as_people_say_it(ms: int, words: str) -> None:
    assert span(ms) == words


def test_every_state_and_class_has_a_meaning() -> None:
    assert STATES.keys() == set(lifecycle.STATES)
    assert CLASSES.keys() == failures.CONSEQUENCES.keys()
    for one in (*STATES.values(), *CLASSES.values(), *CODES.values()):
        assert one.means.endswith(".") and one.tell.endswith(".") and (not one.do or one.do.endswith("."))


@pytest.mark.parametrize(
    ("state", "failure", "code", "same_as"),
    [
        ("delivered", "unreachable", "absent_subscriber", STATES["delivered"]),
        ("undelivered", "unreachable", "absent_subscriber", CODES["absent_subscriber"]),
        ("undelivered", "unreachable", "never heard of", CLASSES["unreachable"]),
        ("failed", "no class of ours", None, CLASSES["unknown"]),
        ("failed", None, None, STATES["failed"]),
        ("sent", None, None, STATES["sent"]),
    ],
)
def test_a_failure_is_explained_by_its_code_else_its_class(
    state: str, failure: str | None, code: str | None, same_as: object
) -> None:
    assert meaning(state, failure, code) == same_as
