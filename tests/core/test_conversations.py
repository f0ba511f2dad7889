"""Teams: when an answer is overdue, and what is said while nobody is there."""

from typing import Any

import msgspec
import pytest

from heliograph.core.conversations import ConversationPolicy

NOON = 1_795_176_000_000  # Friday, 2026-11-20T12:00Z
HOUR = 3_600_000
OFFICE = {"zone": "UTC", "open": [{"days": ["mon", "fri"], "hours": "09:00-17:00"}]}


def policy(**teams: dict[str, Any]) -> ConversationPolicy:
    return msgspec.convert({"teams": teams}, ConversationPolicy)


@pytest.mark.parametrize(
    ("team", "asked_at", "expected"),
    [
        ({"first_answer_within": "10m"}, NOON, NOON + 600_000),
        ({"first_answer_within": "2h", "hours": OFFICE}, NOON + 4 * HOUR, NOON + 70 * HOUR),  # Monday at ten
        ({"hours": OFFICE}, NOON, None),
        ({}, NOON, None),
    ],
)
def test_an_answer_is_overdue_by_the_time_in_which_the_team_is_there(
    team: dict[str, Any], asked_at: int, expected: int | None
) -> None:
    assert policy(sales=team).escalates_at("sales", asked_at) == expected


def test_nobody_promised_for_a_team_that_is_not_declared() -> None:
    assert policy().escalates_at("sales", NOON) is None
    assert policy().escalates_at(None, NOON) is None
    assert policy().away("sales", NOON) is None


def test_what_is_said_while_nobody_is_there_holds_until_somebody_is() -> None:
    found = policy(sales={"hours": OFFICE, "out_of_office": "Back soon"})
    assert found.away("sales", NOON) is None
    assert found.away("sales", NOON + 6 * HOUR) == ("Back soon", NOON + 69 * HOUR)


def test_what_can_not_be_is_refused() -> None:
    wrong = msgspec.convert(
        {"default_team": "none", "teams": {"a": {"first_answer_within": "x", "hours": {"zone": "x", "open": [{}]}}}},
        ConversationPolicy,
    ).wrong()
    assert [(refusal.code, refusal.pointer) for refusal in wrong] == [
        ("bad_time_zone", "/teams/a/hours/zone"),
        ("bad_span", "/teams/a/first_answer_within"),
        ("unknown_team", "/default_team"),
    ]
