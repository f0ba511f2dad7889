"""QR codes, read back by a reader that knows nothing of how they were drawn, and compared with another program's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.core import qr

# What libqrencode draws for "hello world" in byte mode at level M, module for module.
HELLO = """
#######..#.##.#######
#.....#...#...#.....#
#.###.#.####..#.###.#
#.###.#.###.#.#.###.#
#.###.#.#.#.#.#.###.#
#.....#.#..#..#.....#
#######.#.#.#.#######
........#.#..........
#.#####..#.#..#####..
.##.##.#.#.########.#
#.#.####.##.###..###.
#.#..#...#.###..###..
...#.#####..###.....#
........#.#.#...##..#
#######....#..#...##.
#.....#.#....#.#.####
#.###.#.#..#..##....#
#.###.#.##..######...
#.###.#.##..#..#..#..
#.....#..##.##..###..
#######.##.##.#.#..#.
"""


def rows(drawing: str) -> list[list[bool]]:
    return [[letter == "#" for letter in line] for line in drawing.split()]


def test_it_is_the_code_that_another_program_draws() -> None:
    assert qr.encode(b"hello world") == rows(HELLO)


def field_log() -> tuple[list[int], dict[int, int]]:
    powers, value = [], 1
    for _ in range(255):
        powers.append(value)
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    return powers, {power: exponent for exponent, power in enumerate(powers)}


POWERS, LOGS = field_log()


def syndromes(block: list[int], count: int) -> list[int]:
    """All nought when a block is one that Reed and Solomon's code has."""
    found = []
    for root in range(count):
        value = 0
        for word in block:
            value = word ^ (0 if value == 0 else POWERS[(LOGS[value] + root) % 255])
        found.append(value)
    return found


MASKS = [
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 == 0,
    lambda i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: (i * j) % 2 + (i * j) % 3 == 0,
    lambda i, j: ((i * j) % 2 + (i * j) % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + (i * j) % 3) % 2 == 0,
]


def read_small(code: list[list[bool]]) -> bytes:
    """A code of version 1 to 3: one block, at most one alignment pattern."""
    size = len(code)
    version = (size - 17) // 4
    format_bits = [code[8][x] for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [code[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    bits = int("".join(str(int(bit)) for bit in format_bits), 2) ^ 0b101010000010010
    assert bits >> 13 == 0b00, "level M"
    flips = MASKS[bits >> 10 & 0b111]

    def is_fixed(i: int, j: int) -> bool:
        if (i <= 8 and (j <= 8 or j >= size - 8)) or (i >= size - 8 and j <= 8) or 6 in (i, j):
            return True
        return version > 1 and abs(i - (size - 7)) <= 2 and abs(j - (size - 7)) <= 2

    stream, column, is_up = [], size - 1, True
    while column > 0:
        column -= column == 6
        for i in reversed(range(size)) if is_up else range(size):
            stream += [code[i][j] != flips(i, j) for j in (column, column - 1) if not is_fixed(i, j)]
        column, is_up = column - 2, not is_up
    words = [
        int("".join(str(int(bit)) for bit in stream[start : start + 8]), 2) for start in range(0, len(stream) - 7, 8)
    ]
    checks = {1: 10, 2: 16, 3: 26}[version]
    assert not any(syndromes(words, checks))
    text = "".join(f"{word:08b}" for word in words[:-checks])
    assert text[:4] == "0100", "bytes"
    length = int(text[4:12], 2)
    return bytes(int(text[start : start + 8], 2) for start in range(12, 12 + 8 * length, 8))


@given(st.binary(max_size=42))
def test_what_went_in_comes_out(data: bytes) -> None:
    assert read_small(qr.encode(data)) == data


@pytest.mark.parametrize(("length", "size"), [(0, 21), (14, 21), (15, 25), (213, 57), (214, 61), (666, 97)])
def test_a_code_is_as_small_as_it_can_be(length: int, size: int) -> None:
    code = qr.encode(b"x" * length)
    assert {len(code), *map(len, code)} == {size}


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="667 bytes don't fit"):
        qr.encode(b"x" * 667)
