"""Lists of opt-outs that come along from another gateway."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.process.server import Api, Server

LISTS = {
    "twilio: a log of messages": (
        "From,To,Body,Status,SentDate,ErrorCode\n"
        "+15005550006,+447700900501,Hi,failed,2026-11-01 09:30:00,21610\n"
        "+15005550006,+447700900502,Hi,delivered,2026-11-01 09:30:00,\n",
        ["+447700900501"],
        ["+447700900502"],
    ),
    "vonage: a report": (
        "account_id,to,status,error_code\nabcd,447700900503,rejected,9\nabcd,447700900504,delivered,0\n",
        ["+447700900503"],
        ["+447700900504"],
    ),
    "sms.to: an export": (
        "phone,created_at\n+447700900505,2026-10-01 12:00:00\n",
        ["+447700900505"],
        [],
    ),
    "plain numbers": ("447700900506\n+447700900507\n00447700900508\n", [f"+44770090050{n}" for n in "678"], []),
}


def standing(admin: Api, number: str) -> dict[str, Any]:
    found: dict[str, Any] = admin("GET", f"/v1/consents?to=%2B{number[1:]}").json()
    return found


@pytest.mark.parametrize("name", LISTS)
def test_who_opted_out_elsewhere_is_not_texted_here(admin: Api, name: str) -> None:
    text, noes, others = LISTS[name]
    report = admin("POST", "/v1/consents/import?is_foreign=true", {"csv": text}).json()
    assert (report["taken"], report["refused"], report["bad"]) == (len(noes), 0, [])
    for number in noes:
        refused = admin("POST", "/v1/messages", {"to": number, "text": "Hello"})
        assert (refused.status_code, refused.json()["code"]) == (422, "opted_out"), refused.text
    for number in others:
        assert admin("POST", "/v1/messages", {"to": number, "text": "Hello"}).status_code == 202


def test_a_line_without_a_number_is_reported_by_its_place(admin: Api) -> None:
    report = admin("POST", "/v1/consents/import?is_foreign=true", {"csv": "phone\n+447700900511\n\n12\n"}).json()
    assert (report["taken"], [bad["line"] for bad in report["bad"]]) == (1, [4])


@pytest.mark.parametrize("text", ["", "name,age\nAda,36\n", 'phone\n"unended'])
def test_what_is_no_such_list_is_refused(admin: Api, text: str) -> None:
    answer = admin("POST", "/v1/consents/import?is_foreign=true", {"csv": text})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_csv")


def test_the_command_line_reads_them_too(server: Server, admin: Api, tmp_path: Path) -> None:
    file = tmp_path / "noes.csv"
    file.write_text("Phone Number\n+447700900521\n")
    key = str(admin.session.headers["Authorization"]).removeprefix("Bearer ")
    command = [*server.command("consent", "import", str(file), "--foreign")[:5], "--key", key, "--url", server.url]
    done = subprocess.run(command, capture_output=True, text=True, env=server.environ, timeout=60)
    assert done.returncode == 0 and "1 of 1 lines taken" in done.stdout, done.stderr
