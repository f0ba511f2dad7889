"""Who changed what: one entry for each change, written in the transaction of the change itself, and chained.

A change that running processes must see also raises the `config` counter, in the same transaction. What an entry says
of the state before and after never holds a secret. Reading, checking and thinning out stand in `auditing.py`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from heliograph.core.chain import Noted
from heliograph.engine.form import SECRET_KEYS
from heliograph.store.port import Transaction

_SECRET: Final = frozenset({*SECRET_KEYS, "secrets", "callback_secret"})
_HIDDEN: Final = "…"


class Actor(str):
    """Who acts, by the name that entries show, and the address that the request came from."""

    ip: str | None

    def __new__(cls, name: str, ip: str | None) -> "Actor":
        made = super().__new__(cls, name)
        made.ip = ip or None
        return made


async def note(
    transaction: Transaction,
    *,
    workspace: int | None,
    actor: str,
    action: str,
    object: str,
    now: int,
    detail: Mapping[str, object] | None = None,
    ip: str | None = None,
) -> None:
    """Add an entry. `workspace` is None for what concerns all of them; `detail` never holds a secret.

    The address is that of the actor, when a request brought one.
    """
    text = msgspec.json.encode(detail or {}).decode()
    origin = ip if ip is not None else getattr(actor, "ip", None)
    transaction.note(Noted(workspace, now, str(actor), action, object, text, origin))


async def config_changed(transaction: Transaction) -> None:
    """Make every running process read the configuration again."""
    await transaction.execute("UPDATE counters SET value = value + 1 WHERE name = 'config'")


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, object]:
    """What is different, as it was and as it is now; of a secret only that it is. None: there was, or is, nothing."""
    if before is None or after is None:
        shown = {key: _shown(key, value) for key, value in (before or after or {}).items()}
        return {"before": None, "after": shown} if before is None else {"before": shown, "after": None}
    changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return {
        "before": {key: _shown(key, before[key]) for key in changed if key in before},
        "after": {key: _shown(key, after[key]) for key in changed if key in after},
    }


def _shown(key: str, value: object) -> object:
    return _HIDDEN if key in _SECRET else value
