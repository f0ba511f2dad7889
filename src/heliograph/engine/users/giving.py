"""Who may decide about whose roles."""

from collections.abc import Mapping, Sequence
from typing import Final

from heliograph.core.failures import Refusal, Refused
from heliograph.engine import environments
from heliograph.engine.clients import Client
from heliograph.store.port import Ledger

_LIVE: Final = "live"


async def may_give(ledger: Ledger, client: Client, roles: Mapping[str, Sequence[str]]) -> None:
    """A test key reaches nothing live, so it must not make a user who does, nor take over one. A person is asked for
    their rights in live environments wherever they look (see `roles`). Raises `Refused`."""
    if client.mode == _LIVE or client.person is not None:
        return
    for environment in await environments.list_environments(ledger, client.workspace):
        if environment.mode == _LIVE and environment.name in roles:
            detail = f"a {client.mode} key can't decide about roles in {environment.name!r}; use a live key, or log in"
            raise Refused(Refusal("foreign_environment", detail, status=403))
