"""The audit log as a chain: each entry carries a hash over itself and the hash before it.

The hash is keyed with a key that stands outside the database. Whoever can write to the database alone can change,
remove, move or insert entries, but can't make the hashes fit. What the chain can't show by itself is that its newest
entries were cut off: for that, an anchor (an entry's number and hash) is kept elsewhere and compared.
"""

import hmac
from typing import Final, NamedTuple

import msgspec

BEGIN: Final = ""  # stands before the first entry
_encode: Final = msgspec.json.Encoder().encode


class Noted(NamedTuple):
    """What an entry says, in the order of the ledger's columns."""

    workspace: int | None
    at: int
    actor: str
    action: str
    object: str
    detail: str  # JSON
    ip: str | None


def link(key: bytes, previous: str, number: int, noted: Noted) -> str:
    """The hash of an entry that stands after the one with the hash `previous`."""
    return _proof(key, "entry", [previous, number, *noted])


def base_proof(key: bytes, number: int, previous: str) -> str:
    """Proof that everything up to an entry was removed by ourselves, because its time was over."""
    return _proof(key, "base", [previous, number])


def _proof(key: bytes, what: str, facts: list[object]) -> str:
    return hmac.digest(key, _encode([what, *facts]), "sha256").hex()
