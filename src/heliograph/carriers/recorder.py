"""The flight recorder of one connector: the last minutes of what it and its carrier said, in memory; hours in files.

Recording is one append. Only exports cut streams into PDUs, strike out and write; they may run in another thread.
Passwords, keys and tokens are in no export, ever. Texts become their length and phone numbers lose their last four
digits, unless an export is asked for with `texts`. What is not known is taken for a text. HTTP headers never come here.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from itertools import count, islice
from math import ceil
from operator import itemgetter
from pathlib import Path
from statistics import median
from struct import pack
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote, quote_plus

import msgspec

from heliograph.core.views import moment
from heliograph.smpp import receipts
from heliograph.smpp.codec import HEADER, BadPdu, BrokenStream, Frames, Pdu, decode, encode, masked
from heliograph.smpp.commands import DATA_SM, DELIVER_SM, NAMES, SUBMIT_SM, Tag, name_of
from heliograph.smpp.parts import INTERMEDIATE, RECEIPT, TYPE_MASK, UDHI
from heliograph.smpp.status import BIND, PROTOCOL, THROTTLE, TRANSIENT, describe, status_of

OUT: Final = "out"  # to the carrier
IN: Final = "in"
_HTTP: Final = "http"
_ENTRY: Final = 200  # octets that an entry takes beside what it holds
_FILES: Final = 10
_FILE_OCTETS: Final = 10_000_000
_SEGMENT: Final = 32_768
_SILENT_MS: Final = 30_000  # a request without an answer for so long has none
_SECRET_LEAST: Final = 6  # shorter ones can't be told from chance
# Names of secrets with their values: in URLs, also in one that is a parameter of another, in forms, JSON and XML.
_NAMED: Final = re.compile(
    r"""((?:pass|pwd|secret|token|key|auth|signature|credential)[\w.-]{0,40}(?:=|%3D|>|["']\s*:\s*))"""
    r"""(?:(?<=>)[^<]+|"(?:[^"\\]|\\.)*"|[^&\s"<>]+)|(?<=//)[^/@\s]+(?=@)""",
    re.IGNORECASE,
)
_DIGITS: Final = re.compile(r"(?<=\d{3})\d{4}(?!\d)")  # the last four of a phone number
_COMMANDS: Final = b"|".join(re.escape(pack(">I", command)) for command in NAMES)
_HEADER: Final = re.compile(rb"(?=(\0[\0\1]..)(?:" + _COMMANDS + rb")\0\0..[\0-\x7f]...)", re.DOTALL)
_CONCATENATION: Final = re.compile(b"\5\0\3...|\6\x08\4....", re.DOTALL)
_TAGS: Final = {tag: name.lower() for name, tag in vars(Tag).items() if isinstance(tag, int)}
_NUMBERED: Final = (Tag.CALLBACK_NUM, Tag.ADDITIONAL_STATUS_INFO_TEXT)
# What the carrier said, as fates of the sandbox.
_REFUSED: Final = {THROTTLE: "throttled", TRANSIENT: "transient", PROTOCOL: "transient", BIND: "unauthorised"}
_STATES: Final = {"DELIVRD": "delivered", "EXPIRED": "expired", "UNDELIV": "undelivered", "REJECTD": "blocked"}
_STATUSES: Final = {0: "never_answered", 401: "unauthorised", 403: "unauthorised", 429: "throttled"}
_encode: Final = msgspec.json.Encoder().encode

_Entry: TypeAlias = tuple[int, str, int, Any]  # time, direction, connection; octets, or the parts of an exchange
_Mix: TypeAlias = Mapping[tuple[str, str], float]  # a fate of the sandbox and why → how often
_Halves: TypeAlias = dict[tuple[int, str], tuple[bytes, bool]]  # what waits for its rest; is the place lost?


class Recorded(NamedTuple):
    """One PDU as it may be shown; its octets have their number, with stars in place of what may not."""

    at: int
    direction: str
    stream: int
    name: str
    sequence: int
    status: int
    fields: Mapping[str, Any]  # with the optional parameters by name, or `error` when it can't be read
    octets: bytes


class Recorder:
    """Records for one connector. `secrets` are words that are struck out wherever they stand."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        seconds: float = 300,
        octets_max: int = 8 << 20,
        *,
        end: tuple[str, int] = ("", 2775),  # host and port of the carrier
        secrets: Sequence[str] = (),
    ) -> None:
        self.streams = count(1)  # each connection takes a number, to come with its octets
        self._now_ms = now_ms
        self._span = int(seconds * 1_000)
        self._step = octets_max // 16  # tidied up each time that so much has come
        self._most = octets_max - self._step
        self._room = self._step
        self._size = 0  # at the last tidying
        self._ring: deque[_Entry] = deque()
        self._dropped = 0
        self._end = end
        self._secrets = [secret for secret in secrets if len(secret) >= _SECRET_LEAST]
        self._file: Path | None = None
        self._written = 0  # entries that are in the file, or never will be
        self._halves: _Halves = {}

    def octets(self, direction: str, chunk: bytes, stream: int = 0) -> None:
        """What went over the socket, in whatever pieces."""
        self._ring.append((self._now_ms(), direction, stream, chunk))
        self._room -= len(chunk) + _ENTRY
        if self._room < 0:
            self._tidy()

    def exchange(
        self, method: str, url: str, status: int, request_body: bytes, response_body: bytes, latency_ms: int
    ) -> None:
        """A request that was answered, or never will be: then its status is 0."""
        found = method, url, status, request_body, response_body, latency_ms
        self._ring.append((self._now_ms(), _HTTP, 0, found))
        self._room -= _weight(found)
        if self._room < 0:
            self._tidy()

    def _tidy(self) -> None:
        """Forget what is too old, and what there is no room for."""
        ring, oldest = self._ring, self._now_ms() - self._span
        self._size += self._step - self._room
        while ring and (self._size > self._most or ring[0][0] < oldest):
            self._size -= _weight(ring.popleft()[3])
            self._dropped += 1
        self._room = self._step

    def to_file(self, path: str | Path) -> None:
        """From now on `flush` writes lines here; files of 10 MB are kept: PATH, PATH.1 … PATH.9, the oldest last."""
        self._file, self._written = Path(path), self._dropped + len(self._ring)

    def flush(self) -> None:
        """Every second, on the event loop. An OSError loses what came since the last time, for the file only."""
        came = self._dropped + len(self._ring) - self._written
        if self._file is not None and came:
            if came > len(self._ring):  # some are gone already: go on at the next whole PDU
                self._halves.clear()
            self._written += came
            entries = list(islice(reversed(self._ring), came))[::-1]
            lines = [self._line(entry, False) for entry in _cut(entries, self._halves)]
            for old in list(self._halves)[:-1_000]:  # of connections long gone
                del self._halves[old]
            for start in range(0, len(lines), 100):
                _write(self._file, b"".join(lines[start : start + 100]))
        self._tidy()

    def forget(self, word: str) -> None:
        """No entry that holds it is left; the file, where numbers lose their end, gets what it was to get."""
        with suppress(OSError):
            self.flush()
        kept = deque(entry for entry in self._ring if not _holds(entry[3], word.encode()))
        self._dropped += len(self._ring) - len(kept)
        self._ring, self._size, self._room = kept, sum(_weight(entry[3]) for entry in kept), self._step

    # -- exports

    def pdus(self, texts: bool = False) -> Iterator[Recorded]:
        """Every PDU that is whole."""
        return (self._shown(entry, texts, True) for entry in self._whole() if entry[1] != _HTTP)

    def jsonl(self, texts: bool = False) -> Iterator[bytes]:
        """A line of JSON for each PDU and each exchange."""
        return (self._line(entry, texts) for entry in self._whole())

    def pcap(self, texts: bool = False) -> bytes:
        """A capture file of the PDUs, as if each had come in packets of its own."""
        return b"".join(_packets(self.pdus(texts), *self._end))

    def scenario(self) -> str:
        """A script with which the sandbox does as the carrier did; of HTTP it knows the statuses only."""
        return "\n".join(_script(*_tally(self._whole(), self._now_ms() - _SILENT_MS)))

    def _whole(self) -> Iterator[_Entry]:
        ring, oldest = tuple(self._ring), self._now_ms() - self._span  # copied in one step of the interpreter
        return _cut((entry for entry in ring if entry[0] >= oldest), {})

    # -- what may be shown

    def _line(self, entry: _Entry, texts: bool) -> bytes:
        at, direction, _, what = entry
        line: dict[str, Any] = {"at": moment(at), "kind": "pdu"}
        if direction != _HTTP:
            pdu = self._shown(entry, texts, False)
            return _encode(pdu._asdict() | line | {"says": describe(pdu.status), "octets": len(what)}) + b"\n"
        method, url, status, request, response, latency_ms = what
        if not texts:  # only names and lengths are left of its parameters
            place, mark, query = url.partition("?")
            pairs = [pair.partition("=") for pair in query.split("&")]
            url = _DIGITS.sub("xxxx", place) + mark + "&".join(f"{name}=<{len(v)}>" for name, _, v in pairs if name)
        line |= {"kind": _HTTP, "method": method, "url": self._words(url), "status": status, "latency_ms": latency_ms}
        for name, body in (("request", request), ("response", response)):
            shown = {"text": self._words(body.decode("utf-8", "replace"))} if texts else {}
            line[name] = {"octets": len(body), **shown}
        return _encode(line) + b"\n"

    def _words(self, text: str) -> str:
        for secret in self._secrets:
            written = quote(secret), quote(secret, safe=""), quote_plus(secret), _encode(secret).decode()[1:-1]
            for form in (secret, *written):
                text = text.replace(form, "***")
        return _NAMED.sub(r"\1***", text)

    def _shown(self, entry: _Entry, texts: bool, with_octets: bool) -> Recorded:
        at, direction, stream, octets = entry
        _, command, status, sequence = HEADER.unpack_from(octets)
        head, body = octets[:16], masked(octets)[16:]
        for secret in self._secrets:
            body = body.replace(secret.encode("latin-1", "replace"), b"*" * len(secret))
        struck = head + b"*" * len(body)  # of what can't be read nothing is shown
        try:
            pdu = _censored(found := decode(head + body), texts)
        except BadPdu as error:
            return Recorded(at, direction, stream, name_of(command), sequence, status, {"error": str(error)}, struck)
        with suppress(ValueError):
            again = encode(pdu) if with_octets else b""
            struck = again if len(again) == len(octets) else struck
        fields = _fields(pdu, texts)
        if pdu.fields.get("esm_class", 0) & TYPE_MASK in (RECEIPT, INTERMEDIATE) and (report := _report(found)):
            fields["receipt"] = {"id": report.id, "stat": report.stat, "err": report.err}
        return Recorded(at, direction, stream, pdu.name, sequence, status, fields, struck)


def _weight(what: Any) -> int:
    return _ENTRY + (len(what) if isinstance(what, bytes) else 4 * _ENTRY + sum(map(len, (*what[:2], *what[3:5]))))


def _holds(what: Any, word: bytes) -> bool:
    return any(word in part for part in ((what,) if isinstance(what, bytes) else (what[1].encode(), *what[3:5])))


def _cut(entries: Iterable[_Entry], halves: _Halves) -> Iterator[_Entry]:
    """The same with each entry a whole PDU; exchanges as they are."""
    for at, direction, stream, what in entries:
        if direction == _HTTP:
            yield at, direction, stream, what
            continue
        data, is_lost = halves.pop((stream, direction), (b"", True))
        data += what
        while not is_lost or (position := _beginning(data)) >= 0:
            data = data[position:] if is_lost else data
            is_lost, position = False, 0
            try:
                for octets in Frames().feed(data):
                    position += len(octets)
                    yield at, direction, stream, octets
                break
            except BrokenStream:
                is_lost, position = True, position + 1
            finally:
                data = data[position:]
        halves[stream, direction] = data[-15:] if is_lost else data, is_lost


def _beginning(data: bytes) -> int:
    """Where a header stands that can be one, with another behind its PDU, as far as one sees; -1: nowhere."""
    for found in _HEADER.finditer(data):
        behind = found.start() + int.from_bytes(found[1], "big")
        if behind + 16 > len(data) or _HEADER.match(data, behind):
            return found.start()
    return -1


def _censored(pdu: Pdu, texts: bool) -> Pdu:
    """Each field and parameter in its length, with stars in place of what may not be shown."""

    def field(name: str, value: Any) -> Any:
        if name == "password":
            return "*" * len(value)
        if texts or isinstance(value, int):
            return value
        if isinstance(value, list):
            return [{name: field(name, own) for name, own in one.items()} for one in value]
        if isinstance(value, bytes):
            return text(value)
        return _DIGITS.sub("xxxx", value) if "addr" in name else value

    def parameter(tag: int, value: bytes) -> bytes:
        if tag in _NUMBERED:
            return _DIGITS.sub("xxxx", value.decode("latin-1")).encode("latin-1")
        return value if tag in _TAGS and tag != Tag.MESSAGE_PAYLOAD else text(value)

    def text(value: bytes) -> bytes:
        header = _CONCATENATION.match(value) if pdu.fields.get("esm_class", 0) & UDHI else None
        head = header[0] if header else b""
        return head + b"*" * (len(value) - len(head))

    fields = {name: field(name, value) for name, value in pdu.fields.items()}
    tlvs = pdu.tlvs if texts else {tag: parameter(tag, value) for tag, value in pdu.tlvs.items()}
    return Pdu(pdu.command, fields, status=pdu.status, sequence=pdu.sequence, tlvs=tlvs)


def _fields(pdu: Pdu, texts: bool) -> dict[str, Any]:
    """Fields and parameters of a censored PDU by name; a text without its octets unless they may be shown."""
    shown: dict[str, Any] = {}
    named = {_TAGS.get(tag, f"0x{tag:04x}"): value for tag, value in pdu.tlvs.items()}
    for name, value in {**pdu.fields, **named}.items():
        if isinstance(value, bytes):
            is_text = name in ("short_message", "message_payload") or name.startswith("0x")
            more = {"hex": value.hex(), "text": value.decode("latin-1")} if texts or not is_text else {}
            value = {"octets": len(value), **more}
        shown[name] = value if name != "password" else "***"
    return shown


def _report(pdu: Pdu) -> receipts.Receipt | None:
    """The receipt in a PDU."""
    if pdu.command not in (DELIVER_SM, DATA_SM):
        return None
    text = pdu.fields.get("short_message") or pdu.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    return receipts.read(text.decode("latin-1"), pdu.tlvs)


def _write(path: Path, lines: bytes) -> None:
    if path.exists() and path.stat().st_size + len(lines) > _FILE_OCTETS:
        names = [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, _FILES))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            if newer.exists():
                newer.replace(older)
    with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(lines)


def _packets(pdus: Iterable[Recorded], host: str, port: int) -> Iterator[bytes]:
    """libpcap's classic form: IPv4 and TCP, both made up, between us (192.0.2.1) and the carrier."""
    near = IPv4Address("192.0.2.1").packed
    far = IPv4Address("198.51.100.1").packed  # an address of documentation stands for a name
    with suppress(ValueError):
        far = IPv4Address(host).packed
    sent: Counter[tuple[int, str]] = Counter()
    yield pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)
    for number, pdu in enumerate(pdus):
        ports, hosts, sides = (40_000 + pdu.stream % 20_000, port), (near, far), (OUT, IN)
        if pdu.direction == IN:
            ports, hosts, sides = ports[::-1], hosts[::-1], sides[::-1]
        for start in range(0, len(pdu.octets), _SEGMENT):
            piece = pdu.octets[start : start + _SEGMENT]
            counts = (1 + sent[pdu.stream, side] & 0xFFFFFFFF for side in sides)
            tcp = pack(">HHIIBBHHH", *ports, *counts, 5 << 4, 0x18, 0xFFFF, 0, 0) + piece
            tcp = tcp[:16] + _checksum(b"".join(hosts) + pack(">HH", 6, len(tcp)) + tcp) + tcp[18:]
            ip = pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), number & 0xFFFF, 0x4000, 64, 6, 0) + b"".join(hosts)
            packet = ip[:10] + _checksum(ip) + ip[12:] + tcp
            yield pack("<IIII", pdu.at // 1_000, pdu.at % 1_000 * 1_000, len(packet), len(packet)) + packet
            sent[pdu.stream, pdu.direction] += len(piece)


def _checksum(octets: bytes) -> bytes:
    """The complement of the sum in ones' complement, which is the remainder by 0xFFFF."""
    return pack(">H", 0xFFFF - int.from_bytes(octets + b"\0" * (len(octets) % 2), "big") % 0xFFFF)


def _tally(whole: Iterable[_Entry], long_ago: int) -> tuple[_Mix, list[int], list[int]]:
    """How often submissions met which fate, and why; how long answers took, and receipts after them."""
    asked: dict[tuple[int, int], int] = {}
    taken: dict[str, int] = {}
    met: Counter[tuple[str, str]] = Counter()
    ends: Counter[tuple[str, str]] = Counter()
    answers: list[int] = []
    later: list[int] = []
    for at, direction, stream, what in whole:
        if direction == _HTTP:
            good = "delivered" if what[2] < 300 else "transient" if what[2] >= 500 else "bad_number"
            met[_STATUSES.get(what[2], good), f"HTTP {what[2]}"] += 1
            answers.append(what[5])
            continue
        with suppress(BadPdu):
            pdu = decode(what)
            if direction == OUT and pdu.command in (SUBMIT_SM, DATA_SM):
                asked[stream, pdu.sequence] = at
            elif direction == IN and pdu.is_response and (stream, pdu.sequence) in asked:
                answers.append(at - asked.pop((stream, pdu.sequence)))
                kind = _REFUSED.get(status_of(pdu.status).kind, "bad_number")
                met["no_receipt" if not pdu.status else kind, describe(pdu.status)] += 1
                taken[pdu.fields.get("message_id", "")] = at
            elif direction == IN and (report := _report(pdu)) and report.stat in _STATES:
                ends[_STATES[report.stat], report.stat] += 1
                later += [at - taken.pop(report.id)] if report.id in taken else []
    met["never_answered", "no answer"] = sum(at < long_ago for at in asked.values())
    # Receipts come later than answers: their mix is taken for that of all that was accepted.
    accepted = met.pop(("no_receipt", describe(0)), 0) if ends else 0
    return {**met, **{end: accepted * times / ends.total() for end, times in ends.items()}}, answers, later


def _script(met: _Mix, answers: Sequence[int], later: Sequence[int]) -> Iterator[str]:
    total, rest = sum(met.values()), 1.0
    yield f"# A mix as it was recorded: {round(total)} submissions. The connector's own settings for its pace:"
    for name, spans in (("answer", answers), ("receipt", later)):
        if spans:
            yield f"# {name}_delay_ms = {min(round(median(spans)), 3_600_000)}"
    *others, (most, _) = sorted(filter(itemgetter(1), met.items()), key=itemgetter(1)) or [
        (("delivered", "nothing"), 0)
    ]
    for (fate, why), times in others:
        left = times / total
        while left > 0.02 * times / total:  # each so many-th, and some more, until it is the share
            every = ceil(rest / left - 1e-9)
            yield f'\n[[rules]]  # {round(times)}: {why}\nfate = "{fate}"\nevery = {every}'
            left, rest = left - rest / every, rest - rest / every
    yield f'\n[[rules]]  # the others: {most[1]}\nfate = "{most[0]}"\n'
