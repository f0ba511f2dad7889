"""Consent and contacts from the command line."""

import csv
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Run

NUMBERS = iter(range(447700904000, 447700904999))


@pytest.fixture
def number() -> str:
    return f"+{next(NUMBERS)}"


def test_what_a_person_said_is_recorded_and_shown(ask: Run, number: str) -> None:
    told = ask("consent", "record", number, "opt_in", "--purpose", "promotional", "--text", "Offers, weekly")
    assert "Offers, weekly" in told.out
    ask("consent", "record", number, "opt_out", "--purpose", "promotional")
    shown = ask("consent", "show", number)
    assert ["promotional", "opted_out"] in [line.split() for line in shown.out.splitlines()]
    assert [one["action"] for one in ask("consent", "show", number, "--json").data["data"]] == ["opt_in", "opt_out"]


def test_a_proof_is_written_for_its_caller_alone(ask: Run, number: str, tmp_path: Path) -> None:
    ask("consent", "record", number, "opt_in", "--source", "paper")
    assert ask("consent", "proof", number, "--json").data["record"][0]["source"] == "paper"
    page = tmp_path / "proof.html"
    assert ask("consent", "proof", number, "--out", str(page)).out == f"written to {page}\n"
    assert (number in page.read_text(), stat.S_IMODE(page.stat().st_mode)) == (True, 0o600)


def test_a_file_is_tried_read_and_written_again(ask: Run, number: str, tmp_path: Path) -> None:
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(f"to,purpose\n{number},news\n0700,\n")
    tried = ask("consent", "import", str(file), "--action", "opt_out", "--dry-run")
    assert tried.out.splitlines()[0] == "1 of 2 lines would be taken, 1 refused"
    assert "line 3:" in tried.out and "[not_international]" in tried.out
    assert ask("consent", "import", str(file), "--action", "opt_out", "--json").data["taken"] == 1
    ask("consent", "export", "--out", str(out))
    assert [row["purpose"] for row in csv.DictReader(out.read_text().splitlines()) if row["to"] == number] == ["news"]
    assert number in ask("consent", "export").out


def test_what_waits_for_review_is_listed(ask: Run, number: str) -> None:
    ask("consent", "record", number, "doubt", "--text", "maybe less of this?")
    assert "maybe less of this?" in ask("consent", "reviews").out
    ask("consent", "record", number, "dismissed")
    assert number not in ask("consent", "reviews").out


def test_a_person_is_added_found_and_changed(ask: Run, number: str) -> None:
    mail = f"ann-{number[1:]}@example.com"
    made = ask("contacts", "add", "--name", "Ann", "--address", number, "--external-id", number, "--json").data["id"]
    ask("contacts", "change", made, "--address", number, "--address", mail)
    assert mail in ask("contacts", "show", made).out
    assert [one["id"] for one in ask("contacts", "list", "--address", mail, "--json").data["data"]] == [made]
    ask("consent", "record", mail, "opt_out")
    assert ask("consent", "show", number, "--json").data["may_send"]["otp"] == "opted_out", "it is the same person"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("consent", "record", "+447700904001", "stop"), "[bad_value]"),
        (("consent", "show", "12"), "[too_short]"),
        (("consent", "import", "/nowhere.csv"), "No such file"),
        (("contacts", "change", "cnt_x"), "what is to be changed?"),
        (("contacts", "show", "cnt_x"), "[not_found]"),
    ],
)
def test_what_can_not_be_done_is_told(ask: Run, words: tuple[str, ...], told: str) -> None:
    done = ask(*words)
    assert (done.code, told in done.err) == (1, True), done.err
