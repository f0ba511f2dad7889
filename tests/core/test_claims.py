"""What an ID token must say."""

from typing import Any

import pytest

from heliograph.core.claims import wrong_with

NOW = 1_800_000_000
GOOD = {
    "iss": "https://id.example.com",
    "aud": "heliograph",
    "sub": "248289761001",
    "nonce": "n-0S6_WzA2Mj",
    "iat": NOW - 2,
    "exp": NOW + 300,
}


def judged(claims: dict[str, Any]) -> str | None:
    issuer, nonce = str(GOOD["iss"]), str(GOOD["nonce"])
    return wrong_with(claims, issuer=issuer, client_id="heliograph", nonce=nonce, now_s=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"aud": ["heliograph"]},
        {"aud": ["heliograph", "other"], "azp": "heliograph"},
        {"azp": "heliograph"},
        {"exp": NOW - 59},
        {"iat": NOW + 59},
        {"iat": NOW - 2.5},
    ],
)
def test_a_good_token_is_believed(change: dict[str, Any]) -> None:
    assert judged(GOOD | change) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"iss": "https://id.example.com/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "for another client"),
        ({"aud": []}, "for another client"),
        ({"aud": None}, "for another client"),
        ({"aud": ["heliograph", "other"]}, "given to another client"),
        ({"azp": "other"}, "given to another client"),
        ({"exp": NOW - 60}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "4000000000"}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": NOW + 61}, "just now"),
        ({"iat": NOW - 601}, "just now"),
        ({"iat": None}, "just now"),
        ({"nonce": "other"}, "another login"),
        ({"nonce": None}, "another login"),
        ({"nonce": ["n-0S6_WzA2Mj"]}, "another login"),
        ({"sub": ""}, "nobody"),
        ({"sub": 7}, "nobody"),
        ({"sub": "x" * 256}, "nobody"),
    ],
)
def test_any_other_is_not(change: dict[str, Any], why: str) -> None:
    wrong = judged(GOOD | change)
    assert wrong is not None and why in wrong


@pytest.mark.parametrize("name", GOOD)
def test_nothing_may_be_missing(name: str) -> None:
    assert judged({key: value for key, value in GOOD.items() if key != name}) is not None
