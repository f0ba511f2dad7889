"""Requests of browsers: the cookies that they bring and are given, and the proofs that a page of ours sent them.

A cookie comes along whoever made the browser send it. So a request that changes something by one needs two proofs: the
browser's own word that it comes from our site (Sec-Fetch-Site, Origin), and the session's CSRF token, which only our
pages can read.
"""

import hmac
from typing import Any, Final
from urllib.parse import urlsplit

from heliograph.api.context import Context
from heliograph.core.failures import Refusal
from heliograph.engine.users import sessions
from heliograph.engine.users.logins import LoggedIn, Visitor
from heliograph.engine.users.sessions import Session

Header = tuple[bytes, bytes]

SESSION: Final = "hg_session"
DEVICE: Final = "hg_device"
OPENID: Final = "hg_openid"
_DEVICE_S: Final = 180 * 86_400
_SAFE: Final = ("GET", "HEAD")

CROSS_SITE: Final = Refusal("cross_site", "this request was made by another site's page", status=403)
BAD_TOKEN: Final = Refusal(
    "bad_csrf_token",
    "requests with a session cookie that change something need the header X-CSRF-Token with the csrf_token of "
    "GET /v1/session, as it is for the environment in view",
    status=403,
)


class Visit:
    """One request of a browser."""

    def __init__(self, context: Context, scope: Any) -> None:
        self._context = context
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._cookies = _read(self._headers.get(b"cookie", b""))
        self.method: str = scope["method"]
        public = context.public_url or ""
        self.is_secure = scope.get("scheme") == "https" or public.startswith("https:")
        self.host = self._headers.get(b"host", b"").decode("latin-1")
        self.session: Session | None = None
        self.visitor = Visitor(
            scope["client"][0] if scope.get("client") else "",
            self._headers.get(b"user-agent", b"").decode("latin-1") or None,
            self.cookie(DEVICE),
            self.token,
        )

    def cookie(self, name: str) -> str | None:
        return self._cookies.get(self._full(name))

    @property
    def token(self) -> str | None:
        """Of a session, whole or half."""
        return self.cookie(SESSION)

    @property
    def our_url(self) -> str:
        """How the world reaches us."""
        scheme = "https" if self.is_secure else "http"
        return (self._context.public_url or f"{scheme}://{self.host}").rstrip("/")

    def is_foreign(self) -> bool:
        """Did a page of somebody else's make the browser send this? Programs say neither."""
        site, origin = self._headers.get(b"sec-fetch-site"), self._headers.get(b"origin")
        if site is not None and site not in (b"same-origin", b"none"):
            return True
        if origin is None:
            return False
        return urlsplit(origin.decode("latin-1")).netloc not in (self.host, urlsplit(self.our_url).netloc)

    async def enter(self, given: str | None = None) -> Session | Refusal:
        """Whose session it is. `given`: the CSRF token of a form; else it stands in a header."""
        found = await self.look()
        if isinstance(found, Refusal) or self.method in _SAFE:
            return found
        if self.is_foreign():
            return CROSS_SITE
        token = given or self._headers.get(b"x-csrf-token", b"").decode("latin-1")
        return found if hmac.compare_digest(token.encode(), found.csrf_token.encode()) else BAD_TOKEN

    async def look(self) -> Session | Refusal:
        """Whose session it is, without proofs."""
        context = self._context
        if self.token is None:
            return sessions.NONE
        now = context.clock.now_ms()
        found = await sessions.find(context.ledger, self.token, context.logins.lifetimes, now)
        if isinstance(found, Session):
            self.session = found
        return found

    # -- cookies that are given

    def welcome(self, came: LoggedIn) -> list[Header]:
        headers = [self.give(SESSION, came.token)]
        return headers if came.device is None else [*headers, self.give(DEVICE, came.device, _DEVICE_S)]

    def farewell(self) -> list[Header]:
        return [self.take(SESSION)]

    def give(self, name: str, value: str, seconds: int | None = None) -> Header:
        """A cookie that no script can read and no other site's form brings along; without `seconds` it ends with the
        browser."""
        age = "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if self.is_secure else ""
        return b"set-cookie", f"{self._full(name)}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}".encode()

    def take(self, name: str) -> Header:
        return self.give(name, "", 0)

    def _full(self, name: str) -> str:
        """`__Host-`: no neighbouring domain can have set it."""
        return f"__Host-{name}" if self.is_secure else name


def _read(header: bytes) -> dict[str, str]:
    """The first of each name; a neighbour's odd cookie spoils no other."""
    found: dict[str, str] = {}
    for part in header.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    return found
