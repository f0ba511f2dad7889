"""The outside world, as it really is: the clock, posts to customers' URLs, connections to carriers."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.x509 import load_pem_x509_certificate

from heliograph.outgoing.pool import Pool
from heliograph.outgoing.url import BadUrl, target
from heliograph.ports import Timer, WebTarget


class SystemClock:
    """This machine's clock, and the event loop's timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def later(self, seconds: float, do: Callable[[], None]) -> Timer:
        return self._loop.call_later(seconds, do) if seconds > 0 else self._loop.call_soon(do)


async def dial(protocol: Callable[[], asyncio.Protocol], host: str, settings: Any) -> None:
    """Open a TCP or TLS connection to a carrier; port and what TLS needs stand in the connector's settings."""
    context = _tls(settings) if settings.tls else None
    transport, _ = await asyncio.get_running_loop().create_connection(
        protocol, host, settings.port, ssl=context, server_hostname=(settings.tls_name or host) if context else None
    )
    if (sock := transport.get_extra_info("socket")) is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


async def secure(transport: Any, protocol: asyncio.Protocol, host: str, settings: Any) -> asyncio.Transport | None:
    """TLS on a connection that began without."""
    loop = asyncio.get_running_loop()
    return await loop.start_tls(transport, protocol, _tls(settings), server_hostname=settings.tls_name or host)


def _tls(settings: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.tls_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.tls_certificate is not None:
        context.load_cert_chain(settings.tls_certificate)
    return context


def server_tls(certificate: str, key: str | None) -> ssl.SSLContext:
    """For a door that is open to the world."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class Web:
    """The pool of outgoing connections, as the engine asks for it."""

    def __init__(self, pool: Pool) -> None:
        # The pool's own, as `target` makes what they are given; through methods of ours, each call would cost one more.
        self.post: Any = pool.post
        self.get: Any = pool.get

    def target(self, url: str) -> WebTarget | None:
        found = target(url)
        return None if isinstance(found, BadUrl) else found

    def is_here(self, url: str) -> bool:
        return True


def certificate_ends(files: Sequence[str]) -> dict[str, int]:
    """When the certificates in PEM files end, by file, in milliseconds; one that can't be read is left out."""
    found = {}
    for file in files:
        with suppress(OSError, ValueError):
            certificate = load_pem_x509_certificate(Path(file).read_bytes())
            found[file] = int(certificate.not_valid_after_utc.timestamp() * 1000)
    return found
