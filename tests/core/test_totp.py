"""One-time codes against the vectors of the standards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core.totp import STEP_S, accept, address, base32, code

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at", "expected"),  # RFC 6238, appendix B
    [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, expected: str) -> None:
    assert code(SECRET, at // STEP_S, digits=8) == expected


def test_counters_are_those_of_the_standard() -> None:
    found = [code(SECRET, step) for step in range(10)]  # RFC 4226, appendix D
    assert found == ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


@given(st.binary(min_size=20, max_size=20), st.integers(100 * STEP_S, 1 << 33), st.integers(-3, 3))
def test_a_code_works_for_three_steps_and_once(secret: bytes, now: int, drift: int) -> None:
    given = code(secret, now // STEP_S + drift)
    found = accept(secret, f" {given[:3]} {given[3:]} ", now, -1)
    if abs(drift) <= 1:
        assert found is not None and code(secret, found) == given
        again = accept(secret, given, now, found)
        assert again is None or again > found, "never the same step"


@pytest.mark.parametrize("given", ["", "12345", "1234567", "abcdef", "７５５２２４", "é" * 6])
def test_what_is_no_code_is_refused(given: str) -> None:
    assert accept(SECRET, given, STEP_S, -1) is None


def test_an_app_reads_the_address() -> None:
    found = address(SECRET, "ada@example.com")
    assert found == (
        f"otpauth://totp/Heliograph:ada@example.com?secret={base32(SECRET)}&issuer=Heliograph&digits=6&period=30"
    )
    assert base32(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
