"""Pools: which of several senders a recipient sees, always the same, and in proportion to what each may send."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import pools
from heliograph.core.failures import Refusal
from heliograph.core.pools import Chosen
from heliograph.core.senders import Sender

NUMBERS = [f"+1202555{place:04d}" for place in range(2_000)]


def us_number(value: str, **changes: Any) -> Sender:
    fields: dict[str, Any] = {"pool": "shop", "home": "US", "registration": {"US": "registered"}}
    return Sender(value, "long_number", **fields | changes)


def declared(*senders: Sender) -> dict[str, Sender]:
    return {sender.value: sender for sender in senders}


def choose(senders: dict[str, Sender], **changes: Any) -> Chosen | Refusal:
    facts: dict[str, Any] = {
        "workspace": 1,
        "recipient": NUMBERS[0],
        "country": "US",
        "kind": "transactional",
        "is_real": True,
    }
    return pools.choose("shop", senders, **facts | changes)


def chosen(senders: dict[str, Sender], **changes: Any) -> str:
    found = choose(senders, **changes)
    assert isinstance(found, Chosen), found
    return found.sender


ONE, TWO, THREE = us_number("+12025550101"), us_number("+12025550102"), us_number("+12025550103")
THREE_OF_THEM = declared(ONE, TWO, THREE)


@given(
    st.sets(st.sampled_from([f"+1202555{place:04d}" for place in range(100, 120)]), min_size=1),
    st.integers(0, 10**15),
    st.randoms(use_true_random=False),
)
def test_the_choice_depends_on_nothing_but_workspace_recipient_and_members(
    members: set[str], number: int, random: Any
) -> None:
    in_order = sorted(members)
    shuffled = list(members)
    random.shuffle(shuffled)
    recipient = f"+{number}"
    one = chosen(declared(*map(us_number, in_order)), recipient=recipient)
    assert one == chosen(declared(*map(us_number, shuffled)), recipient=recipient) and one in members


@given(st.integers(2, 12), st.data())
def test_when_a_sender_leaves_only_its_recipients_move(count: int, data: Any) -> None:
    members = declared(*(us_number(f"+1202555{place:04d}") for place in range(count)))
    gone = data.draw(st.sampled_from(sorted(members)))
    left = {value: sender for value, sender in members.items() if value != gone}
    for recipient in NUMBERS[:50]:
        before = chosen(members, recipient=recipient)
        assert before == gone or chosen(left, recipient=recipient) == before


@pytest.mark.parametrize(
    "rates", [(0, 0, 0), (10, 10, 10), (1, 2, 7), (100, 0, 100)], ids=["no rates", "equal", "unequal", "one without"]
)
def test_recipients_are_spread_in_proportion_to_rates(rates: tuple[int, ...]) -> None:
    members = declared(*(us_number(f"+1202555{n:04d}", max_segments_per_second=rate) for n, rate in enumerate(rates)))
    weights = [rate or max(rates) or 1 for rate in rates]
    seen = Counter(chosen(members, recipient=recipient) for recipient in NUMBERS)
    for value, weight in zip(members, weights, strict=True):
        assert seen[value] / len(NUMBERS) == pytest.approx(weight / sum(weights), abs=0.04)


def test_another_workspace_deals_its_own_cards() -> None:
    assert any(
        chosen(THREE_OF_THEM, recipient=number) != chosen(THREE_OF_THEM, recipient=number, workspace=2)
        for number in NUMBERS[:50]
    )


BRITISH = us_number("+447400123456", home="GB", registration={})
NAME = Sender("Acme", "alphanumeric", pool="shop")


@pytest.mark.parametrize(
    ("members", "facts", "sender", "why", "left_out"),
    [
        ([ONE, BRITISH], {}, ONE.value, "the best fit", {}),
        ([ONE, BRITISH], {"country": "GB"}, BRITISH.value, "the best fit", {}),
        ([NAME, BRITISH], {"country": "GB"}, BRITISH.value, "the best fit", {}),
        ([NAME, ONE], {"country": "US"}, ONE.value, "the only one that fits", {"Acme": "sender_not_possible"}),
        (
            [ONE, us_number("+12025550109", registration={"US": "pending"})],
            {},
            ONE.value,
            "the only one that fits",
            {"+12025550109": "sender_not_registered"},
        ),
        (
            [ONE, us_number("+12025550109", kinds=frozenset({"promotional"}))],
            {"kind": "otp"},
            ONE.value,
            "the only one that fits",
            {"+12025550109": "sender_not_for_kind"},
        ),
        (
            [ONE, us_number("12345", home=None, countries=frozenset({"FR"}))],
            {"country": "FR"},
            "12345",
            "the best fit",
            {},
        ),
        ([ONE, us_number("+12025550109", two_way=True)], {"kind": "support"}, "+12025550109", "the best fit", {}),
        ([NAME], {"is_real": False}, "Acme", "the only one that fits", {}),
    ],
    ids=[
        "at home in US",
        "at home in GB",
        "a number at home before a name",
        "names are not seen there",
        "not registered",
        "not for this kind",
        "declared for the country",
        "replies",
        "the sandbox",
    ],
)
def test_what_fits_best_is_chosen(
    members: list[Sender], facts: dict[str, Any], sender: str, why: str, left_out: dict[str, str]
) -> None:
    assert choose(declared(*members), **facts) == Chosen(sender, why, left_out)


def test_where_several_fit_it_is_the_recipients_own() -> None:
    found = choose(THREE_OF_THEM)
    assert isinstance(found, Chosen) and found.why == "the recipient's own"


def test_a_pool_in_which_nothing_fits_says_why_of_each() -> None:
    found = choose(declared(us_number("+12025550109", registration={"US": "rejected"}), NAME))
    assert isinstance(found, Refusal)
    assert (found.code, found.pointer) == ("no_sender_in_pool", "/sender")
    assert "'+12025550109' is rejected" in found.detail and "'Acme' can't be seen in US" in found.detail
