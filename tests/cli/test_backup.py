"""A copy is whole and of one moment although the server writes meanwhile; restoring it brings its messages back."""

import stat
import threading
from pathlib import Path

import apsw
import pytest

from tests.cli.conftest import Run
from tests.process.server import Api, Server


@pytest.fixture
def place(server: Server) -> tuple[str, ...]:
    return "--config", str(server.config), "--data-dir", str(server.data_dir)


def test_a_busy_server_is_copied_and_the_copy_serves(
    run: Run, server: Server, place: tuple[str, ...], admin_key: str, tmp_path: Path
) -> None:
    api = Api(server, admin_key)
    before = [api.send(text=f"Before {number}")["id"] for number in range(20)]
    ends, after = threading.Event(), []

    def write() -> None:
        busy = Api(server, admin_key)
        while not ends.is_set():
            after.append(busy.send(text="Meanwhile")["id"])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copied = run("backup", str(tmp_path / "copy.db"), *place, "--json").data
    finally:
        ends.set()
        writer.join()
    assert len(after) > 0, "nobody was held up"
    copy = Path(copied["file"])
    assert (copied["bytes"], stat.S_IMODE(copy.stat().st_mode)) == (copy.stat().st_size, 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db"], "one file, with nothing beside it"

    (tmp_path / "fresh").mkdir()
    fresh = Server(tmp_path / "fresh")
    fresh.data_dir.mkdir(mode=0o700)
    target = ("--config", str(fresh.config), "--data-dir", str(fresh.data_dir))
    assert "the master key of this copy is not here" in run("restore", str(copy), *target).err
    (fresh.data_dir / "master.key").write_bytes((server.data_dir / "master.key").read_bytes())
    assert run("restore", str(copy), *target, "--json").data["before"] is None
    with fresh:
        restored = Api(fresh, admin_key)
        for message_id in before:
            assert restored("GET", f"/v1/messages/{message_id}").status_code == 200
        refused = run("restore", str(copy), *target, "--replace")
        assert fresh.process is not None
        assert f"process {fresh.process.pid} serves" in refused.err
    assert "--replace puts it aside" in run("restore", str(copy), *target).err
    aside = Path(run("restore", str(copy), *target, "--replace", "--json").data["before"])
    assert aside.name == "heliograph.before-restore-1.db" and aside.exists()


def test_a_copy_says_where_the_master_key_is(run: Run, place: tuple[str, ...], server: Server, tmp_path: Path) -> None:
    assert str(server.data_dir / "master.key") in run("backup", str(tmp_path / "copy.db"), *place).out
    again = run("backup", str(tmp_path / "copy.db"), *place)
    assert (again.code, "is there already" in again.err) == (1, True)


def test_another_master_key_is_refused_before_anything_is_replaced(
    run: Run, place: tuple[str, ...], data: str, tmp_path: Path
) -> None:
    run("backup", str(tmp_path / "copy.db"), *place)
    run("keys", "list", "--data-dir", data)
    there = Path(data, "heliograph.db").read_bytes()
    done = run("restore", str(tmp_path / "copy.db"), "--replace", "--data-dir", data)
    assert (done.code, "the master key here is not the one of this copy" in done.err) == (1, True)
    assert Path(data, "heliograph.db").read_bytes() == there


def test_what_is_damaged_or_no_ledger_is_not_restored(
    run: Run, place: tuple[str, ...], data: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    run("backup", str(copy), *place)
    content = bytearray(copy.read_bytes())
    content[4_096 * 3 : 4_096 * 40] = b"\xff" * (4_096 * 37)
    (tmp_path / "damaged.db").write_bytes(content)
    (tmp_path / "text.db").write_text("no database" * 1_000)
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE t (x)")
    other.close()
    newer = apsw.Connection(str(copy))
    newer.execute("INSERT INTO migrations (number, name, applied_at) VALUES (9007, 'x', 0)")
    newer.close()
    for name, told in (
        ("damaged", ""),
        ("text", "is not an SQLite file"),
        ("other", "nothing of Heliograph"),
        ("copy", "written by a newer Heliograph"),
        ("nowhere", "does not exist"),
    ):
        done = run("restore", str(tmp_path / f"{name}.db"), "--data-dir", data)
        assert (done.code, told in done.err, "Traceback" in done.err) == (1, True, False), done.err
    assert not Path(data, "heliograph.db").exists()


def test_postgresql_has_tools_of_its_own(run: Run, data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_STORE_URL", "postgresql://127.0.0.1/nowhere")
    assert "pg_dump" in run("backup", "copy.db", "--data-dir", data).err
