"""Senders: what can be one, where and for what, and which is taken when none is named."""

import pytest

from heliograph.core import senders
from heliograph.core.senders import Sender


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Acme", "alphanumeric"),
        ("Acme 24-7", "alphanumeric"),
        ("A", "alphanumeric"),
        ("ElevenChars", "alphanumeric"),
        ("123", "short_code"),
        ("12345", "short_code"),
        ("+447400123456", "long_number"),
        ("447400123456", "long_number"),
        ("1234567", "long_number"),
        ("TwelveLetter", None),
        ("Acme!", None),
        ("Größe", None),
        (" Acme", None),
        ("Acme ", None),
        ("12", None),
        ("+0123456789", None),
        ("", None),
    ],
)
def test_the_shape_tells_the_type(value: str, kind: str | None) -> None:
    assert senders.type_of(value) == kind


DECLARED = {
    "Acme": Sender("Acme", "alphanumeric", countries=frozenset({"GB", "DE"}), default=True),
    "AcmeDeals": Sender("AcmeDeals", "alphanumeric", kinds=frozenset({"promotional"})),
    "12345": Sender("12345", "short_code", countries=frozenset({"US"}), two_way=True),
}


@pytest.mark.parametrize(
    ("value", "country", "kind", "code"),
    [
        ("Acme", "GB", "otp", None),
        ("Acme", "US", "otp", "sender_not_for_country"),
        ("AcmeDeals", "FR", "promotional", None),
        ("AcmeDeals", "FR", "otp", "sender_not_for_kind"),
        ("12345", "US", "otp", None),
        ("Other", "GB", "otp", "unknown_sender"),
        ("Größe", "GB", "otp", "bad_sender"),
    ],
)
def test_a_sender_works_where_and_for_what_it_was_declared(
    value: str, country: str, kind: str, code: str | None
) -> None:
    refusal = senders.check(value, DECLARED, country=country, kind=kind)
    assert (refusal.code if refusal else None) == code
    assert refusal is None or refusal.pointer == "/sender"


def test_where_none_is_declared_every_good_shape_goes() -> None:
    assert senders.check("Anything", {}, country="GB", kind="otp") is None
    assert senders.check("Größe", {}, country="GB", kind="otp") is not None


@pytest.mark.parametrize(
    ("country", "kind", "chosen"),
    [("GB", "otp", "Acme"), ("GB", "promotional", "Acme"), ("US", "otp", "12345"), ("FR", "promotional", "AcmeDeals")],
)
def test_the_default_is_taken_and_else_the_only_one_that_fits(country: str, kind: str, chosen: str) -> None:
    assert senders.default(DECLARED, country=country, kind=kind) == (chosen, False)


def test_nobody_chooses_between_two_that_fit() -> None:
    assert senders.default(DECLARED, country="US", kind="promotional") is None
    assert senders.default(DECLARED, country="FR", kind="otp") is None


@pytest.mark.parametrize(
    ("pooled", "others", "found"),
    [
        ((), (), ("shop", True)),
        ((True,), ("Acme",), ("shop", True)),
        ((), ("Acme",), None),
    ],
    ids=["the only pool", "the pool of the default", "a pool and a sender"],
)
def test_a_pool_is_the_default_as_a_sender_is(
    pooled: tuple[bool, ...], others: tuple[str, ...], found: tuple[str, bool] | None
) -> None:
    members = [Sender(f"+4474001234{n}", "long_number", pool="shop", default=n < len(pooled)) for n in range(2)]
    declared = {sender.value: sender for sender in (*members, *(Sender(name, "alphanumeric") for name in others))}
    assert senders.default(declared, country="GB", kind="otp") == found
