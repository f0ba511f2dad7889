"""What asking for consent costs: CPU for each message with a million people on record, and with nobody.

`python -m bench.consent [--people 1000000] [--rounds 3] [--count 20000]`. Two gateways are set up alike, but for the
people; runs on the one and on the other alternate in one sitting. Nobody on record means that nobody has opted in, so
promotion is declared to need no opt-in there; with the people on record it needs one, and the recipients have given it.

A whole gateway's CPU on a busy machine differs from run to run by more than the question costs. So at the end the same
is measured where it is asked: the commit of messages in the writer, on both ledgers by turns.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import apsw

from bench.fill import fill_people
from bench.gateway import Gateway, cpu_s
from bench.ledger import opened
from heliograph.core.consent import ConsentPolicy, rulebook
from heliograph.core.message import Message
from heliograph.store.batch import Batch
from heliograph.store.port import Accept
from heliograph.store.sqlite.writer import Writer

_LEGS: Final = tuple((kind, batch) for kind in ("transactional", "promotional") for batch in (1, 100))
_POLICY: Final = '[policies.consent]\npromotional = "no_opt_out"\n'


class Side:
    """One gateway at work."""

    def __init__(self, folder: Path, people: int, stack: ExitStack) -> None:
        folder.mkdir()
        self.gateway = Gateway(folder, bundle=100)
        if people:
            with self.gateway.running():
                pass
            with opened(self.gateway.store) as ledger:
                fill_people(ledger, people, int(time.time() * 1000))
        else:
            with self.gateway.config.open("a") as config:
                config.write(_POLICY)
        self.pid = stack.enter_context(self.gateway.running())
        self.key = self.gateway.key()
        self._sent = self._told = 0

    def cost(self, kind: str, batch: int, count: int, people: int) -> float:
        """CPU microseconds for each message, from its request to its webhook."""
        before = cpu_s([self.pid])
        self.gateway.load(self.key, count, self._sent, batch, kind=kind, people=people)
        self._sent += count
        self._told += count
        self.gateway.wait_heard(self._told)
        time.sleep(0.3)
        return (cpu_s([self.pid]) - before) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=20_000)
    measure(**vars(parser.parse_args()))


def measure(*, people: int, rounds: int, count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="hg-bench-") as folder, ExitStack() as stack:
        nobody, many = Side(Path(folder) / "nobody", 0, stack), Side(Path(folder) / "many", people, stack)
        for side in (nobody, many):
            side.cost("transactional", 100, 4_000, people)  # warm
        for kind, batch in _LEGS:
            pairs = [[side.cost(kind, batch, count, people) for side in (nobody, many)] for _ in range(rounds)]
            tell(kind, batch, people, pairs)
        stack.close()
        ask_directly([Path(folder) / name / "data" / "heliograph.db" for name in ("nobody", "many")], people)


def ask_directly(files: Sequence[Path], people: int, rounds: int = 200) -> None:
    """CPU of the writer for each message of a commit of a hundred, with and without people; medians of many."""
    rules = (
        rulebook({1: ConsentPolicy()}, frozenset()),
        rulebook({1: ConsentPolicy(promotional="no_opt_out")}, frozenset()),
    )
    connections = [apsw.Connection(str(file)) for file in files]
    for connection in connections:
        connection.execute("PRAGMA cache_size = -65536")  # as the ledger has it
    writers = [(connection, Writer(connection, lambda: 0)) for connection in connections]
    for kind in ("transactional", "promotional"):
        spans: list[list[float]] = [[], []]
        for turn in range(rounds):
            for side, (connection, writer) in enumerate(writers):
                batch = Batch()
                messages = [_message(turn * 100 + place, kind, people) for place in range(100)]
                batch.add(Accept(done=lambda operation: None, messages=messages, rules=rules[1 - side]))
                connection.execute("BEGIN IMMEDIATE")
                began = time.thread_time_ns()
                writer.apply(batch)
                spans[side].append((time.thread_time_ns() - began) / 100 / 1000)
                connection.execute("ROLLBACK")
        without, with_people = map(statistics.median, spans)
        row = {"case": f"consent, {kind}, in the commit", "people": people, "cpu_us_nobody": round(without, 1)}
        row |= {"cpu_us_people": round(with_people, 1), "cpu_us_consent": round(with_people - without, 1)}
        sys.stdout.write(json.dumps(row) + "\n")


def _message(number: int, kind: str, people: int) -> Message:
    fields: dict[str, Any] = dict.fromkeys(Message.__struct_fields__)
    fields |= {
        "id": 10**9 + number,
        "workspace": 1,
        "environment": 1,
        "client": 1,
        "accepted_at": int(time.time() * 1000),
    }
    fields |= {"to": f"+4474{number * 7919 % (people // 2) * 2:08d}", "country": "GB", "kind": kind, "lane": 2}
    fields |= {"sender": "Acme", "text": "Hello", "encoding": "gsm7", "segments": 1, "state": "queued", "updated_at": 0}
    fields |= {"due_at": 0, "valid_until": 1 << 60, "connector": "rig", "plan": '["rig"]', "attempts": 0, "owner": 0}
    return Message(**fields | {"decision": 1, "possible_duplicate": 0})


def tell(kind: str, batch: int, people: int, pairs: list[list[float]]) -> None:
    without, with_people = (statistics.median(side) for side in zip(*pairs, strict=True))
    row: dict[str, Any] = {
        "case": f"consent, {kind}, {'single' if batch == 1 else f'batch {batch}'}",
        "people": people,
        "cpu_us_nobody": round(without, 1),
        "cpu_us_people": round(with_people, 1),
        "cpu_us_consent": round(statistics.median(right - left for left, right in pairs), 1),
    }
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
