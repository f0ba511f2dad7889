"""The wheel on a machine that has nothing else: with its locked dependencies it has all that it needs."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import requests

from checks.lock import pins
from tests.process.server import Server

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def machine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the programs of a fresh environment are: the wheel, and what requirements/run.txt locks, nothing else."""
    folder = tmp_path_factory.mktemp("machine")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=60)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", "--quiet"]
    subprocess.run([*pip, "--no-input", str(wheel)], check=True, timeout=120, env=clean())
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    locked = folder / "locked"
    locked.mkdir()
    for name in pins(ROOT / "requirements/run.txt"):
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            if not (locked / top).exists():
                (locked / top).symlink_to(Path(str(distribution.locate_file(top))))
    (site / "locked.pth").write_text(f"{locked}\n")
    yield folder / "venv/bin"


def clean() -> dict[str, str]:
    """Nothing of this checkout is found."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HELIOGRAPH", "PIP"))}


def test_everything_of_the_source_is_in_the_wheel(wheel: Path) -> None:
    source = ROOT / "src"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    wanted = {name for name in files if "__pycache__" not in name and ".egg-info" not in name}
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    assert wanted - inside == set()
    assert not [name for name in inside if name.startswith("tests")]
    for extra in ("parquet", "sdk", "streams", "tracing"):
        assert f"Provides-Extra: {extra}" in about


def test_the_wheel_alone_serves_and_sends(machine: Path, tmp_path: Path) -> None:
    program = str(machine / "heliograph")
    told = subprocess.run([program, "--help"], capture_output=True, text=True, cwd=tmp_path, env=clean(), timeout=60)
    assert (told.returncode, "Run the gateway" in told.stdout) == (0, True), told.stderr
    where = [str(machine / "python"), "-c", "import heliograph, sys; print(heliograph.__file__)"]
    place = subprocess.run(where, capture_output=True, text=True, cwd=tmp_path, env=clean(), check=True).stdout
    assert str(machine.parent) in place
    server = Server(tmp_path, program=program)
    server.environ = {**clean(), "HELIOGRAPH_LOG_LEVEL": "warning"}
    with server:
        for path in ("/console", "/docs", "/docs/docs.js", "/openapi.json"):
            assert requests.get(server.url + path, timeout=10).status_code == 200
        key = server.key("messages:send", "messages:read")
        environ = {**clean(), "HELIOGRAPH_URL": server.url, "HELIOGRAPH_KEY": key}
        words = [program, "send", "+447700900123", "From a wheel", "--json"]
        sent = subprocess.run(words, capture_output=True, text=True, env=environ, timeout=60, check=False)
        assert (sent.returncode, '"status":"queued"' in sent.stdout) == (0, True), sent.stderr


def test_the_program_says_the_version_of_the_wheel(machine: Path, wheel: Path) -> None:
    command = [str(machine / "heliograph"), "--version"]
    told = subprocess.run(command, capture_output=True, text=True, env=clean(), check=True, timeout=60).stdout
    assert told == f"heliograph {wheel.name.split('-')[1]}\n"
