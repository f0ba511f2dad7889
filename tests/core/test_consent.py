"""What holds after what people said, and what may be sent then."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import consent
from heliograph.core.consent import ConsentPolicy, CountryNeeds, Entry, Rulebook, Stance, derive, rule, rulebook
from heliograph.core.message import LANES

NEVER_BEFORE = 0


def said(*words: str) -> list[Entry]:
    """`opt_out promotional keyword` and the like, one a second; with `test` at the end it was said in a test."""
    entries = []
    for place, line in enumerate(words, 1):
        action, scope, source, *until = line.removesuffix(" test").split()
        end = int(until[0]) if until else None
        entries.append(Entry(place, place * 1_000, action, scope, source, end, line.endswith(" test")))
    return entries


def answer(
    entries: list[Entry], kind: str, *, need: str | None = None, topic: str | None = None, sender: str | None = None
) -> str:
    policy = ConsentPolicy()
    return rule(need or policy.need(kind, "GB"), kind, topic, sender, derive(entries), now=1_000_000).refusal or "yes"


@pytest.mark.parametrize(
    ("words", "kind", "expected"),
    [
        ([], "transactional", "yes"),
        ([], "otp", "yes"),
        ([], "promotional", "no_consent"),
        (["opt_in * web_form"], "promotional", "yes"),
        (["opt_in promotional web_form"], "promotional", "yes"),
        (["opt_in transactional web_form"], "promotional", "no_consent"),
        (["opt_out * keyword"], "otp", "opted_out"),
        (["opt_out * keyword"], "transactional", "opted_out"),
        (["opt_out * keyword"], "support", "opted_out"),
        (["opt_out promotional keyword"], "transactional", "yes"),
        (["opt_out transactional api"], "support", "opted_out"),
        (["opt_in * web_form", "opt_out promotional keyword"], "promotional", "opted_out"),
        (["opt_out * keyword", "opt_in * keyword"], "promotional", "yes"),
        (["opt_out * keyword", "opt_in promotional web_form"], "promotional", "yes"),
        (["opt_out * keyword", "opt_in promotional web_form"], "transactional", "opted_out"),
        (["opt_out promotional keyword", "opt_in * web_form"], "promotional", "yes"),
        (["opt_out * keyword", "opt_in * import"], "transactional", "opted_out"),
        (["opt_out * keyword", "opt_in promotional import"], "promotional", "opted_out"),
        (["opt_in promotional import"], "promotional", "yes"),
        (["opt_out * carrier", "opt_in * keyword"], "transactional", "opted_out"),
        (["opt_out * complaint", "opt_in * keyword"], "transactional", "opted_out"),
        (["opt_out * operator", "opt_in * api"], "transactional", "yes"),
        (["opt_out * carrier", "opt_in promotional web_form"], "promotional", "opted_out"),
        (["opt_in * web_form test"], "promotional", "no_consent"),
        (["opt_in * import test"], "promotional", "no_consent"),
        (["opt_in * web_form", "opt_out * keyword test"], "promotional", "opted_out"),
        (["opt_out * keyword", "opt_in * web_form test"], "transactional", "opted_out"),
        (["opt_out * keyword", "opt_out * keyword test", "opt_in * keyword test"], "transactional", "opted_out"),
        (["opt_out * keyword test", "opt_out * keyword", "opt_in * keyword test"], "transactional", "opted_out"),
        (["opt_out * keyword test", "opt_in * keyword test"], "transactional", "yes"),
        (["opt_out * keyword test", "opt_in * keyword test"], "promotional", "no_consent"),
        (["opt_out * keyword test", "opt_in * import test"], "transactional", "opted_out"),
        (["opt_out * complaint test", "opt_in * keyword test"], "transactional", "opted_out"),
        (["opt_out * complaint test", "confirmed * api test"], "transactional", "yes"),
        (["opt_out * keyword test", "opt_in * api"], "promotional", "yes"),
        (["opt_in * api", "doubt * keyword", "dismissed * api test"], "promotional", "consent_in_review"),
        (["opt_in * api", "doubt * keyword test", "dismissed * api test"], "promotional", "yes"),
        (["opt_in promotional web_form", "doubt * keyword"], "promotional", "consent_in_review"),
        (["doubt * keyword"], "transactional", "yes"),
        (["opt_in promotional web_form", "doubt * keyword", "dismissed * api"], "promotional", "yes"),
        (["opt_in promotional web_form", "help * keyword"], "promotional", "yes"),
        (["opt_in promotional api 1"], "promotional", "no_consent"),
        (["opt_in promotional api 2000000"], "promotional", "yes"),
        (["confirmed promotional keyword"], "promotional", "yes"),
    ],
)
def test_what_was_said_last_counts_unless_it_may_not(words: list[str], kind: str, expected: str) -> None:
    assert answer(said(*words), kind) == expected


@pytest.mark.parametrize(
    ("words", "topic", "sender", "expected"),
    [
        (["opt_in topic:news web_form"], "news", None, "yes"),
        (["opt_in topic:news web_form"], "offers", None, "no_consent"),
        (["opt_in topic:news web_form"], None, None, "no_consent"),
        (["opt_in promotional web_form", "opt_out topic:news keyword"], "news", None, "opted_out"),
        (["opt_in promotional web_form", "opt_out topic:news keyword"], "offers", None, "yes"),
        (["opt_out promotional keyword", "opt_in topic:news import"], "news", None, "opted_out"),
        (["opt_in promotional web_form", "opt_out sender:Acme keyword"], None, "Acme", "opted_out"),
        (["opt_in promotional web_form", "opt_out sender:Acme keyword"], None, "Other", "yes"),
    ],
)
def test_topics_and_senders_are_spoken_of_by_themselves(
    words: list[str], topic: str | None, sender: str | None, expected: str
) -> None:
    assert answer(said(*words), "promotional", topic=topic, sender=sender) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["opt_in promotional web_form"], "no_consent"),
        (["opt_in promotional web_form", "confirmed promotional keyword"], "yes"),
        (["opt_in promotional web_form", "confirmed promotional keyword", "opt_out * keyword"], "opted_out"),
        (["confirmed promotional keyword", "opt_out * keyword", "opt_in * keyword"], "yes"),
        (["confirmed promotional keyword", "opt_out * keyword", "opt_in * web_form"], "no_consent"),
        (["opt_in promotional import", "confirmed promotional api"], "yes"),
    ],
)
def test_a_double_opt_in_counts_when_it_is_confirmed(words: list[str], expected: str) -> None:
    assert answer(said(*words), "promotional", need="double_opt_in") == expected


def test_countries_may_ask_for_more() -> None:
    policy = ConsentPolicy(countries={"FR": CountryNeeds(transactional="opt_in")})
    assert policy.need("promotional", "DE") == "opt_in", "what is declared replaces the countries that we know of"
    assert ConsentPolicy().need("promotional", "DE") == "double_opt_in"
    assert (policy.need("transactional", "FR"), policy.need("transactional", "GB")) == ("opt_in", "no_opt_out")


def test_where_nobody_real_is_reached_no_opt_in_is_asked_for_but_a_no_holds() -> None:
    rules = rulebook({1: ConsentPolicy(), 2: ConsentPolicy()}, frozenset({2}))
    assert rules.need(1, "promotional", "GB") == "opt_in"
    assert rules.need(2, "promotional", "GB") == "no_opt_out"
    assert rules.strict == {"promotional"}
    assert rulebook({2: ConsentPolicy()}, frozenset({2})).strict == frozenset()


def test_an_unknown_environment_is_ruled_by_the_safe_defaults() -> None:
    assert Rulebook().need(77, "promotional", "GB") == "opt_in"


ENTRIES: Any = st.builds(
    Entry,
    id=st.integers(1, 50),
    at=st.integers(1, 50),
    action=st.sampled_from(consent.ACTIONS),
    scope=st.sampled_from(["*", "promotional", "transactional", "otp", "topic:news", "sender:Acme"]),
    source=st.sampled_from(["keyword", "import", "web_form", "carrier", "operator", "api"]),
    until=st.none() | st.integers(1, 100),
)
HISTORIES: Any = st.lists(ENTRIES, max_size=12, unique_by=lambda entry: entry.id)
KINDS: Any = st.sampled_from(list(LANES))


@given(HISTORIES, st.randoms())
def test_what_holds_does_not_depend_on_the_order_in_which_it_is_read(entries: list[Entry], chance: Any) -> None:
    shuffled = list(entries)
    chance.shuffle(shuffled)
    assert derive(shuffled) == derive(entries)


@given(HISTORIES, KINDS)
def test_after_a_stop_nothing_goes_whatever_was_before(entries: list[Entry], kind: str) -> None:
    stop = Entry(100, 100, "opt_out", "*", "keyword")
    assert answer([*entries, stop], kind, topic="news", sender="Acme") == "opted_out"


@given(HISTORIES, KINDS)
def test_no_import_ever_lifts_a_no(entries: list[Entry], kind: str) -> None:
    before = answer(entries, kind, topic="news")
    imports = [Entry(200 + place, 200, "opt_in", scope, "import") for place, scope in enumerate(("*", kind))]
    if before == "opted_out":
        assert answer([*entries, *imports], kind, topic="news") in ("opted_out", "consent_in_review")


@given(HISTORIES)
def test_a_firm_no_is_not_lifted_by_a_text(entries: list[Entry]) -> None:
    firm = Entry(100, 100, "opt_out", "*", "carrier")
    text = Entry(101, 101, "opt_in", "*", "keyword")
    assert answer([*entries, firm, text], "transactional") == "opted_out"


@given(HISTORIES)
def test_more_consent_is_never_asked_of_less(entries: list[Entry]) -> None:
    """Whoever may be sent what needs much may be sent what needs less."""
    needs = ["double_opt_in", "opt_in", "no_opt_out", "nothing"]
    answers = [answer(entries, "promotional", need=need) == "yes" for need in needs]
    assert answers == sorted(answers)


@given(HISTORIES, KINDS)
def test_the_entry_that_permits_is_named(entries: list[Entry], kind: str) -> None:
    ruling = rule("opt_in", kind, None, None, derive(entries), now=1_000)
    if ruling.refusal is None:
        named = next(entry for entry in entries if entry.id == ruling.record)
        assert named.action in ("opt_in", "confirmed")


def test_stances_say_when_and_which_entry() -> None:
    assert derive(said("opt_in promotional web_form", "opt_out * keyword")) == [
        Stance("*", out_at=2_000, record=2),
    ]
