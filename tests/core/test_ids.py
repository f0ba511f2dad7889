"""Ids are the dress of row numbers."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import ids

TIMES = st.integers(0, (1 << 48) - 1)
NUMBERS = st.integers(0, (1 << 62) - 1)


@given(TIMES, NUMBERS)
def test_an_id_gives_its_time_and_number_back(at: int, number: int) -> None:
    assert ids.parse("msg", ids.make("msg", at, number)) == (at, number)


@given(TIMES, NUMBERS)
def test_an_id_holds_a_uuid_of_version_7(at: int, number: int) -> None:
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    value = 0
    for letter in ids.make("msg", at, number)[4:]:
        value = value * 32 + alphabet.index(letter)
    made = uuid.UUID(int=value)
    assert (made.version, made.variant, value >> 80) == (7, uuid.RFC_4122, at)


@given(TIMES, TIMES, NUMBERS, NUMBERS)
def test_ids_sort_by_time(one: int, other: int, a: int, b: int) -> None:
    if one < other:
        assert ids.make("msg", one, a) < ids.make("msg", other, b)


@pytest.mark.parametrize(
    "text",
    ["", "msg_", "msg", "evt_01h455vb4pex5vsknk084sn02q",
     "msg_01h455vb4pex5vsknk084sn02",
     "msg_8zzzzzzzzzzzzzzzzzzzzzzzzz", "msg_01h455vb4pex5vsknk084sn0iq", "msg_01h455vb4p\u0000x5vsknk084sn02q",
     "msg_00000000000000000000000000"],
)  # fmt: skip
def test_what_is_no_id_is_none(text: str) -> None:
    assert ids.parse("msg", text) is None
