"""How answers are read: whole, broken, hostile and cut anywhere; and what can't get into a request."""

import asyncio
import socket
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.outgoing.http1 import (
    ANSWER_BYTES_MAX,
    Answer,
    Connection,
    Request,
    header_lines,
    request_bytes,
)
from heliograph.outgoing.url import Target, target
from tests.outgoing.conftest import Run
from tests.outgoing.server import OK, Peer, Sender, Server, answering

OPEN, CLOSED = False, True  # what the server does with the connection after the bytes
_CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"

WHOLE = [
    ("a length", OK, OPEN, 200, b"ok"),
    ("no body", b"HTTP/1.1 204 No Content\r\n\r\n", OPEN, 204, b""),
    ("empty body", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", OPEN, 200, b""),
    ("not modified", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n", OPEN, 304, b""),
    ("chunks", _CHUNKED + b"2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", OPEN, 200, b"abcde"),
    ("chunks and trailer", _CHUNKED + b"1\r\na\r\n0\r\nx-sum: 1\r\n\r\n", OPEN, 200, b"a"),
    (
        "forewords",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK,
        OPEN,
        200,
        b"ok",
    ),
    (
        "redirect",
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 1\r\n\r\nx",
        OPEN,
        302,
        b"x",
    ),
    ("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nold", CLOSED, 200, b"old"),
    (
        "HTTP/1.0, kept",
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx",
        OPEN,
        200,
        b"x",
    ),
    ("until close", b"HTTP/1.1 410 Gone\r\nconnection: close\r\n\r\nbye", CLOSED, 410, b"bye"),
    ("until close, empty", b"HTTP/1.1 200 OK\r\n\r\n", CLOSED, 200, b""),
    ("no reason phrase", b"HTTP/1.1 500\r\ncontent-length: 0\r\n\r\n", OPEN, 500, b""),
    ("long body", b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n" + b"x" * 90_000, OPEN, 200, b"x" * 65_536),
]
BROKEN = [
    ("garbage", b"\x00\x01\x02garbage\r\n\r\n", OPEN, 0, "bad_answer"),
    ("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n", OPEN, 0, "bad_answer"),
    ("TLS", b"\x15\x03\x01\x00\x02\x02\x46", OPEN, 0, "bad_answer"),
    ("HTTP/2", b"HTTP/2 200\r\n\r\n", OPEN, 0, "bad_answer"),
    ("two framings", _CHUNKED[:-2] + b"content-length: 5\r\n\r\n0\r\n\r\n", OPEN, 0, "bad_answer"),
    (
        "two lengths",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        OPEN,
        0,
        "bad_answer",
    ),
    ("negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n", OPEN, 0, "bad_answer"),
    ("bad chunk size", _CHUNKED + b"zz\r\n", OPEN, 200, "bad_answer"),
    (
        "unasked upgrade",
        b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        OPEN,
        0,
        "bad_answer",
    ),
    ("half a head", b"HTTP/1.1 200 OK\r\ncontent-", CLOSED, 0, "reset"),
    ("half a body", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", CLOSED, 200, "reset"),
    ("half the chunks", _CHUNKED + b"5\r\nab", CLOSED, 200, "reset"),
    ("only a foreword", b"HTTP/1.1 100 Continue\r\n\r\n", CLOSED, 0, "reset"),
    ("huge body", OK[:-6] + b"999999\r\n\r\n" + b"x" * ANSWER_BYTES_MAX, OPEN, 200, "too_large"),
    ("huge head", b"HTTP/1.1 200 OK\r\nx: " + b"x" * ANSWER_BYTES_MAX, OPEN, 0, "too_large"),
    ("endless forewords", b"HTTP/1.1 100 Continue\r\n\r\n" * (ANSWER_BYTES_MAX // 20), OPEN, 0, "too_large"),
]


@pytest.mark.parametrize(("name", "data", "closes", "status", "body"), WHOLE, ids=[row[0] for row in WHOLE])
def test_a_whole_answer_is_read(run: Run, name: str, data: bytes, closes: bool, status: int, body: bytes) -> None:
    async def test() -> None:
        async with Server(answering(data, close=closes)) as server, Sender() as sender:
            for _ in range(2):
                answer = await sender.post(server.target())
                assert (answer.status, answer.reason, answer.body) == (status, "ok", body)
            assert server.connections == (2 if closes else 1)

    run(test())


@pytest.mark.parametrize(("name", "data", "closes", "status", "reason"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_answer_is_named_and_ends_its_connection(
    run: Run, name: str, data: bytes, closes: bool, status: int, reason: str
) -> None:
    async def broken_then_well(peer: Peer) -> bool:
        await peer.send(data if peer.got.connection == 1 else OK)
        return closes and peer.got.connection == 1

    async def test() -> None:
        async with Server(broken_then_well) as server, Sender() as sender:
            answer = await sender.post(server.target())
            assert (answer.reason, answer.status) == (reason, status)
            assert answer.detail
            assert (await sender.post(server.target())).body == b"ok"
            assert [got.connection for got in server.requests] == [1, 2]

    run(test())


@pytest.mark.parametrize("surplus", [OK, OK[:10], b"x"])
def test_a_second_answer_is_never_taken_for_the_next_request_s(run: Run, surplus: bytes) -> None:
    async def answer_twice(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n" + surplus)

    async def test() -> None:
        async with Server(answer_twice) as server, Sender(max_connections_per_origin=1) as sender:
            answers = await asyncio.gather(*[sender.start(server.target()) for _ in range(3)])
            assert {(answer.status, answer.reason, answer.body) for answer in answers} == {(201, "ok", b"")}
            assert [got.connection for got in server.requests] == [1, 2, 3]

    run(test())


def test_bytes_that_nobody_asked_for_end_an_idle_connection(run: Run) -> None:
    async def push_later(peer: Peer) -> None:
        await peer.send(OK)
        if peer.got.connection == 1:
            await answered.wait()
            await peer.send(b"HTTP/1.1 500 Push\r\ncontent-length: 0\r\n\r\n")

    answered = asyncio.Event()

    async def test() -> None:
        async with Server(push_later) as server, Sender() as sender:
            assert (await sender.post(server.target())).status == 200
            answered.set()
            await server.until(lambda server: server.open == 0)
            assert (await sender.post(server.target())).status == 200

    run(test())


def test_a_body_without_length_is_not_whole_when_the_connection_breaks(run: Run) -> None:
    async def break_off(peer: Peer) -> None:
        await peer.send(b"HTTP/1.0 200 OK\r\n\r\nhalf a bo")
        linger_not = struct.pack("ii", 1, 0)  # the kernel sends RST instead of FIN
        peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        peer.writer.transport.abort()

    async def test() -> None:
        async with Server(break_off) as server, Sender() as sender:
            assert (await sender.post(server.target())).reason == "reset"

    run(test())


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("9" * 400, 999_999_999, 999_999_999),
        ("{in an hour}", 3000, 3600),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("soon", None, None),
        ("-5", None, None),
        ("", None, None),
        ("²", None, None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(run: Run, value: str, least: int | None, most: int | None) -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    value = value.replace("{in an hour}", in_an_hour)
    head = f"HTTP/1.1 429 Slow down\r\nReTry-AfteR: {value}\r\ncontent-length: 0\r\n\r\n"

    async def test() -> None:
        async with Server(answering(head.encode("latin-1"))) as server, Sender() as sender:
            answer = await sender.post(server.target())
            assert answer.status == 429
            found = answer.retry_after
            if least is None or most is None:
                assert found is None
            else:
                assert found is not None
                assert least <= found <= most

    run(test())


class _Wire(asyncio.Transport):
    """A transport without a socket, to hand a connection its bytes one by one."""

    def write(self, data: object) -> None: ...

    def abort(self) -> None: ...


class _Owner:
    def __init__(self) -> None:
        self.told: list[Answer | None] = []

    def answered(self, connection: Connection, request: Request, answer: Answer, reusable: bool) -> None:
        self.told.append(replace(answer, latency_ms=0))

    def lost(self, connection: Connection, request: Request | None) -> None:
        self.told.append(None)


def _connection(owner: _Owner) -> Connection:
    connection = Connection(owner)
    connection.connection_made(_Wire())
    return connection


def _ask(connection: Connection) -> None:
    to = target("http://example.com/")
    assert isinstance(to, Target)
    connection.send(Request(to, b"", 0.0, 0.0, lambda answer: None))


def _read(pieces: list[bytes], *, close: bool) -> list[Answer | None]:
    owner = _Owner()
    connection = _connection(owner)
    _ask(connection)
    for piece in pieces:
        connection.data_received(piece)
    if close:
        connection.eof_received()
        connection.connection_lost(None)
    return owner.told


@given(row=st.sampled_from(WHOLE), cuts=st.sets(st.integers(1, 9100), max_size=8))
def test_where_an_answer_is_cut_makes_no_difference(row: tuple[str, bytes, bool, int, bytes], cuts: set[int]) -> None:
    _, data, closes, status, body = row
    edges = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert _read(pieces, close=closes) == [Answer(status, "ok", body=body)]


_LATER = b"HTTP/1.1 429 Later\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
_CREATED = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"
_ABOUT_ANOTHER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(OK)
REPEATED = [
    ([OK], Answer(200, "ok", body=b"ok")),
    ([OK[:9], OK[9:]], Answer(200, "ok", body=b"ok")),
    ([_ABOUT_ANOTHER, OK], Answer(200, "ok", body=OK)),  # what looks like an answer is the body of one
    ([_ABOUT_ANOTHER + OK], Answer(200, "ok", body=OK)),
    ([_CREATED], Answer(201, "ok")),
    ([b"HTTP/1.1 100 Continue\r\n\r\n", OK], Answer(200, "ok", body=b"ok")),
    ([_LATER], Answer(429, "ok", retry_after=7)),
]


@given(st.lists(st.sampled_from(REPEATED), max_size=12))
def test_an_answer_that_comes_again_says_the_same_again(answers: list[tuple[list[bytes], Answer]]) -> None:
    owner = _Owner()
    connection = _connection(owner)
    for pieces, _ in answers:
        _ask(connection)
        for piece in pieces:
            connection.data_received(piece)
    assert owner.told == [answer for _, answer in answers]
    assert connection.served == len(answers)


@given(
    st.lists(st.binary(min_size=1) | st.sampled_from([OK, _CHUNKED, b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n", b"1\r\na"]))
)
def test_whatever_comes_is_one_end_and_no_exception(pieces: list[bytes]) -> None:
    told = _read(pieces, close=True)
    assert [one for one in told[1:] if one is not None] == []
    assert told[0] is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"x": "a\r\nevil: 1"},
        {"x": "a\nevil: 1"},
        {"x": "a\r"},
        {"x": "a\0"},
        {"x": "\u010d\u010a"},  # CR and LF for whoever cuts to eight bits
        {"x\r\nevil": "1"},
        {"x: y": "1"},
        {"x ": "1"},
        {"": "1"},
        {"Content-Length": "0"},
        {"transfer-encoding": "chunked"},
        {"HOST": "other"},
        {"connection": "close"},
    ],
)
def test_headers_can_not_smuggle_anything_in(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the header"):
        header_lines(headers)


@given(st.dictionaries(st.text(), st.text()))
def test_header_lines_are_as_many_as_headers_or_none(headers: dict[str, str]) -> None:
    try:
        lines = header_lines(headers)
    except ValueError:
        return
    assert lines.count(b"\r") == lines.count(b"\n") == lines.count(b"\r\n") == len(headers)
    assert request_bytes(b"", lines, b"") == lines + b"content-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "block",
    [
        b"x: y",
        b"x: y\n",
        b"x: y\r\n\r\n",
        b"\r\n",
        b"x\r\n",
        b"x: y\r\n z\r\n",
        b"x: a\0\r\n",
        b": y\r\n",
        b"x : y\r\n",
    ],
)
def test_a_block_of_lines_can_not_end_the_head(block: bytes) -> None:
    with pytest.raises(ValueError, match="headers are lines"):
        request_bytes(b"POST / HTTP/1.1\r\nhost: x\r\n", block, b"")
