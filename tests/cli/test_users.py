"""Users, made and looked after at the command line."""

import pytest

from tests.cli.conftest import Run


def invite(run: Run, data: str, email: str, *roles: str) -> str:
    flags = [word for role in roles for word in ("--role", role)]
    done = run("users", "invite", email, "--name", "Somebody", *flags, "--data-dir", data, "--json")
    return str(done.data["link"])


def test_the_first_owner_comes_by_the_command_line(run: Run, data: str) -> None:
    done = run("users", "invite", "Ada@example.com", "--name", "Ada", "--role", "live:owner", "--data-dir", data)
    assert done.out.startswith("http://127.0.0.1:8080/invite/") and "ada@example.com" in done.out
    (user,) = run("users", "list", "--data-dir", data, "--json").data["data"]
    assert (user["email"], user["roles"], user["has_password"]) == ("ada@example.com", {"live": ["owner"]}, False)
    assert "live:owner" in run("users", "list", "--data-dir", data).out


def test_users_are_kept_out_and_let_in_again(run: Run, data: str) -> None:
    first = invite(run, data, "ada@example.com", "live:owner", "test:owner")
    invite(run, data, "bob@example.com", "live:support")
    roles = ("--role", "live:analyst", "--role", "live:support", "--role", "test:developer")
    changed = run("users", "set-roles", "bob@example.com", *roles, "--data-dir", data, "--json").data
    assert changed["roles"] == {"live": ["analyst", "support"], "test": ["developer"]}
    assert run("users", "disable", changed["id"], "--data-dir", data, "--json").data["is_disabled"]
    assert not run("users", "enable", "bob@example.com", "--data-dir", data, "--json").data["is_disabled"]
    assert "bob@example.com" in run("users", "reset-totp", "bob@example.com", "--data-dir", data).out
    again = run("users", "reset-password", "ada@example.com", "--data-dir", data, "--json").data["link"]
    assert again != first


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("users invite nobody --name N --role live:owner", "is not an e-mail address"),
        ("users invite ada@example.com --name N --role live:owner", "there is a user 'ada@example.com' already"),
        ("users invite b@example.com --name N --role live:ownr", "Did you mean 'owner'?"),
        ("users invite b@example.com --name N --role owner", "such as live:owner"),
        ("users invite b@example.com --name N --role prod:owner", "there are live, test"),
        ("users invite b@example.com --name N --role live:owner --workspace x", "there is no workspace 'x'"),
        ("users disable ada@example.com", "the last owner of 'live'"),
        ("users set-roles ada@example.com --role test:owner", "the last owner of 'live'"),
        ("users disable nobody@example.com", "there is no user 'nobody@example.com'"),
    ],
)
def test_what_can_not_be_is_refused_with_what_would_be_right(run: Run, data: str, words: str, told: str) -> None:
    invite(run, data, "ada@example.com", "live:owner")
    done = run(*words.split(), "--data-dir", data)
    assert done.code == 1 and told in done.err, done.err
