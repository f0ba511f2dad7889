"""The example applications as processes of their own, each with a folder for what it keeps."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.process.server import Server

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + "c2VjcmV0LW9mLWEtcmVjZWl2ZXItaW4tdGVzdHM="
PEERS = Path(sys.prefix) / "share" / "heliograph-peers"  # in the environment: no part of the source
INSTALL_S = 120


def environ(folder: Path, server: Server, key: str, **more: str) -> dict[str, str]:
    """What an example is told by its surroundings."""
    ours = {"HELIOGRAPH_URL": server.url, "HELIOGRAPH_KEY": key, "WEBHOOK_SECRET": SECRET}
    return {**os.environ, **ours, "DATABASE": str(folder / "app.db"), "NO_PROXY": "127.0.0.1", **more}


@contextmanager
def running(
    folder: Path, variables: dict[str, str], url: str | None, *command: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of Python, until the end of the block; with a URL, once it answers there."""
    with (folder / "app.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 30
        while url is not None:
            assert process.poll() is None, (folder / "app.log").read_text()[-3_000:]
            assert time.monotonic() < end, "the example did not start"
            try:
                requests.get(url, timeout=1)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def peer(name: str, *wanted: str) -> Path:
    """A program that we did not write, as pip installs it beside the environment's own; skips where it can't be had."""
    folder = PEERS / name
    if not (folder / ".whole").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
        if done.returncode:
            pytest.skip(f"{name} can't be installed: {done.stderr.strip()[-200:]}")
        (folder / ".whole").touch()
    return folder


def certify(server: Server, url: str) -> list[dict[str, Any]]:
    """The cases that a receiver did not pass."""
    command = [server.command()[0], "webhooks", "certify", url, "--secret", SECRET, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=server.environ, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return [one for one in json.loads(done.stdout)["data"] if not one["passed"]]
