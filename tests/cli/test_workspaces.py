"""Workspaces and environments, made at the command line."""

import pytest

from tests.cli.conftest import Run


def test_a_workspace_comes_with_live_and_test(run: Run, data: str) -> None:
    assert run("workspaces", "create", "acme", "--data-dir", data, "--json").data["name"] == "acme"
    names = [found["name"] for found in run("workspaces", "list", "--data-dir", data, "--json").data["data"]]
    assert names == ["default", "acme"]
    listed = run("environments", "list", "--workspace", "acme", "--data-dir", data, "--json").data["data"]
    assert [(found["name"], found["mode"]) for found in listed] == [("live", "live"), ("test", "test")]


def test_the_hint_for_a_new_workspace_leads_to_a_key(run: Run, data: str) -> None:
    hint = run("workspaces", "create", "acme", "--data-dir", data).out.partition("heliograph ")[2]
    words = hint.strip().replace("NAME", "first").split()
    assert run(*words, "--data-dir", data, "--json").data["scopes"] == ["admin"]


def test_a_guarded_environment_keeps_its_allowlist_until_it_is_replaced(run: Run, data: str) -> None:
    def allowlist() -> list[str]:
        listed = run("environments", "list", "--data-dir", data, "--json").data["data"]
        found: list[str] = next(each["allowlist"] for each in listed if each["name"] == "staging")
        return found

    run("environments", "create", "staging", "--allow", "+44 7700 900123", "--data-dir", data)
    assert allowlist() == ["+447700900123"]
    run("environments", "allow", "staging", "+447700900124", "+447700900125", "--data-dir", data)
    assert allowlist() == ["+447700900124", "+447700900125"]
    run("environments", "allow", "staging", "--data-dir", data)
    assert allowlist() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("workspaces create default", "there is a workspace 'default' already"),
        ("workspaces create Big_Name", "small letters"),
        ("environments create test", "there is an environment 'test' already"),
        ("environments create staging --mode garded", "Did you mean 'guarded'?"),
        ("environments create staging --mode live --allow +447700900123", "only guarded ones have"),
        ("environments create staging --allow 12", "12"),
        ("environments create staging --workspace nowhere", "there is no workspace 'nowhere'"),
        ("environments allow live +447700900123", "'live' is live"),
        ("environments allow nowhere", "there is no environment 'nowhere'"),
    ],
)
def test_what_can_not_be_is_refused_with_what_would_be_right(run: Run, data: str, words: str, told: str) -> None:
    done = run(*words.split(), "--data-dir", data)
    assert done.code == 1 and told in done.err, done.err
