"""`heliograph users`: lets people in and keeps them out, beside a running server too. Makes the first owner."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, load, with_ledger
from heliograph.cli.output import Mistake, facts, show, table

if TYPE_CHECKING:
    from heliograph.engine.users.register import Doer, Invited, UserView
    from heliograph.store.port import Ledger

_T = TypeVar("_T")
program = typer.Typer(help="People who log in.", no_args_is_help=True)

Workspace = Annotated[str, typer.Option(help="The workspace of the user.")]
User = Annotated[str, typer.Argument(metavar="USER", help="E-mail address or id.")]
Role = Annotated[
    list[str], typer.Option(metavar="ENVIRONMENT:ROLE", help="A role in an environment, such as live:owner; several.")
]


@program.command()
def invite(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="By which they log in.")],
    name: Annotated[str, typer.Option(help="How people call them.")],
    role: Role,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a user, and a link by which they set their password."""
    from heliograph.engine.users import register

    roles = _roles(role)
    made = _with_workspace(
        config,
        data_dir,
        workspace,
        lambda ledger, number: register.invite(ledger, number, email, name, roles, _doer()),
    )
    _show_link(made, config, data_dir, as_json)


@program.command("list")
def list_(
    workspace: Workspace = "default", config: Config = None, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """List the users."""
    from heliograph.engine.users import register

    found = _with_workspace(config, data_dir, workspace, register.list_users)
    rows = [
        (u.id, u.email, u.name, _spelled(u.roles), "yes" if u.is_disabled else "no", u.last_login_at) for u in found
    ]
    headers = ("ID", "EMAIL", "NAME", "ROLES", "DISABLED", "LAST LOGIN")
    show({"data": found}, table(headers, rows), as_json)


@program.command("set-roles")
def set_roles(
    user: User,
    role: Role,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Replace all roles of a user, who has to log in again."""
    from heliograph.engine.users import register

    roles = _roles(role)
    found = _with_workspace(
        config, data_dir, workspace, lambda ledger, number: register.set_roles(ledger, number, user, roles, _doer())
    )
    _show_user(found, as_json)


@program.command()
def disable(
    user: User,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Keep a user out, at once."""
    _set_disabled(user, workspace, config, data_dir, as_json, disabled=True)


@program.command()
def enable(
    user: User,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Let a disabled user in again."""
    _set_disabled(user, workspace, config, data_dir, as_json, disabled=False)


@program.command("reset-password")
def reset_password(
    user: User,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a link by which a user sets a new password; until then the old one works."""
    from heliograph.engine.users import register

    made = _with_workspace(
        config, data_dir, workspace, lambda ledger, number: register.reset_link(ledger, number, user, _doer())
    )
    _show_link(made, config, data_dir, as_json)


@program.command("reset-totp")
def reset_totp(
    user: User,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Take away the second factor of a user who has lost it."""
    from heliograph.engine.users import register

    found = _with_workspace(
        config, data_dir, workspace, lambda ledger, number: register.reset_totp(ledger, number, user, _doer())
    )
    _show_user(found, as_json)


def _set_disabled(
    user: str, workspace: str, config: Path | None, data_dir: Path | None, as_json: bool, *, disabled: bool
) -> None:
    from heliograph.engine.users import register

    found = _with_workspace(
        config,
        data_dir,
        workspace,
        lambda ledger, number: register.set_disabled(ledger, number, user, disabled, _doer()),
    )
    _show_user(found, as_json)


def _with_workspace(
    config: Path | None, data_dir: Path | None, workspace: str, do: "Callable[[Ledger, int], Awaitable[_T]]"
) -> _T:
    from heliograph.engine.environments import workspace_id

    async def run(ledger: "Ledger") -> _T:
        return await do(ledger, await workspace_id(ledger, workspace))

    return with_ledger(config, data_dir, run)


def _doer() -> "Doer":
    from heliograph import process
    from heliograph.engine.users.register import Doer

    return Doer(actor(), process.now_ms())


def _roles(given: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in given:
        environment, colon, name = text.partition(":")
        if not colon:
            raise Mistake(f"{text} is not an environment and a role, such as live:owner")
        found.setdefault(environment, []).append(name)
    return found


def _spelled(roles: dict[str, list[str]]) -> list[str]:
    return [f"{environment}:{name}" for environment, names in roles.items() for name in names]


def _show_user(user: "UserView", as_json: bool) -> None:
    import msgspec

    fields = msgspec.to_builtins(user)
    show(user, facts([*(fields | {"roles": _spelled(user.roles)}).items()]), as_json)


def _show_link(made: "Invited", config: Path | None, data_dir: Path | None, as_json: bool) -> None:
    from heliograph import process

    link = f"{process.public_url(load(config, data_dir))}/invite/{made.token}"
    text = f"{link}\n\nGive it to {made.user.email}: it sets a password once, until {made.expires_at}."
    show({"user": made.user, "link": link, "expires_at": made.expires_at}, text, as_json)
