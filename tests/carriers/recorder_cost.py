"""What recording costs: `python -m tests.carriers.recorder_cost` prints microseconds for each chunk that is recorded,
and, for comparison, for each PDU that is exported or written to a file.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from heliograph.carriers.recorder import IN, OUT, Recorder
from heliograph.smpp.codec import Pdu, encode
from heliograph.smpp.commands import RESPONSE, SUBMIT_SM

CHUNKS: Final = 200_000
SUBMIT: Final = {"source_addr": "Acme", "destination_addr": "447700900123", "short_message": b"Your code is 471147"}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def chunks(count: int) -> list[tuple[str, bytes]]:
    """Submits and their answers, by turns, each a chunk of its own: the dearest way to come."""
    return [
        (OUT, encode(Pdu(SUBMIT_SM, SUBMIT, sequence=place // 2 + 1)))
        if place % 2 == 0
        else (IN, encode(Pdu(SUBMIT_SM | RESPONSE, {"message_id": f"{place:08x}"}, sequence=place // 2 + 1)))
        for place in range(count)
    ]


def microseconds(work: Callable[[], int]) -> float:
    """For each of the things that were done, by the CPU's time."""
    began = time.process_time_ns()
    done = work()
    return (time.process_time_ns() - began) / 1_000 / done


def best(work: Callable[[], int], times: int = 5) -> float:
    return min(microseconds(work) for _ in range(times))


def fill(recorder: Recorder, given: list[tuple[str, bytes]]) -> int:
    octets = recorder.octets
    for direction, chunk in given:
        octets(direction, chunk, 1)
    return len(given)


def write(given: list[tuple[str, bytes]]) -> int:
    """Record and write; what the recording takes of it is small."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(now_ms)
        recorder.to_file(Path(folder) / "recording.jsonl")
        fill(recorder, given)
        recorder.flush()
    return len(given)


def main() -> None:
    given = chunks(CHUNKS)
    few = given[:10_000]
    full = Recorder(now_ms)
    fill(full, few)
    figures = {
        "record a chunk": best(lambda: fill(Recorder(now_ms), given)),
        "write a PDU to a file": best(lambda: write(few)),
        "export a PDU as JSON": best(lambda: sum(1 for _ in full.jsonl())),
        "export a PDU as pcap": best(lambda: len(full.pcap()) and len(few)),
    }
    for what, figure in figures.items():
        sys.stdout.write(f"{figure:8.2f} us  {what}\n")


if __name__ == "__main__":
    main()
