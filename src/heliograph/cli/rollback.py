"""`heliograph history` and `rollback`: earlier versions of what is declared. They work beside a running server."""

from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.apply import lines
from heliograph.cli.options import Config, DataDir, Json, actor, load, with_ledger
from heliograph.cli.output import Mistake, show, table

if TYPE_CHECKING:
    from heliograph.engine.declare import Change
    from heliograph.store.port import Ledger

_COLUMNS = ("id", "at", "actor", "workspace", "kind", "name", "action")


def history(
    workspace: Annotated[str | None, typer.Option(help="Only of this workspace.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, at most.")] = 50,
    before: Annotated[int | None, typer.Option(metavar="ID", help="Only versions before this one.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List the versions of what is declared, the newest first."""
    from heliograph.engine import rollback as engine

    found = with_ledger(
        config,
        data_dir,
        lambda ledger: engine.history(ledger, workspace=workspace, limit=limit, before=before),
    )
    rows = [[getattr(entry, name) for name in _COLUMNS] for entry in found]
    show({"data": found}, table([name.upper() for name in _COLUMNS], rows), as_json)


def rollback(
    to: Annotated[int | None, typer.Option("--to", metavar="VERSION", help="As after this entry of `history`.")] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="As at this time, RFC 3339.")] = None,
    workspace: Annotated[str, typer.Option(help="The workspace whose objects go back.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do, and do nothing.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make everything that a workspace declares what it was: all of it or, when something is wrong, nothing."""
    from heliograph import process
    from heliograph.engine import rollback as engine

    if (to is None) == (at is None):
        raise Mistake("say where to: either --to VERSION, as `heliograph history` lists them, or --at TIME")
    tools = process.declaring_tools(load(config, data_dir))

    async def run(ledger: "Ledger") -> "list[Change]":
        return await engine.roll_back(
            ledger,
            tools,
            workspace=workspace,
            version=to,
            at=None if at is None else engine.moment_of(at),
            actor=actor(),
            now=process.now_ms(),
            dry_run=dry_run,
        )

    changes = with_ledger(config, data_dir, run)
    show({"data": changes}, lines(changes) or "nothing is declared, then as now", as_json)
