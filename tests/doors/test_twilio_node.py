"""Twilio's own client for Node.js at our door: only the base URL is another. npm fetches it the first time."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests import npm
from tests.doors.conftest import Account
from tests.process.server import Server
from tests.process.sink import Sink

HERE = Path(__file__).parent / "node"
pytestmark = npm.needed


@pytest.fixture(scope="module")
def modules() -> Path:
    return npm.modules(HERE / "package.json", "node-twilio")


def run(modules: Path, *words: str) -> Any:
    assert npm.NODE is not None
    environ = {**os.environ, "NODE_PATH": str(modules)}
    command = [npm.NODE, str(HERE / "twilio.js"), *words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_application_works_with_the_base_url_changed(
    server: Server, mine: Account, sink: Sink, modules: Path
) -> None:
    seen = run(modules, server.url, mine.sid, mine.key, sink.url)
    assert (seen["sent"]["status"], seen["sent"]["segments"]) == ("queued", "1")
    assert seen["fetched"] == {"status": "delivered", "body": "From Node", "dateSent": True}
    assert seen["listed"] == ["Another", "From Node"]
    assert seen["canceled"] == ["scheduled", "canceled"]
    assert seen["wrong"] == {"status": 400, "code": 21211}
    assert seen["nowhere"] == {"status": 404, "code": 20404}
    assert seen["verified"] == ["pending", "pending", "approved", True]
    assert seen["again"] == {"status": 404, "code": 20404}
    heard = sink.until(lambda heard: any(b"delivered" in one.body for one in heard))[0]
    fields = dict(parse_qsl(heard.body.decode()))
    signature = heard.headers["x-twilio-signature"]
    assert run(modules, "validate", signature, sink.url, json.dumps(fields), mine.key) is True
    assert run(modules, "validate", signature, sink.url, json.dumps(fields | {"To": "+1"}), mine.key) is False
