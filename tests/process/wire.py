"""A wire between a gateway and its PostgreSQL that a test can cut and mend, from outside the gateway's process."""

import socket
import threading
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit


class Wire:
    """Passes bytes on while it is whole; cut, it drops all connections and refuses new ones."""

    def __init__(self, address: str) -> None:
        """`address`: of a server that listens on a local socket."""
        place = urlsplit(address)
        folder = parse_qs(place.query)["host"][0]
        self._socket = f"{folder}/.s.PGSQL.{place.port or 5432}"
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        self.url = f"postgresql://{place.username or 'postgres'}@127.0.0.1:{port}{place.path}?sslmode=disable"
        self._ends: list[socket.socket] = []
        self._is_whole = True
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Wire":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def cut(self) -> None:
        self._is_whole = False
        for end in self._ends:
            with suppress(OSError):  # it had ended by itself
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._ends = []

    def mend(self) -> None:
        self._is_whole = True

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if not self._is_whole:
                near.close()
                continue
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._socket)
            self._ends += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pass, args=(source, target), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # cut
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
