"""Links to carriers as an operator sees them: the list, the flight recorder, the balance."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.links import _HEAD, connector
from tests.process.server import BIN, Api, Server
from tests.process.smsc import Smsc


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder = tmp_path_factory.mktemp("connectors")
    with (
        Smsc(folder) as centre,
        Server(
            folder, _HEAD.format(store="", via='"telco"') + connector("telco", centre.port) + "record_to_disk = true\n"
        ) as server,
    ):
        key = server.key("messages:send", "messages:read", "routing:manage", "admin", environment="live")
        api = Api(server, key)
        api.until(api.send(to="+447911000001", text="A text for one person")["id"], "delivered")
        yield server, key


def _config(centre: Smsc) -> str:
    return _HEAD.format(store="", via='"telco"') + connector("telco", centre.port) + "record_to_disk = true\n"


def command(running: tuple[Server, str], *words: str) -> subprocess.CompletedProcess[str]:
    server, key = running
    line = [str(BIN / "heliograph"), "connectors", *words, "--key", key, "--url", server.url]
    return subprocess.run(line, capture_output=True, text=True, timeout=60)


def test_connectors_are_listed_with_how_they_are(running: tuple[Server, str]) -> None:
    done = command(running, "list", "--json")
    found = {one["name"]: one for one in json.loads(done.stdout)["data"]}
    assert found["telco"] | {"in_flight": 0} == {
        "name": "telco",
        "kind": "smpp",
        "up": True,
        "reason": "",
        "in_flight": 0,
        "records": True,
        "is_paused": False,
    }
    assert "telco" in command(running, "list").stdout


def test_what_went_over_the_wire_can_be_had_without_secrets_and_texts(
    running: tuple[Server, str], tmp_path: Path
) -> None:
    done = command(running, "record", "telco", "--to", str(tmp_path / "record.jsonl"))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text().splitlines()]
    names = [line["name"] for line in lines]
    assert {"bind_transceiver", "submit_sm", "submit_sm_resp", "deliver_sm", "deliver_sm_resp"} <= set(names)
    whole = json.dumps(lines)
    assert "secret" not in whole and "one person" not in whole and "447911000001" not in whole


def test_a_recording_on_disk_outlives_the_process_and_holds_no_texts(running: tuple[Server, str]) -> None:
    file = running[0].folder / "data" / "recordings" / "telco.jsonl"
    end = time.monotonic() + 10
    while not file.exists() or "deliver_sm_resp" not in file.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert {"bind_transceiver", "submit_sm"} <= {json.loads(line)["name"] for line in file.read_text().splitlines()}
    assert "secret" not in file.read_text() and "one person" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_texts_are_shown_to_whoever_may_and_that_is_noted(running: tuple[Server, str], tmp_path: Path) -> None:
    done = command(running, "record", "telco", "--to", str(tmp_path / "texts.jsonl"), "--texts")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "texts.jsonl").read_text()
    assert "447911000001" in text and '"secret"' not in text
    server, key = running
    noted = Api(server, key)("GET", "/v1/audit").json()["data"]
    assert next(entry["detail"] for entry in noted if entry["action"] == "recording.export") == {
        "format": "jsonl",
        "texts": True,
    }


def test_a_capture_and_a_scenario_are_other_forms_of_it(running: tuple[Server, str], tmp_path: Path) -> None:
    for form, start in (("pcap", b"\xd4\xc3\xb2\xa1"), ("scenario", b"#")):
        target = tmp_path / form
        assert command(running, "record", "telco", "--to", str(target), "--format", form).returncode == 0
        assert target.read_bytes().startswith(start), target.read_bytes()[:40]


def test_who_offers_no_balance_says_so(running: tuple[Server, str]) -> None:
    done = command(running, "balance", "telco")
    assert done.returncode == 1 and "no_balance" in done.stderr
