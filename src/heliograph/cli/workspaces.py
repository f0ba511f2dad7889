"""`heliograph workspaces` and `environments`: who is walled off from whom. Works beside a running server."""

from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, load, with_ledger
from heliograph.cli.output import facts, show, table

if TYPE_CHECKING:
    from heliograph.engine.environments import Environment
    from heliograph.store.port import Ledger

program = typer.Typer(help="Workspaces: tenants that can't see each other.", no_args_is_help=True)
environments = typer.Typer(help="Environments of a workspace, each with its own keys and data.", no_args_is_help=True)

Workspace = Annotated[str, typer.Option(help="The workspace of the environment.")]
Allow = Annotated[list[str] | None, typer.Option(metavar="NUMBER", help="A recipient it may reach; several times.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and hyphens.")]


@program.command("create")
def create_workspace(name: Name, config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make a workspace with the environments live and test."""
    from heliograph import process
    from heliograph.engine import environments as engine

    seal = process.Process(load(config, data_dir)).seal
    made = with_ledger(
        config,
        data_dir,
        lambda ledger: engine.create_workspace(ledger, name, seal=seal, actor=actor(), now=process.now_ms()),
    )
    text = f"{name} is made; its first key: heliograph keys create --workspace {name} --name NAME --scope admin"
    show(made, text, as_json)


@program.command("list")
def list_workspaces(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the workspaces."""
    from heliograph.engine import environments as engine

    found = with_ledger(config, data_dir, engine.list_workspaces)
    rows = [(workspace.name, workspace.created_at) for workspace in found]
    show({"data": found}, table(("NAME", "CREATED"), rows), as_json)


@environments.command("create")
def create_environment(
    name: Name,
    mode: Annotated[str, typer.Option(help="guarded: reaches its allowlist only. Or live, or test.")] = "guarded",
    allow: Allow = None,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Add an environment."""
    from heliograph import process
    from heliograph.engine import environments as engine

    seal = process.Process(load(config, data_dir)).seal

    async def make(ledger: "Ledger") -> "Environment":
        return await engine.create_environment(
            ledger,
            await engine.workspace_id(ledger, workspace),
            name,
            mode=mode,
            allowlist=allow or [],
            seal=seal,
            actor=actor(),
            now=process.now_ms(),
        )

    _show(with_ledger(config, data_dir, make), as_json)


@environments.command("list")
def list_environments(
    workspace: Workspace = "default", config: Config = None, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """List the environments of a workspace."""
    from heliograph.engine import environments as engine

    async def ask(ledger: "Ledger") -> "list[Environment]":
        return await engine.list_environments(ledger, await engine.workspace_id(ledger, workspace))

    found = with_ledger(config, data_dir, ask)
    rows = [(e.name, e.mode, e.allowlist, e.created_at) for e in found]
    show({"data": found}, table(("NAME", "MODE", "ALLOWLIST", "CREATED"), rows), as_json)


@environments.command()
def allow(
    name: Name,
    numbers: Annotated[list[str] | None, typer.Argument(metavar="NUMBER", help="All recipients; none: nobody.")] = None,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Replace the recipients that a guarded environment may reach."""
    from heliograph import process
    from heliograph.engine import environments as engine

    async def change(ledger: "Ledger") -> "Environment":
        found = await engine.workspace_id(ledger, workspace)
        return await engine.set_allowlist(ledger, found, name, numbers or [], actor=actor(), now=process.now_ms())

    _show(with_ledger(config, data_dir, change), as_json)


def _show(environment: "Environment", as_json: bool) -> None:
    import msgspec

    show(environment, facts(list(msgspec.structs.asdict(environment).items())), as_json)
