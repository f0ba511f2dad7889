"""An OpenID provider as it is heard: its configuration, its keys, its answers. Every answer is checked before anybody
believes it; what the provider says of itself is asked for again after an hour, its keys also when they turn over.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from heliograph.core import claims as rules
from heliograph.core.failures import Refusal, Refused
from heliograph.ports import Answer, WebCall

ALGORITHMS: Final = ("RS256", "ES256")  # signed with a key that only the provider has
_TIMEOUT_S: Final = 10.0
_KNOWN_MS: Final = 3_600_000
_KEYS_AGAIN_MS: Final = 30_000


class Configuration(msgspec.Struct, frozen=True):
    """What we need of `/.well-known/openid-configuration`."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct):
    """What the token endpoint gives for a code."""

    id_token: str
    access_token: str = ""


def failed(detail: str, status: int = 401) -> Refused:
    return Refused(Refusal("openid_failed", f"the OpenID login failed: {detail}", status=status))


class Provider:
    """One issuer."""

    def __init__(
        self, issuer: str, client_id: str, client_secret: str | None, call: WebCall, now_ms: Callable[[], int]
    ) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._secret = client_secret
        self._call = call
        self._now_ms = now_ms
        self._configuration: tuple[int, Configuration] | None = None
        self._keys: tuple[int, dict[str, Any]] | None = None
        self._again_at = 0  # when an unknown key last made us ask for all of them

    async def configuration(self) -> Configuration:
        now = self._now_ms()
        if self._configuration is not None and now - self._configuration[0] < _KNOWN_MS:
            return self._configuration[1]
        place = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found: Configuration = await self._read("GET", place, Configuration)
        if found.issuer != self.issuer:
            raise failed(f"the provider calls itself {found.issuer[:80]!r}, the settings {self.issuer!r}", 502)
        places = (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint)
        for named in places:
            if named is not None and urlsplit(named).scheme not in ("https", urlsplit(self.issuer).scheme):
                raise failed("the provider names a place without HTTPS", 502)
        self._configuration = now, found
        return found

    async def claims(self, code: str, verifier: str, redirect_uri: str, nonce: str) -> dict[str, Any]:
        """Whom the provider vouches for, given the code that the browser brought. Raises `Refused`."""
        configuration = await self.configuration()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.client_id,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self._secret is not None and self._takes_basic(configuration):
            pair = f"{quote(self.client_id, safe='')}:{quote(self._secret, safe='')}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        elif self._secret is not None:
            form["client_secret"] = self._secret
        place = configuration.token_endpoint
        tokens = await self._read("POST", place, _Tokens, headers, urlencode(form).encode())
        claims = await self._verified(tokens.id_token, nonce)
        if "email" not in claims and configuration.userinfo_endpoint is not None and tokens.access_token:
            headers = {"authorization": f"Bearer {tokens.access_token}", "accept": "application/json"}
            more: dict[str, Any] = await self._read("GET", configuration.userinfo_endpoint, dict, headers)
            if more.get("sub") != claims["sub"]:
                raise failed("the provider speaks of two people", 502)
            claims = {**more, **claims}
        return claims

    def _takes_basic(self, configuration: Configuration) -> bool:
        return "client_secret_basic" in configuration.token_endpoint_auth_methods_supported

    async def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        try:
            token = jwt.decode(id_token, await self._key_of(id_token), algorithms=[*ALGORITHMS])
        except (JoseError, ValueError, TypeError, KeyError):
            raise failed("the ID token's signature is wrong") from None
        now_s = self._now_ms() // 1000
        claims: dict[str, Any] = token.claims
        wrong = rules.wrong_with(claims, issuer=self.issuer, client_id=self.client_id, nonce=nonce, now_s=now_s)
        if wrong is not None:
            raise failed(f"the ID token can't be believed: {wrong}")
        return claims

    async def _key_of(self, id_token: str) -> Any:
        """The key that the token names; of one without a name, the only one that there is."""
        head = msgspec.json.decode(_unpadded(id_token.partition(".")[0]), type=dict[str, Any])
        name, now = head.get("kid"), self._now_ms()
        keys = await self._known_keys(now, again=False)
        if name is not None and name not in keys and now - self._again_at >= _KEYS_AGAIN_MS:
            self._again_at = now
            keys = await self._known_keys(now, again=True)
        if name is None and len(keys) == 1:
            return next(iter(keys.values()))
        return keys[str(name)]

    async def _known_keys(self, now: int, *, again: bool) -> dict[str, Any]:
        if again or self._keys is None or now - self._keys[0] >= _KNOWN_MS:
            found: dict[str, Any] = await self._read("GET", (await self.configuration()).jwks_uri, dict)
            self._keys = now, dict(_signing_keys(found))
        return self._keys[1]

    async def _read(
        self, method: str, url: str, kind: type[Any], headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Any:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            if not answered.done():  # the browser may have gone
                answered.set_result(answer)

        self._call(method, url, headers or {"accept": "application/json"}, body, _TIMEOUT_S, done)
        answer = await answered
        if answer.status != 200:
            raise failed(f"{urlsplit(url).path} answered {answer.status or answer.reason}", 502)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.MsgspecError:
            raise failed(f"{urlsplit(url).path} answered what no OpenID provider answers", 502) from None


def _signing_keys(found: Mapping[str, Any]) -> Any:
    """Name and key; what is not for signatures, or unknown to us, is passed over."""
    for one in found.get("keys", ()):
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") not in ("RSA", "EC"):
            continue
        try:
            key = KeySet.import_key_set({"keys": [one]}).keys[0]
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        yield str(one.get("kid")), key


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
