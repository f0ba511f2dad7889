"""SMPP accounts as places where events go."""

import pytest

from heliograph.engine import accounts
from heliograph.engine.accounts import Account, Hearer
from heliograph.engine.notify.subscriptions import callback_target

AT = 1_700_000_000_000


def test_a_receipt_and_a_message_from_a_phone_go_to_the_same_target() -> None:
    assert accounts.target(3, 12) == callback_target(3, accounts.address(12))
    assert accounts.address_in(accounts.target(3, 12)) == accounts.address(12)
    assert accounts.account_at(accounts.address(12)) == 12


@pytest.mark.parametrize("target", ["endpoint:7", "callback:1:https://example.com", "callback:1:https://smpp", ""])
def test_no_other_target_is_an_account(target: str) -> None:
    assert accounts.address_in(target) is None


@pytest.mark.parametrize("url", ["https://12", "12", "smpp://", "smpp://x", "smpp://1:2"])
def test_no_other_address_is_an_account(url: str) -> None:
    assert accounts.account_at(url) is None


@pytest.mark.parametrize(
    ("inbound", "sender", "hears"),
    [
        (("*",), "+447700900200", True),
        (("*",), "Acme", True),
        ((), "12345", False),
        (("12345",), "12345", True),
        (("12345",), "123456", False),
        (("+447700900200",), "447700900200", True),
        (("447700900200",), "+447700900200", True),
        (("447700900200", "12345"), "12345", True),
    ],
)
def test_an_account_hears_its_senders(inbound: tuple[str, ...], sender: str, hears: bool) -> None:
    found = accounts.who_hears([Hearer(5, 2, inbound, None)], sender, AT)
    assert found == ((accounts.target(2, 5),) if hears else ())


def test_two_keys_of_one_account_are_one_hearer_and_ended_ones_are_none() -> None:
    hearers = [Hearer(5, 2, ("*",), AT), Hearer(5, 2, ("*",), None), Hearer(5, 2, ("12345",), None)]
    hearers += [Hearer(6, 2, ("*",), AT), Hearer(7, 2, ("*",), AT + 1)]
    assert accounts.who_hears(hearers, "12345", AT) == (accounts.target(2, 5), accounts.target(2, 7))


@pytest.mark.parametrize(
    ("inbound", "scopes", "hears"),
    [
        (("*",), ["messages:read"], True),
        (("*",), ["admin"], True),
        (("*",), ["messages:send"], False),
        ((), ["messages:read"], False),
    ],
)
def test_hearing_needs_the_right_to_read(inbound: tuple[str, ...], scopes: list[str], hears: bool) -> None:
    assert accounts.may_hear(Account(inbound), scopes) is hears


@pytest.mark.parametrize("sender", ["Acme", "", "no number", "+", "1" * 30, "12"])
def test_a_sender_that_no_phone_can_write_to_is_named(sender: str) -> None:
    (refusal,) = accounts.wrong_inbound(["12345", sender])
    assert (refusal.code, refusal.pointer) == ("bad_inbound", "/inbound/1")


def test_senders_that_phones_can_write_to_are_right() -> None:
    assert accounts.wrong_inbound(["*", "12345", "+447700900200", "447700900200"]) == []
    assert len(accounts.wrong_inbound(["12345"] * 1_001)) == 1
