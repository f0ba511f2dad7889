"""What goes over one connection: requests that begin alike, come in pieces, together, or end in the middle."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.process.server import Api, Server


class Wire:
    """A connection on which bytes are written, and answers are read one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""

    def write(self, data: bytes) -> None:
        self._connection.sendall(data)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The next answer: status and body."""
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            self._more()
        head, rest = self._read[:end].decode(), self._read[end + 4 :]
        length = re.search(r"content-length: (\d+)", head)
        assert length is not None, head
        while len(rest) < int(length[1]):
            self._more()
            rest = self._read[end + 4 :]
        self._read = rest[int(length[1]) :]
        return int(head.split()[1]), json.loads(rest[: int(length[1])])

    def _more(self) -> None:
        data = self._connection.recv(65_536)
        assert data, "the server hung up"
        self._read += data

    def is_silent(self) -> bool:
        """Nothing more came, and nothing was left over."""
        self._connection.settimeout(0.3)
        try:
            return not self._read and not self._connection.recv(1)
        except TimeoutError:
            return True
        finally:
            self._connection.settimeout(10)


@contextmanager
def wire(server: Server) -> Iterator[Wire]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        yield Wire(connection)


@pytest.fixture
def key(server: Server) -> str:
    return server.key("messages:send", "messages:read")


def request(key: str, text: str = "Hello", *lines: str, path: str = "/v1/messages") -> bytes:
    body = json.dumps({"to": "+447700900123", "text": text})
    head = [f"POST {path} HTTP/1.1", "Host: test", f"Authorization: Bearer {key}", *lines]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


def test_each_of_many_requests_that_begin_alike_is_read_for_itself(server: Server, api: Api, key: str) -> None:
    with wire(server) as line:
        found = {}
        for text in ("First", "Again", "Third", "Longer than those before", "Fifth"):
            line.write(request(key, text))
            status, body = line.answer()
            assert status == 202
            found[text] = body["id"]
    assert len(set(found.values())) == 5
    for text, number in found.items():
        assert api("GET", f"/v1/messages/{number}").json()["text"] == text


@pytest.mark.parametrize("size", [1, 7, 60, 150])
def test_a_request_may_come_in_pieces_after_one_that_came_whole(server: Server, key: str, size: int) -> None:
    data = request(key)
    with wire(server) as line:
        for _ in range(2):
            line.write(data)
            assert line.answer()[0] == 202
        for start in range(0, len(data), size):
            line.write(data[start : start + size])
        assert line.answer()[0] == 202
        line.write(data)
        assert line.answer()[0] == 202


def test_a_body_that_looks_like_a_request_is_a_body(server: Server, api: Api, key: str) -> None:
    with wire(server) as line:
        line.write(request(key, "Five5"))
        line.answer()
        whole = request(key, "\r\n\r\n" + request(key, "Five5").decode()[:100])
        line.write(whole[:-50])
        line.write(whole[-50:])
        status, body = line.answer()
        assert status == 202 and line.is_silent()
        assert api("GET", f"/v1/messages/{body['id']}").json()["text"].count("POST") == 1


def test_requests_in_one_packet_are_answered_in_order(server: Server, api: Api, key: str) -> None:
    with wire(server) as line:
        line.write(request(key, "Zero."))
        line.answer()
        line.write(b"".join(request(key, f"Nr. {number}") for number in range(5)))
        numbers = [line.answer()[1]["id"] for _ in range(5)]
        assert line.is_silent()
    assert [api("GET", f"/v1/messages/{number}").json()["text"] for number in numbers] == [
        f"Nr. {number}" for number in range(5)
    ]


def test_a_known_beginning_with_too_little_behind_it_waits_for_the_rest(server: Server, key: str) -> None:
    data = request(key)
    with wire(server) as line:
        line.write(data)
        line.answer()
        line.write(data[:-3])
        assert line.is_silent()
        line.write(data[-3:])
        assert line.answer()[0] == 202


def test_a_key_that_ends_is_refused_however_often_it_was_seen(server: Server, admin: Api) -> None:
    made = admin("POST", "/v1/keys", {"name": "short"}).json()
    with wire(server) as line:
        for _ in range(3):
            line.write(request(made["key"]))
            assert line.answer()[0] == 202
        admin("POST", f"/v1/keys/{made['id']}/revoke")
        line.write(request(made["key"]))
        status, body = line.answer()
        assert (status, body["code"]) == (401, "key_revoked")


def test_idempotency_keys_are_each_their_own(server: Server, key: str) -> None:
    with wire(server) as line:
        answers = []
        for name in ("a", "a", "b", "b"):
            line.write(request(key, "Hello", f"Idempotency-Key: {name}"))
            answers.append(line.answer()[1]["id"])
    assert answers[0] == answers[1] != answers[2] == answers[3]


def test_another_path_with_the_same_headers_is_another_door(server: Server, key: str) -> None:
    with wire(server) as line:
        for path, status in (("/v1/messages", 202), ("/v1/segments", 422), ("/v1/messages", 202), ("/v1/nothing", 404)):
            for _ in range(2):
                line.write(request(key, path=path))
                assert line.answer()[0] == status, path


def test_a_connection_that_is_to_be_closed_is_closed_each_time(server: Server, key: str) -> None:
    for _ in range(3):
        with wire(server) as line:
            line.write(request(key, "Hello", "Connection: close"))
            assert line.answer()[0] == 202
            with pytest.raises(AssertionError, match="hung up"):
                line.answer()


def test_chunked_bodies_are_read_after_plain_ones(server: Server, api: Api, key: str) -> None:
    body = json.dumps({"to": "+447700900123", "text": "In chunks"}).encode()
    head = request(key).partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
    chunked = head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with wire(server) as line:
        for data, text in (
            (request(key), "Hello"),
            (chunked, "In chunks"),
            (chunked, "In chunks"),
            (request(key), "Hello"),
        ):
            line.write(data)
            status, answer = line.answer()
            assert status == 202
            assert api("GET", f"/v1/messages/{answer['id']}").json()["text"] == text
