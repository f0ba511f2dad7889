"""`heliograph doctor`: looks at everything that a start needs, and says what is wrong with it, one line each."""

import asyncio
import fcntl
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from heliograph.cli.options import Config, DataDir, Json, load
from heliograph.cli.output import Mistake, show, table

if TYPE_CHECKING:
    from heliograph.settings import Settings

_LEAST_FREE_BYTES = 1 << 30
_CLOCK_MAY_DIFFER_S = 60


class Finding(NamedTuple):
    """One look at one thing. A doubt is good, but somebody should know."""

    what: str
    is_good: bool
    detail: str
    is_doubt: bool = False

    @property
    def mark(self) -> str:
        return "warn" if self.is_doubt else "ok" if self.is_good else "WRONG"


def doctor(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Check everything that the gateway needs.

    Settings, disk, clock, ledger, secrets, certificates, and who can be reached. Ends with 1 when something is wrong; a
    warning is no error.
    """
    settings = load(config, data_dir)  # a mistake in it is told with its line
    findings = [Finding("configuration", True, "read"), *_look(settings)]
    rows = [(finding.mark, finding.what, finding.detail) for finding in findings]
    show({"data": [f._asdict() for f in findings]}, table(("", "WHAT", "FOUND"), rows), as_json)
    if wrong := sum(not f.is_good for f in findings):
        raise Mistake(f"{wrong} of {len(findings)} checks failed")


def _look(settings: "Settings") -> Iterator[Finding]:
    from heliograph.cli import examining

    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("data directory", _data_dir),
        ("disk space", _disk),
        ("commits", examining.commits),
        ("open files", examining.open_files),
        ("master key", _master_key),
        ("ledger", _ledger),
        ("clock", _clock),
        ("time", examining.time_kept),
        ("TLS files", _tls),
        ("certificates", examining.certificates),
        ("public address", examining.addresses),
        ("declared objects", _declared),
        ("secrets", examining.secrets_open),
        ("endpoints", examining.endpoints),
        ("connectors", examining.connectors),
        ("server", _server),
    )
    for what, check in checks:
        try:
            yield Finding(what, True, check(settings))
        except examining.Doubt as doubt:
            yield Finding(what, True, str(doubt), is_doubt=True)
        except Exception as error:  # whatever it is, it is the finding
            yield Finding(what, False, str(error) or type(error).__name__)


def _data_dir(settings: "Settings") -> str:
    folder = settings.data_dir
    if not folder.exists():
        return f"{folder} does not exist yet; the first start makes it"
    if not os.access(folder, os.W_OK):
        raise Mistake(f"{folder} can't be written to")
    if (mode := folder.stat().st_mode & 0o077) != 0:
        raise Mistake(f"{folder} is open to others (mode {mode:03o}): chmod 700")
    return str(folder)


def _disk(settings: "Settings") -> str:
    folder = settings.data_dir if settings.data_dir.exists() else Path()
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise Mistake(f"only {free >> 20} MB are free")
    return f"{free >> 30} GB free"


def _master_key(settings: "Settings") -> str:
    from heliograph.engine import secrets

    if secrets.VARIABLE not in os.environ and not (settings.data_dir / secrets.FILE).exists():
        return "the first start makes one"
    secrets.load(os.environ, settings.data_dir)
    return "there"


def _ledger(settings: "Settings") -> str:
    from heliograph.cli.schema import engine_of, file_of
    from heliograph.store import migrate

    url = settings.store_url(os.environ)
    engine = engine_of(url)
    if engine == "sqlite" and not file_of(url).exists():
        return "the first start makes it"
    found, newest = asyncio.run(_version(url)), migrate.known(engine)[-1].number
    if found is None or found < newest:
        return f"at {found}; the next start brings it to {newest}"
    return f"{engine}, at {found}"


async def _version(url: str) -> int | None:
    from heliograph.cli.schema import engine_of, schema
    from heliograph.store import migrate

    async with schema(url, readonly=True) as target:
        at = await migrate.current(target, engine_of(url))  # says so itself when it is newer than this program
        return None if at is None else at.number


def _clock(settings: "Settings") -> str:
    from heliograph import process
    from heliograph.cli.schema import engine_of, file_of, schema

    url = settings.store_url(os.environ)
    if engine_of(url) == "sqlite" and not file_of(url).exists():
        return "nothing to compare it with yet"

    async def newest() -> int:
        async with schema(url, readonly=True) as target:
            rows = await target.rows("SELECT max(at) FROM audit")
            return int(rows[0][0] or 0)

    if (ahead_s := (asyncio.run(newest()) - process.now_ms()) // 1_000) > _CLOCK_MAY_DIFFER_S:
        raise Mistake(f"{ahead_s} s behind what the ledger has seen: it was set back")
    return "not behind the ledger"


def _tls(settings: "Settings") -> str:
    import ssl

    server = settings.server
    if server.tls_cert is None or server.tls_key is None:
        return "none: TLS ends in front, or HTTP is spoken"
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(server.tls_cert, server.tls_key)
    return "certificate and key fit"


def _declared(settings: "Settings") -> str:
    from heliograph import process

    if not settings.declared:
        return "none: the sandbox serves test keys"
    _secrets_resolve(settings)
    tools, place = process.declaring_tools(settings), settings.document.place
    connectors, endpoints = settings.declared.get("connectors", {}), settings.declared.get("endpoints", {})
    for name, spec in connectors.items():
        if wrong := tools.check_connector(str(spec.get("kind")), spec):
            raise Mistake(f"{place('connectors', name, wrong[0])}: {wrong[1]}")
    for name, spec in endpoints.items():
        if why := tools.check_url(str(spec.get("url"))):
            raise Mistake(f"{place('endpoints', name, 'url')}: {why}")
    return f"{len(connectors)} connectors, {len(endpoints)} endpoints"


def _secrets_resolve(settings: "Settings") -> None:
    from heliograph.settings import BadSecret, resolve_secret

    for section, objects in settings.declared.items():
        for name, spec in objects.items() if isinstance(objects, dict) else enumerate(objects):
            for key, value in spec.items():
                try:
                    resolve_secret(value if isinstance(value, str) else "", os.environ)
                except BadSecret as error:
                    raise Mistake(f"{settings.document.place(section, name, key)}: {error}") from None


def _server(settings: "Settings") -> str:
    import ssl

    scheme = "https" if settings.server.tls_cert else "http"
    url = f"{scheme}://{settings.server.listen}/readyz"
    unchecked = ssl.create_default_context()  # its certificate names the public host, and is looked at above
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked)
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=3.0):
            return "answers, and is ready"
    except urllib.error.HTTPError as error:
        with error:
            raise Mistake(f"answers {error.code} to {url}: {error.read(200).decode(errors='replace')}") from None
    except OSError as error:
        if holder := _holder(settings):
            reason = getattr(error, "reason", error)
            raise Mistake(f"process {holder} holds the ledger, but nothing answers at {url}: {reason}") from None
        return f"does not run: nothing answers at {url}"


def _holder(settings: "Settings") -> str | None:
    """The process that serves the embedded ledger."""
    from heliograph.cli.schema import engine_of, file_of

    url = settings.store_url(os.environ)
    if engine_of(url) != "sqlite" or not (lock := file_of(url).with_suffix(".lock")).exists():
        return None
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read(32).decode(errors="replace").strip() or "unknown"
    return None
