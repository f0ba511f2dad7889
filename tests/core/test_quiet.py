"""Quiet hours: every row of the table at its boundary minutes, days on which clocks jump, and laws."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.core import quiet
from heliograph.core.holidays import holiday
from heliograph.core.quiet import Override, Policy, Rule, legal, look, rows, rules_of, windows
from heliograph.core.zones import Place

DATA = Path(__file__).parent / "data"
LAW = Policy()
MINUTE_MS = 60_000
# A zone of every jurisdiction that has a row, those with more than one zone by their largest.
ZONES = {
    **dict.fromkeys(("US-CT", "US-FL", "US-KY", "US-MD", "US-MA", "US-MI", "US-NJ", "US-NY"), "America/New_York"),
    **dict.fromkeys(("US-PA", "US-RI", "US-VA", "US"), "America/New_York"),
    **dict.fromkeys(("US-AL", "US-IL", "US-LA", "US-MN", "US-MS", "US-OK", "US-TX"), "America/Chicago"),
    **dict.fromkeys(("US-CA", "US-NV", "US-WA"), "America/Los_Angeles"),
    "US-NM": "America/Denver",
    "FR": "Europe/Paris",
    "IT": "Europe/Rome",
    "AE": "Asia/Dubai",
    "SA": "Asia/Riyadh",
    "IN": "Asia/Kolkata",
    "KW": "Asia/Kuwait",
    "TR": "Europe/Istanbul",
    "MX": "America/Mexico_City",
    "BH": "Asia/Bahrain",
    "DEFAULT": "Europe/London",
}
WEEKS = (date(2026, 1, 12), date(2026, 7, 6), date(2026, 11, 16))  # Mondays, no holiday in their weeks
JUMPS = {  # the Sundays on which clocks are set forward and back
    "America": (date(2026, 3, 8), date(2026, 11, 1), date(2027, 3, 14), date(2027, 11, 7)),
    "Europe": (date(2026, 3, 29), date(2026, 10, 25), date(2027, 3, 28), date(2027, 10, 31)),
    "Asia": (date(2026, 3, 8), date(2026, 11, 1)),  # no jumps there: a Sunday like others
}


def place_of(jurisdiction: str) -> Place:
    """A place in which the row holds."""
    if jurisdiction == "DEFAULT":
        return Place("GB", None, ("Europe/London",), "country")
    country, _, region = jurisdiction.partition("-")
    return Place(country, region or ("OR" if country == "US" else None), (ZONES[jurisdiction],), "area code")


def at(day: date, minute: int, zone: str) -> int:
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    return int(naive.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def may(place: Place, now: int, policy: Policy = LAW, kind: str = "promotional") -> bool:
    return look(now, place.zones, rules_of(place, kind, policy)).allowed


# -- the table


def written(jurisdiction: str, day: date) -> tuple[int, int] | None:
    """The hours of a day, read from the table by other means than the code's: the narrowest of all rows in force."""
    names = ["US", jurisdiction] if jurisdiction.startswith("US") else [jurisdiction]
    spans: list[tuple[int, int]] = []
    for name in names:
        row = rows()[name]
        if row.holidays and holiday(name, day):
            return None
        for days, text in row.hours.items():
            first, last = (days.split("-") * 2)[:2] if "-" not in days else days.split("-")
            if quiet.WEEKDAYS.index(first) <= day.weekday() <= quiet.WEEKDAYS.index(last):
                if not text:
                    return None
                spans.append(tuple(int(t[:2]) * 60 + int(t[3:]) for t in text.split("-")))  # type: ignore[arg-type]
    return max(start for start, _ in spans), min(end for _, end in spans)


def days(jurisdiction: str) -> Iterator[date]:
    for monday in WEEKS:
        yield from (monday + timedelta(offset) for offset in range(7))
    for sunday in JUMPS[ZONES[jurisdiction].split("/")[0]]:
        yield from (sunday - timedelta(1), sunday, sunday + timedelta(1))
    yield from (date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 26), date(2027, 1, 1))


def test_the_table_of_zones_names_every_row() -> None:
    assert ZONES.keys() == rows().keys()


@pytest.mark.parametrize("jurisdiction", sorted(ZONES))
def test_every_row_at_its_boundary_minutes(jurisdiction: str) -> None:
    place, zone = place_of(jurisdiction), ZONES[jurisdiction]
    checked = 0
    for day in days(jurisdiction):
        hours = written(jurisdiction, day)
        if hours is None:
            closed = [minute for minute in range(0, 1_440, 30) if may(place, at(day, minute, zone))]
            assert closed == [], (day, "is closed")
            checked += 48
            continue
        start, end = hours
        expected = {start - 1: False, start: True, end - 1: True, end: False}
        if end - start < 1_440:
            for minute, open_then in expected.items():
                assert may(place, at(day, minute, zone)) is open_then, (day, f"{minute // 60:02}:{minute % 60:02}")
                checked += 1
            before = look(at(day, start - 1, zone), place.zones, rules_of(place, "promotional", LAW))
            within = look(at(day, start, zone), place.zones, rules_of(place, "promotional", LAW))
            assert (before.until, within.until) == (at(day, start, zone), at(day, end, zone)), day
        else:
            assert all(may(place, at(day, minute, zone)) for minute in range(0, 1_440, 30)), day
            checked += 48
    assert checked >= 4 * 21


VECTORS = msgspec.json.decode((DATA / "quiet_hours_vectors.json").read_bytes())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['jurisdiction']} {vector['utc']}")
def test_vectors(vector: dict[str, Any]) -> None:
    place = msgspec.structs.replace(place_of(vector["jurisdiction"]), zones=(vector["tz"],))
    now = int(datetime.fromisoformat(vector["utc"]).timestamp() * 1000)
    assert may(place, now) is vector["allowed"]


# -- days on which clocks jump


@pytest.mark.parametrize(
    ("hours", "zone", "now", "expected"),
    [
        # 02:00 → 03:00: an opening inside the skipped hour is at the jump, a closing inside it too.
        ("02:30-12:00", "America/New_York", "2026-03-08T06:00Z", "2026-03-08T07:00Z"),
        ("00:00-02:30", "America/New_York", "2026-03-08T06:00Z", "2026-03-08T07:00Z"),
        # 02:00 → 01:00: what closes at 01:30 does so, opens once more when 01:00 comes again, and closes again.
        ("00:00-01:30", "America/New_York", "2026-11-01T05:00Z", "2026-11-01T05:30Z"),
        ("00:00-01:30", "America/New_York", "2026-11-01T05:30Z", "2026-11-01T06:00Z"),
        ("00:00-01:30", "America/New_York", "2026-11-01T06:00Z", "2026-11-01T06:30Z"),
        # Lord Howe's clocks jump by half an hour.
        ("01:45-12:00", "Australia/Lord_Howe", "2026-04-04T14:40Z", "2026-04-04T14:45Z"),
        # Midnight itself is skipped.
        ("00:00-12:00", "Asia/Beirut", "2026-03-28T21:00Z", "2026-03-28T22:00Z"),
    ],
)
def test_clocks_that_jump(hours: str, zone: str, now: str, expected: str) -> None:
    rule = Rule("own", windows({"mon-sun": hours}))
    answer = look(int(datetime.fromisoformat(now).timestamp() * 1000), [zone], [rule])
    assert answer.until is not None
    assert datetime.fromtimestamp(answer.until / 1000, UTC) == datetime.fromisoformat(expected)


# -- several zones, several rules


def test_only_what_all_possible_zones_allow() -> None:
    place = Place("US", "FL", ("America/New_York", "America/Chicago"), "area code")
    day = date(2026, 7, 8)
    found = {hour: may(place, at(day, hour * 60, "America/New_York")) for hour in (8, 9, 19, 20)}
    assert found == {8: False, 9: True, 19: True, 20: False}


def test_an_unknown_state_is_treated_with_caution() -> None:
    place = Place("US", None, ("America/New_York",), "country")
    day = date(2026, 7, 8)
    assert [may(place, at(day, minute, "America/New_York")) for minute in (539, 540, 1_199, 1_200)] == [
        *(False, True, True, False)
    ]


def test_a_closed_weekend_and_a_holiday_are_passed_over() -> None:
    place = place_of("FR")
    saturday_night = at(date(2026, 4, 4), 22 * 60, "Europe/Paris")  # Easter; Monday is a holiday
    answer = look(saturday_night, place.zones, rules_of(place, "promotional", LAW))
    assert answer.until == at(date(2026, 4, 7), 8 * 60, "Europe/Paris")
    assert (answer.rule, answer.why) == ("FR", "Sat 22:00 in Europe/Paris: open 08:00-22:00 only")
    monday = look(at(date(2026, 4, 6), 12 * 60, "Europe/Paris"), place.zones, rules_of(place, "promotional", LAW))
    assert monday.why == "Mon 12:00 in Europe/Paris: Lundi de Pâques"


def test_where_nothing_may_ever_go() -> None:
    place = place_of("TR")
    answer = look(at(date(2026, 7, 8), 720, "Europe/Istanbul"), place.zones, rules_of(place, "promotional", LAW))
    assert (answer.allowed, answer.until) == (False, None)


@pytest.mark.parametrize("kind", ["otp", "transactional", "support"])
def test_other_kinds_keep_no_quiet_hours(kind: str) -> None:
    place = place_of("TR")
    assert rules_of(place, kind, LAW) == () and may(place, at(date(2026, 7, 8), 180, "Europe/Istanbul"), kind=kind)


# -- a workspace's own rules


def own(hours: dict[str, str], *countries: str, kinds: tuple[str, ...] = (), holidays: bool = False) -> Override:
    return Override(Rule("ours", windows(hours)), frozenset(countries), frozenset(kinds), holidays)


NIGHT = {"mon-sun": "22:00-02:00"}
NOON = {"mon-sun": "12:00-13:00"}


@pytest.mark.parametrize(
    ("overrides", "jurisdiction", "kind", "expected"),
    [
        ((own(NIGHT, "FR"),), "FR", "promotional", ["ours"]),
        ((own(NIGHT, "FR"),), "IT", "promotional", ["IT"]),
        ((own(NIGHT, "US-FL"),), "US-FL", "promotional", ["US", "ours"]),
        ((own(NIGHT, "US"),), "US-FL", "promotional", ["ours", "US-FL"]),
        ((own(NIGHT, "*"),), "US-FL", "promotional", ["ours"]),
        ((own(NIGHT, "GB"),), "DEFAULT", "promotional", ["ours"]),
        ((own(NIGHT, "FR", kinds=("support",)),), "FR", "promotional", ["FR"]),
        ((own(NIGHT, "FR", kinds=("support",)),), "FR", "support", ["ours"]),
        ((own(NIGHT, "IT"), own(NOON, "*")), "IT", "promotional", ["ours"]),
    ],
)
def test_own_rules_stand_in_the_place_of_the_legal_ones(
    overrides: tuple[Override, ...], jurisdiction: str, kind: str, expected: list[str]
) -> None:
    policy = Policy(kinds=frozenset({"promotional", "support"}), overrides=overrides)
    found = rules_of(place_of(jurisdiction), kind, policy)
    assert [rule.name for rule in found] == expected
    assert all(rule.windows != windows(NOON) for rule in found) or overrides[0].countries == {"*"}


def test_own_rules_can_close_on_holidays() -> None:
    policy = Policy(overrides=(own({"mon-sun": "08:00-20:00"}, "IT", holidays=True),))
    noons = [at(day, 720, "Europe/Rome") for day in (date(2026, 12, 8), date(2026, 12, 9), date(2026, 12, 13))]
    assert [may(place_of("IT"), noon, policy) for noon in noons] == [False, True, True]


def test_hours_past_midnight_go_on_in_the_next_day() -> None:
    found = windows({"mon-thu": "", "fri": "22:00-02:00", "sat": "23:00-24:00, 08:00-09:00", "sun": ""})
    assert found[4:] == (((1_320, 1_440),), ((0, 120), (480, 540), (1_380, 1_440)), ())
    assert windows({"mon-sat": "", "sun": "22:00-02:00"})[0] == ((0, 120),)


@pytest.mark.parametrize(
    "hours",
    [
        {},
        {"mon-fri": "08:00-20:00"},
        {"mon-sun": "08:00-20:00", "sun": ""},
        {"mon-sun": "8-20"},
        {"mon-sun": "08:00-08:00"},
        {"mon-sun": "08:00-25:00"},
        {"mon-sun": "08:00-24:30"},
        {"mon-sun": "24:00-24:00"},
        {"fri-mon": "08:00-20:00", "tue-thu": ""},
        {"weekdays": "08:00-20:00"},
    ],
)
def test_hours_that_mean_nothing_are_refused(hours: dict[str, str]) -> None:
    with pytest.raises(quiet.BadHours):
        windows(hours)


# -- laws

SPANS = st.tuples(st.integers(0, 1_439), st.integers(1, 1_440)).filter(lambda span: span[0] != span[1])
TEXTS = SPANS.map(lambda s: f"{s[0] // 60:02}:{s[0] % 60:02}-{s[1] // 60:02}:{s[1] % 60:02}")
RULES = st.lists(st.one_of(st.just(""), TEXTS), min_size=7, max_size=7).map(
    lambda texts: Rule("any", windows(dict(zip(quiet.WEEKDAYS, texts, strict=True))))
)
PLACES = st.sampled_from(
    [
        *("America/New_York", "America/St_Johns", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kathmandu"),
        *("Asia/Beirut", "Africa/Casablanca", "Pacific/Apia", "America/Nuuk", "Antarctica/Troll"),
    ]
)
# Around jumps, where it is hard.
MOMENTS = st.one_of(
    st.integers(29_500_000, 30_500_000),
    st.sampled_from([date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 25), date(2026, 11, 1)])
    .map(lambda day: int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 60)
    .flatmap(lambda minute: st.integers(minute - 1_440, minute + 1_440)),
)


def shown(minute: int, zones: list[str], rules: list[Rule]) -> bool:
    """By the clock on the wall, and nothing else."""
    for name in zones:
        local = datetime.fromtimestamp(minute * 60, ZoneInfo(name))
        for rule in rules:
            if not any(a <= local.hour * 60 + local.minute < b for a, b in rule.windows[local.weekday()]):
                return False
    return True


@settings(max_examples=150, deadline=None)
@given(MOMENTS, st.lists(PLACES, min_size=1, max_size=2), st.lists(RULES, min_size=1, max_size=2))
def test_the_next_change_is_the_first_minute_that_differs(minute: int, zones: list[str], rules: list[Rule]) -> None:
    answer = look(minute * MINUTE_MS, zones, rules)
    assert answer.allowed is shown(minute, zones, rules)
    ahead = range(minute + 1, minute + 3 * 1_440)
    first = next((m for m in ahead if shown(m, zones, rules) is not answer.allowed), None)
    if first is not None:
        assert answer.until == first * MINUTE_MS
    else:
        assert answer.until is None or answer.until >= ahead[-1] * MINUTE_MS


@settings(max_examples=50, deadline=None)
@given(MOMENTS, PLACES, RULES)
def test_the_same_question_gets_the_same_answer_in_the_whole_minute(minute: int, zone: str, rule: Rule) -> None:
    start = minute * MINUTE_MS
    first, last = look(start, [zone], [rule]), look(start + MINUTE_MS - 1, [zone], [rule])
    assert (first.allowed, first.until) == (last.allowed, last.until)


def test_legal_rules_name_their_jurisdiction() -> None:
    assert legal("US-LA") == Rule("US-LA", windows({"mon-sat": "08:00-20:00", "sun": ""}), "US-LA")
    assert legal("IT").calendar is None
