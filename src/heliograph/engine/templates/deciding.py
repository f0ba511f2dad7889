"""Decisions on versions: who may make them, and the approval with all that stands against one. The doors share it."""

from asyncio import to_thread
from collections.abc import Callable

from heliograph.core.failures import Refusal, Refused
from heliograph.engine.clients import Client
from heliograph.engine.declared import Realm, Snapshot
from heliograph.engine.templates import look, versions
from heliograph.engine.templates.usable import LIVE
from heliograph.engine.templates.versions import Version
from heliograph.store.port import Ledger


def refuse_foreign(client: Client, snapshot: Callable[[], Snapshot]) -> None:
    """A test key reaches nothing live, so it must not decide what live messages read. Raises `Refused`."""
    if client.mode == LIVE or client.person is not None:
        return
    if any(r.mode == LIVE and r.workspace == client.workspace for r in snapshot().realms.values()):
        detail = f"a {client.mode} key can't decide what live messages read; use a live key, or log in"
        raise Refused(Refusal("foreign_environment", detail, status=403))


async def approve(
    ledger: Ledger, workspace: int, version: Version, realm: Realm, acknowledged: str | None, *, actor: str, now: int
) -> Version:
    """Let live messages use a version that was handed in, if nothing stands against it. Raises `Refused`."""
    if version.state == versions.REVIEW:  # in another thread: to count long texts must not keep messages waiting
        refusal = await to_thread(look.stands_against, version, realm, actor, acknowledged)
        if refusal is not None:
            raise Refused(refusal)
    return await versions.approve(
        *(ledger, workspace, version.name, version.version), acknowledged=acknowledged, actor=actor, now=now
    )
