"""A QR code (ISO/IEC 18004) of some bytes: byte mode, error correction M, as small as it can be. Pure: rows of modules,
True for dark. It is drawn by whoever shows it; an authenticator app reads its secret from one.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

# By version, from 1 on: error correction codewords of a block, and blocks, at level M.
_CORRECTION: Final = (10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26)
_BLOCKS: Final = (1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16)
_BYTE_MODE: Final = 0b0100
_FORMAT_M: Final = 0
_FORMAT_CODE, _FORMAT_MASK, _VERSION_CODE = 0x537, 0x5412, 0x1F25
_PADDING: Final = (0xEC, 0x11)
_FINDER: Final = (1, 0, 1, 1, 1, 0, 1)
_MASKS: Final[tuple[Callable[[int, int], int], ...]] = (
    lambda x, y: (x + y) % 2,
    lambda x, y: y % 2,
    lambda x, y: x % 3,
    lambda x, y: (x + y) % 3,
    lambda x, y: (x // 3 + y // 2) % 2,
    lambda x, y: x * y % 2 + x * y % 3,
    lambda x, y: (x * y % 2 + x * y % 3) % 2,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2,
)
Modules = list[list[bool]]


def encode(data: bytes) -> Modules:
    """The code of these bytes; ValueError when they are more than 666."""
    version = next((one for one in range(1, len(_BLOCKS) + 1) if len(data) <= _room(one)), None)
    if version is None:
        raise ValueError(f"{len(data)} bytes don't fit")
    words = _interleaved(_words(data, version), version)
    plan = _Plan(version)
    bits = [word >> place & 1 for word in words for place in range(7, -1, -1)]
    for (x, y), bit in zip(plan.path(), bits, strict=False):  # a few modules may be left over: they stay light
        plan.dark[y][x] = bool(bit)
    return min((plan.masked(number) for number in range(len(_MASKS))), key=penalty)


def _room(version: int) -> int:
    """How many bytes of text: mode and length take 12 bits, or 20."""
    return _data_words(version) - (2 if version < 10 else 3)


def _data_words(version: int) -> int:
    return _all_modules(version) // 8 - _CORRECTION[version - 1] * _BLOCKS[version - 1]


def _all_modules(version: int) -> int:
    """Those that carry words: all but finders, timing, alignment, format and version."""
    count = (16 * version + 128) * version + 64
    if version >= 2:
        each = version // 7 + 2
        count -= (25 * each - 10) * each - 55
        if version >= 7:
            count -= 36
    return count


def _words(data: bytes, version: int) -> list[int]:
    length = 8 if version < 10 else 16
    bits = f"{_BYTE_MODE:04b}{len(data):0{length}b}" + "".join(f"{byte:08b}" for byte in data)
    room = _data_words(version) * 8
    bits += "0" * min(4, room - len(bits))
    bits += "0" * (-len(bits) % 8)
    words = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    return [*words, *(_PADDING[place % 2] for place in range(_data_words(version) - len(words)))]


# -- error correction: Reed and Solomon's, over the field of 256 with 0x11D


def _interleaved(words: Sequence[int], version: int) -> list[int]:
    count, correction = _BLOCKS[version - 1], _CORRECTION[version - 1]
    short, longer = divmod(len(words), count)
    blocks, start = [], 0
    for number in range(count):
        size = short + (number >= count - longer)
        blocks.append(words[start : start + size])
        start += size
    divisor = _divisor(correction)
    checks = [_remainder(block, divisor) for block in blocks]
    data = [block[place] for place in range(short + 1) for block in blocks if place < len(block)]
    return [*data, *(check[place] for place in range(correction) for check in checks)]


def _times(a: int, b: int) -> int:
    found = 0
    for place in range(7, -1, -1):
        found = found << 1 ^ (found >> 7) * 0x11D
        found ^= (b >> place & 1) * a
    return found


def _divisor(degree: int) -> list[int]:
    found, root = [0] * (degree - 1) + [1], 1
    for _ in range(degree):
        for place in range(degree):
            found[place] = _times(found[place], root) ^ (found[place + 1] if place + 1 < degree else 0)
        root = _times(root, 2)
    return found


def _remainder(block: Sequence[int], divisor: Sequence[int]) -> list[int]:
    found = [0] * len(divisor)
    for word in block:
        factor = word ^ found.pop(0)
        found.append(0)
        found = [one ^ _times(each, factor) for one, each in zip(found, divisor, strict=True)]
    return found


# -- the drawing


class _Plan:
    """What of a version is fixed, and where words go."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.size = size = 17 + 4 * version
        self.dark: Modules = [[False] * size for _ in range(size)]
        self.fixed: Modules = [[False] * size for _ in range(size)]
        for place in range(size):
            self._set(6, place, place % 2 == 0)
            self._set(place, 6, place % 2 == 0)
        for x, y in ((3, 3), (size - 4, 3), (3, size - 4)):
            self._square(x, y, 4, (0, 1, 3))
        ends = self._alignments()
        for x in ends:
            for y in ends:
                if (x, y) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                    self._square(x, y, 2, (0, 2))
        self._format(0)
        self._version()

    def _set(self, x: int, y: int, dark: bool) -> None:
        self.dark[y][x] = dark
        self.fixed[y][x] = True

    def _square(self, x: int, y: int, reach: int, rings: Sequence[int]) -> None:
        """Rings around a place, so many modules from it."""
        for down in range(-reach, reach + 1):
            for across in range(-reach, reach + 1):
                if 0 <= x + across < self.size and 0 <= y + down < self.size:
                    away = max(abs(across), abs(down))
                    self._set(x + across, y + down, away in rings)

    def _alignments(self) -> list[int]:
        if self.version == 1:
            return []
        count = self.version // 7 + 2
        step = (self.version * 4 + count * 2 + 1) // (count * 2 - 2) * 2
        return [6, *sorted(self.size - 7 - step * number for number in range(count - 1))]

    def _format(self, mask: int) -> None:
        data = _FORMAT_M << 3 | mask
        rest = _checked(data, 10, _FORMAT_CODE)
        bits = (data << 10 | rest) ^ _FORMAT_MASK
        said = [bool(bits >> place & 1) for place in range(15)]
        ours = [*((8, y) for y in (0, 1, 2, 3, 4, 5, 7, 8)), (7, 8), *((x, 8) for x in range(5, -1, -1))]
        others = [*((self.size - 1 - x, 8) for x in range(8)), *((8, self.size - 7 + y) for y in range(7))]
        for places in (ours, others):
            for (x, y), dark in zip(places, said, strict=True):
                self._set(x, y, dark)
        self._set(8, self.size - 8, True)

    def _version(self) -> None:
        if self.version < 7:
            return
        bits = self.version << 12 | _checked(self.version, 12, _VERSION_CODE)
        for place in range(18):
            dark, far, near = bool(bits >> place & 1), self.size - 11 + place % 3, place // 3
            self._set(far, near, dark)
            self._set(near, far, dark)

    def path(self) -> Iterator[tuple[int, int]]:
        """The modules for words, in their order: two columns at a time, up and down, from the right."""
        is_up = True
        for right in (*range(self.size - 1, 6, -2), *range(5, 0, -2)):
            rows = range(self.size - 1, -1, -1) if is_up else range(self.size)
            for y in rows:
                for x in (right, right - 1):
                    if not self.fixed[y][x]:
                        yield x, y
            is_up = not is_up

    def masked(self, number: int) -> Modules:
        """The whole code under one of the masks."""
        self._format(number)
        flips = _MASKS[number]
        return [
            [dark != (not fixed and flips(x, y) == 0) for x, (dark, fixed) in enumerate(zip(row, kept, strict=True))]
            for y, (row, kept) in enumerate(zip(self.dark, self.fixed, strict=True))
        ]


def _checked(data: int, degree: int, code: int) -> int:
    """The check bits behind some data: what is left of it by a code."""
    rest = data
    for _ in range(degree):
        rest = rest << 1 ^ (rest >> (degree - 1)) * code
    return rest


def penalty(modules: Modules) -> int:
    """How hard it is to read: runs, blocks, what looks like a finder, too much of one colour."""
    size, found = len(modules), 0
    columns = [list(column) for column in zip(*modules, strict=True)]
    for line in chain(modules, columns):
        run, finders = 1, 0
        for place in range(1, size + 1):
            if place < size and line[place] == line[place - 1]:
                run += 1
                continue
            found += run - 2 if run >= 5 else 0
            run = 1
        padded = [False] * 4 + line + [False] * 4
        for place in range(4, size - 2 + 4):
            if tuple(map(int, padded[place : place + 7])) == _FINDER:
                before, after = padded[place - 4 : place], padded[place + 7 : place + 11]
                finders += (not any(before)) + (len(after) == 4 and not any(after))
        found += 40 * finders
    for y in range(size - 1):
        for x in range(size - 1):
            found += 3 * (modules[y][x] == modules[y][x + 1] == modules[y + 1][x] == modules[y + 1][x + 1])
    share = 100 * sum(map(sum, modules)) / (size * size)
    return found + 10 * int(abs(share - 50) / 5)
