"""Trying a file on messages before it is applied, and going back to a version."""

import asyncio
from pathlib import Path

import pytest

from heliograph import process, settings
from heliograph.store.port import Accept
from tests.cli.conftest import Run
from tests.store.making import do, message

IN_FORCE = """
[connectors.one]
kind = "sandbox"
price_per_segment = "0.05"
currency = "EUR"
[connectors.two]
kind = "sandbox"
price_per_segment = "0.04"
currency = "EUR"
max_segments_per_second = 2
[[routes]]
name = "all"
via = ["one"]
"""
PROPOSED = """
[[routes]]
name = "all"
via = ["two"]
"""


@pytest.fixture
def file(tmp_path: Path, run: Run, data: str) -> Path:
    """A ledger with some traffic of an hour ago, and a file that would send it elsewhere."""
    path = tmp_path / "objects.toml"
    path.write_text(IN_FORCE)
    assert run("apply", str(path), "--data-dir", data).code == 0
    asyncio.run(traffic(data))
    path.write_text(PROPOSED)
    return path


async def traffic(data: str) -> None:
    ledger = await process.open_ledger(settings.load(None, {}, Path(data)))
    accepted = (process.now_ms() - 3_600_000) // 1_000 * 1_000
    sent = [message(ledger, accepted_at=accepted, connector="one", encoding="gsm7", sender=None) for _ in range(5)]
    await do(ledger, Accept, messages=sent)
    await ledger.close()


def test_a_report_tells_what_would_change(run: Run, file: Path, data: str) -> None:
    done = run("rehearse", str(file), "--data-dir", data)
    assert done.code == 0, done.err
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    for line in (
        "~ route all (default)",
        "messages 5",
        "moved 5",
        "5 one two DE transactional",
        "EUR 0 0.25 0.20",
        "two 0 → 5 0 → 5 0 → 5 at most 2",
        "connectors without work one",
    ):
        assert line in lines, done.out
    assert "warning: two would get 5 parts in one second" in done.out
    assert "+491700000001" not in done.out


def test_the_same_in_json_and_for_as_many_days_as_are_asked_for(run: Run, file: Path, data: str) -> None:
    report = run("rehearse", str(file), "--days", "1", "--data-dir", data, "--json").data
    assert (report["messages"], report["moved"], report["moves"][0]["from"]) == (5, 5, "one")
    assert run("diff", str(file), "--data-dir", data).out == "~ route all (default): changed\n"  # nothing was applied


def test_what_is_in_force_gives_no_difference(run: Run, file: Path, data: str) -> None:
    file.write_text(IN_FORCE)
    report = run("rehearse", str(file), "--data-dir", data, "--json").data
    assert (report["messages"], report["unchanged"], report["changes"], report["moves"]) == (5, 5, [], [])
    assert "changes no connector, route or sender" in run("rehearse", str(file), "--data-dir", data).out


def test_a_file_is_refused_as_apply_refuses_it(run: Run, file: Path, data: str) -> None:
    file.write_text('[[routes]]\nname = "all"\nvia = ["nobody"]\n')
    tried, applied = (run(command, str(file), "--data-dir", data) for command in ("rehearse", "apply"))
    assert (tried.code, tried.err) == (applied.code, applied.err) == (1, applied.err)
    assert ":3: route 'all' leads to 'nobody'" in tried.err


def test_one_command_leads_back(run: Run, file: Path, data: str) -> None:
    at = ("--data-dir", data)
    version = run("history", *at, "--json").data["data"][0]["id"]
    assert run("apply", str(file), *at).code == 0
    listed = run("history", "--limit", "1", *at).out.splitlines()[-1].split()
    assert (listed[0], listed[3:]) == (str(version + 1), ["default", "route", "all", "changed"])

    planned = run("rollback", "--to", str(version), "--dry-run", *at)
    assert (planned.code, "~ route all (default): changed" in planned.out) == (0, True), planned.err
    assert run("rollback", "--to", str(version), *at).out == planned.out
    file.write_text(IN_FORCE)
    assert {change["action"] for change in run("diff", str(file), *at, "--json").data["data"]} == {"unchanged"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "either --to VERSION"),
        ("--to 1 --at 2026-01-01", "either --to VERSION"),
        ("--to 999", "there is no version 999"),
        ("--at 2020-01-01", "nothing was declared yet at 2020-01-01"),
        ("--at yesterday", "'yesterday' is not a time"),
        ("--to 1 --workspace other", "there is no workspace 'other'"),
    ],
)
def test_a_way_that_leads_nowhere_is_told(run: Run, file: Path, data: str, words: str, told: str) -> None:
    done = run("rollback", *words.split(), "--data-dir", data)
    assert (done.code, told in done.err) == (1, True), done.err
