"""POST /oauth/token: client credentials, as RFC 6749 (section 4.4) has it, with its shape of errors."""

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from heliograph.api.context import Context
from heliograph.core.failures import Refusal
from heliograph.engine.clients import Client, basic, issue_token

_encode: Final = msgspec.json.Encoder().encode
Answer = tuple[int, bytes]


async def token(context: Context, authorization: bytes | None, body: bytes, address: str) -> Answer:
    """(status, body)."""
    form = dict(parse_qsl(body.decode("utf-8", "replace")))
    if form.get("grant_type") != "client_credentials":
        return _error(400, "unsupported_grant_type", "grant_type must be client_credentials")
    if authorization is None and "client_secret" in form:
        authorization = basic(form.get("client_id", ""), form["client_secret"])
    client = context.clients.authenticate(authorization, address)
    if client is None:
        client = await context.clients.authenticate_slow(authorization, address)
    if isinstance(client, Refusal):
        return _error(401 if client.status == 401 else client.status, "invalid_client", client.detail)
    scopes = _scopes(client, form.get("scope"))
    if scopes is None:
        return _error(400, "invalid_scope", f"this client may ask for {' '.join(sorted(client.scopes))}")
    made = await issue_token(context.ledger, client, scopes, now=context.clock.now_ms())
    return 200, _encode(made)


def _scopes(client: Client, asked: str | None) -> frozenset[str] | None:
    if not asked:
        return client.scopes
    wanted = frozenset(asked.split())
    return wanted if wanted <= client.scopes else None


def _error(status: int, code: str, description: str) -> Answer:
    return status, _encode({"error": code, "error_description": description})
