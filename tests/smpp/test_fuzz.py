"""A short run of the fuzzer, and proof that it would see what it looks for."""

import random
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from heliograph.smpp import moments, parts, receipts
from heliograph.smpp.codec import Pdu, decode
from heliograph.smpp.commands import LAYOUTS
from tests.smpp import fuzz

ROOT: Final = Path(__file__).parents[2]
NUMBERS: Final = count()


def run(inputs: int, seed: int) -> str:
    command = [sys.executable, "-m", "tests.smpp.fuzz", "--count", f"{inputs}", "--seed", f"{seed}", "--processes", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def test_twenty_thousand_inputs_keep_the_laws() -> None:
    said = run(20_000, 1)
    assert said.count("\n") == 1
    assert said.startswith("seed 1: 20,000 inputs (")
    seen = {
        outcome: int(number.replace(",", "")) for number, outcome in re.findall(r"([\d,]+) ([a-zP][a-zDPU ]+)", said)
    }
    # Each way to end is taken often; otherwise the inputs test one thing only.
    for outcome in ("broken streams", "no whole PDU", "read", "receipts", "refused"):
        assert seen[outcome] > 300, said


def test_a_seed_gives_the_same_inputs_again() -> None:
    assert fuzz.check_block("7/0")[0] == fuzz.check_block("7/0")[0] != fuzz.check_block("7/1")[0]


def raises(*_: Any) -> None:
    raise IndexError("beyond")


def never_ends(*_: Any) -> None:
    while True:
        pass


def forgetful(octets: bytes) -> Pdu:
    """Reads the same octets otherwise each time."""
    pdu = decode(octets)
    pdu.sequence = next(NUMBERS)
    return pdu


@pytest.mark.parametrize(
    ("module", "name", "instead", "said"),
    [
        (receipts, "read", raises, "raises IndexError"),
        (parts, "payload", raises, "raises IndexError"),
        (moments, "read", never_ends, "takes longer than 1 s"),
        (fuzz, "decode", forgetful, "is not the same"),
        (fuzz, "size_kb", iter([0, 0, 60_000, 120_000, 180_000, 240_000]).__next__, "the process grew by"),
        (fuzz.Talk, "see", lambda *_: False, "loses a token"),
    ],
    ids=["an exception", "another", "slowness", "a difference", "growth", "a lost token"],
)
def test_a_violation_is_seen_and_its_input_is_shown(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, instead: Callable[..., Any], said: str
) -> None:
    monkeypatch.setattr(fuzz, "blocks_done", fuzz.WARM_UP - 1)
    monkeypatch.setattr(module, name, instead)
    with pytest.raises(fuzz.Violation, match=said) as seen:
        for block in range(4):
            fuzz.check_block(f"1/{block}")
    shown = re.search(r": ([0-9a-f]+)$", str(seen.value))
    assert shown is not None
    assert bytes.fromhex(shown[1])


def test_valid_inputs_are_valid() -> None:
    chance = random.Random("valid")
    assert {decode(fuzz.valid(chance)).command for _ in range(2_000)} == set(LAYOUTS)


def test_a_violation_ends_the_program_with_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(seed: str) -> Any:
        raise fuzz.Violation(f"block {seed}: this takes too long: 00")

    class Alone:
        """A pool without processes: what is replaced here is not replaced in others."""

        def __init__(self, processes: int) -> None:
            self.imap_unordered = map

        def __enter__(self) -> "Alone":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(fuzz, "Pool", Alone)
    monkeypatch.setattr(fuzz, "check_block", found)
    assert fuzz.main(["--count", "1", "--seed", "5"]) == 1
    assert capsys.readouterr().out == "block 5/0: this takes too long: 00\n"
