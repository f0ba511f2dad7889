"""What is in deploy/: units that systemd takes and finds tight, a container that is nobody and says how it is."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.process.server import BIN, Server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())
INSTRUCTIONS = {
    *("FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"),
    "CMD",
}
systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as installed: a template as one of its instances, the program where it is here."""
    for name in UNITS:
        text = (DEPLOY / "systemd" / name).read_text().replace("/opt/heliograph/bin", str(BIN))
        (tmp_path / name.replace("@.", "@api.")).write_text(text)
    return tmp_path


@systemd
def test_systemd_understands_every_unit(units: Path) -> None:
    paths = [str(path) for path in units.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *paths], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "heliograph" in line]
    assert (done.returncode, ours) == (0, [])


@systemd
@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_a_service_can_do_little_beside_its_work(units: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", name.replace("@.", "@api.")]
    done = subprocess.run(command, cwd=units, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_units_of_one_and_of_many_processes_differ_by_their_role_alone() -> None:
    one, many = ((DEPLOY / f"systemd/heliograph{at}.service").read_text().splitlines() for at in ("", "@"))
    assert [line for line in many if line not in one and not line.startswith("#")] == [
        "Description=Heliograph messaging gateway (%I)",
        "EnvironmentFile=-/etc/heliograph/environment-%i",
        next(line for line in many if "--roles %I" in line),
    ]


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_is_built_in_two_stages_and_runs_as_nobody() -> None:
    found = instructions()
    assert {word for word, _ in found} <= INSTRUCTIONS
    bases = [rest for word, rest in found if word == "FROM"]
    assert len(bases) == 2 and all(re.match(r"[\w./-]+:[\w.-]*\d", base) for base in bases)
    last = found[[word for word, _ in found].index("FROM", 1) :]
    words = dict(last)
    assert words["USER"] == "10001:10001"
    assert "/readyz" in words["HEALTHCHECK"]
    assert (words["ENTRYPOINT"], words["CMD"]) == ('["heliograph"]', '["serve"]')
    assert not [rest for word, rest in last if word == "COPY" and "--from=build" not in rest], "no source in what ships"


def test_the_container_finds_what_it_copies_and_is_given_nothing_else() -> None:
    sources = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    names = {name for group in sources for name in group}
    assert [name for name in names if not (ROOT / name).exists()] == []
    let_in = [line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")]
    assert set(let_in) == names
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


def test_the_package_is_built_from_what_the_container_is_given(tmp_path: Path) -> None:
    for line in (ROOT / ".containerignore").read_text().splitlines():
        name = line.removeprefix("!")
        if line.startswith("!") and (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif line.startswith("!"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert len([*(tmp_path / "dist").glob("*.whl")]) == 1


def test_the_check_of_health_is_a_program_that_works(tmp_path: Path) -> None:
    (health,) = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    command = yaml.safe_load(health.partition("CMD ")[2])
    with Server(tmp_path) as server:
        script = command[-1].replace("127.0.0.1:8080", f"127.0.0.1:{server.port}")
        assert subprocess.run([BIN / "python", "-c", script], timeout=30, check=False).returncode == 0
    assert subprocess.run([BIN / "python", "-c", script], capture_output=True, timeout=30, check=False).returncode == 1


def test_compose_starts_doors_and_engine_on_one_database_without_secrets_in_it() -> None:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = found["services"]
    roles = [services[name]["command"] for name in ("api", "engine")]
    assert roles == [["serve", "--roles", "api,console"], ["serve", "--roles", "engine"]]
    for name in ("api", "engine"):
        one = services[name]
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
        assert one["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        assert (DEPLOY / one["build"]["context"] / one["build"]["dockerfile"]).exists()
        assert set(one["secrets"]) <= found["secrets"].keys()
    assert "healthcheck" in services["postgres"]
    assert {volume.partition(":")[0] for volume in services["postgres"]["volumes"]} == found["volumes"].keys()
    assert all(port.startswith("127.0.0.1:") for one in services.values() for port in one.get("ports", ()))


def test_the_words_of_compose_lead_to_the_program(tmp_path: Path) -> None:
    """Its little shell script, with its files in another place."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    entrypoint = found["services"]["engine"]["entrypoint"]
    (tmp_path / "master-key").write_text("a key\n")
    (tmp_path / "postgres-password").write_text("a password\n")
    script = entrypoint[2].replace("$$", "$").replace("/run/secrets", str(tmp_path))
    (tmp_path / "heliograph").write_text('#!/bin/sh\necho "$HELIOGRAPH_MASTER_KEY|$HELIOGRAPH_STORE_URL|$*"\n')
    (tmp_path / "heliograph").chmod(0o755)
    words = [*entrypoint[:2], script, entrypoint[3], "serve", "--roles", "engine"]
    done = subprocess.run(words, capture_output=True, text=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, timeout=30)
    assert done.stdout == "a key|postgresql://heliograph:a password@postgres/heliograph|serve --roles engine\n"


def test_the_configuration_to_begin_with_serves(tmp_path: Path) -> None:
    text = (DEPLOY / "heliograph.toml").read_text()
    assert tomllib.loads(text)["server"] == {"listen": "127.0.0.1:8080"}
    with Server(tmp_path) as server:
        server.stop()
        server.config.write_text(text.replace("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
        server.start()
        done = subprocess.run(server.command("doctor"), capture_output=True, text=True, env=server.environ, timeout=60)
        assert done.returncode == 0, done.stdout
