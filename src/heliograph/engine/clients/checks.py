"""A key before it is made, and what of it can't be."""

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Final

import msgspec

from heliograph.core.failures import Refusal
from heliograph.engine.accounts import Account, wrong_inbound
from heliograph.engine.clients.scopes import unknown_scopes

_ALLOWLIST_LIMIT: Final = 100


class NewKey(msgspec.Struct, kw_only=True):
    """A key as it is to be."""

    workspace: str
    environment: str
    name: str
    scopes: Sequence[str]
    ip_allowlist: Sequence[str]
    messages_per_second: int | None
    expires_at: int | None
    short: bool
    smpp: Account | None
    replaces: tuple[int, int, str] | None = None  # number, that of its line's first, id


def wrong(new: NewKey, now: int) -> list[Refusal]:
    """Everything that is wrong."""
    refusals = unknown_scopes(new.scopes)
    if new.smpp is not None:
        refusals += wrong_inbound(new.smpp.inbound)
    if not 0 < len(new.name.strip()) <= 100:
        refusals.append(Refusal("bad_name", "a key needs a name of 1 to 100 characters: what is it for?", "/name"))
    if new.messages_per_second is not None and new.messages_per_second < 1:
        refusals.append(Refusal("bad_rate", "at least 1; leave it out for the default", "/messages_per_second"))
    if new.expires_at is not None and new.expires_at <= now:
        refusals.append(Refusal("already_over", "expires_at has passed", "/expires_at"))
    if len(new.ip_allowlist) > _ALLOWLIST_LIMIT:
        refusals.append(
            Refusal("allowlist_too_long", f"ip_allowlist takes {_ALLOWLIST_LIMIT} networks", "/ip_allowlist")
        )
    for index, network in enumerate(new.ip_allowlist[:_ALLOWLIST_LIMIT]):
        if not _is_network(network):
            refusals.append(
                Refusal(
                    "bad_network",
                    f"{network[:50]!r} is not an address or network, such as 203.0.113.7 or 203.0.113.0/24",
                    f"/ip_allowlist/{index}",
                )
            )
    return refusals


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
