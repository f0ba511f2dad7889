"""Opens connections: name looked up and judged, socket to exactly a judged address, TLS for the URL's host.

Certificates are always verified; there is no switch for that, only one more CA.
"""

import asyncio
import ssl
from functools import cached_property

from heliograph.outgoing.guard import Guard
from heliograph.outgoing.http1 import Connection, Owner
from heliograph.outgoing.resolve import Lookup, Resolver
from heliograph.outgoing.url import Target, Unreachable


class Dialler:
    """Connects within `timeout_s`, name look-up and TLS handshake included."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        guard: Guard,
        *,
        timeout_s: float,
        ca_file: str | None,
        lookup: Lookup | None,
    ) -> None:
        self._loop = loop
        self._resolver = Resolver(loop, guard, lookup)
        self._timeout_s = timeout_s
        self._ca_file = ca_file

    async def connect(self, to: Target, owner: Owner) -> Connection | Unreachable:
        """A connection to the first of the target's addresses that accepts one, or why there is none."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._try_all(to, owner)
        except Unreachable as error:
            return error
        except TimeoutError:
            return Unreachable("connect_failed", f"no connection within {self._timeout_s} s")
        except Exception as error:  # a defect of ours: those who wait must hear of it all the same
            self._loop.call_exception_handler({"message": "connecting raised", "exception": error})
            return Unreachable("connect_failed", "connecting raised an exception")

    def close(self) -> None:
        self._resolver.close()

    async def _try_all(self, to: Target, owner: Owner) -> Connection:
        until = self._loop.time() + self._timeout_s
        addresses = await self._resolver.addresses(to)
        failed = Unreachable("connect_failed", "no address")
        for number, address in enumerate(addresses):
            try:  # a silent address may use up only its share of the time
                async with asyncio.timeout((until - self._loop.time()) / (len(addresses) - number)):
                    return await self._dial(to, address, owner)
            except ssl.SSLError as error:
                failed = Unreachable("tls_failed", getattr(error, "verify_message", "") or error.reason or str(error))
            except OSError as error:  # TimeoutError is one
                failed = Unreachable("connect_failed", f"{address}: {error.strerror or str(error) or 'no answer'}")
        raise failed

    async def _dial(self, to: Target, address: str, owner: Owner) -> Connection:
        is_tls = to.scheme == "https"
        _, connection = await self._loop.create_connection(
            lambda: Connection(owner),
            address,
            to.port,
            ssl=self._tls if is_tls else None,
            server_hostname=to.host if is_tls else None,
        )
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        return context
