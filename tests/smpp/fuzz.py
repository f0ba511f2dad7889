"""Random and mutated PDUs through all that reads them.

`python -m tests.smpp.fuzz --count 1000000 --seed 1` prints one line of counts, or ends with 1 at the first input that
raises anything but ProtocolError, takes longer than a second, isn't the same when it is written and read again, or
after which the process has grown; the input is printed in hexadecimal. A seed gives the same inputs again. The tests
run it with a few thousand.
"""

import argparse
import random
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pool
from types import FrameType
from typing import Any, Final

from heliograph.smpp import moments, parts, receipts
from heliograph.smpp.codec import BrokenStream, Frames, Pdu, ProtocolError, decode, encode, masked
from heliograph.smpp.commands import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    DESTS,
    I1,
    LAYOUTS,
    NO_RESPONSE,
    RESPONSE,
    SUBMIT_SM,
    TEXT,
    UNSUCCESS,
    Field,
    S,
    Tag,
)
from heliograph.smpp.session import Answered, Asked, Binding, Event, Over, Session, Silent

BLOCK: Final = 1_000
WARM_UP: Final = 3  # blocks, until which a process may grow
GROWTH_MAX_KB: Final = 50 * 1024
SECONDS_MAX: Final = 1.0  # of processor time: other programs on the machine don't count
WIDTHS: Final = (0, 1, 2, 3, 4, 6, 10, 40, 300)
TAGS: Final = [tag for name, tag in vars(Tag).items() if not name.startswith("_")]
NUMBERS: Final = (0, 1, 2, 0x7F, 0x80, 0xFF)
SEQUENCES: Final = (0, 1, 2, 3, 4, 5, 6, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
STATUSES: Final = (0, 0, 0, 1, 8, 0x58, 0x55F, 0xFFFFFFFF)
WORDS: Final = (
    *("id:7f-9", "id:", "sub:001", "dlvrd:²", "submit date:2611201430", "submit date:", "done date:261120143059"),
    *("stat:", "stat:DELIVRD", "stat:delivered", "err:000", "err:", "text:", "Text: id:8", "done_date:00"),
    *(" ", "\0", "\n", "é"),
)
TIMES: Final = ("", "000001000000000R", "261120204115000+", "261120204115048-", "999999999999999R", "000000000000000+")


class Violation(Exception):
    """An input that breaks a law."""


# -- inputs


def text_of(chance: random.Random, limit: int) -> str:
    if limit == 17:
        return chance.choice(TIMES)
    return "".join(chance.choices("0123456789abcXYZ+ ~\x01é", k=chance.randint(0, chance.choice((0, 4, limit - 1)))))


def octets_of(chance: random.Random, limit: int) -> bytes:
    """A short message: a receipt, parts with headers, or anything."""
    kind = chance.random()
    if kind < 0.4:
        begin = chance.choice(("", "id:7f-9 stat:DELIVRD ", "id:7 sub:001 dlvrd:001 submit date:2611201430 "))
        made = (begin + " ".join(chance.choices(WORDS, k=chance.randint(1, 12)))).encode("latin-1")
    elif kind < 0.7:
        elements = b""
        for _ in range(chance.randint(0, 4)):
            length = chance.randint(0, 5)
            elements += bytes((chance.choice((0, 8, 5, 0x24)), chance.choice((3, 4, length)))) + chance.randbytes(
                length
            )
        made = bytes((max(0, len(elements) + chance.choice((0, 0, 0, -1, 1))) & 0xFF,)) + elements + chance.randbytes(9)
    else:
        made = chance.randbytes(chance.choice(WIDTHS))
    return made[:limit]


def address_of(chance: random.Random) -> dict[str, Any]:
    return {"dest_addr_ton": chance.choice(NUMBERS), "dest_addr_npi": 1, "destination_addr": text_of(chance, 21)}


MAKERS: Final[dict[str, Callable[[random.Random, Field], Any]]] = {
    S: lambda chance, field: text_of(chance, field.size),
    I1: lambda chance, field: chance.choice((*NUMBERS, parts.UDHI, 0x44, 0x34, chance.randrange(256))),
    TEXT: lambda chance, field: octets_of(chance, 255),
    DESTS: lambda chance, field: [
        {"dl_name": text_of(chance, 21)} if chance.random() < 0.3 else address_of(chance)
        for _ in range(chance.choice((0, 1, 3, 255)))
    ],
    UNSUCCESS: lambda chance, field: [
        address_of(chance) | {"error_status_code": chance.choice(STATUSES)}
        for _ in range(chance.choice((0, 1, 3, 255)))
    ],
}


def tlvs_of(chance: random.Random) -> dict[int, bytes]:
    found = {}
    for _ in range(chance.choice((0, 0, 1, 2, 5))):
        tag = chance.choice(TAGS) if chance.random() < 0.8 else chance.randrange(0x10000)
        long = tag == Tag.MESSAGE_PAYLOAD and chance.random() < 0.1
        found[tag] = octets_of(chance, 300) if not long else chance.randbytes(chance.choice((2_000, 65_535)))
    return found


def valid(chance: random.Random) -> bytes:
    """A PDU as it should be."""
    command = chance.choice(COMMANDS)
    fields = {field.name: MAKERS[field.kind](chance, field) for field in LAYOUTS[command]}
    status = chance.choice(STATUSES) if command & RESPONSE else 0
    return encode(Pdu(command, fields, status=status, sequence=chance.choice(SEQUENCES), tlvs=tlvs_of(chance)))


COMMANDS: Final = (*LAYOUTS, *(SUBMIT_SM, DELIVER_SM, SUBMIT_SM | RESPONSE) * 8)


def flip(chance: random.Random, octets: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        octets[chance.randrange(len(octets))] ^= 1 << chance.randrange(8)


def truncate(chance: random.Random, octets: bytearray) -> None:
    del octets[chance.randrange(len(octets)) :]


def lie(chance: random.Random, octets: bytearray) -> None:
    """Anything that may be a length says another one."""
    octets[chance.randrange(len(octets))] = chance.choice((0, 1, 2, 0x7F, 0xFE, 0xFF))


def splice(chance: random.Random, octets: bytearray) -> None:
    """A TLV in the wrong place, or with a wrong length."""
    value = octets_of(chance, 300)
    length = chance.choice((len(value), len(value), len(value) + 1, 0, 0xFFFF))
    position = chance.choice((len(octets), chance.randint(0, len(octets))))
    octets[position:position] = chance.choice(TAGS).to_bytes(2, "big") + length.to_bytes(2, "big") + value


def double(chance: random.Random, octets: bytearray) -> None:
    start = chance.randrange(len(octets))
    piece = octets[start : start + chance.choice((1, 2, 7, 60))]
    octets[start:start] = piece * chance.choice((1, 1, 3, 50))


def cut_out(chance: random.Random, octets: bytearray) -> None:
    start = chance.randrange(len(octets))
    del octets[start : start + chance.choice((1, 2, 7, 60))]


def renamed(chance: random.Random, octets: bytearray) -> None:
    """The body of one command under the name of another."""
    octets[4:8] = chance.choice((*COMMANDS, chance.getrandbits(32))).to_bytes(4, "big")


def noise(chance: random.Random, octets: bytearray) -> None:
    octets[16:] = chance.randbytes(chance.choice(WIDTHS))


MUTATIONS: Final = (flip, truncate, lie, splice, double, cut_out, renamed, noise)


def generate(chance: random.Random) -> bytes:
    """One input: mostly one PDU, whose length is mostly right again after all that was done to it."""
    kind = chance.random()
    if kind < 0.02:
        return chance.randbytes(chance.choice(WIDTHS))
    octets = bytearray(valid(chance))
    if kind > 0.1:
        for _ in range(chance.choice((1, 1, 2, 4))):
            if octets:
                chance.choice(MUTATIONS)(chance, octets)
    if len(octets) >= 16 and chance.random() < 0.85:
        octets[:4] = len(octets).to_bytes(4, "big")
    return bytes(octets) + (valid(chance) if chance.random() < 0.1 else b"")


# -- what reads them


def look(frame: bytes) -> str:
    """All that can be read out of one PDU; how far it went."""
    masked(frame)
    try:
        pdu = decode(frame)
    except ProtocolError:
        return "refused"
    repr(pdu)
    for tag in pdu.tlvs:
        pdu.number(tag), pdu.string(tag)
    carried = parts.payload(pdu)
    receipt = receipts.read(carried.text.decode("latin-1"), pdu.tlvs)
    if receipt is not None:
        receipts.date(receipt.submitted), receipts.date(receipt.done)
    for name in ("schedule_delivery_time", "validity_period", "final_date"):
        moments.read(pdu.fields.get(name, ""), 0)
    if len(pdu.fields) == len(LAYOUTS[pdu.command]):
        written_again(pdu)
    return "receipts" if receipt is not None else "read"


def written_again(pdu: Pdu) -> None:
    """What was read is the same when it is written, unless a field is longer than we write."""
    try:
        octets = encode(pdu)
    except ValueError:
        return
    if decode(octets) != pdu:
        raise Violation("is not the same when it is written and read again")


class Talk:
    """Sessions that hear every input: one of each kind and state; who has ended begins again."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sessions: list[Session | None] = [None] * 5
        self.tokens = [0, 0]  # sent, come back

    def begin(self, kind: int) -> Session:
        """A server and a client before the bind, a client during it, both after it."""
        session = Session(self.now, is_server=kind in (0, 3))
        if kind in (2, 4):
            session.bind(BIND_TRANSCEIVER, {"system_id": "acme"}, self.now)
        if kind == 3:
            session.receive(encode(Pdu(BIND_TRANSCEIVER, sequence=1)), self.now)
            session.accept("server", self.now)
        if kind == 4:
            session.receive(encode(Pdu(BIND_TRANSCEIVER | RESPONSE, {"system_id": "x"}, sequence=1)), self.now)
        return session

    def hear(self, pieces: Sequence[bytes]) -> None:
        self.now += 0.1
        for kind, session in enumerate(self.sessions):
            session = session or self.begin(kind)
            events: list[Event] = []
            for piece in pieces:
                events += session.receive(piece, self.now)
            events += session.tick(self.now)
            has_ended = self.see(session, events)
            while not has_ended and session.room:
                session.request(Pdu(DELIVER_SM if kind == 3 else SUBMIT_SM), "token", self.now)
                self.tokens[0] += 1
            session.output()
            self.sessions[kind] = None if has_ended else session

    def see(self, session: Session, events: Sequence[Event]) -> bool:
        """Answer what is asked; has the session ended?"""
        has_ended = False
        for event in events:
            if isinstance(event, Asked) and event.pdu.command not in NO_RESPONSE:
                session.respond(event.pdu)
            elif isinstance(event, Binding) and session._binding is not None:
                has_ended = True  # a bind was read: it is another state, which has a session of its own
                session.accept("server", self.now)
            elif isinstance(event, Answered | Silent):
                self.tokens[1] += 1
            elif isinstance(event, Over):
                has_ended = True
                self.tokens[1] += len(event.unanswered)
        return has_ended

    def check(self) -> None:
        sent, back = self.tokens
        if sent != back + sum(session.in_flight for session in self.sessions if session is not None):
            raise Violation("loses a token")


@contextmanager
def in_time() -> Iterator[None]:
    """Raises within whatever takes longer than it may, even if it would never end."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def too_slow(number: int, frame: FrameType | None) -> None:
    raise Violation(f"takes longer than {SECONDS_MAX:.0f} s")


def examine(octets: bytes, chance: random.Random, talk: Talk) -> str:
    """Every law for one input; how far it was read."""
    cut = chance.randint(0, len(octets)) if octets else 0
    pieces = [octets[:cut], octets[cut:]]
    frames = Frames()
    outcome = "no whole PDU"
    try:
        for frame in (frame for piece in pieces for frame in frames.feed(piece)):
            outcome = look(frame)
    except BrokenStream:
        outcome = "broken streams"
    if len(octets) >= 16:  # also what a stream would not have let through
        look(octets)
    talk.hear(pieces if chance.random() < 0.9 or outcome == "no whole PDU" else [octets])
    talk.check()
    return outcome


# -- blocks of inputs

blocks_done = 0
first_size = 0


def size_kb() -> int:
    """The most that this process has ever taken."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def growth_kb() -> int:
    """How much this process has grown since it was warm."""
    global blocks_done, first_size
    blocks_done += 1
    if blocks_done <= WARM_UP:
        first_size = size_kb()
    return size_kb() - first_size


def check_block(seed: str) -> tuple[Counter[str], int]:
    """All inputs of a block: what became of them, and how much the process has grown."""
    chance = random.Random(seed)
    talk = Talk()
    counts: Counter[str] = Counter()
    before = signal.signal(signal.SIGVTALRM, too_slow)
    octets = b""
    try:
        for _ in range(BLOCK):
            octets = generate(chance)
            with in_time():
                counts[examine(octets, chance, talk)] += 1
    except Exception as error:  # whatever it is: it is what we look for
        said = str(error) if isinstance(error, Violation) else f"raises {error!r}"
        raise Violation(f"block {seed}: this {said}: {octets.hex()}") from error
    finally:
        signal.signal(signal.SIGVTALRM, before)
    if (grown := growth_kb()) > GROWTH_MAX_KB:
        raise Violation(f"block {seed}: the process grew by {grown:,} kB, after: {octets.hex()}")
    return counts, grown


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options.add_argument("--processes", type=int, default=2)
    chosen = options.parse_args(arguments)
    seeds = [f"{chosen.seed}/{block}" for block in range(-(-chosen.count // BLOCK))]
    counts: Counter[str] = Counter()
    most = 0
    with Pool(chosen.processes) as pool:
        try:
            for block, grown in pool.imap_unordered(check_block, seeds):
                counts += block
                most = max(most, grown)
        except Violation as violation:
            sys.stdout.write(f"{violation}\n")
            return 1
    seen = ", ".join(f"{number:,} {outcome}" for outcome, number in sorted(counts.items()))
    sys.stdout.write(f"seed {chosen.seed}: {counts.total():,} inputs ({seen}); grown by {most:,} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
