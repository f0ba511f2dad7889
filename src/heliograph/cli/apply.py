"""`heliograph apply` and `diff`: declared objects from a file into the ledger."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, load, opened
from heliograph.cli.output import Mistake, show

if TYPE_CHECKING:
    from heliograph.core.failures import Refused
    from heliograph.engine.declare import Change
    from heliograph.settings import Document

File = Annotated[Path, typer.Argument(metavar="FILE", help="TOML with connectors, routes, senders, templates, …")]
Prune = Annotated[bool, typer.Option("--prune", help="Also remove what the file does not mention.")]
Workspace = Annotated[str | None, typer.Option(help="Refuse objects of any other workspace.")]
_MARKS = {"created": "+", "changed": "~", "removed": "-", "unchanged": " "}


def apply(
    file: File,
    prune: Prune = False,
    workspace: Workspace = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Declare what a file says: all of it or, when something is wrong, nothing."""
    _run(file, config, data_dir, workspace, as_json, prune=prune, dry_run=False)


def diff(
    file: File,
    prune: Prune = False,
    workspace: Workspace = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show what `apply` would do, and do nothing."""
    _run(file, config, data_dir, workspace, as_json, prune=prune, dry_run=True)


def _run(
    file: Path,
    config: Path | None,
    data_dir: Path | None,
    workspace: str | None,
    as_json: bool,
    *,
    prune: bool,
    dry_run: bool,
) -> None:
    from heliograph import process, settings
    from heliograph.core.failures import Refused
    from heliograph.engine import declare

    document = settings.read(file)
    in_force = load(config, data_dir)

    async def run() -> "list[Change]":
        async with opened(in_force) as ledger:
            return await declare.apply(
                ledger,
                document.part(settings.DECLARED),
                process.declaring_tools(in_force),
                actor=actor(),
                now=process.now_ms(),
                workspace=workspace,
                prune=prune,
                dry_run=dry_run,
            )

    try:
        changes = asyncio.run(run())
    except Refused as error:
        raise refused(error, document) from None
    show({"data": changes}, lines(changes) or "nothing is declared there", as_json)


def refused(error: "Refused", document: "Document") -> Mistake:
    """What is wrong with a file, each with its line."""
    return Mistake("\n".join(f"{document.place_of(r.pointer)}: {r.detail}" for r in error.refusals))


def lines(changes: "list[Change]") -> str:
    """What was done, an object a line."""
    return "\n".join(map(_line, changes))


def _line(change: "Change") -> str:
    text = f"{_MARKS[change.action]} {change.kind} {change.name} ({change.workspace}): {change.action}"
    return f"{text}\n  secret, shown this once: {change.secret}" if change.secret else text
