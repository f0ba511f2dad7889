"""The HTTP server: uvicorn, with the short way to the hot doors, and signals that end it without ending the process."""

import asyncio
import errno
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import msgspec
import uvicorn

from heliograph.api import site
from heliograph.api.context import Context
from heliograph.api.fast import FastProtocol

_KEEP_ALIVE_S: Final = 75
_BACKLOG: Final = 2_048
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Listening(msgspec.Struct, frozen=True):
    """How HTTP is served."""

    tls_cert: str | None = None
    tls_key: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    grace_s: int = 20


class Server(uvicorn.Server):
    """A server that stops at a signal and leaves the rest of the stopping to its caller."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


def listen(address: str) -> socket.socket:
    """A socket that waits at HOST:PORT; OSError, with the address, when that can't be."""
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), int(port)), family=family, backlog=_BACKLOG)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        hint = "; HELIOGRAPH_SERVER_LISTEN=127.0.0.1:8081, for instance, takes another port" if is_taken else ""
        raise OSError(error.errno, f"{error.strerror}{hint}", address) from None


def make(context: Context, listening: Listening) -> Server:
    """The server, not yet started; it is given its socket by `serve`."""
    # Behind a proxy the caller's address stands in a header, which only the general way reads.
    doors = site.FAST_DOORS if context.serves_api and not listening.trusted_proxies else {}
    protocol: Any = partial(FastProtocol, context, doors, site.FIXED_LINES, {})
    return Server(
        uvicorn.Config(
            site.build(context),
            http=protocol,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=bool(listening.trusted_proxies),
            forwarded_allow_ips=list(listening.trusted_proxies),
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=listening.grace_s,
            backlog=_BACKLOG,
            ssl_certfile=listening.tls_cert,
            ssl_keyfile=listening.tls_key,
        )
    )
