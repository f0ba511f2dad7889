"""The laws of segmentation, and agreement with the slow account of it, on random texts of mixed alphabets.

`python -m tests.core.million_texts --count 1000000 --seed 1` prints counts, and ends with 1 at the first text that
breaks a law. A seed gives the same texts again. The tests run it with a few thousand.
"""

import argparse
import random
import sys
from collections import Counter
from multiprocessing import Pool
from typing import Final

from heliograph.core.segments import forbidden, measure, normalise, split
from tests.core import slow_segments as slow

BLOCK: Final = 1_000
ALPHABETS: Final[dict[str, list[str]]] = {
    "basic": sorted(slow.BASIC - {"\r"}),
    "words": ["Your code is 4711. ", "See you at 5 pm", "\n", "\r\n", " ", "é", "a", "Z"],
    "extension": sorted(slow.EXTENSION),
    "typographic": list("“”‘’–—…•\u00a0\u200b«»´`"),
    "latin": [*"çáíóúâêîôûëïãõąęłşğıİő", "e\u0301", "a\u0308", "n\u0303", "ễ"],
    "cyrillic": [*"абвгдежзийклмнопрстуфхцчшщъыьэюяЁ ", "и\u0306"],
    "greek": list("αβγδεζηθΑΒΓΔΕΖ ά"),
    "han": list("你好世界，。验证码"),
    "hangul": [*"안녕하세요", "\u1112", "\u1161", "\u11ab", "\u1100\u1161\u11a8", "가\u11a8"],
    "devanagari": list("नमस्तेदुनिया क्षि\u200d\u200c"),
    "thai": list("สวัสดีครับน้ำ"),
    "arabic": list("مرحبا\u064e\u200c می‌خواهم"),
    "emoji": [*"😀✔☎🎉", "❤\ufe0f", "1\ufe0f\u20e3", "👍🏽", "👨‍👩‍👧‍👦", "🏴\U000e0067\U000e0062\U000e007f"],
    "flags": [*map(chr, range(0x1F1E6, 0x1F1F0))],
    "marks": ["a", "\u0301", "\u0335", "\u20dd", "\ufe0f", "\u200d"],
}
GSM_TEXTS: Final = [ALPHABETS[name] for name in ("basic", "words", "extension")]
LENGTHS: Final = ((0, 12), (30, 40), (60, 75), (130, 140), (148, 165), (195, 205), (300, 325))


def generate(chance: random.Random) -> str:
    """A text of one to three alphabets, as it comes from an app; its length often lies near a limit."""
    alphabets = list(ALPHABETS.values()) if chance.random() < 0.6 else GSM_TEXTS
    chosen = chance.choices(alphabets, k=chance.choice((1, 1, 2, 3)))
    length = chance.randint(*chance.choice(LENGTHS))
    rare = chance.choice((1, 8, 64))  # all alphabets alike, or the later ones seldom
    weights = [1.0] + [1 / rare] * (len(chosen) - 1)
    pieces = [chance.choice(alphabet) for alphabet in chance.choices(chosen, weights, k=length)]
    return "".join(pieces)[: length or 1]


def check(text: str, reference_bits: int = 8) -> tuple[str, int]:
    """Every law for a normalised text; returns its encoding and number of parts."""
    found = split(text, reference_bits=reference_bits)
    encoding = slow.encoding(text)
    parts = [segment.text for segment in found.segments]
    single, several = slow.LIMITS[encoding, reference_bits]
    limit = single if len(parts) == 1 else several
    assert found.encoding == encoding, "another encoding"
    assert parts == slow.parts(text, encoding, reference_bits), "other parts"
    assert "".join(parts) == text, "the parts are not the text"
    assert found.units == slow.cost(text, encoding), "other units"
    for segment in found.segments:
        assert segment.units == slow.cost(segment.text, encoding) <= segment.limit == limit, "a part over its limit"
    if reference_bits == 8:
        assert measure(text) == (encoding, len(parts)), "measure and split disagree"
    return encoding, len(parts)


def check_block(seed: str) -> Counter[tuple[str, int]]:
    """A block of texts; a failure names the seed and the text."""
    chance = random.Random(seed)
    counts: Counter[tuple[str, int]] = Counter()
    for _ in range(BLOCK):
        text = normalise(generate(chance))
        try:
            assert normalise(text) == text and not forbidden(text)
            if chance.random() < 0.1:
                check(text, 16)
            counts[check(text)] += 1
        except AssertionError as error:
            raise AssertionError(f"{error} (block {seed}): {text!r}") from None
    return counts


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options.add_argument("--processes", type=int, default=2)
    chosen = options.parse_args()
    seeds = [f"{chosen.seed}/{block}" for block in range(-(-chosen.count // BLOCK))]
    counts: Counter[tuple[str, int]] = Counter()
    with Pool(chosen.processes) as pool:
        try:
            for block in pool.imap_unordered(check_block, seeds, chunksize=4):
                counts += block
        except AssertionError as error:
            print(error)
            return 1
    print(f"seed {chosen.seed}: {counts.total():,} texts keep the laws")
    for (encoding, parts), texts in sorted(counts.items()):
        print(f"{encoding} in {parts:2}: {texts:9,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
