"""How many messages a second a client and a workspace may bring, exact in every one-second window.

No window of one second, wherever it begins, ever holds more than the rate. A batch larger than the whole rate is let
in when nothing else is, and then pays with as many seconds as it is worth. Nothing is asked of the ledger; several
processes share a rate by dividing it.
"""

import math
from collections import deque
from typing import Final

from heliograph.engine.clients import Client

Header = tuple[bytes, bytes]

_SECOND_MS: Final = 1_000
_NO_HEADERS: Final[list[Header]] = []


class _Window:
    """What was let in during the last second."""

    __slots__ = ("_ends", "_name", "_used", "policy", "rate", "whole")

    def __init__(self, name: bytes, whole: int, share: int) -> None:
        self._name = name
        self._used = 0
        self._ends: deque[tuple[int, int]] = deque()  # (when it counts no more, how many)
        self.resize(whole, share)

    def resize(self, whole: int, share: int) -> None:
        """`whole`: the rate of all processes together. A share is never nothing, else a client would be shut out."""
        self.whole = whole
        self.rate = max(1, whole // share)
        self.policy = b'"%b";q=%d;w=1' % (self._name, self.rate)

    def free(self, now: int) -> int:
        ends = self._ends
        while ends and ends[0][0] <= now:
            self._used -= ends.popleft()[1]
        return self.rate - self._used

    def fits(self, count: int, free: int) -> bool:
        return count <= free or not self._used

    def take(self, count: int, now: int) -> None:
        lasts = _SECOND_MS if count <= self.rate else math.ceil(count * _SECOND_MS / self.rate)
        self._ends.append((now + lasts, count))
        self._used += count

    def wait_s(self, count: int, now: int) -> int:
        """Whole seconds until `count` fit, or until all is free if they never do."""
        free = self.rate - self._used
        for end, freed in self._ends:
            free += freed
            if free >= count:
                return max(1, math.ceil((end - now) / _SECOND_MS))
        return max(1, math.ceil((self._ends[-1][0] - now) / _SECOND_MS)) if self._ends else 1

    def standing(self, free: int) -> bytes:
        return b'"%b";r=%d;t=1' % (self._name, max(0, free))


class Limits:
    """The rates of one process. A rate of 0: no limit."""

    def __init__(self, *, per_client: int = 0, per_workspace: int = 0) -> None:
        self._per_client = per_client
        self._per_workspace = per_workspace
        self._clients: dict[int, _Window] = {}
        self._workspaces: dict[int, _Window] = {}
        self._share = 1

    @property
    def share(self) -> int:
        """How many processes divide each rate."""
        return self._share

    @share.setter
    def share(self, processes: int) -> None:
        self._share = max(1, processes)
        for window in (*self._clients.values(), *self._workspaces.values()):
            window.resize(window.whole, self._share)

    def take(self, client: Client, count: int, now: int) -> tuple[bool, list[Header]]:
        """Let `count` messages in, or none of them; and the headers that say how it stands."""
        rate = client.messages_per_second
        whole = client.workspace_messages_per_second
        rate = self._per_client if rate is None else rate
        whole = self._per_workspace if whole is None else whole
        if not (rate or whole or self._clients or self._workspaces):
            return True, _NO_HEADERS
        own = self._window(self._clients, client.id, b"client", rate)
        shared = self._window(self._workspaces, client.workspace, b"workspace", whole)
        windows = [window for window in (own, shared) if window is not None]
        if not windows:
            return True, _NO_HEADERS
        tightest, least, allowed = windows[0], 1 << 62, True
        for window in windows:
            free = window.free(now)
            allowed = allowed and window.fits(count, free)
            if free < least:
                tightest, least = window, free
        if not allowed:
            wait = max(w.wait_s(count, now) for w in windows if not w.fits(count, w.free(now)))
            return False, [*_headers(tightest, least), (b"retry-after", b"%d" % wait)]
        for window in windows:
            window.take(count, now)
        return True, _headers(tightest, least - count)

    def _window(self, windows: dict[int, _Window], key: int, name: bytes, rate: int) -> _Window | None:
        window = windows.get(key)
        if window is None:
            if not rate:
                return None
            window = windows[key] = _Window(name, rate, self._share)
        elif window.whole != rate:
            if not rate:
                del windows[key]
                return None
            window.resize(rate, self._share)
        return window


def _headers(window: _Window, free: int) -> list[Header]:
    """draft-ietf-httpapi-ratelimit-headers: of several windows the one with the least left."""
    return [(b"ratelimit-policy", window.policy), (b"ratelimit", window.standing(free))]
