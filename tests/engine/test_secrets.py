"""Sealed secrets: only the right key opens them, a changed byte is noticed, and keys turn over."""

import stat
from pathlib import Path

import pytest

from heliograph.engine.secrets import FILE, VARIABLE, CannotOpen, Vault, load, new_key

SECRET = b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def test_what_was_sealed_is_opened_and_says_nothing_else(tmp_path: Path) -> None:
    vault = load({}, tmp_path)
    sealed = vault.seal(SECRET)
    assert sealed.startswith("sealed:") and SECRET.decode() not in sealed
    assert vault.open(sealed) == SECRET
    assert vault.seal(SECRET) != sealed, "twice the same secret can not be told"


def test_the_first_start_makes_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    first = load({}, tmp_path).seal(SECRET)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert load({}, tmp_path).open(first) == SECRET


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    vault = load({}, tmp_path)
    sealed = vault.seal(SECRET)
    for place in (-2, len(sealed) // 2, len("sealed:12345678:") + 1):
        letter = "A" if sealed[place] != "A" else "B"
        with pytest.raises(CannotOpen):
            vault.open(sealed[:place] + letter + sealed[place:][1:])


def test_a_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    old, new = new_key(), new_key()
    before = load({VARIABLE: old}, Path()).seal(SECRET)
    both = load({VARIABLE: f"{new},{old}"}, Path())
    assert both.open(before) == SECRET
    after = both.seal(SECRET)
    assert load({VARIABLE: new}, Path()).open(after) == SECRET
    with pytest.raises(CannotOpen):
        load({VARIABLE: old}, Path()).open(after)


@pytest.mark.parametrize("text", ["short", "not base64!", "AAAA"])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CannotOpen, match="32 bytes"):
        load({VARIABLE: text}, Path())


def test_errors_quote_no_secret() -> None:
    vault = Vault([bytes(32)])
    with pytest.raises(CannotOpen) as error:
        vault.open(Vault([bytes(range(32))]).seal(SECRET))
    assert "whsec" not in str(error.value)
