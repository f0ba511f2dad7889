"""Login by an OpenID provider: authorization code with PKCE (RFC 7636), state and nonce.

What a login needs to remember on its way travels in a sealed cookie: nothing is kept here, and only the browser that
began a login can finish it. The provider proves who somebody is; what they may do is decided by the roles that its
claims map to, or by those that an owner gave.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from heliograph.core.failures import Refusal, Refused
from heliograph.engine.environments import workspace_id
from heliograph.engine.secrets import CannotOpen
from heliograph.engine.users import register
from heliograph.engine.users.hashing import new_token
from heliograph.engine.users.logins import DISABLED, NO_ROLE, LoggedIn, Logins, Visitor
from heliograph.engine.users.provider import Provider, failed
from heliograph.engine.users.register import Doer
from heliograph.engine.users.roles import ROLES
from heliograph.store.port import Transaction

_SEALED: Final = b"openid:"
_MINUTES_10_MS: Final = 600_000
Roles = dict[str, list[str]]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the provider may bring, and as what."""

    workspace: str
    allowed_domains: tuple[str, ...]  # of new users; without any, only invited people come in
    default_roles: tuple[tuple[str, str], ...]  # (environment, role)
    role_claim: str | None
    role_map: tuple[tuple[str, str, str], ...]  # (value of the claim, environment, role)


def policy_of(
    workspace: str,
    allowed_domains: Sequence[str],
    default_roles: Sequence[str],
    role_claim: str | None,
    role_map: Sequence[str],
) -> Policy:
    """The policy as the settings spell it: roles as ENVIRONMENT:ROLE, the map as VALUE=ENVIRONMENT:ROLE. Raises
    `Refused` for a role that there is not."""
    return Policy(
        workspace=workspace,
        allowed_domains=tuple(allowed_domains),
        default_roles=tuple(map(_role, default_roles)),
        role_claim=role_claim,
        role_map=tuple((text.rpartition("=")[0], *_role(text.rpartition("=")[2])) for text in role_map),
    )


def _role(text: str) -> tuple[str, str]:
    environment, _, role = text.partition(":")
    if role not in ROLES:
        detail = f"[oidc] names the role {role[:40]!r}; the roles are {', '.join(ROLES)}"
        raise Refused(Refusal("unknown_role", detail))
    return environment, role


class Going(msgspec.Struct, frozen=True):
    """Where to send the browser, and the cookie that it has to bring back."""

    url: str
    memory: str


class _Memory(msgspec.Struct, frozen=True):
    """What one login has to remember."""

    state: str
    nonce: str
    verifier: str
    until: int


class OpenId:
    """The way in through a provider."""

    def __init__(self, provider: Provider, policy: Policy, logins: Logins) -> None:
        self._provider = provider
        self._policy = policy
        self._logins = logins

    async def begin(self, redirect_uri: str) -> Going:
        """Raises `Refused` when the provider can't be reached."""
        memory = _Memory(new_token(), new_token(), new_token(), self._logins.now_ms() + _MINUTES_10_MS)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(memory.verifier.encode()).digest()).decode().rstrip("=")
        place = (await self._provider.configuration()).authorization_endpoint
        asked = {
            "response_type": "code",
            "client_id": self._provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid email profile",
            "state": memory.state,
            "nonce": memory.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        sealed = self._logins.vault.seal(_SEALED + msgspec.json.encode(memory))
        return Going(f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}", sealed)

    async def finish(self, query: Mapping[str, str], memory: str, redirect_uri: str, visitor: Visitor) -> LoggedIn:
        """The browser is back. Raises `Refused`."""
        begun = self._remembered(memory)
        if begun is None or not hmac.compare_digest(query.get("state", "").encode(), begun.state.encode()):
            raise failed("it was begun in another browser or too long ago; begin again")
        configuration = await self._provider.configuration()
        named = query.get("iss")
        if named != self._provider.issuer and (
            named is not None or configuration.authorization_response_iss_parameter_supported
        ):  # RFC 9207: another provider's answer
            raise failed("another provider answered")
        if "code" not in query:
            raise failed(f"the provider said {query.get('error', 'nothing')[:60]!r}")
        claims = await self._provider.claims(query["code"], begun.verifier, redirect_uri, begun.nonce)
        user = await self._user_of(claims, visitor)
        return await self._logins.let_in(user, visitor, how="openid", is_whole=True)

    def _remembered(self, memory: str) -> _Memory | None:
        try:
            opened = self._logins.vault.open(memory)
            if not opened.startswith(_SEALED):
                return None
            found = msgspec.json.decode(opened.removeprefix(_SEALED), type=_Memory)
        except (CannotOpen, msgspec.MsgspecError):
            return None
        return found if found.until > self._logins.now_ms() else None

    # -- who that is here

    async def _user_of(self, claims: Mapping[str, Any], visitor: Visitor) -> int:
        """The user whom the provider vouches for: known by its subject, by a verified address, or new."""
        ledger = self._logins.ledger
        workspace = await workspace_id(ledger, self._policy.workspace)
        subject = f"{self._provider.issuer} {claims['sub']}"
        email = register.email_of(str(claims.get("email", ""))) if claims.get("email_verified") is True else None
        doer = Doer("openid", self._logins.now_ms(), visitor.ip)
        roles = self._roles_of(claims)
        async with ledger.transaction() as transaction:
            rows = await transaction.fetch(
                "SELECT id, email, disabled_at, subject FROM users WHERE workspace = $1 AND (subject = $2 OR "
                "(subject IS NULL AND email = $3)) ORDER BY subject IS NULL",
                workspace,
                subject,
                email or "",
            )
            if rows:
                user, address, disabled_at, known = rows[0]
                if disabled_at is not None:
                    raise Refused(DISABLED)
                if known is None:
                    await transaction.execute("UPDATE users SET subject = $2 WHERE id = $1", user, subject)
                    await register.note(transaction, workspace, "user.linked", address, doer)
            else:
                user, address = await self._new(transaction, workspace, claims, email, subject, roles, doer)
            is_left = await self._follow(transaction, workspace, user, address, roles, doer)
        if not is_left:
            raise Refused(NO_ROLE)
        found: int = user
        return found

    async def _new(
        self,
        transaction: Transaction,
        workspace: int,
        claims: Mapping[str, Any],
        email: str | None,
        subject: str,
        roles: Roles,
        doer: Doer,
    ) -> tuple[int, str]:
        if email is None:
            raise failed("the provider gives no verified e-mail address", 403)
        if email.rpartition("@")[2] not in self._policy.allowed_domains:
            raise failed(f"{email} was not invited; ask an owner of the workspace", 403)
        if not any(roles.values()):
            raise Refused(NO_ROLE)
        name = str(claims.get("name") or email)[:100]
        user = await register.insert(transaction, workspace, email, name, doer.now)
        if user is None:
            raise failed("this address belongs to a user whom the provider knows by another name", 403)
        await transaction.execute("UPDATE users SET subject = $2 WHERE id = $1", user, subject)
        await register.replace_roles(transaction, workspace, user, roles)
        await register.note(transaction, workspace, "user.created", email, doer, {"roles": roles})
        return user, email

    async def _follow(
        self, transaction: Transaction, workspace: int, user: int, email: str, roles: Roles, doer: Doer
    ) -> bool:
        """Where a claim tells the roles, it tells them at each login. Is there a role left?"""
        if self._policy.role_claim is None:
            return True
        before = await register.roles_of(transaction, workspace, user)
        if _sorted(before) != _sorted(roles):
            await register.replace_roles(transaction, workspace, user, roles)
            await transaction.execute("DELETE FROM sessions WHERE user_id = $1", user)
            detail = {"before": before, "after": roles}
            await register.note(transaction, workspace, "user.roles_changed", email, doer, detail)
        return any(roles.values())

    def _roles_of(self, claims: Mapping[str, Any]) -> Roles:
        policy = self._policy
        if policy.role_claim is None:
            return _by_environment(policy.default_roles)
        value = claims.get(policy.role_claim, ())
        values = {value} if isinstance(value, str) else {*value} if _are_words(value) else set()
        return _by_environment([(where, role) for one, where, role in policy.role_map if one in values]) or (
            _by_environment(policy.default_roles)
        )


def _by_environment(pairs: Sequence[tuple[str, str]]) -> Roles:
    found: Roles = {}
    for environment, role in pairs:
        found.setdefault(environment, []).append(role)
    return found


def _are_words(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _sorted(roles: Roles) -> Roles:
    return {environment: sorted(set(names)) for environment, names in sorted(roles.items())}
