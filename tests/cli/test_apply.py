"""Declaring objects from a file."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

GOOD = """
[connectors.play]
kind = "sandbox"
[[routes]]
name = "all"
via = ["play"]
[senders.Acme]
type = "alphanumeric"
[endpoints.orders]
url = "https://hooks.example.com/hook"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "objects.toml"
    path.write_text(GOOD)
    return path


def actions(data: dict[str, list[dict[str, str]]]) -> list[str]:
    return [f"{change['kind']} {change['action']}" for change in data["data"]]


def test_a_difference_is_shown_before_it_is_made(run: Run, file: Path, data: str) -> None:
    words = (str(file), "--data-dir", data, "--json")
    created = ["connector created", "route created", "sender created", "endpoint created"]
    assert actions(run("diff", *words).data) == created
    assert actions(run("apply", *words).data) == created
    assert {change["action"] for change in run("apply", *words).data["data"]} == {"unchanged"}


def test_a_secret_is_made_where_none_is_given_and_shown_once(run: Run, file: Path, data: str) -> None:
    words = (str(file), "--data-dir", data)
    assert run("diff", *words).out.count("whsec_") == 0
    assert run("apply", *words).out.count("whsec_") == 1
    assert run("apply", *words).out.count("whsec_") == 0


def test_what_the_file_forgets_stays_unless_it_is_pruned(run: Run, file: Path, data: str) -> None:
    run("apply", str(file), "--data-dir", data)
    file.write_text('[connectors.play]\nkind = "sandbox"\nanswer_delay_ms = 5\n')
    assert run("apply", str(file), "--data-dir", data).out == "~ connector play (default): changed\n"
    file.write_text('[connectors.play]\nkind = "sandbox"\nanswer_delay_ms = 5\n')
    pruned = run("apply", str(file), "--prune", "--data-dir", data, "--json").data
    assert sorted(actions(pruned)) == [
        "connector unchanged",
        "endpoint removed",
        "route removed",
        "sender removed",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[connectors.play]\nkind = "pigeon"', ":2: 'pigeon' is no kind of connector"),
        ('[connectors.play]\nkind = "sandbox"\nanswer_dely_ms = 3', ":3: a sandbox connector has no setting"),
        ('[[routes]]\nname = "all"\nvia = ["nobody"]', ":3: route 'all' leads to 'nobody', which is not declared"),
        ('[endpoints.orders]\n\nurl = "http://127.0.0.1/"', ":3: 127.0.0.1 is loopback"),
        (
            '[endpoints.orders]\nurl = "https://hooks.example.com"\nevents = ["message.seen"]',
            ":3: 'message.seen' is not an",
        ),
        ('[connectors.play]\nkind = "sandbox"\nworkspace = "other"', ":3: there is no workspace 'other'"),
        ('[connector.play]\nkind = "sandbox"', ":1: connector: unknown key; did you mean connectors?"),
        ('[routes]\nvia = "x"', ":1: routes: expected tables: [[routes]]"),
        ("[connectors.play", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_as_a_whole_with_the_line(
    run: Run, file: Path, data: str, text: str, told: str
) -> None:
    file.write_text(f"{text}\n")
    done = run("apply", str(file), "--data-dir", data)
    assert (done.code, told in done.err) == (1, True), done.err
    file.write_text(GOOD)
    assert set(actions(run("diff", str(file), "--data-dir", data, "--json").data)) == {
        "connector created",
        "route created",
        "sender created",
        "endpoint created",
    }


def test_a_file_for_one_workspace_declares_nothing_in_another(run: Run, file: Path, data: str) -> None:
    done = run("apply", str(file), "--workspace", "other", "--data-dir", data)
    assert (done.code, "other" in done.err) == (1, True)
