"""Content rules at the command line, without a server."""

import io
from pathlib import Path

import pytest

from tests.cli.conftest import Run

GOOD = "Acme: new boots are in. Reply STOP to opt out"
BAD = "Acme: new boots at bit.ly/3x. Reply STOP to opt out"


def test_a_text_that_would_be_blocked_ends_with_1_and_says_why(run: Run) -> None:
    good = run("lint", GOOD, "--brand", "Acme")
    assert (good.code, good.out) == (0, f"{GOOD}\nnothing found\n")
    bad = run("lint", GOOD, BAD, "--brand", "Acme")
    assert bad.code == 1
    assert "block     public_shortener  19-28" in bad.out and "link to a domain of your own" in bad.out


def test_warnings_alone_are_no_failure(run: Run) -> None:
    found = run("lint", "Your order has shipped!!", "--kind", "transactional", "--json").data["data"]
    assert [(f["rule"], f["severity"]) for f in found[0]["findings"]] == [("punctuation_runs", "warn")]


def test_texts_are_read_from_the_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n{BAD}\n"))
    done = run("lint", "--json")
    assert done.code == 1 and done.out.count('"text"') == 2


def test_a_country_has_rules_of_its_own(run: Run) -> None:
    words = ("lint", "Your bill: https://acme.example", "--kind", "transactional")
    assert run(*words).code == 0
    assert run(*words, "--country", "ae").code == 1


def test_the_preview_of_parts_shows_findings_too(run: Run) -> None:
    shown = run("segments", BAD, "--kind", "promotional")
    assert shown.code == 0 and "public_shortener" in shown.out
    data = run("segments", "Hello!!", "--json").data
    assert [finding["rule"] for finding in data["findings"]] == ["punctuation_runs"]
    assert run("segments", "Hello", "--json").data["findings"] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("lint hello --kind spam", "'spam' is not a kind"),
        ("segments hello --kind spam", "'spam' is not a kind"),
    ],
)
def test_what_can_not_be_is_refused_with_what_would_be_right(run: Run, words: str, told: str) -> None:
    done = run(*words.split())
    assert done.code == 1 and told in done.err, done.err


def test_a_campaign_is_looked_at_before_it_is_registered(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(
        'brand = "Acme"\nuse_case = "MARKETING"\n'
        'description = "Acme sends offers of boots and jackets to customers who asked for them."\n'
        'message_flow = "A box at acme.example to get monthly texts of Acme. Rates may apply. Reply HELP or STOP."\n'
        'samples = ["Acme: new boots are in. Reply STOP to opt out", "Acme: new jackets at bit.ly/3x"]\n'
    )
    done = run("lint-campaign", str(file))
    assert done.code == 1 and "samples/1  public_shortener" in done.out
    file.write_text(file.read_text().replace(" at bit.ly/3x", " are in"))
    assert run("lint-campaign", str(file)).out == "nothing found\n"
    file.write_text(file.read_text().replace("MARKETING", "SPAM"))
    wrong = run("lint-campaign", str(file))
    assert wrong.code == 1 and "SPAM" in wrong.err
    assert run("lint-campaign", str(tmp_path / "none.toml")).code == 1
