"""A receiver of webhooks, in a thread: keeps what it hears, and answers as it is told."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Heard(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Sink:
    """Listens on a port of its own, or on a given one. `answer` decides the status, perhaps with a body, and may take
    its time."""

    def __init__(self, answer: Callable[[Heard], int | tuple[int, bytes]] = lambda heard: 200, port: int = 0) -> None:
        self.heard: list[Heard] = []
        self.answer = answer
        self._changed = threading.Condition()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                heard = Heard(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                answer = sink.answer(heard)
                status, said = answer if isinstance(answer, tuple) else (answer, b"")
                with sink._changed:
                    sink.heard.append(heard)
                    sink._changed.notify_all()
                try:
                    self.send_response(status)
                    self.send_header("content-length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)
                except OSError:  # the caller gave up waiting
                    pass

            def log_message(self, *_: object) -> None: ...

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Callers that are killed in the middle are what some tests are about."""

        self._server = Quiet(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Sink":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def until(self, fits: Callable[[list[Heard]], bool], within_s: float = 20.0) -> list[Heard]:
        """What was heard, once it fits."""
        end = time.monotonic() + within_s
        with self._changed:
            while not fits(self.heard):
                left = end - time.monotonic()
                assert left > 0, f"heard only {[h.event.get('type') for h in self.heard if h.body[:1] == b'{']}"
                self._changed.wait(left)
            return list(self.heard)
