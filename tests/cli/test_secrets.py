"""A new master key takes over, and texts are sealed: with the program as it is installed."""

from pathlib import Path

import apsw
import pytest

from heliograph.engine.secrets import VARIABLE, load, new_key
from tests.process.server import Api, Server

CONFIG = """
[webhooks]
allow_networks = ["127.0.0.0/8"]
[store]
encrypt_bodies = true
[connectors.quick]
kind = "sandbox"
answer_delay_ms = 5
receipt_delay_ms = 20
[connectors.partner]
kind = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = "a literal secret"
[[routes]]
name = "all"
via = ["quick"]
"""
TEXT = "Your code is 271828"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A gateway that has sent a sealed text, and was stopped."""
    server = Server(tmp_path_factory.mktemp("sealed"), CONFIG)
    with server:
        key = server.run("keys", "create", "--name", "shop", "--environment", "test")
        api = Api(server, key["key"])
        form = {"To": "+447700900123", "Body": TEXT, "StatusCallback": "http://127.0.0.1:9/"}
        door = f"{server.url}/2010-04-01/Accounts/{key['account_sid']}/Messages.json"
        assert api.session.post(door, data=form, timeout=20).status_code == 201
        sent = api.send(text=TEXT)
        later = api.send(text=TEXT, send_at="2027-01-01T00:00:00Z")
        assert api.until(sent["id"], "delivered")["text"] == TEXT
        assert api("GET", f"/v1/messages/{later['id']}").json()["text"] == TEXT
    return server


def contents(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.name.startswith("heliograph.db"))


def test_no_file_of_the_ledger_holds_the_text(sealed: Server) -> None:
    assert b"271828" not in contents(sealed.data_dir)


def old_id(key: str) -> str:
    return load({VARIABLE: key}, Path()).current


def test_a_new_master_key_takes_over_and_the_old_one_can_go(sealed: Server) -> None:
    file = sealed.data_dir / "master.key"
    old, new = file.read_text(), new_key()
    file.write_text(f"{new}\n{old}")
    done = sealed.run("secrets", "reseal")
    assert done["resealed"] >= 7  # three data keys, two callback secrets, the connector's token, an auth token
    database = apsw.Connection(str(sealed.data_dir / "heliograph.db"))
    kept = [row[0] for row in database.execute("SELECT auth_token FROM clients WHERE auth_token IS NOT NULL")]
    assert len(kept) == 1 and not kept[0].startswith(f"sealed:{old_id(old)}:")
    assert sealed.run("secrets", "reseal")["resealed"] == 0
    file.write_text(new)
    with sealed:
        api = Api(sealed, sealed.key("messages:send", "messages:read"))
        sent = api.send(text="After")
        assert api.until(sent["id"], "delivered")["text"] == "After"
        texts = {message["text"] for message in api("GET", "/v1/messages").json()["data"]}
    assert texts == {TEXT, "After"}
    assert sealed.run("audit", "verify")["intact"] is True


def test_texts_get_a_new_key(sealed: Server) -> None:
    assert sealed.run("secrets", "rotate-bodies") == {"number": 2}
    with sealed:
        api = Api(sealed, sealed.key("messages:send", "messages:read"))
        assert api("GET", "/v1/messages").json()["data"][-1]["text"] == TEXT
    rows = list(apsw.Connection(str(sealed.data_dir / "heliograph.db")).execute("SELECT action FROM audit"))
    assert ("data_key.rotated",) in rows
