"""The applications of Django, FastAPI and Flask: they send, verify and receive, and their receivers pass every case."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from tests.examples.running import ROOT, SECRET, certify, environ, peer, running
from tests.process.server import Api, Server, free_port


class App(NamedTuple):
    """A running example."""

    name: str
    url: str


@pytest.fixture(scope="module", params=["fastapi", "django"])
def app(
    request: pytest.FixtureRequest, server: Server, key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """Started, and subscribed to its own messages."""
    pytest.importorskip(request.param)
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    variables = environ(folder, server, key)
    url, manage = f"http://127.0.0.1:{port}", "examples/django_app/manage.py"
    with ExitStack() as stack:
        if request.param == "django":
            with running(folder, variables, None, manage, "migrate", "-v", "0") as migrating:
                assert migrating.wait(60) == 0
            stack.enter_context(running(folder, variables, None, manage, "work"))
        place = {"fastapi": "examples.fastapi_app.app:app", "django": "examples.django_app.asgi:application"}
        command = ["-m", "uvicorn", place[request.param], "--port", str(port), "--log-level", "warning"]
        stack.enter_context(running(folder, variables, url, *command))
        admin = Api(server, server.key("admin"))
        endpoint = {"name": request.param, "url": f"{url}/hooks/heliograph", "events": ["*"], "secret": SECRET}
        assert admin("POST", "/v1/endpoints", endpoint).status_code == 201
        yield App(request.param, url)
        admin("DELETE", f"/v1/endpoints/{request.param}")


def status(app: App, reference: str, wanted: str) -> None:
    """Wait until the application knows it."""
    end = time.monotonic() + 20
    while (found := requests.get(f"{app.url}/notices/{reference}", timeout=5).json()["status"]) != wanted:
        assert time.monotonic() < end, f"still {found}"
        time.sleep(0.05)


@pytest.mark.parametrize(("to", "end"), [("+447700900123", "delivered"), ("+447700900101", "undelivered")])
def test_what_it_sends_is_followed_to_its_end(app: App, to: str, end: str) -> None:
    reference = f"{app.name}-{end}"
    notice = {"reference": reference, "to": to, "text": "Your table is booked."}
    first = requests.post(f"{app.url}/notify", json=notice, timeout=10)
    again = requests.post(f"{app.url}/notify", json=notice, timeout=10)  # such as a second click
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    status(app, reference, end)


def test_a_number_that_is_none_is_refused_with_the_reason(app: App) -> None:
    refused = requests.post(f"{app.url}/notify", json={"reference": "x", "to": "0770", "text": "?"}, timeout=10)
    assert refused.status_code == 422
    assert refused.json()["detail"]


def test_a_phone_is_verified(app: App) -> None:
    number = {"fastapi": "+447400123456", "django": "+447911223344"}[app.name]
    started = requests.post(f"{app.url}/phones", json={"to": number}, timeout=10).json()
    checked = requests.post(
        f"{app.url}/phones/check", json={"verification": started["id"], "code": started["test_code"]}, timeout=10
    ).json()
    assert checked.get("is_theirs", checked.get("is_approved")) is True


def test_the_receiver_passes_every_case_of_a_bad_day(app: App, server: Server) -> None:
    assert certify(server, f"{app.url}/hooks/heliograph") == []


@pytest.mark.parametrize("with_package", [False, True], ids=["by itself", "by django-sms"])
def test_the_sms_backend_of_django_sends(server: Server, key: str, tmp_path: Path, with_package: bool) -> None:
    pytest.importorskip("django")
    variables = environ(tmp_path, server, key)
    variables["DJANGO_SETTINGS_MODULE"] = "examples.django_app.settings"
    script = """
from types import SimpleNamespace
from examples.django_app.sms_backend import Refused, SmsBackend
good = SimpleNamespace(body="Hello", originator="Acme", recipients=["+447700900123", "+447700900124"])
bad = SimpleNamespace(body="Hello", originator=None, recipients=["0770"])
print(SmsBackend().send_messages([good]), SmsBackend(fail_silently=True).send_messages([good, bad]))
try:
    SmsBackend().send_messages([bad])
except Refused as refused:
    print(refused)
"""
    if with_package:
        variables["PYTHONPATH"] = f"{peer('django-sms', 'django-sms==0.7.0')}:{variables.get('PYTHONPATH', '')}"
        script = "from sms import send_sms\nprint(send_sms('Hello', 'Acme', ['+447700900123', '+447700900124']))"
    setup = "import django; django.setup()\n"
    done = subprocess.run(
        [sys.executable, "-c", setup + script], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2\n" if with_package else "2 2\n")
    assert with_package or "errors" in done.stdout or "code" in done.stdout


def test_the_tests_that_an_example_brings_along_pass(tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    quiet = ["-q", "-p", "no:cacheprovider", "-W", "ignore"]  # warnings are those of the framework, not ours
    command = [sys.executable, "-m", "pytest", *quiet, "examples/fastapi_app"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "4 passed" in done.stdout, done.stdout
