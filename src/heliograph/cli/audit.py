"""`heliograph audit`: reads, exports and checks the audit log in the ledger, beside a running server too."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, with_ledger
from heliograph.cli.output import Mistake, show, table

if TYPE_CHECKING:
    from heliograph.engine.auditing import Narrowed
    from heliograph.store.port import Ledger

program = typer.Typer(help="The audit log: who changed what, and that nobody meddled with it.", no_args_is_help=True)

By = Annotated[str | None, typer.Option("--actor", help="Who acted, such as key:ID or cli:NAME.")]
Action = Annotated[str | None, typer.Option("--action", help="What was done, such as key.created or key.*")]
On = Annotated[str | None, typer.Option("--object", help="On what, such as connector:telco.")]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="From then on, RFC 3339.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then, RFC 3339.")]
Workspace = Annotated[str | None, typer.Option(help="Only entries of this workspace.")]


@program.command("list")
def list_(
    by: By = None,
    action: Action = None,
    on: On = None,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """List entries, the newest first."""
    from heliograph.engine import auditing

    async def read(ledger: "Ledger") -> "list[auditing.AuditEntry]":
        narrowed = await _narrowed(ledger, by, action, on, since, until, workspace)
        return (await auditing.entries(ledger, narrowed, cursor=None, limit=limit))[0]

    found = with_ledger(config, data_dir, read)
    rows = [(entry.at, entry.actor, entry.action, entry.object, entry.ip) for entry in found]
    show({"data": found}, table(("AT", "ACTOR", "ACTION", "OBJECT", "FROM"), rows), as_json)


@program.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write; .csv makes CSV, all else JSON lines.")],
    by: By = None,
    action: Action = None,
    on: On = None,
    since: Since = None,
    until: Until = None,
    workspace: Workspace = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write entries to a file. That this was done is an entry too."""
    from heliograph import process
    from heliograph.engine import audit, auditing

    form = "csv" if file.suffix == ".csv" else "jsonl"

    async def write(ledger: "Ledger") -> bytes:
        narrowed = await _narrowed(ledger, by, action, on, since, until, workspace)
        async with ledger.transaction() as transaction:
            await audit.note(
                transaction,
                workspace=narrowed.workspace,
                actor=actor(),
                action="audit.exported",
                object="audit",
                now=process.now_ms(),
                detail={"format": form},
            )
        return await auditing.export(ledger, narrowed, form)

    body = with_ledger(config, data_dir, write)
    file.write_bytes(body)
    show({"file": str(file), "bytes": len(body)}, f"{file}: {len(body)} bytes", as_json)


@program.command()
def head(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show where the chain ends: note it elsewhere, and give it to `verify` later."""
    from heliograph.engine import auditing

    found = with_ledger(config, data_dir, auditing.head)
    show(found, str(found), as_json)


@program.command()
def verify(
    anchor: Annotated[
        list[str] | None, typer.Option(metavar="NUMBER:HASH", help="What `head` showed earlier; several times.")
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Check every entry, and that the chain holds what it held when an anchor was noted. Exit code 1: it does not."""
    from heliograph.engine import auditing

    anchors = [auditing.read_anchor(text) for text in anchor or ()]
    found = with_ledger(config, data_dir, lambda ledger: auditing.verify(ledger, anchors))
    lines = [f"entry {fault.entry}: {fault.what}" for fault in found.faults]
    if found.more_faults:
        lines.append(f"and {found.more_faults} more")
    verdict = "intact" if found.intact else "NOT INTACT"
    show(found, "\n".join([*lines, f"{verdict}: {found.entries} entries, the last is {found.head}"]), as_json)
    if not found.intact:
        raise Mistake("the audit log is not as it was written")


async def _narrowed(
    ledger: "Ledger",
    by: str | None,
    action: str | None,
    on: str | None,
    since: str | None,
    until: str | None,
    workspace: str | None,
) -> "Narrowed":
    from heliograph.engine.auditing import Narrowed
    from heliograph.engine.environments import workspace_id
    from heliograph.engine.rollback import moment_of

    return Narrowed(
        workspace=None if workspace is None else await workspace_id(ledger, workspace),
        everyones=False,
        actor=by,
        action=action,
        object=on,
        since=None if since is None else moment_of(since),
        until=None if until is None else moment_of(until),
    )
