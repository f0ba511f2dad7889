"""Access tokens for providers that take OAuth 2.0 client credentials (RFC 6749, section 4.4).

A token is fetched when it is first needed, once however many texts wait for it, and again shortly before it ends. A
text that waits has not left us: what goes wrong here is never of unknown outcome.
"""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from heliograph.carriers.http.proof import basic
from heliograph.carriers.port import json_of
from heliograph.ports import Answer as Exchange
from heliograph.ports import Clock, WebCall

NO_TOKEN: Final = "no_token"  # the reason of a failure: the server of tokens could not be reached, or made no sense
TOKEN_REFUSED: Final = "token_refused"  # it knows our credentials and does not take them
_USED_OF_ITS_LIFE: Final = 0.9
_LIFE_S: Final = 300.0  # of a token that does not tell


class Grant(msgspec.Struct, frozen=True):
    """Where tokens are asked for, and as whom."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None


class Failed(msgspec.Struct):
    """There is no token; stands in the place of an answer to a request that was never made."""

    reason: str
    detail: str
    status: int = 0
    body: bytes = b""
    latency_ms: int = 0
    retry_after: float | None = None


Then = Callable[[str | None, Failed | None], None]  # gets a token, or why there is none


class Tokens:
    """The tokens of one connector."""

    def __init__(self, grant: Grant, call: WebCall, clock: Clock, timeout_s: float) -> None:
        self._grant = grant
        self._call = call
        self._clock = clock
        self._timeout_s = timeout_s
        self._token: str | None = None
        self._until = 0.0
        self._waiting: list[Then] = []

    def use(self, then: Then) -> None:
        if self._token is not None and self._clock.monotonic() < self._until:
            then(self._token, None)
            return
        self._waiting.append(then)
        if len(self._waiting) == 1:
            self._ask()

    def forget(self, token: str) -> None:
        """It was refused before its time."""
        if self._token == token:
            self._token = None

    def _ask(self) -> None:
        grant = self._grant
        asked = {"grant_type": "client_credentials", **({"scope": grant.scope} if grant.scope else {})}
        headers = {
            "Authorization": basic(quote(grant.client_id, safe=""), quote(grant.client_secret, safe="")),
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        self._call("POST", grant.token_url, headers, urlencode(asked).encode(), self._timeout_s, self._answered)

    def _answered(self, exchange: Exchange) -> None:
        failed = self._read(exchange)
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then(None if failed else self._token, failed)

    def _read(self, exchange: Exchange) -> Failed | None:
        if exchange.reason != "ok":
            return Failed(NO_TOKEN, exchange.reason)
        said = json_of(exchange.body)
        said = said if isinstance(said, dict) else {}
        if exchange.status in (400, 401, 403):
            return Failed(TOKEN_REFUSED, str(said.get("error") or exchange.status)[:80])
        token, life = said.get("access_token"), said.get("expires_in")
        if exchange.status != 200 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            return Failed(NO_TOKEN, f"HTTP {exchange.status}")
        life_s = float(life) if isinstance(life, int) and life > 0 else _LIFE_S
        self._token, self._until = token, self._clock.monotonic() + life_s * _USED_OF_ITS_LIFE
        return None
