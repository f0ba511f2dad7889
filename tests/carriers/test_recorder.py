"""The flight recorder: what went over the wire comes out again, whole and in order; what may not be shown never."""

import json
import shutil
import subprocess
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from struct import unpack_from
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.carriers import recorder as module
from heliograph.carriers.recorder import IN, OUT, Recorder
from heliograph.carriers.sandbox.settings import Settings, read_scenario
from heliograph.core.message import Outcome
from heliograph.smpp import receipts
from heliograph.smpp.codec import Pdu, decode, encode
from heliograph.smpp.commands import (
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    OUTBIND,
    RESPONSE,
    SUBMIT_MULTI,
    SUBMIT_SM,
    Tag,
)
from tests.carriers.network import NOW, message, opened, scenario

VECTORS: Final = [
    bytes.fromhex(case["hex"])
    for case in json.loads((Path(__file__).parents[1] / "smpp/vectors/pdu_vectors.json").read_text("utf-8"))["vectors"]
]
NUMBER: Final = "447700900123"
MARKER: Final = "The quick brown fox"


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.ms = NOW

    def __call__(self) -> int:
        return self.ms


def submit(sequence: int = 1, **fields: Any) -> bytes:
    usual = {"source_addr": "Acme", "destination_addr": NUMBER, "short_message": MARKER.encode()}
    return encode(Pdu(SUBMIT_SM, usual | fields, sequence=sequence))


def submit_resp(sequence: int, message_id: str = "", status: int = 0) -> bytes:
    fields = {"message_id": message_id} if message_id else {}
    return encode(Pdu(SUBMIT_SM | RESPONSE, fields, status=status, sequence=sequence))


def receipt(message_id: str, stat: str, sequence: int = 1) -> bytes:
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2611211100 done date:2611211101 stat:{stat} err:000 text:"
    fields = {"esm_class": 4, "source_addr": NUMBER, "short_message": (text + MARKER).encode()}
    return encode(Pdu(DELIVER_SM, fields, sequence=sequence, tlvs=receipts.tlvs(message_id, stat)))


def bind(password: str, command: int = BIND_TRANSCEIVER) -> bytes:
    return encode(Pdu(command, {"system_id": "acct1", "password": password, "system_type": "x"}, sequence=1))


def pieces(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    ends = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return (data[start:end] for start, end in pairwise(ends) if start < end)


def recorded(*chunks: bytes, direction: str = OUT, **settings: Any) -> Recorder:
    recorder = Recorder(Clock(), **settings)
    for chunk in chunks:
        recorder.octets(direction, chunk, 1)
    return recorder


def lines(recorder: Recorder, texts: bool = False) -> list[dict[str, Any]]:
    return [json.loads(line) for line in recorder.jsonl(texts)]


# -- streams


@given(order=st.permutations(range(len(VECTORS))), cuts=st.lists(st.integers(0, 10_000), max_size=60))
def test_pdus_come_out_as_they_went_in_however_the_stream_was_cut(order: list[int], cuts: list[int]) -> None:
    sent = [VECTORS[place] for place in order if decode(VECTORS[place]).fields.get("password") is None]
    recorder = recorded(*pieces(b"".join(sent), cuts))
    assert [pdu.octets for pdu in recorder.pdus(texts=True)] == sent


@given(
    before=st.sampled_from([octets for octets in VECTORS if len(octets) > 16]),
    lost=st.integers(1, 10_000),
    cuts=st.lists(st.integers(0, 10_000), max_size=10),
)
def test_a_recording_that_begins_in_the_middle_of_a_pdu_begins_with_the_next(
    before: bytes, lost: int, cuts: list[int]
) -> None:
    rest = before[1 + lost % (len(before) - 1) :]
    sent = [submit(1), submit_resp(2, "abc"), submit(3)]
    recorder = recorded(*pieces(rest + b"".join(sent), cuts))
    assert [pdu.octets for pdu in recorder.pdus(texts=True)] == sent


@pytest.mark.parametrize("noise", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0", b"\xff" * 40, b"\0" * 100])
def test_after_noise_the_recording_goes_on_at_the_next_header(noise: bytes) -> None:
    sent = [submit(1), submit(2), submit(3)]
    recorder = recorded(sent[0], noise, sent[1], sent[2])
    assert [pdu.sequence for pdu in recorder.pdus()] == [1, 2, 3]


@given(st.binary(max_size=2_000), st.lists(st.integers(0, 2_000), max_size=5))
def test_nonsense_is_survived(data: bytes, cuts: list[int]) -> None:
    recorder = recorded(*pieces(data, cuts))
    assert len(list(recorder.jsonl())) == len(list(recorder.pdus())) == len(read_pcap(recorder.pcap()))
    recorder.scenario()


@given(st.sampled_from(VECTORS), st.integers(16, 10_000), st.binary(max_size=40))
def test_a_pdu_that_is_spoilt_is_shown_as_far_as_that_is_safe(octets: bytes, at: int, junk: bytes) -> None:
    body = octets[16 : at % (len(octets) + 1)] + junk
    spoilt = (16 + len(body)).to_bytes(4, "big") + octets[4:16] + body
    _, pdu = recorded(submit(1), spoilt).pdus()
    assert len(pdu.octets) == len(spoilt) and pdu.octets[:16] == spoilt[:16]


def test_connections_and_directions_do_not_mix() -> None:
    recorder = Recorder(Clock())
    one, other = next(recorder.streams), next(recorder.streams)
    for place in range(0, 40, 7):
        recorder.octets(OUT, submit(1)[place : place + 7], one)
        recorder.octets(OUT, submit(2)[place : place + 7], other)
        recorder.octets(IN, submit_resp(3, "abc")[place : place + 7], one)
    recorder.octets(OUT, submit(1)[42:], one)
    recorder.octets(OUT, submit(2)[42:], other)
    assert [(pdu.stream, pdu.direction, pdu.sequence) for pdu in recorder.pdus()] == [
        (one, IN, 3),
        (one, OUT, 1),
        (other, OUT, 2),
    ]


def test_a_pdu_is_shown_with_its_time_direction_name_sequence_status_and_fields() -> None:
    recorder = recorded(submit(5), submit_resp(5, status=0x58))
    first, second = lines(recorder)
    known = {"at": "2023-11-14T22:13:20.000Z", "kind": "pdu", "direction": "out", "stream": 1, "name": "submit_sm"}
    more = {"sequence": 5, "status": 0, "says": "ROK (0x00000000)", "octets": len(submit(5))}
    assert first == {**known, **more, "fields": first["fields"]}
    assert first["fields"]["source_addr"] == "Acme" and first["fields"]["short_message"] == {"octets": len(MARKER)}
    assert (second["status"], second["says"], second["fields"]) == (0x58, "RTHROTTLED (0x00000058)", {})


def test_a_receipt_says_what_it_says_but_not_the_text_in_it() -> None:
    [line] = lines(recorded(receipt("abc-1", "DELIVRD"), direction=IN))
    assert line["fields"]["receipt"] == {"id": "abc-1", "stat": "DELIVRD", "err": "000"}
    assert line["fields"]["receipted_message_id"]["text"] == "abc-1\0"
    assert MARKER not in json.dumps(line)


# -- bounds


@pytest.mark.parametrize("size", [20, 80, 500, 60_000])
def test_a_hundred_megabytes_leave_no_more_than_the_limit(size: int) -> None:
    limit, clock = 4 << 20, Clock()
    recorder = Recorder(clock, octets_max=limit)
    tracemalloc.start()
    for _ in range((100 << 20) // size if size > 100 else 200_000):
        clock.ms += 1
        recorder.octets(OUT, bytes(size))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert limit / 2 < kept <= limit


def test_exchanges_count_as_well() -> None:
    limit = 1 << 20
    recorder = Recorder(Clock(), octets_max=limit)
    tracemalloc.start()
    for number in range(20_000):
        recorder.exchange("POST", f"https://host/{number}", 200, bytes(300), bytes(200), 10)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert limit / 4 < kept <= limit


def test_what_is_too_old_is_neither_shown_nor_kept() -> None:
    clock = Clock()
    recorder = Recorder(clock, seconds=10)
    recorder.octets(OUT, submit(1))
    clock.ms += 9_000
    recorder.octets(OUT, submit(2))
    clock.ms += 1_001
    assert [pdu.sequence for pdu in recorder.pdus()] == [2]
    recorder.flush()
    clock.ms -= 5_000
    assert [pdu.sequence for pdu in recorder.pdus()] == [2]


def test_a_number_is_forgotten_and_the_file_has_its_lines(tmp_path: Path) -> None:
    recorder = Recorder(Clock())
    recorder.to_file(tmp_path / "recording")
    for sequence, number in ((1, NUMBER), (2, "15550001111"), (3, NUMBER)):
        recorder.octets(OUT, submit(sequence, destination_addr=number), 1)
    recorder.exchange("GET", f"https://x.example/send?to={NUMBER}", 200, b"", b"{}", 1)
    recorder.exchange("POST", "https://x.example/send", 200, b"to=15550001111", b"{}", 1)
    recorder.forget(NUMBER)
    recorder.octets(OUT, submit(4), 1)
    recorder.flush()
    assert [line.get("sequence", line["kind"]) for line in lines(recorder)] == [2, "http", 4]
    written = (tmp_path / "recording").read_text()
    assert NUMBER not in written
    assert [json.loads(line).get("sequence") for line in written.splitlines()] == [1, 2, 3, None, None, 4]


# -- what is never shown


def everything(recorder: Recorder, folder: Path | None = None) -> bytes:
    """All exports, with texts and without."""
    found = [line for texts in (False, True) for line in (*recorder.jsonl(texts), recorder.pcap(texts))]
    found += [repr(pdu).encode() for texts in (False, True) for pdu in recorder.pdus(texts)]
    return b"".join([*found, recorder.scenario().encode()])


PASSWORDS: Final = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=56).map(
    "Pw:".__add__
)


@given(
    password=PASSWORDS,
    command=st.sampled_from([BIND_TRANSCEIVER, BIND_RECEIVER, BIND_TRANSMITTER, OUTBIND]),
    lost=st.integers(0, 40),
    cuts=st.lists(st.integers(0, 400), max_size=10),
    tail=st.integers(0, 60),
)
def test_a_password_is_in_no_export(password: str, command: int, lost: int, cuts: list[int], tail: int) -> None:
    data = bind(password, command)[:-tail] if tail else bind(password, command)
    whole = len(data).to_bytes(4, "big") + data[4:]  # a bind that breaks off, but says so
    for stream in (data + submit(2), whole + submit(2)):
        recorder = recorded(*pieces(stream[lost:], cuts))
        assert password.encode() not in everything(recorder)
        assert json.dumps(password)[1:-1].encode() not in everything(recorder)


@given(
    password=st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=6, max_size=30).map(
        "P §{}!".format
    ),
    form=st.sampled_from(["query", "form", "json", "xml", "user", "nested", "path", "text"]),
)
def test_a_secret_of_a_provider_is_in_no_export(password: str, form: str) -> None:
    url, body = "https://host/send", b""
    if form == "query":
        url += "?" + urlencode({"user": "acme", "api_key": password, "to": NUMBER})
    elif form == "form":
        body = urlencode({"user": "acme", "Password": password, "text": "hi"}).encode()
    elif form == "json":
        body = msgspec.json.encode({"user": "acme", "apiSecret": password, "text": "hi"})
    elif form == "xml":
        body = f"<a><password>{password.replace('<', '')}</password><text>hi</text></a>".encode()
    elif form == "user":
        url = f"https://acme:{quote(password, safe='')}@host/send"
    elif form == "nested":
        inner = f"https://us/in/x/status?token={quote(password, safe='')}&ref=1"
        url, body = f"{url}?{urlencode({'callback': inner})}", msgspec.json.encode({"callback": inner})
    elif form == "path":  # only who knows the word can strike it out
        url = f"{url}/{quote(password, safe='')}/messages"
    else:
        body = f"the word was {password}".encode()
    known = Recorder(Clock(), secrets=[password])
    by_name = Recorder(Clock())
    for recorder in (known, by_name) if form not in ("path", "text") else (known,):
        recorder.exchange("POST", url, 200, body, body, 12)
        for line in (*lines(recorder), *lines(recorder, texts=True)):
            for shown in (line["url"], line["request"].get("text", ""), line["response"].get("text", "")):
                for written in (password, quote(password, safe=""), quote_plus(password), in_json(password)):
                    assert written not in shown


def in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def test_a_known_secret_is_struck_out_of_pdus_too_and_lengths_stay() -> None:
    recorder = recorded(submit(1, short_message=b"use hunter2secret now"), secrets=["hunter2secret"])
    [pdu] = recorder.pdus(texts=True)
    assert decode(pdu.octets).fields["short_message"] == b"use ************* now"


@pytest.mark.parametrize("texts", [False, True])
def test_texts_and_numbers_are_shown_only_when_asked_for(texts: bool) -> None:
    tlvs = {
        Tag.MESSAGE_PAYLOAD: MARKER.encode(),
        Tag.CALLBACK_NUM: b"\1\1\1" + NUMBER.encode(),
        0x1400: MARKER.encode(),
    }
    recorder = recorded(
        submit(1),
        encode(Pdu(DATA_SM, {"source_addr": NUMBER, "destination_addr": "12345"}, sequence=2, tlvs=tlvs)),
        encode(Pdu(SUBMIT_MULTI, {"dest_addresses": [{"destination_addr": NUMBER}]}, sequence=3)),
        submit_resp(1)[:12] + b"\0\0\0\4",  # no more than a header
        encode(Pdu(SUBMIT_SM | RESPONSE, {}, status=0xB, tlvs={Tag.ADDITIONAL_STATUS_INFO_TEXT: NUMBER.encode()})),
    )
    body = msgspec.json.encode({"to": NUMBER, "text": MARKER})
    recorder.exchange("GET", f"https://h/{NUMBER}?{urlencode({'to': NUMBER, 'text': MARKER})}", 200, body, body, 9)
    shown = b"".join([*recorder.jsonl(texts), recorder.pcap(texts), *map(repr_of, recorder.pdus(texts))]).decode(
        "latin-1"
    )
    for word in (MARKER, NUMBER, MARKER.encode().hex(), NUMBER.encode().hex(), MARKER.replace(" ", "+")):
        assert (word in shown) == texts, word
    assert "44770090xxxx" in shown or texts
    assert "12345" in shown and "Acme" in shown  # short codes and names are no numbers of people


def repr_of(pdu: object) -> bytes:
    return repr(pdu).encode()


def test_a_redacted_pdu_keeps_its_length_its_header_and_its_parts() -> None:
    part = b"\5\0\3\x2a\3\2" + MARKER.encode()
    sent = submit(9, esm_class=0x40, short_message=part)
    [pdu] = recorded(sent).pdus()
    fields = decode(pdu.octets).fields
    assert len(pdu.octets) == len(sent)
    assert fields["short_message"] == part[:6] + b"*" * len(MARKER) and fields["destination_addr"] == "44770090xxxx"
    [plain] = recorded(submit(9, short_message=part)).pdus()  # no header is announced: all of it is text
    assert decode(plain.octets).fields["short_message"] == b"*" * len(part)


# -- capture files


def read_pcap(data: bytes) -> list[tuple[int, tuple[str, int], tuple[str, int], bytes]]:
    """Packets of a capture file: time, from, to, payload. Sequence numbers and checksums must be right."""
    magic, major, minor, _, _, _, link = unpack_from("<IHHiIII", data)
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 101)
    position, found = 24, []
    sent: Counter[tuple[tuple[str, int], ...]] = Counter()
    while position < len(data):
        seconds, micros, length, original = unpack_from("<IIII", data, position)
        packet = data[position + 16 : position + 16 + length]
        position += 16 + length
        assert length == original == len(packet) == unpack_from(">H", packet, 2)[0]
        assert packet[0] == 0x45 and packet[9] == 6 and ones(packet[:20]) == 0xFFFF
        tcp, hosts = packet[20:], packet[12:20]
        assert ones(hosts + b"\0\6" + len(tcp).to_bytes(2, "big") + tcp) == 0xFFFF
        source, target, sequence, acknowledged = unpack_from(">HHII", tcp)
        here = (".".join(map(str, hosts[:4])), source)
        there = (".".join(map(str, hosts[4:])), target)
        assert (sequence, acknowledged) == (1 + sent[here, there], 1 + sent[there, here])
        sent[here, there] += len(tcp) - 20
        found.append((seconds * 1_000 + micros // 1_000, here, there, tcp[20:]))
    return found


def ones(octets: bytes) -> int:
    """The sum in ones' complement, as RFC 1071 spells it."""
    padded = octets + b"\0" * (len(octets) % 2)
    total: int = sum(unpack_from(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(order=st.permutations(range(len(VECTORS))), texts=st.booleans())
def test_a_capture_holds_the_same_pdus(order: list[int], texts: bool) -> None:
    clock = Clock()
    recorder = Recorder(clock, end=("203.0.113.9", 3550))
    for place, number in enumerate(order):
        clock.ms += 7
        recorder.octets(IN if place % 2 else OUT, VECTORS[number], place % 3)
    packets = read_pcap(recorder.pcap(texts))
    assert [payload for *_, payload in packets] == [pdu.octets for pdu in recorder.pdus(texts)]
    assert [len(payload) for *_, payload in packets] == [len(VECTORS[number]) for number in order]
    for place, (at, here, there, payload) in enumerate(packets):
        assert at == NOW + 7 * (place + 1)
        assert (there if place % 2 == 0 else here) == ("203.0.113.9", 3550)
        before, after = decode(VECTORS[order[place]]), decode(payload)
        assert (before.command, before.status, before.sequence) == (after.command, after.status, after.sequence)
        if texts and "password" not in before.fields:
            assert before == after


def test_a_pdu_that_is_too_long_for_a_packet_takes_several() -> None:
    sent = encode(Pdu(DATA_SM, {}, sequence=1, tlvs={Tag.MESSAGE_PAYLOAD: bytes(65_000)}))
    packets = read_pcap(recorded(sent).pcap(texts=True))
    assert len(packets) > 1 and b"".join(payload for *_, payload in packets) == sent


@pytest.mark.skipif(shutil.which("tshark") is None, reason="Wireshark is not installed")
@pytest.mark.parametrize("texts", [False, True])
def test_wireshark_reads_a_capture(tmp_path: Path, texts: bool) -> None:
    sent = [octets for octets in VECTORS if len(octets) > 16]
    recorder = Recorder(Clock())
    for number, octets in enumerate(sent):
        recorder.octets(IN if octets[0:1] == b"\x80" else OUT, octets, number)
    (tmp_path / "capture.pcap").write_bytes(recorder.pcap(texts))
    fields = [
        word for name in ("smpp.command_id", "smpp.sequence_number", "smpp.destination_addr") for word in ("-e", name)
    ]
    command = ["tshark", "-n", "-r", str(tmp_path / "capture.pcap"), "-d", "tcp.port==2775,smpp", "-o"]
    checks = ["tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "occurrence=f"]
    more = ["-e", "tcp.checksum.status", "-e", "ip.checksum.status", "-e", "_ws.malformed"]
    done = subprocess.run([*command, *checks, *fields, *more], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [int(row[0], 16) for row in rows] == [decode(octets).command for octets in sent]
    assert [int(row[1], 0) for row in rows] == [decode(octets).sequence for octets in sent]
    assert {tuple(row[3:]) for row in rows} == {("1", "1", "")}
    assert any(row[2] == (NUMBER if texts else "44770090xxxx") for row in rows)


# -- files


def test_a_file_gets_each_pdu_once_also_one_that_comes_in_halves(tmp_path: Path) -> None:
    path, recorder = tmp_path / "recording.jsonl", Recorder(Clock())
    recorder.octets(OUT, submit(1))
    recorder.to_file(path)
    for chunk in (submit(2) + submit(3)[:20], submit(3)[20:], submit(4)):
        recorder.octets(OUT, chunk)
        recorder.flush()
        recorder.flush()
    recorder.exchange("GET", "https://host/x", 200, b"", b"{}", 3)
    recorder.flush()
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line.get("sequence") for line in found] == [2, 3, 4, None]
    assert MARKER not in path.read_text("utf-8") and path.stat().st_mode & 0o777 == 0o600


def test_more_than_there_is_room_for_leaves_a_gap_in_the_file(tmp_path: Path) -> None:
    path, recorder = tmp_path / "recording.jsonl", Recorder(Clock(), octets_max=20_000)
    recorder.to_file(path)
    recorder.octets(OUT, submit(1)[:30])
    recorder.flush()
    recorder.octets(OUT, submit(1)[30:])
    for sequence in range(2, 200):
        recorder.octets(OUT, submit(sequence))
    recorder.flush()
    found = [json.loads(line)["sequence"] for line in path.read_text("utf-8").splitlines()]
    assert found == list(range(found[0], 200)) and found[0] > 1


def test_files_are_rotated_and_ten_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FILE_OCTETS", 5_000)
    path, recorder = tmp_path / "recording.jsonl", Recorder(Clock())
    recorder.to_file(path)
    for sequence in range(1, 301):
        recorder.octets(OUT, submit(sequence))
        recorder.flush()
    files = [path, *(tmp_path / f"recording.jsonl.{number}" for number in range(1, 10))]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert max(file.stat().st_size for file in files) <= 5_000
    found = [json.loads(line)["sequence"] for file in reversed(files) for line in file.read_text("utf-8").splitlines()]
    assert found == list(range(found[0], 301)) and found[0] > 1


def test_a_disk_that_is_full_costs_the_file_only(tmp_path: Path) -> None:
    recorder = Recorder(Clock())
    recorder.to_file(tmp_path / "nowhere" / "recording.jsonl")
    recorder.octets(OUT, submit(1))
    with pytest.raises(OSError, match="No such file"):
        recorder.flush()
    assert [pdu.sequence for pdu in recorder.pdus()] == [1]


# -- scenarios


def observed() -> Recorder:
    """1,000 submissions: 120 throttled, 50 refused, 20 never answered; of what was taken a fifth is not delivered."""
    clock = Clock()
    recorder = Recorder(clock)
    for number in range(1, 1_001):
        recorder.octets(OUT, submit(number), 1)
        clock.ms += 35
        if number % 50 == 0:
            continue
        status = 0x58 if number % 50 in range(1, 7) else 0x0B if number % 20 == 7 else 0
        recorder.octets(IN, submit_resp(number, "" if status else f"id{number}", status), 1)
        if not status:
            clock.ms += 100
            stat = "UNDELIV" if number % 5 == 0 else "DELIVRD"
            recorder.octets(IN, receipt(f"id{number}", stat, number), 2)
    clock.ms += 30_001
    return recorder


@pytest.mark.asyncio
async def test_a_scenario_replays_the_mix(tmp_path: Path) -> None:
    text = observed().scenario()
    path = scenario(tmp_path, text)
    assert read_scenario(path).rules
    network = await opened(scenario=path)
    messages = [message(number) for number in range(1, 2_001)]
    network.submit(*messages)
    network.clock.pass_ms(60_000)
    outcomes: list[Outcome] = [outcome for _, outcome in network.heard("answer")]
    shares = Counter(outcome.code or outcome.state for outcome in outcomes)
    facts = Counter(network.facts())
    assert shares["too_fast"] / 2_000 == pytest.approx(0.12, abs=0.006)
    assert shares["invalid_number"] / 2_000 == pytest.approx(expected("RINVDSTADR", text), abs=0.006)
    assert shares["answer_timeout"] / 2_000 == pytest.approx(0.02, abs=0.003)
    assert facts["undelivered"] / facts.total() == pytest.approx(0.2, abs=0.03)


def expected(why: str, text: str) -> float:
    """The share that the scenario's own remark names."""
    return next(int(line.split("# ")[1].split(":")[0]) for line in text.splitlines() if why in line) / 1_000


def test_a_scenario_names_the_settings_for_its_pace(tmp_path: Path) -> None:
    lines = [line.removeprefix("# ") for line in observed().scenario().splitlines() if "_delay_ms" in line]
    given = dict(line.split(" = ") for line in lines)
    settings = msgspec.convert(given, Settings, strict=False)
    assert (settings.answer_delay_ms, settings.receipt_delay_ms) == (35, 100)


@pytest.mark.parametrize("stat", ["DELIVRD", "REJECTD", "EXPIRED", "ENROUTE", "\x07ODD", 'Q"\n#'])
@pytest.mark.parametrize("status", [0, 0x58, 0x14, 0x0B, 0x0E, 0x02, 0x0A, 0x4E1])
def test_whatever_was_recorded_gives_a_scenario_that_loads(tmp_path: Path, stat: str, status: int) -> None:
    recorder = recorded(submit(1), submit(2))
    for octets in (submit_resp(1, status=status), submit_resp(2, "x"), receipt("x", stat)):
        recorder.octets(IN, octets, 1)
    assert all(rule.fate for rule in read_scenario(scenario(tmp_path, recorder.scenario())).rules)


def test_an_empty_recording_gives_a_scenario_that_loads(tmp_path: Path) -> None:
    read_scenario(scenario(tmp_path, Recorder(Clock()).scenario()))
    assert Recorder(Clock()).pcap() and not list(Recorder(Clock()).jsonl())


def test_statuses_of_http_are_a_mix_as_well(tmp_path: Path) -> None:
    recorder = Recorder(Clock())
    for status in (200, 200, 200, 200, 200, 200, 429, 400, 503, 0):
        recorder.exchange("POST", "https://host/send", status, b"", b"", 80)
    recorder.octets(OUT, encode(Pdu(ENQUIRE_LINK, sequence=1)))
    text = recorder.scenario()
    fates = {rule.fate for rule in read_scenario(scenario(tmp_path, text)).rules}
    assert fates == {"delivered", "throttled", "bad_number", "transient", "never_answered"}
    assert "# answer_delay_ms = 80\n" in text
