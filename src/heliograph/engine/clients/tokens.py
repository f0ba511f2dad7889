"""Access tokens for clients that speak OAuth 2.0: opaque, an hour long, kept as hashes."""

from typing import Final

import msgspec

from heliograph.engine.clients import keys
from heliograph.engine.clients.client import Client
from heliograph.store.port import Ledger

LIFETIME_S: Final = 3_600


class Token(msgspec.Struct, frozen=True):
    """A token just made; `access_token` is shown this once."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


async def issue_token(ledger: Ledger, client: Client, scopes: frozenset[str], *, now: int) -> Token:
    """A token with some of its client's scopes, that lives no longer than the client."""
    seconds = LIFETIME_S
    if client.expires_at is not None:
        seconds = max(1, min(seconds, (client.expires_at - now) // 1000))
    text, ordered = keys.make_token(), sorted(scopes)
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO tokens (hash, client, scopes, expires_at) VALUES ($1, $2, $3, $4)",
            keys.fingerprint(text),
            client.id,
            msgspec.json.encode(ordered).decode(),
            now + seconds * 1000,
        )
    return Token(text, "bearer", seconds, " ".join(ordered))
