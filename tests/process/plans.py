"""kill -9 while message plans run: each comes to exactly one end, tells it once, and sends no step twice.

`python -m tests.process.plans --rounds 50 --store sqlite|postgres` is the bar; pytest runs a few rounds of it.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests

from heliograph.core import ids
from tests.process.server import Api, Server
from tests.process.sink import Sink

CONFIG: Final = """
{store}
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 2, 2, 5, 5]
[policies.quiet_hours]
kinds = []
[endpoints.plans]
url = "{url}"
events = ["plan.reached", "plan.exhausted", "plan.canceled"]
environment = "live"
[connectors.texts]
kind = "sandbox"
answer_delay_ms = 15
receipt_delay_ms = 60
spread = 0.9
journal = "{texts}"
[connectors.letters]
kind = "sandbox"
answer_delay_ms = 15
receipt_delay_ms = 60
spread = 0.9
journal = "{letters}"
[[routes]]
name = "letters"
match = {{ channel = "email" }}
via = ["letters"]
[[routes]]
name = "texts"
via = ["texts"]
"""
GOOD, BAD, SILENT = "", "[sandbox:undelivered]", "[sandbox:no_receipt]"
# What the carriers say of each step → how the run may end. A kill takes receipts of the sandbox with it, so what was
# delivered may look as if it was not; what was not never looks as if it was.
SORTS: Final = {
    "text": ((GOOD, GOOD), {("reached", "sms"), ("reached", "email")}),
    "letter": ((BAD, GOOD), {("reached", "email"), ("exhausted", None)}),
    "late letter": ((SILENT, GOOD), {("reached", "email"), ("exhausted", None)}),
    "neither": ((BAD, BAD), {("exhausted", None)}),
}
SPAN: Final = "2s"  # of each step
LONG_SPAN: Final = "40s"  # with PostgreSQL who starts anew waits until nobody else may have the connectors


class Verdict(NamedTuple):
    """What came of it."""

    runs: int
    open: list[str]  # runs without an end
    wrong: list[str]  # whose end is not what the carriers said, or whose steps do not fit it
    doubled: list[str]  # runs with more messages than steps
    resubmitted: list[int]  # messages that were submitted again without being flagged
    flagged: int
    untold: list[str]  # runs whose end no webhook told
    told_twice: list[str]  # whose end was told as two events

    @property
    def is_good(self) -> bool:
        found = (self.open, self.wrong, self.doubled, self.resubmitted, self.untold, self.told_twice)
        return not any(found)


class Load(threading.Thread):
    """An impatient caller: begins plans with idempotency keys, and asks again until it has an answer."""

    def __init__(self, server: Server, key: str, seed: int, span: str) -> None:
        super().__init__(daemon=True)
        self._api, self._chance, self._seed, self._span = Api(server, key), random.Random(seed), seed, span
        self.begun: dict[str, str] = {}  # run → its sort
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            self._begin(f"{self._seed}-{number}", self._chance.choice(list(SORTS)))
            time.sleep(self._chance.uniform(0, 0.03))

    def _begin(self, name: str, sort: str) -> None:
        (text, letter), _ = SORTS[sort]
        post = {"channel": "email", "to": "ann@example.com", "text": f"Letter {name} {letter}", "until": "delivered"}
        plan = [{"within": self._span}, post | {"within": self._span, "content": {"subject": "Hello"}}]
        body = {"to": "+447400900123", "text": f"Text {name} {text}", "kind": "transactional", "plan": plan}
        while True:
            try:
                answer = self._api("POST", "/v1/messages", body, headers={"Idempotency-Key": name})
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.status_code == 503:
                time.sleep(0.05)
                continue
            assert answer.status_code == 202, answer.text
            assert self.begun.setdefault(answer.json()["id"], sort) == sort
            return


def run(folder: Path, rounds: int, seed: int, store: str = "", span: str = SPAN) -> Verdict:
    """Kill and start again so many times, let everything settle, and look."""
    chance, journals = random.Random(seed), [folder / "texts", folder / "letters"]
    with Sink() as sink:
        config = CONFIG.format(store=store, url=sink.url, texts=journals[0], letters=journals[1])
        with Server(folder, config) as server:
            key = server.key("messages:send", "messages:read", environment="live")
            loads = [Load(server, key, seed * 100 + index, span) for index in range(3)]
            for load in loads:
                load.start()
            for place in range(rounds):
                time.sleep(chance.uniform(0.1, 1.0))
                _until_begun(loads, 4 * (place + 1))
                server.kill()
                server.start()
            for load in loads:
                load.stopping.set()
            for load in loads:
                load.join(30)
            begun = {public_id: sort for load in loads for public_id, sort in load.begun.items()}
            return _judge(Api(server, key), begun, journals, sink)


def _until_begun(loads: list[Load], count: int, within_s: float = 60.0) -> None:
    """A slow machine may not have much to kill yet."""
    end = time.monotonic() + within_s
    while sum(len(load.begun) for load in loads) < count and time.monotonic() < end:
        time.sleep(0.05)


def _settle(api: Api, begun: dict[str, str], within_s: float = 180.0) -> dict[str, Any]:
    """The runs that have ended."""
    end = time.monotonic() + within_s
    ended: dict[str, Any] = {}
    while len(ended) < len(begun) and time.monotonic() < end:
        for public_id in begun.keys() - ended.keys():
            found = api("GET", f"/v1/plans/runs/{public_id}").json()
            if found["status"] != "running":
                ended[public_id] = found
        time.sleep(0.2)
    return ended


def _judge(api: Api, begun: dict[str, str], journals: list[Path], sink: Sink) -> Verdict:
    ended = _settle(api, begun)
    submissions: defaultdict[int, list[str]] = defaultdict(list)
    for line in "".join(journal.read_text() for journal in journals).splitlines():
        number, _, flag, *_ = line.split()
        submissions[int(number)].append(flag)
    told = _told(sink, set(ended))
    return Verdict(
        len(begun),
        sorted(begun.keys() - ended.keys()),
        [one["id"] for one in ended.values() if not _is_right(one, SORTS[begun[one["id"]]][1], submissions)],
        [one["id"] for one in ended.values() if _messages(api, one["id"]) != _steps(one)],
        [number for number, flags in submissions.items() if "0" in flags[1:]],
        sum(len(flags) - 1 for flags in submissions.values()),
        sorted(ended.keys() - told.keys()),
        [public_id for public_id, events in told.items() if len(events) > 1],
    )


def _is_right(one: Any, ends: set[tuple[str, str | None]], submissions: dict[int, list[str]]) -> bool:
    """Its end is one of those that may be; each step before the last had its turn, and each message left."""
    places = [ids.parse("msg", message) for message in _steps(one)]
    has_left = all(place is not None and place[1] in submissions for place in places)
    channels = [step["channel"] for step in one["steps"]]
    in_order = channels == ["sms", "email"][: len(channels)] and (one["reached_by"] or "email") in channels
    return (one["status"], one["reached_by"]) in ends and in_order and has_left


def _steps(one: Any) -> list[str]:
    return sorted(step["message_id"] for step in one["steps"])


def _messages(api: Api, run_id: str) -> list[str]:
    return sorted(one["id"] for one in api("GET", f"/v1/messages?correlation_id={run_id}").json()["data"])


def _told(sink: Sink, runs: set[str], patience_s: float = 15.0) -> dict[str, set[str]]:
    """Run → the events that told its end, once nothing new comes or all are told. Telling an event again is fine."""
    told: defaultdict[str, set[str]] = defaultdict(set)
    seen, since = 0, time.monotonic()
    while runs - told.keys() and time.monotonic() - since < patience_s:
        new = sink.heard[seen:]
        for one in new:
            told[one.event["data"]["id"]].add(one.event["id"])
        if new:
            seen, since = seen + len(new), time.monotonic()
        time.sleep(0.05)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hg-plans-") as folder:
        if asked.store == "sqlite":
            verdict = run(Path(folder), asked.rounds, asked.seed)
        else:
            from tests.process.database import database

            with database() as url:
                verdict = run(Path(folder), asked.rounds, asked.seed, f'[store]\nurl = "{url}"', LONG_SPAN)
    counts = {name: len(value) if isinstance(value, list) else value for name, value in verdict._asdict().items()}
    sys.stdout.write(f"{asked.rounds} rounds on {asked.store}: {counts}\n")
    raise SystemExit(not verdict.is_good)


if __name__ == "__main__":
    main()
