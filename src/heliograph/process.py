"""What every command has of the program: settings, secrets, the ledger. Loads no more than that: a command that makes a
key shall not wait for carriers and doors.
"""

import os
import secrets
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from heliograph.core.signing import secret_from
from heliograph.engine import datakeys, environments
from heliograph.engine import secrets as sealing
from heliograph.outgoing.guard import check_url
from heliograph.settings import Settings, resolve_secret
from heliograph.store.port import Ledger

if TYPE_CHECKING:
    from heliograph.carriers.port import Carrier, Listener, World
    from heliograph.engine.form import Tools
    from heliograph.engine.specs import ConnectorSpec

_SQLITE: Final = "sqlite:///"


class Process:
    """What every command has: settings, secrets, the ledger's address."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.vault = sealing.load(os.environ, settings.data_dir)
        self.networks = tuple(map(ip_network, settings.webhooks.allow_networks))

    def seal(self, secret: str) -> str:
        return self.vault.seal(secret.encode())

    def unseal(self, secret: str) -> str:
        """A secret as it is kept: sealed, a reference, or itself."""
        if secret.startswith(sealing.PREFIX):
            return self.vault.open(secret).decode()
        return resolve_secret(secret, os.environ)

    def refuse_url(self, url: str) -> str | None:
        """Why a customer's URL will not be called."""
        bad = check_url(url, self.networks)
        return None if bad is None else bad.detail

    def carrier(self, spec: "ConnectorSpec", world: "World") -> "Carrier":
        from heliograph.carriers import catalogue

        made = catalogue.build(spec.kind, spec.name, self._opened(spec), world)
        recorder = getattr(made, "recorder", None)
        if recorder is not None and spec.settings.get("record_to_disk"):
            folder = self.settings.data_dir / "recordings"
            folder.mkdir(mode=0o700, exist_ok=True)
            recorder.to_file(folder / f"{quote(spec.name, safe='')}.jsonl")
        return made

    def listener(self, spec: "ConnectorSpec") -> "Listener | None":
        from heliograph.carriers import catalogue

        return catalogue.listener(spec.kind, spec.name, self._opened(spec))

    def _opened(self, spec: "ConnectorSpec") -> dict[str, Any]:
        """The settings with their secrets."""
        return {key: self.unseal(v) if isinstance(v, str) else v for key, v in spec.settings.items()}

    @property
    def tools(self) -> "Tools":
        from heliograph.carriers import catalogue
        from heliograph.engine.form import Tools

        return Tools(
            catalogue.check,
            self.refuse_url,
            lambda: secret_from(secrets.token_bytes(32)),
            self.seal,
            self.unseal,
            catalogue.carries,
            catalogue.push_key,
        )


def now_ms() -> int:
    """The wall clock, for commands that run without an event loop."""
    import time

    return time.time_ns() // 1_000_000


def declaring_tools(settings: Settings) -> "Tools":
    """What `apply` needs to check and to seal."""
    return Process(settings).tools


async def open_ledger(
    settings: Settings, *, serving: bool = False, report: Callable[[Exception], None] = lambda error: None
) -> Ledger:
    """The ledger of these settings, its schema brought up to date, the first workspace there."""
    process = Process(settings)
    url = settings.store_url(os.environ)
    if url.startswith(_SQLITE):
        from heliograph.store.sqlite import SqliteLedger

        ledger: Ledger = await SqliteLedger.open(
            Path(url.removeprefix(_SQLITE)), now_ms=now_ms, report=report, serving=serving
        )
    else:
        from heliograph.store.postgres import PostgresLedger

        ledger = await PostgresLedger.open(url, now_ms=now_ms, report=report)
    try:
        await datakeys.load(ledger, process.vault, now_ms, encrypt=settings.store.encrypt_bodies)
        await environments.ensure_defaults(ledger, process.seal, now=now_ms())
    except BaseException:
        await ledger.close()
        raise
    return ledger


def public_url(settings: Settings) -> str:
    """Where people find the gateway."""
    return settings.server.public_url or f"http{'s' if settings.server.tls_cert else ''}://{settings.server.listen}"
