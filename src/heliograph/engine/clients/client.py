"""A client: whoever holds a key, with all that the doors and the engine need to know of it."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

import msgspec

from heliograph.core.dropin.twilio import account_sid
from heliograph.engine.accounts import Account
from heliograph.engine.declared import OPERATOR
from heliograph.store.port import Row

Network: TypeAlias = IPv4Network | IPv6Network

COLUMNS: Final = (
    "c.id, c.key_id, c.name, c.workspace, w.name, w.created_at, w.settings, w.default_country, c.environment, "
    "e.name, e.mode, e.allowlist, c.scopes, c.ip_allowlist, c.messages_per_second, c.expires_at, c.revoked_at, "
    "c.secret_hash, c.smpp, coalesce(c.line, c.id)"
)
JOINED: Final = "clients c JOIN workspaces w ON w.id = c.workspace JOIN environments e ON e.id = c.environment"


class Client(msgspec.Struct, frozen=True, gc=False):
    """Credentials that were checked, and what they allow. A person's session is one too: with `person`, the e-mail
    address, the user's id as `key_id`, and an `id` below zero, so that it is never taken for a key's."""

    id: int
    key_id: str
    name: str
    workspace: int
    workspace_name: str
    environment: int
    environment_name: str
    mode: str  # live | test | guarded
    allowlist: frozenset[str]
    scopes: frozenset[str]
    ip_networks: tuple[Network, ...]
    messages_per_second: int | None  # None: the process default
    workspace_messages_per_second: int | None  # None: the process default
    default_country: str | None
    account_sid: str
    expires_at: int | None
    account: int  # the SMPP account: that of the key which this one was rotated from, if it was
    smpp: Account | None  # what it says of its account; None: the key is none
    person: str | None = None

    @property
    def actor(self) -> str:
        """How the audit log names this client."""
        return f"key:{self.key_id}" if self.person is None else f"user:{self.person}"

    @property
    def is_operator(self) -> bool:
        """Does this client belong to those who run the gateway itself?"""
        return self.workspace_name == OPERATOR


class Settings(msgspec.Struct):
    """What of a workspace's settings concerns its clients."""

    messages_per_second: int | None = None


def client_of(row: Row) -> Client:
    """The client that a row of COLUMNS describes."""
    return Client(
        id=row[0],
        key_id=row[1],
        name=row[2],
        workspace=row[3],
        workspace_name=row[4],
        environment=row[8],
        environment_name=row[9],
        mode=row[10],
        allowlist=frozenset(msgspec.json.decode(row[11], type=list[str])),
        scopes=frozenset(msgspec.json.decode(row[12], type=list[str])),
        ip_networks=tuple(ip_network(text) for text in msgspec.json.decode(row[13], type=list[str])),
        messages_per_second=row[14],
        workspace_messages_per_second=settings_of(row[6]).messages_per_second,
        default_country=row[7],
        account_sid=account_sid(row[3], row[5]),
        expires_at=row[15],
        account=row[19],
        smpp=msgspec.json.decode(row[18], type=Account) if row[18] is not None else None,
    )


def settings_of(text: str) -> Settings:
    return msgspec.json.decode(text, type=Settings)


@lru_cache(maxsize=4_096)
def allows(networks: tuple[Network, ...], ip: str) -> bool:
    """Is the address in one of the networks? An IPv4 address may come dressed as IPv6."""
    try:
        address = ip_address(ip)
    except ValueError:  # a Unix socket has no address
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)
