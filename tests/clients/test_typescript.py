"""The TypeScript client: generated from the document, compiled by tsc, run by node against a gateway."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.generate import FILE, typescript
from heliograph import __version__
from heliograph.core.signing import Signer, secret_from
from tests import npm
from tests.api.conftest import CONFIG
from tests.process.server import Server

HERE = Path(__file__).parent / "node"
ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "clients" / "typescript"
PAGE = ROOT / "docs" / "sdk.md"
NOW = 1_795_000_000
OLD, NEW, OTHER = (secret_from(bytes([number]) * 32) for number in (1, 2, 3))
BODY = '{"id":"evt_1","type":"message.delivered","created_at":"2026-11-20T09:30:00.000Z","data":{"text":"é"}}'


def test_it_is_what_the_document_says_now() -> None:
    assert FILE.read_text("utf-8") == typescript(), "run `make docs`"


def test_it_needs_nothing_and_has_the_version_of_the_gateway() -> None:
    package = json.loads((PROJECT / "package.json").read_text())
    assert "dependencies" not in package and package["version"] == __version__
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert package["devDependencies"] == wanted


def webhook(signed: str = BODY, **changed: Any) -> dict[str, Any]:
    """A webhook as the gateway signs it with the old and the new secret."""
    signature = Signer([NEW, OLD]).sign("evt_1", NOW, signed.encode()).decode()
    headers = {"Webhook-Id": "evt_1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    return {"headers": headers, "body": signed, "secret": NEW, "now": NOW, **changed}


# What is told, and what is said of it.
WEBHOOKS: list[tuple[dict[str, Any], str]] = [
    (webhook(), "evt_1"),
    (webhook(secret=OLD), "evt_1"),
    (webhook(secret=[OTHER, OLD]), "evt_1"),
    (webhook(secret=OTHER), "no_match"),
    (webhook(body=f"{BODY} "), "no_match"),
    (webhook(now=NOW + 301), "too_old"),
    (webhook(now=NOW - 301), "too_new"),
    (webhook(headers={}), "missing_header"),
    (webhook("[]"), "no_event"),
    (webhook(secret="whsec_"), "a webhook secret is whsec_ and base64; it was shown when the endpoint was made"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("typescript"), CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def compiler() -> Path:
    return npm.modules(HERE / "package.json", "node-typescript") / ".bin" / "tsc"


@pytest.fixture(scope="module")
def application(compiler: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an application that has the compiled client installed."""
    folder = tmp_path_factory.mktemp("application")
    package = folder / "node_modules" / "heliograph-client"
    package.mkdir(parents=True)
    shutil.copy(PROJECT / "package.json", package)
    command = [compiler, "--project", PROJECT, "--outDir", package / "dist"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


@pytest.fixture(scope="module")
def seen(server: Server, application: Path) -> dict[str, Any]:
    """What a program sees that uses the client."""
    assert npm.NODE is not None
    dist = application / "node_modules" / "heliograph-client" / "dist"
    command = [npm.NODE, HERE / "client.mjs", dist, server.url, server.key("admin")]
    told = json.dumps([heard for heard, _ in WEBHOOKS])
    done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@npm.needed
def test_a_program_sends_looks_lists_and_takes_back(seen: dict[str, Any]) -> None:
    assert (seen["sent"]["status"], seen["sent"]["country"], seen["replayed"]) == ("queued", "GB", True)
    assert seen["fetched"] == {"status": "delivered", "text": "Hello from TypeScript", "tags": ["ts"]}
    assert (seen["listed"], seen["batch"], seen["canceled"]) == (5, ["queued", "refused"], "canceled")
    assert (seen["approved"], seen["imported"]) == (True, 1)
    assert "+447400200009" in seen["file"]


@npm.needed
def test_a_lost_answer_does_not_send_twice(seen: dict[str, Any]) -> None:
    lost = seen["lost"]
    assert (lost["tries"], lost["keys"], lost["messages"]) == (3, 1, [lost["id"]])


@npm.needed
def test_what_goes_wrong_has_a_type(seen: dict[str, Any]) -> None:
    assert seen["wrong"] == {"code": "letters", "status": 422, "pointers": ["/to"], "has_id": True}
    assert (seen["missing"]["code"], seen["denied"]["status"]) == ("not_found", 401)
    assert (seen["stranger"], seen["tries"], seen["unreached"]) == (True, 3, True)


@npm.needed
def test_webhooks_are_believed_when_they_are_genuine_and_fresh(seen: dict[str, Any]) -> None:
    assert seen["verified"] == [wanted for _, wanted in WEBHOOKS]


PRELUDE = """\
declare const process: { env: Record<string, string | undefined> };
declare const request: { headers: Record<string, string> };
declare const rawBody: string;
"""


@npm.needed
def test_the_example_of_the_page_fits_the_types(compiler: Path, application: Path) -> None:
    [example] = re.findall(r"^```ts\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (application / "app.ts").write_text(PRELUDE + example)
    (application / "wrong.ts").write_text(PRELUDE + example.replace("text:", "txt:"))
    flags = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--types", ""]
    for name, fits in (("app.ts", True), ("wrong.ts", False)):
        done = subprocess.run([compiler, *flags, name], cwd=application, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == fits, done.stdout
