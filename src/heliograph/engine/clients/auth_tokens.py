"""With what callbacks in the shapes of Twilio and Vonage are signed: the key that asked for them, for it is what their
clients hold as auth token and as signature secret.

Keys are not kept, so this is what is kept instead, sealed, from the first callback that a key asks for. Of a long key
they are hashes: HMAC itself hashes keys of more than 64 octets first, so that signing takes no more.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from heliograph.core.failures import Refusal, Refused
from heliograph.engine import audit
from heliograph.engine.clients.authentication import secret_in
from heliograph.engine.clients.client import Client
from heliograph.engine.clients.keys import is_token
from heliograph.store.port import Ledger

_BLOCK: Final = 64  # octets, of SHA-1 and SHA-256
_NO_KEY: Final = Refusal(
    "key_needed", "callbacks are signed with the key: give it by HTTP Basic, no access token", "/callback_url"
)


async def remember(
    ledger: Ledger, client: Client, authorization: bytes | None, seal: Callable[[str], str], *, actor: str, now: int
) -> None:
    """Keep what the client's callbacks will be signed with. Raises `Refused` when it came without its key."""
    key = secret_in(authorization)
    if key is None or is_token(key):
        raise Refused(_NO_KEY)
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "UPDATE clients SET auth_token = $2 WHERE id = $1 AND auth_token IS NULL RETURNING id",
            *(client.id, seal(signing_keys(key))),
        )
        if not rows:
            return
        await audit.note(
            transaction,
            workspace=client.workspace,
            actor=actor,
            action="key.signs_callbacks",
            object=f"key:{client.key_id}",
            now=now,
        )
        await audit.config_changed(transaction)


def signing_keys(key: str) -> str:
    """What HMAC-SHA1 and HMAC-SHA256 make of the key."""
    text = key.encode()
    if len(text) <= _BLOCK:
        return f"{text.hex()}:{text.hex()}"
    return f"{hashlib.sha1(text).hexdigest()}:{hashlib.sha256(text).hexdigest()}"
