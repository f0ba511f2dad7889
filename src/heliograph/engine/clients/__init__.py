"""Clients: their keys, how they are made and ended, and who is calling."""

from heliograph.engine.clients.authentication import Clients, TurnedAway, basic, whose
from heliograph.engine.clients.client import Client
from heliograph.engine.clients.register import (
    CreatedKey,
    KeyView,
    create_key,
    get_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from heliograph.engine.clients.scopes import ADMIN, DEFAULT_SCOPES, SCOPES, unknown_scopes
from heliograph.engine.clients.tokens import Token, issue_token

__all__ = [
    "ADMIN",
    "DEFAULT_SCOPES",
    "SCOPES",
    "Client",
    "Clients",
    "CreatedKey",
    "KeyView",
    "Token",
    "TurnedAway",
    "basic",
    "create_key",
    "get_key",
    "issue_token",
    "list_keys",
    "revoke_key",
    "rotate_key",
    "unknown_scopes",
    "whose",
]
