"""Commands that use a running server: codes, routes, connectors, persons from a file, a measurement."""

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.process.server import BIN, Api, Server
from tests.process.sink import Sink

TO = "+447700900123"


def test_a_code_is_sent_checked_and_taken_back(ask: Run) -> None:
    started = ask("verify", "start", TO, "--purpose", "login", "--json").data
    wrong = ask("verify", "check", started["id"], "000000" if started["test_code"] != "000000" else "111111")
    assert (wrong.code, wrong.out, "which of them is not told" in wrong.err) == (1, "not approved\n", True)
    assert ask("verify", "check", started["id"], started["test_code"]).out == "approved\n"
    assert "approved" in ask("verify", "show", started["id"]).out
    other = ask("verify", "start", "+447700900124", "--json").data["id"]
    assert ask("verify", "cancel", other, "--json").data["status"] == "canceled"
    listed = ask("verify", "list", "--status", "canceled", "--json").data["data"]
    assert [one["id"] for one in listed] == [other]


def test_what_happens_to_a_message_is_shown_until_its_end(ask: Run) -> None:
    sent = ask("send", TO, "Watch me", "--json").data["id"]
    done = ask("messages", "tail", "--message", sent)
    assert [line.split()[1] for line in done.out.splitlines()] == ["accepted", "queued", "sent", "delivered"]
    assert "there is no message" in ask("messages", "tail", "--message", "msg_nothing").err


def test_a_route_is_tried_and_nothing_is_sent(
    ask: Run, run: Run, server: Server, admin_key: str, tmp_path: Path
) -> None:
    found = ask("routes", "test", TO, "--kind", "otp", "--json").data
    assert (found["country"], found["via"], found["why"]) == ("GB", ["sandbox"], "test traffic")
    file = tmp_path / "routes.toml"
    file.write_text(
        '[connectors.play]\nkind = "sandbox"\n'
        '[[routes]]\nname = "british"\nmatch = { country = "GB" }\nvia = ["play"]\n'
    )
    place = ("--config", str(server.config), "--data-dir", str(server.data_dir))
    assert run("apply", str(file), *place).code == 0
    assert "british  country GB  play" in ask("routes", "list").out
    for thing in ("route/british", "connector/play"):
        assert Api(server, admin_key)("DELETE", f"/v1/declared/{thing}").status_code == 200
    end = ask("routes", "test", "nonsense")
    assert (end.code, "/to" in end.err) == (1, True)


def test_a_connector_is_looked_at_paused_drained_and_goes_on(ask: Run) -> None:
    assert "sandbox" in ask("connectors", "list").out
    assert ask("connectors", "status", "sandbox", "--json").data["is_paused"] is False
    assert ask("connectors", "pause", "sandbox").out == "sandbox is paused\n"
    sent = ask("send", "+12025550143", "Waits", "--json").data["id"]
    assert "paused  yes" in ask("connectors", "status", "sandbox").out
    assert ask("connectors", "list").out.splitlines()[1].split()[:3] == ["sandbox", "sandbox", "paused"]
    drained = ask("connectors", "drain", "sandbox", "--json").data
    assert drained == {"name": "sandbox", "in_flight": 0, "is_paused": True}
    assert ask("messages", "show", sent, "--json").data["status"] in ("queued", "sending")
    assert ask("connectors", "resume", "sandbox").out == "sandbox goes on\n"
    assert ask("messages", "tail", "--message", sent).out.splitlines()[-1].split()[1] == "delivered"
    assert "there is no connector 'telco'" in ask("connectors", "drain", "telco").err


def test_persons_of_a_file_are_added_and_changed_by_their_external_id(ask: Run, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "external_id,address,name,zone,plan\n"
        "crm-1,+447700900201 ann@example.com,Ann,Europe/London,gold\n"
        "crm-2,+447700900202,Bob,Nowhere/Land,\n"
        ",+447700900203,Cleo,,\n"
    )
    done = ask("contacts", "import", str(file))
    assert done.code == 1
    assert done.out.splitlines()[0] == "2 added, 0 changed, 1 not taken"
    assert "line 3: 'Nowhere/Land' is not a time zone" in done.out
    file.write_text("external_id,address,name\ncrm-1,+447700900201,Anna\n")
    assert ask("contacts", "import", str(file), "--json").data == {"added": 0, "changed": 1, "bad": []}
    (ann,) = ask("contacts", "list", "--external-id", "crm-1", "--json").data["data"]
    assert ann["name"] == "Anna"
    file.write_text("number\n+447700900201\n")
    assert "one of them is address" in ask("contacts", "import", str(file)).err


def test_a_server_is_measured_with_test_messages_alone(ask: Run, server: Server) -> None:
    for batch in ("1", "20"):
        found = ask("bench", "--messages", "60", "--connections", "4", "--batch", batch, "--json").data
        assert (found["messages"], found["not_delivered"]) == (60, 0)
        assert found["request_ms_p50"] <= found["request_ms_p99"] <= found["request_ms_most"]
    live = server.key("admin", environment="live")
    assert "nothing real is sent" in ask("bench", "--key", live).err


def test_endpoints_and_what_they_were_told_are_listed(ask: Run, server: Server, admin_key: str) -> None:
    api = Api(server, admin_key)
    with Sink() as sink:
        api("POST", "/v1/endpoints", {"name": "listed", "url": sink.url, "events": ["message.delivered"]})
        assert "listed  healthy" in ask("webhooks", "list").out
        sent = ask("send", TO, "Tell", "--json").data["id"]
        sink.until(lambda heard: any(one.event["data"].get("id") == sent for one in heard))
        listed = ask("webhooks", "deliveries", "--endpoint", "listed", "--message", sent, "--json").data["data"]
        assert [one["event_type"] for one in listed] == ["message.delivered"]
        api("DELETE", "/v1/endpoints/listed")


@pytest.mark.parametrize("shown", ["pipe", "json"])
def test_a_reader_that_has_seen_enough_is_no_defect(server: Server, admin_key: str, shown: str) -> None:
    command = [str(BIN / "heliograph"), "messages", "tail", "--from-start", "--url", server.url]
    command += ["--json"] if shown == "json" else []
    environ = {**os.environ, "HELIOGRAPH_KEY": admin_key}
    Api(server, admin_key).send()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        more = threading.Timer(0.2, lambda: Api(server, admin_key).send())
        more.start()
        told = process.stderr.read()
        more.join()
    assert (process.returncode, told) == (1, b"")


def test_what_a_key_asked_is_listed(ask: Run) -> None:
    code = ask("send", "0770", "Too short").err.rpartition("[")[2].rstrip("]\n")
    narrowed = ("requests", "list", "--path", "/v1/messages", "--status", "4xx", "--method", "post", "--code", code)
    end = time.monotonic() + 20
    while not (found := ask(*narrowed, "--json").data["data"]):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert found[0]["errors"] == [{"pointer": "/to", "code": code}]
    assert f"{code} /to" in ask(*narrowed).out
    assert "[bad_value]" in ask("requests", "list", "--status", "many").err
