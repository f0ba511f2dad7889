"""Which passwords are let through."""

import pytest

from heliograph.core.passwords import LONGEST, normal, wrong_with


@pytest.mark.parametrize(
    "password",
    [
        "seven lamps of brass",
        "Tr0ub4dor&3 is short",
        "aaaaaaaaaaab but not only",
        "пароль из нескольких слов",
        "password managers are fine",
        "ada lovelace likes tulips a lot",
        "x7!kQ2#mP9$w",
    ],
)
def test_a_long_password_of_ones_own_is_fine(password: str) -> None:
    assert wrong_with(password, email="ada.lovelace@example.com", name="Ada Lovelace") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "12 characters"),
        ("short", "12 characters"),
        ("x" * (LONGEST + 1), "at most"),
        ("password1234", "first that anybody"),
        ("Password!!!!2026", "first that anybody"),
        ("passwordpassword", "first that anybody"),
        ("QWERTYUIOP12", "first that anybody"),
        ("correct horse battery staple", "first that anybody"),
        ("aaaaaaaaaaaa", "first that anybody"),
        ("abababababab", "first that anybody"),
        ("abcabcabcabcab", "first that anybody"),
        ("123456789012", "first that anybody"),
        ("abcdefghijklm", "first that anybody"),
        ("zyxwvutsrqpo", "first that anybody"),
        ("ada.lovelace@example.com", "your own name"),
        ("adalovelace1", "your own name"),
        ("Lovelace2026!", "your own name"),
        ("example.com1815", "your own name"),
    ],
)
def test_what_anybody_would_try_is_refused_and_not_quoted(password: str, why: str) -> None:
    wrong = wrong_with(password, email="ada.lovelace@example.com", name="Ada Lovelace")
    assert wrong is not None and why in wrong
    assert len(password) < 6 or password not in wrong


def test_a_password_is_the_same_however_it_is_typed() -> None:
    assert normal("cafe\u0301 au lait, ﬁne") == normal("café au lait, fine")
