"""The blocks of docs/cli-guide.md, run as they stand there, one after the other."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.server import BIN, Server

PAGE = Path(__file__).parents[2] / "docs/cli-guide.md"
BLOCK = re.compile(r"<!-- run by: tests/docs/test_cli_guide.py -->\n```sh\n(.*?)```", re.DOTALL)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is missing: apt install jq")
def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HELIOGRAPH_CONFIG": str(server.config),
            "HELIOGRAPH_DATA_DIR": str(server.data_dir),
        }
        script = "".join(BLOCK.findall(PAGE.read_text())).replace("http://127.0.0.1:8080", server.url)
        words = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, env=environ, timeout=120)
    assert done.returncode == 0, done.stderr
    for sign in (
        "\ndelivered\nsandbox\n0\n",
        "message.undelivered is told to",
        "declared.toml: 0 objects",
        "order-shipped  created",
    ):
        assert sign in done.stdout, done.stdout
