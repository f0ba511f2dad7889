"""Receivers of webhooks as people write them: one that gets everything right, and others with one mistake each."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from heliograph.core.signing import verify

SECRET = "whsec_" + "c2VjcmV0LW9mLWEtcmVjZWl2ZXItaW4tdGVzdHM="
Judge = Callable[[dict[str, str], bytes], int]  # headers, body → status


class _Busy(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


@contextmanager
def receiver(judge: Judge) -> Iterator[str]:
    """Listens on a port of its own, and answers as it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = judge({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            if status == 307:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = _Busy(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"
    finally:
        server.shutdown()
        server.server_close()


def right(headers: dict[str, str], body: bytes) -> int:
    return 401 if verify([SECRET], headers, body, int(time.time())) else 204


def trusting(headers: dict[str, str], body: bytes) -> int:
    return 200


def unsigned_is_fine(headers: dict[str, str], body: bytes) -> int:
    return right(headers, body) if "webhook-signature" in headers else 200


def age_is_nothing(headers: dict[str, str], body: bytes) -> int:
    return 401 if verify([SECRET], headers, body, int(headers.get("webhook-timestamp", "0"))) else 200


def knows_all_types(headers: dict[str, str], body: bytes) -> int:
    return 400 if b'"future.event"' in body else right(headers, body)


def breaks_on_forgery(headers: dict[str, str], body: bytes) -> int:
    return 500 if right(headers, body) == 401 else 200


def moved(headers: dict[str, str], body: bytes) -> int:
    return 307


class RefusesRepeats:
    """Takes a repeated event for an attack."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, headers: dict[str, str], body: bytes) -> int:
        status = right(headers, body)
        event = headers.get("webhook-id", "")
        if status == 204 and event in self._seen:
            return 409
        self._seen.add(event)
        return status


class OneAtATime:
    """Has room for one event, and turns away what comes meanwhile."""

    def __init__(self) -> None:
        self._room = threading.Lock()
        self._met = threading.Barrier(2)

    def __call__(self, headers: dict[str, str], body: bytes) -> int:
        if (status := right(headers, body)) == 401:
            return status
        if not self._room.acquire(blocking=False):
            self._met.abort()
            return 503
        try:
            self._met.wait(0.5)  # stays until another one comes, if one does
        except threading.BrokenBarrierError:
            self._met.reset()
        finally:
            self._room.release()
        return status
