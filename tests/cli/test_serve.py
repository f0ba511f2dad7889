"""Starting and stopping the gateway by command."""

import re
import socket
import subprocess
from pathlib import Path

from heliograph.engine.secrets import new_key
from tests.process.database import database
from tests.process.server import Api, Server


def refused(server: Server, *more: str) -> str:
    """Why a server does not start."""
    command = [*server.command("serve"), *more]
    done = subprocess.run(command, capture_output=True, text=True, env=server.environ, timeout=30)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_stop_is_clean(tmp_path: Path) -> None:
    assert Server(tmp_path).start().stop() == 0


def test_a_demo_shows_a_key_that_works(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.stop()
        server.start("--demo")
        key = re.search(r"Test key  (hg_test_\S+)", server.log())
        assert key is not None, server.log()
        api = Api(server, key[1])
        assert api.until(api.send()["id"], "delivered")["connector"] == "sandbox"


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        why = refused(server, "--listen", "127.0.0.1:0")
        assert server.process is not None
        assert f"another heliograph (process {server.process.pid}) already serves" in why


def test_a_taken_port_is_told_and_nothing_is_changed(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with socket.create_server(("127.0.0.1", server.port)):
        told = refused(server)
        assert "Address already in use" in told and "HELIOGRAPH_SERVER_LISTEN=" in told
    assert not (server.data_dir / "heliograph.db").exists()


def test_a_configuration_that_can_not_work_is_told_with_its_line(tmp_path: Path) -> None:
    server = Server(tmp_path, '[connectors.play]\nkind = "pigeon"\n')
    assert "'pigeon' is no kind of connector" in refused(server)
    server.configure('[webhooks]\ntimeout_ms = "soon"\n')
    assert f"{server.config}:4: webhooks.timeout_ms: expected int" in refused(server)


def test_the_roles_of_a_process_are_all_that_it_does(tmp_path: Path) -> None:
    """Two processes on one PostgreSQL: one takes messages in, the other moves them."""
    with database() as url:
        store = f'[store]\nurl = "{url}"\n'
        doors, engine = Server(_made(tmp_path / "doors"), store), Server(_made(tmp_path / "engine"), store)
        environ = {"HELIOGRAPH_MASTER_KEY": new_key()}
        doors.environ.update(environ)
        engine.environ.update(environ)
        doors.start("--roles", "api")
        try:
            api = Api(doors, doors.key("messages:send", "messages:read"))
            sent = api.send()
            assert api("GET", f"/v1/messages/{sent['id']}").json()["status"] == "queued"
            engine.start("--roles", "engine")
            try:
                api.until(sent["id"], "delivered")
                elsewhere = Api(engine, "")
                elsewhere.session.headers = api.session.headers
                assert elsewhere("POST", "/v1/messages", {"to": "+447700900123", "text": "Hello"}).status_code == 404
                assert elsewhere("GET", "/metrics").status_code == 200
            finally:
                assert engine.stop() == 0
        finally:
            assert doors.stop() == 0


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
