"""The first minute: a link that logs somebody in as an owner, without a password.

`serve --demo` alone makes one, the door takes it from the machine itself alone, it works once and not for long. It is
kept in memory: nothing in the ledger would let anybody in.
"""

import hmac
from typing import Final

from heliograph.core.failures import Refused
from heliograph.engine.users import register, sessions
from heliograph.engine.users.hashing import new_token
from heliograph.engine.users.logins import Logins, Visitor
from heliograph.engine.users.register import Doer
from heliograph.engine.users.roles import OWNER

EMAIL: Final = "demo@example.com"
_WORKSPACE: Final = "default"
_LOOKS_AT: Final = "test"
_LIFETIME_MS: Final = 30 * 60_000


class Demo:
    """One link and whom it lets in."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins
        self._token: str | None = new_token()
        self._until = logins.now_ms() + _LIFETIME_MS

    @property
    def token(self) -> str:
        assert self._token is not None
        return self._token

    async def enter(self, token: str, visitor: Visitor) -> str | None:
        """The token of a session that looks at the test environment; None when the link has ended."""
        now, logins = self._logins.now_ms(), self._logins
        if self._token is None or now > self._until or not hmac.compare_digest(self._token.encode(), token.encode()):
            return None
        self._token = None
        came = await logins.let_in(await self._user(now), visitor, how="demo link", is_whole=True)
        found = await sessions.find(logins.ledger, came.token, logins.lifetimes, now)
        assert isinstance(found, sessions.Session)
        return await sessions.look_at(logins.ledger, found, _LOOKS_AT)

    async def _user(self, now: int) -> int:
        """The demo's owner, made when there is none yet."""
        ledger = self._logins.ledger
        found = "SELECT u.id FROM users u JOIN workspaces w ON w.id = u.workspace WHERE w.name = $1 AND u.email = $2"
        rows = await ledger.fetch(found, _WORKSPACE, EMAIL)
        if not rows:
            workspace = (await ledger.fetch("SELECT id FROM workspaces WHERE name = $1", _WORKSPACE))[0][0]
            roles = {"live": [OWNER], _LOOKS_AT: [OWNER]}
            try:
                await register.invite(ledger, workspace, EMAIL, "Demo", roles, Doer("demo", now))
            except Refused as refused:  # an environment has another name: the demo is of the first start
                raise AssertionError(refused.refusals[0].detail) from refused
            rows = await ledger.fetch(found, _WORKSPACE, EMAIL)
        return int(rows[0][0])
