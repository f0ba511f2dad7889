"""The CRM: people go in by the CRM's ids, as often as one likes; what they said comes back."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.examples.running import ROOT, SECRET, certify, environ, running
from tests.process.server import Api, Server, free_port

pytest.importorskip("fastapi")
PEOPLE = """id,name,phone,email,language
17,Ann Example,+447700900150,ann@example.com,en-GB
18,Bob Example,+447700900151,,de
19,No Number,0770,,
"""


class Crm(NamedTuple):
    folder: Path
    variables: dict[str, str]

    def push(self, text: str = PEOPLE) -> tuple[str, str]:
        (self.folder / "people.csv").write_text(text)
        command = [sys.executable, "examples/crm/sync.py", "push", str(self.folder / "people.csv")]
        done = subprocess.run(command, cwd=ROOT, env=self.variables, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), done.stderr

    def until(self, query: str, wanted: object) -> None:
        end = time.monotonic() + 20
        while True:
            with sqlite3.connect(self.folder / "app.db", timeout=20) as database:
                if (found := database.execute(query).fetchone()) == wanted:
                    return
            assert time.monotonic() < end, f"still {found}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def crm(server: Server, key: str, admin: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crm]:
    folder, port = tmp_path_factory.mktemp("crm"), free_port()
    variables = environ(folder, server, key)
    url = f"http://127.0.0.1:{port}"
    events = ["contact.*", "message.delivered"]
    endpoint = {"name": "crm", "url": f"{url}/hooks/heliograph", "events": events, "secret": SECRET}
    assert admin("POST", "/v1/endpoints", endpoint).status_code == 201
    command = ["-m", "uvicorn", "examples.crm.sync:app", "--port", str(port), "--log-level", "warning"]
    with running(folder, variables, url, *command):
        yield Crm(folder, variables)


def test_people_go_in_once_however_often_they_are_pushed(crm: Crm, admin: Api) -> None:
    first, complaints = crm.push()
    assert first == "{'created': 2, 'changed': 0, 'refused': 1}"
    assert complaints.startswith("19: ")
    again, _ = crm.push(PEOPLE.replace("Ann Example", "Ann Miller"))
    assert again == "{'created': 0, 'changed': 2, 'refused': 1}"
    [ann] = admin("GET", "/v1/contacts?external_id=17").json()["data"]
    assert (ann["name"], ann["locale"]) == ("Ann Miller", "en-GB")
    assert {one["address"] for one in ann["addresses"]} == {"+447700900150", "ann@example.com"}


def test_what_people_say_comes_back(crm: Crm, admin: Api) -> None:
    crm.push()
    phone = {"from": "+447700900150", "to": "60606"}
    said = "SELECT no_texts FROM people WHERE id = '17'"
    for word, wanted in (("STOP", 1), ("START", 0)):
        assert admin("POST", "/v1/sandbox/inbound", {**phone, "text": word}).status_code == 202
        crm.until(said, (wanted,))


def test_what_became_of_messages_comes_back(crm: Crm, admin: Api) -> None:
    admin.send(to="+447700900151")
    crm.until("SELECT what FROM activities WHERE phone = '+447700900151'", ("message.delivered",))


def test_the_receiver_passes_every_case_of_a_bad_day(crm: Crm, server: Server, admin: Api) -> None:
    url = admin("GET", "/v1/endpoints/crm").json()["url"]
    assert certify(server, url) == []
