"""kill -9 at random moments under load: nothing accepted is lost, nothing doubled unless flagged, every end told.

`python -m tests.process.kill --rounds 50 --store sqlite|postgres` is the bar; pytest runs a few rounds of it.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import requests

from heliograph.core import ids
from tests.process.server import Api, Server
from tests.process.sink import Sink

ENDS = ("delivered", "read", "undelivered", "failed", "rejected", "expired", "canceled")
CONFIG = """
{store}
[webhooks]
allow_networks = ["127.0.0.0/8"]
retry_schedule_s = [1, 1, 2, 2, 5, 5]
[connectors.play]
kind = "sandbox"
answer_delay_ms = 15
receipt_delay_ms = 60
spread = 0.9
journal = "{journal}"
[[routes]]
name = "all"
via = ["play"]
"""


class Verdict(NamedTuple):
    """What came of it."""

    accepted: int
    lost: list[str]
    doubled: list[int]  # submitted again without being flagged
    flagged: int
    untold: list[str]
    two_contents: list[str]
    miscounted: list[str]  # what the sums say, and the events do not

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.untold or self.two_contents or self.miscounted)


class Load(threading.Thread):
    """An impatient caller: sends with idempotency keys, and asks again until it has an answer."""

    def __init__(self, server: Server, key: str, hook: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._api = Api(server, key)
        self._hook = hook
        self._chance = random.Random(seed)
        self._seed = seed
        self.accepted: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            self._send(f"{self._seed}-{number}")

    def _send(self, name: str) -> None:
        kind = self._chance.choice(["transactional", "otp"])  # whose outcome is unknown goes again, flagged
        message = {"to": "+447700900123", "text": f"Message {name}", "kind": kind, "callback_url": self._hook}
        many = self._chance.random() < 0.2
        path, body = ("/v1/messages/batch", {"messages": [message] * 10}) if many else ("/v1/messages", message)
        while True:
            try:
                answer = self._api("POST", path, body, headers={"Idempotency-Key": name})
            except requests.RequestException:
                time.sleep(0.05)
                continue
            if answer.status_code == 503:
                time.sleep(0.05)
                continue
            assert answer.status_code == 202, answer.text
            found: Any = answer.json()
            self.accepted += [item["id"] for item in found["data"]] if many else [found["id"]]
            return


def run(folder: Path, rounds: int, seed: int, store: str = "") -> Verdict:
    """Kill and start again so many times, let everything settle, and look."""
    chance = random.Random(seed)
    journal = folder / "journal"
    server = Server(folder, CONFIG.format(store=store, journal=journal))
    with Sink() as sink, server:
        key = server.key("messages:send", "messages:read", environment="live")
        loads = [Load(server, key, sink.url, seed * 100 + index) for index in range(3)]
        for load in loads:
            load.start()
        for _ in range(rounds):
            time.sleep(chance.uniform(0.05, 1.0))
            server.kill()
            server.start()
        time.sleep(0.5)
        for load in loads:
            load.stopping.set()
        for load in loads:
            load.join(30)
        accepted = [public_id for load in loads for public_id in load.accepted]
        ended = _settle(Api(server, key), accepted)
        return _judge(accepted, ended, journal, sink, _miscounted(server, accepted, ended))


def _miscounted(server: Server, accepted: list[str], ended: dict[str, str]) -> list[str]:
    """The sums are proven; and they hold all messages, as what they are."""
    found = server.run("insight", "check")
    api = Api(server, server.key("analytics:read", environment="live"))
    total = api("GET", "/v1/insights?measures=messages,delivered").json()["data"][0]["total"]
    arrived = sum(state == "delivered" for state in ended.values())
    wrong = list(found["differences"])
    if total["messages"] < len(set(accepted)) or not arrived <= total["delivered"] <= total["messages"]:
        wrong.append(f"{total} of {len(set(accepted))} accepted and {arrived} delivered")
    return wrong


def _settle(api: Api, accepted: list[str], within_s: float = 60.0) -> dict[str, str]:
    """The end of each message, once all have one or time is over."""
    end = time.monotonic() + within_s
    ended: dict[str, str] = {}
    while len(ended) < len(set(accepted)) and time.monotonic() < end:
        open_ones = [public_id for public_id in dict.fromkeys(accepted) if public_id not in ended]
        for start in range(0, len(open_ones), 1_000):
            answer = api("POST", "/v1/messages/states", {"ids": open_ones[start : start + 1_000]}).json()
            ended.update({found["id"]: found["status"] for found in answer["data"] if found["final"]})
        time.sleep(0.2)
    return ended


def _judge(accepted: list[str], ended: dict[str, str], journal: Path, sink: Sink, miscounted: list[str]) -> Verdict:
    submissions: defaultdict[int, list[str]] = defaultdict(list)
    for line in journal.read_text().splitlines():
        number, _, flag, *_ = line.split()
        submissions[int(number)].append(flag)
    doubled = [number for number, flags in submissions.items() if "0" in flags[1:]]
    untold = _wait_told(set(ended), sink)
    contents: defaultdict[str, set[str]] = defaultdict(set)
    for one in sink.heard:
        contents[one.event["id"]].add(f"{one.event['type']} {one.event['data']['id']}")
    return Verdict(
        len(accepted),
        [public_id for public_id in accepted if public_id not in ended or not _known(public_id, submissions)],
        doubled,
        sum(len(flags) - 1 for flags in submissions.values()),
        sorted(untold),
        [event for event, said in contents.items() if len(said) > 1],
        miscounted,
    )


def _wait_told(untold: set[str], sink: Sink, patience_s: float = 30.0) -> set[str]:
    """The ends of which the sink has not heard when nothing new has come for so long."""
    seen, since = 0, time.monotonic()
    while untold and time.monotonic() - since < patience_s:
        new = sink.heard[seen:]
        seen += len(new)
        if found := untold & {_told(one) for one in new}:
            untold -= found
            since = time.monotonic()
        time.sleep(0.1)
    return untold


def _told(heard: Any) -> str | None:
    """The message whose end was told."""
    event = heard.event
    return event["data"]["id"] if event["type"].removeprefix("message.") in ENDS else None


def _known(public_id: str, submissions: dict[int, list[str]]) -> bool:
    place = ids.parse("msg", public_id)
    return place is not None and place[1] in submissions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hg-kill-") as folder:
        if asked.store == "sqlite":
            verdict = run(Path(folder), asked.rounds, asked.seed)
        else:
            from tests.process.database import database

            with database() as url:
                verdict = run(Path(folder), asked.rounds, asked.seed, f'[store]\nurl = "{url}"')
    counts = {name: len(value) if isinstance(value, list) else value for name, value in verdict._asdict().items()}
    sys.stdout.write(f"{asked.rounds} rounds on {asked.store}: {counts}\n")
    raise SystemExit(not verdict.is_good)


if __name__ == "__main__":
    main()
