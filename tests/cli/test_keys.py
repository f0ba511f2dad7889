"""Keys, made and ended beside a server or without one."""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Run


def test_the_first_key_makes_the_data_directory_for_its_owner_alone(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "data"
    made = run("keys", "create", "--name", "app", "--data-dir", str(folder), "--json").data
    assert made["key"].startswith(f"hg_test_{made['id']}_")
    assert made["account_sid"].startswith("AC")
    assert made["scopes"] == ["messages:send", "messages:read"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_key_is_shown_once(run: Run, data: str) -> None:
    made = run("keys", "create", "--name", "app", "--environment", "live", "--data-dir", data)
    key, (listed,) = made.out.split()[0], run("keys", "list", "--data-dir", data, "--json").data["data"]
    assert key.startswith("hg_live_")
    assert listed["id"] == key.split("_")[2]
    assert key not in run("keys", "list", "--data-dir", data).out
    assert "key" not in listed


def test_a_key_has_what_it_was_given(run: Run, data: str) -> None:
    words = "--name app --scope messages:send --ip 10.0.0.0/8 --ip 192.0.2.7 --expires-in 90d --short --smpp"
    made = run("keys", "create", *words.split(), "--data-dir", data, "--json").data
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert abs(lasts - timedelta(days=90)) < timedelta(minutes=1)
    assert (made["scopes"], made["ip_allowlist"]) == (["messages:send"], ["10.0.0.0/8", "192.0.2.7"])
    assert (len(made["system_id"]) <= 15, len(made["password"]) <= 8) == (True, True)
    assert len(made["key"]) < len(run("keys", "create", "--name", "b", "--data-dir", data, "--json").data["key"])


@pytest.mark.parametrize(
    ("words", "inbound", "long_messages"),
    [
        ("", ["*"], "udh"),
        ("--inbound +447700900200 --inbound 12345", ["+447700900200", "12345"], "udh"),
        ("--inbound none --long-messages sar", [], "sar"),
    ],
)
def test_an_account_hears_what_it_was_made_to_hear(
    run: Run, data: str, words: str, inbound: list[str], long_messages: str
) -> None:
    made = run("keys", "create", "--name", "app", "--smpp", *words.split(), "--data-dir", data, "--json").data
    account = {"inbound": inbound, "long_messages": long_messages}
    assert made["smpp"] == account
    assert run("keys", "rotate", made["id"], "--data-dir", data, "--json").data["smpp"] == account
    assert run("keys", "create", "--name", "app", "--data-dir", data, "--json").data["smpp"] is None


def test_a_rotated_key_ends_after_the_overlap_and_a_revoked_one_at_once(run: Run, data: str) -> None:
    old = run("keys", "create", "--name", "app", "--data-dir", data, "--json").data
    new = run("keys", "rotate", old["id"], "--overlap", "2h", "--data-dir", data, "--json").data
    before, after = run("keys", "list", "--data-dir", data, "--json").data["data"]
    assert (new["replaces"], new["name"], new["key"] != old["key"]) == (old["id"], "app", True)
    ends_in = datetime.fromisoformat(before["expires_at"]) - datetime.fromisoformat(new["created_at"])
    assert ends_in == timedelta(hours=2)
    assert after["expires_at"] is None
    assert run("keys", "revoke", new["id"], "--data-dir", data, "--json").data == {"id": new["id"], "revoked": True}
    assert run("keys", "list", "--data-dir", data, "--json").data["data"][1]["revoked_at"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("create --name app --environment prod", "there is no environment 'prod'"),
        ("create --name app --workspace other", "there is no workspace 'other'"),
        ("create --name app --scope messages:sent", "messages:send"),
        ("create --name app --ip 10.0.0.300", "is not an address or network"),
        ("create --name app --smpp --inbound nobody!", "is not a sender that phones can write to"),
        ("create --name app --inbound 12345", "--inbound is for accounts: give --smpp, too"),
        ("create --name app --smpp --long-messages pigeon", "there are udh, sar and payload"),
        ("create --name app --expires-in soon", "soon is not a span such as 30m, 24h or 90d"),
        ("rotate nobody", "there is no key 'nobody'"),
        ("rotate nobody --overlap 99d", "an overlap is between 0 and 30 days"),
        ("revoke nobody", "there is no key 'nobody'"),
    ],
)
def test_what_can_not_be_is_refused_with_what_would_be_right(run: Run, data: str, words: str, told: str) -> None:
    done = run("keys", *words.split(), "--data-dir", data)
    assert (done.code, done.out) == (1, "")
    assert told in done.err
