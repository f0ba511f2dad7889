"""The log: one line for each thing that happened, as JSON or as text, on the standard error output.

Lines are written by a thread of their own, so that a reader who is slow or gone holds nobody up: what doesn't fit is
counted and dropped. No line ever holds the text of a message; secrets that slip in are blacked out.
"""

import os
import re
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Final

import msgspec

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_QUEUE_BOUND: Final = 100_000
_LINES_AT_ONCE: Final = 500
_SECRETS: Final = re.compile(
    rb"(hg_[a-z0-9-]+_[0-9A-Za-z]{4})[0-9A-Za-z_]{8,}|(\bhg)[0-9A-Za-z]{22}\b|(whsec_)[0-9A-Za-z+/=_-]+"
    rb"|(sealed:)[^\"\s]+"
)

_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


class Log:
    """The log of one process."""

    def __init__(self, *, level: str = "info", as_json: bool = True, descriptor: int = 2) -> None:
        self._least = LEVELS[level]
        self._as_json = as_json
        self._descriptor = descriptor
        self._lines: deque[tuple[int, str, str, dict[str, object]]] = deque()
        self._dropped = 0
        self._wake = threading.Event()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def writes(self, level: str) -> bool:
        """Is it worth gathering what a line of this level would say?"""
        return LEVELS[level] >= self._least

    def debug(self, event: str, /, **fields: object) -> None:
        self._add("debug", event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        self._add("info", event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        self._add("warning", event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        self._add("error", event, fields)

    def close(self) -> None:
        """Write what is left."""
        self._ending = True
        self._wake.set()
        self._thread.join(2.0)

    def _add(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS[level] < self._least:
            return
        if len(self._lines) >= _QUEUE_BOUND:
            self._dropped += 1
            return
        self._lines.append((time.time_ns(), level, event, fields))
        if not self._wake.is_set():
            self._wake.set()

    # -- in the thread

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._lines:
                self._write([self._lines.popleft() for _ in range(min(len(self._lines), _LINES_AT_ONCE))])
            if dropped := self._dropped:
                self._dropped -= dropped
                self._write([(time.time_ns(), "warning", "log_lines_dropped", {"count": dropped})])
            if self._ending:
                return

    def _write(self, lines: list[tuple[int, str, str, dict[str, object]]]) -> None:
        shape = _as_json if self._as_json else _as_text
        data = _SECRETS.sub(rb"\1\2\3\4***", b"".join(shape(*line) for line in lines))
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:  # nobody reads any more; there is nowhere to say so
            pass


def _as_json(at_ns: int, level: str, event: str, fields: dict[str, object]) -> bytes:
    return _encode({"at": _moment(at_ns), "level": level, "event": event, **fields}) + b"\n"


def _as_text(at_ns: int, level: str, event: str, fields: dict[str, object]) -> bytes:
    told = " ".join(f"{name}={_cell(value)}" for name, value in fields.items() if value is not None)
    return f"{_moment(at_ns)[11:23]} {level:<7} {event} {told}\n".encode(errors="replace")


def _cell(value: object) -> str:
    text = value if isinstance(value, str) else _encode(value).decode()
    return text if text and text.isprintable() and " " not in text else _encode(text).decode()


def _moment(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
