"""What `doctor` looks at beyond the settings: the disk, the clock, certificates, secrets, and who can be reached.

A check answers what it found, raises `Mistake` for what is wrong, and `Doubt` for what may be meant so.
"""

import asyncio
import os
import socket
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from heliograph.cli.output import Mistake
from heliograph.cli.schema import engine_of, file_of, schema

if TYPE_CHECKING:
    from heliograph.settings import Settings

_SLOW_SYNC_MS: Final = 50
_SYNCS: Final = 5
_FEW_FILES: Final = 4_096
_SOON_DAYS: Final = 14
_CLOCKS_MAY_DIFFER_S: Final = 2
_REACH_S: Final = 3.0
_UNSYNCHRONISED: Final = 5  # what adjtimex answers


class Doubt(Exception):
    """Nothing is broken, but somebody should know."""


def commits(settings: "Settings") -> str:
    """How long the disk takes to keep something: each commit of the embedded ledger waits for that."""
    if engine_of(settings.store_url(os.environ)) != "sqlite":
        return "PostgreSQL's own disk counts"
    if not settings.data_dir.exists():
        return "nothing to try it on yet"
    took = []
    with TemporaryFile(dir=settings.data_dir) as file:
        for _ in range(_SYNCS):
            started = time.monotonic()
            file.write(b"x" * 4_096)
            file.flush()
            os.fsync(file.fileno())
            took.append((time.monotonic() - started) * 1_000)
    median = sorted(took)[_SYNCS // 2]
    if median > _SLOW_SYNC_MS:
        raise Doubt(f"the disk takes {median:.0f} ms to keep a commit: single messages wait for that")
    return f"the disk keeps a commit in {median:.1f} ms"


def open_files(settings: "Settings") -> str:
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= most < _FEW_FILES:
        raise Doubt(f"only {most} files and connections may be open at once: ulimit -n, or LimitNOFILE= in the unit")
    return "unlimited" if most < 0 else f"{most} at once"


def time_kept(settings: "Settings") -> str:
    """Does anything keep the clock right, and does PostgreSQL see the same time?"""
    url = settings.store_url(os.environ)
    if engine_of(url) == "postgres":
        apart_s = abs(asyncio.run(_postgres_time(url)))
        if apart_s > _CLOCKS_MAY_DIFFER_S:
            raise Mistake(f"the clock of PostgreSQL is {apart_s:.0f} s away: run NTP on both machines")
    if _is_unsynchronised():
        raise Doubt("nothing keeps this clock right, says the kernel: run NTP (chrony, systemd-timesyncd)")
    return "kept right"


async def _postgres_time(url: str) -> float:
    from heliograph import process

    async with schema(url, readonly=True) as target:
        rows = await target.rows("SELECT extract(epoch FROM clock_timestamp())")
        return float(rows[0][0]) - process.now_ms() / 1_000


def _is_unsynchronised() -> bool:
    import ctypes

    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # all zero: only asks
    except (OSError, AttributeError):  # no Linux
        return False
    return bool(state == _UNSYNCHRONISED)


def certificates(settings: "Settings") -> str:
    """How long the certificates that we serve are good for."""
    from cryptography import x509

    from heliograph import process

    now, days = datetime.fromtimestamp(process.now_ms() / 1_000, UTC), {}
    for path in filter(None, (settings.server.tls_cert, settings.smpp_server.tls_cert)):
        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
        days[path] = (certificate.not_valid_after_utc - now).days
    if not days:
        return "none"
    path, least = min(days.items(), key=lambda one: one[1])
    if least < 0:
        raise Mistake(f"{path} has expired {-least} days ago")
    if least < _SOON_DAYS:
        raise Doubt(f"{path} expires in {least} days")
    return f"good for {least} days"


def addresses(settings: "Settings") -> str:
    """What others are told of where we are."""
    if settings.server.public_url is None and any(
        spec.get("kind") not in ("sandbox", "smpp", "smtp") for _, spec in _declared(settings, "connector")
    ):
        raise Doubt("server.public_url is not set: providers can't be told where to send receipts and replies")
    return settings.server.public_url or "none needed yet"


def secrets_open(settings: "Settings") -> str:
    """Does this process find and open every secret that the declared objects name?"""
    from heliograph import process

    named = [
        (f"{kind} {name}", secret)
        for kind in ("connector", "endpoint")
        for name, spec in _declared(settings, kind)
        for secret in _secrets(spec)
    ]
    tools = process.declaring_tools(settings) if named else None
    for whose, secret in named:
        try:
            assert tools is not None
            tools.unseal(secret)
        except Exception as error:  # whatever opening or reading it says; none of them quotes it
            raise Mistake(f"{whose}: {error}") from None
    return f"{len(named)} open"


def _secrets(spec: dict[str, Any]) -> Iterator[str]:
    for value in (*spec.values(), *(spec.get("secrets") or ())):
        if isinstance(value, str) and value.startswith(("env:", "file:", "sealed:")):
            yield value


def endpoints(settings: "Settings") -> str:
    """Is there somebody at the other end of each webhook?"""
    urls = {name: str(spec.get("url")) for name, spec in _declared(settings, "endpoint") if not spec.get("disabled")}
    if not urls:
        return "none"
    with ThreadPoolExecutor(min(16, len(urls))) as threads:
        answers = dict(zip(urls, threads.map(_unreachable, urls.values()), strict=True))
    if silent := {name: why for name, why in answers.items() if why}:
        raise Mistake("; ".join(f"{name}: {why}" for name, why in silent.items()))
    return f"{len(urls)} can be reached"


def _unreachable(url: str) -> str | None:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=_REACH_S):
            return None
    except OSError as error:
        return f"{parts.hostname}:{port} can't be reached: {error.strerror or error}"


def connectors(settings: "Settings") -> str:
    """How the links are, as the running server says it."""
    links = {}
    for line in _metrics(settings).splitlines():
        if line.startswith("heliograph_link_up{"):
            name = line.partition('connector="')[2].rpartition('"}')[0]
            links[name] = float(line.rpartition(" ")[2]) > 0
    if down := sorted(name for name, is_up in links.items() if not is_up):
        raise Mistake(f"down: {', '.join(down)}")
    return f"{len(links)} up" if links else "the server does not run, or shows its metrics elsewhere"


def _metrics(settings: "Settings") -> str:
    if settings.server.tls_cert is not None:
        return ""  # its certificate names the public host, and this is no public request
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{settings.server.listen}/metrics", timeout=_REACH_S) as answer:
            found: bytes = answer.read()
    except OSError:
        return ""
    return found.decode(errors="replace")


def _declared(settings: "Settings", kind: str) -> list[tuple[str, dict[str, Any]]]:
    """What the ledger holds, and what the file would add."""
    import msgspec

    url = settings.store_url(os.environ)
    found: dict[str, dict[str, Any]] = {}
    if engine_of(url) == "postgres" or file_of(url).exists():
        found = {name: msgspec.json.decode(spec) for name, spec in asyncio.run(_rows(url, kind))}
    return [*{**found, **settings.declared.get(f"{kind}s", {})}.items()]


async def _rows(url: str, kind: str) -> list[Any]:
    from heliograph.store import migrate

    async with schema(url, readonly=True) as target:
        if await migrate.current(target, engine_of(url)) is None:
            return []
        return await target.rows("SELECT name, spec FROM declared WHERE kind = $1", kind)
