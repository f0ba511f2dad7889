"""A message centre in a process of its own, as kind or as hostile as it is told; writes down all that it was sent.

`python -m tests.process.smsc --port 2775 --journal FILE` and any of: --drop-after N (closes after so many submits),
--per-second N (throttles), --lose SHARE (takes, and never answers), --early (reports before it answers),
--twice (reports all again), --other-binds (reports on another bind than the submit's), --until SECONDS (is gone after
that), --stop-after N (a phone whose number ends in 2 texts STOP when it got so many). Numbers that end in 7 can't be
reached; --errors A,B says why: `err` is A for those that end in 07, B for 17. Ids are answered in hexadecimal and
reported in decimal.
"""

import argparse
import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from heliograph.smpp import receipts
from heliograph.smpp.codec import Pdu
from heliograph.smpp.commands import DELIVER_SM, SUBMIT_SM
from heliograph.smpp.session import Answered, Asked, Binding, Over, Session
from tests.process.server import free_port

_WINDOW = 1_000_000
_THROTTLED = 0x58
STOP_SENT, STOP_TAKEN = "(texted STOP)", "(its STOP was taken)"  # in the place of a text


class Line(NamedTuple):
    """A submit as the message centre wrote it down."""

    at: float
    taken: bool  # False: throttled
    number: str
    bind: int
    text: str


class Centre:
    """All binds of one message centre."""

    def __init__(self, options: Any, journal: TextIO) -> None:
        self.options, self.journal = options, journal
        self.binds: list[Link] = []
        self.ids = int(time.time() * 1000) << 20
        self.chance = random.Random(options.seed)
        self.since_drop = 0
        self.got: Counter[str] = Counter()
        self.tokens, self.tokens_at = float(options.per_second), time.monotonic()

    def may_take(self) -> bool:
        if not self.options.per_second:
            return True
        now = time.monotonic()
        most = self.options.per_second / 10 + 1
        self.tokens = min(most, self.tokens + (now - self.tokens_at) * self.options.per_second)
        self.tokens_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def note(self, what: str, number: str, bind: int = 0, taken: bool = True) -> None:
        self.journal.write(f"{time.time():.6f}\t{int(taken)}\t{number}\t{bind}\t{what}\n")

    def report(self, origin: "Link", pdu: Pdu, number: int) -> None:
        """A receipt, on this bind or another; to whoever is there when the submitter has gone."""
        open_binds = [bind for bind in self.binds if bind.session.may_deliver]
        others = [bind for bind in open_binds if bind is not origin]
        bind = (others or open_binds or [None])[0] if self.options.other_binds or origin not in open_binds else origin
        if bind is None:
            asyncio.get_running_loop().call_later(0.1, self.report, origin, pdu, number)
            return
        bind.deliver(pdu, number)
        bind.flush()


class Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.session = Session(time.monotonic(), is_server=True, window=_WINDOW)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.centre.binds.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        with suppress(ValueError):
            self.centre.binds.remove(self)
        self.session.lost("gone")

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        for event in self.session.receive(data, now):
            if isinstance(event, Binding):
                self.session.accept("centre", now)
            elif isinstance(event, Asked) and event.pdu.command == SUBMIT_SM:
                if not self.submitted(event.pdu):
                    self.transport.abort()
                    return
            elif isinstance(event, Answered) and event.token is not None:
                self.centre.note(STOP_TAKEN, event.token)
            elif isinstance(event, Over):
                self.flush()
                self.transport.close()
        self.flush()

    def flush(self) -> None:
        if (octets := self.session.output()) and not self.transport.is_closing():
            self.transport.write(octets)

    def submitted(self, pdu: Pdu) -> bool:
        """Take one message; False: drop the connection now."""
        centre, options = self.centre, self.centre.options
        taken = centre.may_take()
        text = pdu.fields["short_message"].decode("latin-1").replace("\n", " ")[-40:]
        number = pdu.fields["destination_addr"]
        centre.note(text, number, id(self) & 0xFFFF, taken)
        centre.got[number] += 1
        if centre.got[number] == options.stop_after and number.endswith("2"):
            self.stop(pdu)
        if not taken:
            self.session.respond(pdu, _THROTTLED)
            return True
        centre.ids += 1
        later = asyncio.get_running_loop().call_later
        if options.early:
            centre.report(self, pdu, centre.ids)
        if centre.chance.random() >= options.lose:
            self.session.respond(pdu, 0, {"message_id": f"{centre.ids:x}"})
        if not options.early:
            later(options.receipt_after, centre.report, self, pdu, centre.ids)
        if options.twice:
            later(options.receipt_after + 0.2, centre.report, self, pdu, centre.ids)
        centre.since_drop += 1
        if options.drop_after and centre.since_drop >= options.drop_after:
            centre.since_drop = 0
            return False
        return True

    def stop(self, pdu: Pdu) -> None:
        """The phone has had enough."""
        fields = {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": pdu.fields["destination_addr"],
            "destination_addr": pdu.fields["source_addr"],
            "short_message": b"STOP",
        }
        number = pdu.fields["destination_addr"]
        self.centre.note(STOP_SENT, number)
        self.session.request(Pdu(DELIVER_SM, fields), number, time.monotonic())

    def deliver(self, pdu: Pdu, number: int) -> None:
        now = datetime.now(UTC)
        place = pdu.fields["destination_addr"][-2:]
        stat, err = "DELIVRD", "000"
        if place.endswith("7"):
            errors = self.centre.options.errors.split(",")
            stat, err = "UNDELIV", errors[int(place[0]) % len(errors)]
        text = receipts.write(str(number), stat, submitted=now, done=now, err=err)
        fields = {
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "source_addr": pdu.fields["destination_addr"],
            "destination_addr": pdu.fields["source_addr"],
            "esm_class": 4,
            "short_message": text.encode(),
        }
        self.session.request(Pdu(DELIVER_SM, fields), None, time.monotonic())


class Smsc:
    """The message centre as a process, for tests."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.port = port or free_port()
        self.journal = folder / f"smsc-{self.port}.txt"
        self._command = [sys.executable, "-m", "tests.process.smsc", "--port", str(self.port)]
        self._command += ["--journal", str(self.journal), *options]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> "Smsc":
        self.process = subprocess.Popen([*self._command, *more], stdout=subprocess.PIPE)
        assert self.process.stdout is not None and self.process.stdout.readline(), "it did not start"
        return self

    def outage(self, out: bool) -> None:
        """Its network goes away, or comes back; what it holds it keeps, and reports later."""
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR1 if out else signal.SIGUSR2)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> "Smsc":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def lines(self) -> list[Line]:
        """Everything that it was sent; only once it has been stopped."""
        found = []
        for line in self.journal.read_text().splitlines():
            at, taken, number, bind, text = line.split("\t", 4)
            found.append(Line(float(at), taken == "1", number, int(bind), text))
        return found


def most_in_a_second(times: Sequence[float]) -> int:
    """The fullest window of one second, wherever it begins."""
    ordered, start, most = sorted(times), 0, 0
    for end, at in enumerate(ordered):
        while ordered[start] <= at - 1.0:
            start += 1
        most = max(most, end - start + 1)
    return most


async def listen(centre: Centre) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(lambda: Link(centre), "127.0.0.1", centre.options.port)


async def serve(options: Any) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with Path(options.journal).open("a") as journal:  # noqa: ASYNC230  before anybody is served
        centre = Centre(options, journal)
        servers = [await listen(centre)]

        def leave() -> None:
            servers.pop().close()
            for bind in list(centre.binds):
                bind.transport.abort()

        def come_back() -> None:
            task = loop.create_task(listen(centre))
            task.add_done_callback(lambda done: servers.append(done.result()))

        loop.add_signal_handler(signal.SIGUSR1, leave)
        loop.add_signal_handler(signal.SIGUSR2, come_back)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), options.until or None)
        for server in servers:
            server.close()
        for bind in list(centre.binds):
            bind.transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", required=True)
    parser.add_argument("--drop-after", type=int, default=0)
    parser.add_argument("--per-second", type=float, default=0)
    parser.add_argument("--lose", type=float, default=0.0)
    parser.add_argument("--receipt-after", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stop-after", type=int, default=0)
    parser.add_argument("--errors", default="000")
    parser.add_argument("--until", type=float, default=0.0)
    for name in ("--early", "--twice", "--other-binds"):
        parser.add_argument(name, action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
