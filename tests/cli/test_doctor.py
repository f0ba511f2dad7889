"""The doctor finds what would stop a start, and says where it stands."""

import socket
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest
import trustme

from tests.cli.conftest import Done, Run
from tests.process.server import Server, free_port


def findings(done: Done) -> dict[str, str]:
    """What is wrong, by the name of its check."""
    lines = [line.split(maxsplit=1) for line in done.out.splitlines()[1:]]
    names = (
        *("data directory", "disk space", "commits", "open files", "master key", "ledger", "clock", "time"),
        *("TLS files", "certificates", "public address", "declared objects", "secrets", "endpoints", "connectors"),
        "server",
    )
    return {name: rest for mark, rest in lines if mark == "WRONG" for name in names if rest.startswith(name)}


def test_a_fresh_machine_is_well(run: Run, data: str) -> None:
    done = run("doctor", "--data-dir", data, "--json")
    assert [finding["what"] for finding in done.data["data"] if not finding["is_good"]] == []
    assert not Path(data).exists(), "looking changes nothing"


def test_a_running_server_is_well(run: Run, server: Server) -> None:
    done = run("doctor", "--config", str(server.config), "--data-dir", str(server.data_dir))
    assert (done.code, findings(done)) == (0, {})
    assert "answers, and is ready" in done.out


def test_a_server_that_holds_the_ledger_but_is_not_where_it_should_be_is_found(run: Run, server: Server) -> None:
    done = run("doctor", "--data-dir", str(server.data_dir))
    assert server.process is not None
    assert f"process {server.process.pid} holds the ledger" in findings(done)["server"]


def test_an_open_data_directory_is_found(run: Run, data: str) -> None:
    run("migrate", "--data-dir", data)
    Path(data).chmod(0o755)
    done = run("doctor", "--data-dir", data)
    assert "chmod 700" in findings(done)["data directory"]
    assert (done.code, done.err) == (1, "heliograph: 1 of 17 checks failed\n")


def test_a_broken_master_key_is_found(run: Run, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_MASTER_KEY", "short")
    assert "openssl rand -base64 32" in findings(run("doctor", "--data-dir", data))["master key"]


def test_a_file_that_is_no_ledger_is_found(run: Run, data: str) -> None:
    Path(data).mkdir(mode=0o700)
    Path(data, "heliograph.db").write_bytes(b"not a database" * 100)
    assert {"ledger", "clock"} <= findings(run("doctor", "--data-dir", data)).keys()


def test_a_clock_that_was_set_back_is_found(run: Run, data: str) -> None:
    run("keys", "list", "--data-dir", data)
    ledger = apsw.Connection(f"{data}/heliograph.db")
    ledger.execute("UPDATE audit SET at = at + 3600000")
    ledger.close()
    assert "it was set back" in findings(run("doctor", "--data-dir", data))["clock"]


def test_a_certificate_without_its_key_is_found(run: Run, data: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    cert, key = (authority.issue_cert("sms.example.com") for _ in range(2))
    cert.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    key.private_key_pem.write_to_path(tmp_path / "key.pem")
    config = tmp_path / "heliograph.toml"
    config.write_text(f'[server]\ntls_cert = "{tmp_path}/cert.pem"\ntls_key = "{tmp_path}/key.pem"\n')
    assert findings(run("doctor", "--config", str(config), "--data-dir", data)).keys() == {"TLS files"}
    cert.private_key_pem.write_to_path(tmp_path / "key.pem")
    assert run("doctor", "--config", str(config), "--data-dir", data).code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[connectors.play]\nkind = "sandbox"\nanswer_dely_ms = 3', ":3: a sandbox connector has no setting"),
        ('[endpoints.orders]\n\nurl = "http://10.0.0.1/"', ":3: 10.0.0.1 is"),
        ('[endpoints.o]\nurl = "https://hooks.example.com"\nsecret = "env:NOT_SET"', ":3: env:NOT_SET: the variable"),
    ],
)
def test_declared_objects_that_can_not_work_are_found_with_their_line(
    run: Run, data: str, tmp_path: Path, text: str, told: str
) -> None:
    config = tmp_path / "heliograph.toml"
    config.write_text(f"{text}\n")
    done = run("doctor", "--config", str(config), "--data-dir", data)
    assert f"{config}{told}" in findings(done)["declared objects"]


def test_a_server_that_is_not_ready_is_found(run: Run, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_SERVER_LISTEN", f"127.0.0.1:{free_port()}")
    assert "does not run" in run("doctor", "--data-dir", data).out


def test_a_certificate_that_ends_is_found_in_time(run: Run, data: str, tmp_path: Path) -> None:
    config = tmp_path / "heliograph.toml"
    config.write_text(f'[server]\ntls_cert = "{tmp_path}/cert.pem"\ntls_key = "{tmp_path}/cert.pem"\n')
    now = datetime.now(UTC)
    for ends, mark in ((now - timedelta(days=2), "WRONG"), (now + timedelta(days=3), "warn")):
        made = trustme.CA().issue_cert("sms.example.com", not_after=ends, not_before=now - timedelta(days=30))
        made.private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
        told = run("doctor", "--config", str(config), "--data-dir", data).out
        (line,) = [line for line in told.splitlines() if "certificates" in line]
        assert line.startswith(mark), line


def test_endpoints_and_secrets_of_the_ledger_are_tried(run: Run, data: str, tmp_path: Path) -> None:
    port = free_port()
    file = tmp_path / "hooks.toml"
    head = '[webhooks]\nallow_networks = ["127.0.0.0/8"]\n'
    file.write_text(f'{head}[endpoints.orders]\nurl = "http://127.0.0.1:{port}/"\n')
    assert run("apply", str(file), "--config", str(file), "--data-dir", data).code == 0
    with socket.create_server(("127.0.0.1", port)):
        assert findings(run("doctor", "--data-dir", data)) == {}
    assert f"orders: 127.0.0.1:{port} can't be reached" in findings(run("doctor", "--data-dir", data))["endpoints"]
    Path(data, "master.key").write_text(b64encode(bytes(32)).decode())
    assert "endpoint orders: " in findings(run("doctor", "--data-dir", data))["secrets"]


def test_a_connector_that_is_down_is_found(run: Run, tmp_path: Path) -> None:
    text = f'[connectors.telco]\nkind = "smpp"\nhost = "127.0.0.1"\nport = {free_port()}\n'
    text += 'system_id = "a"\npassword = "b"\n'
    with Server(tmp_path, text) as server:
        done = run("doctor", "--config", str(server.config), "--data-dir", str(server.data_dir))
        assert findings(done)["connectors"] == "connectors        down: telco"
