"""The doctor finds what would stop a start, and says where it stands."""

from pathlib import Path

import apsw
import pytest
import trustme

from tests.cli.conftest import Done, Run
from tests.process.server import Server, free_port


def findings(done: Done) -> dict[str, str]:
    """What is wrong, by the name of its check."""
    lines = [line.split(maxsplit=1) for line in done.out.splitlines()[1:]]
    names = ("data directory", "disk space", "master key", "ledger", "clock", "TLS files", "declared objects", "server")
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
    assert (done.code, done.err) == (1, "heliograph: 1 of 9 checks failed\n")


def test_a_broken_master_key_is_found(run: Run, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_MASTER_KEY", "short")
    assert "openssl rand -base64 32" in findings(run("doctor", "--data-dir", data))["master key"]


def test_a_file_that_is_no_ledger_is_found(run: Run, data: str) -> None:
    Path(data).mkdir(mode=0o700)
    Path(data, "heliograph.db").write_bytes(b"not a database" * 100)
    assert findings(run("doctor", "--data-dir", data)).keys() == {"ledger", "clock"}


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
