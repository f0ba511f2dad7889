"""`heliograph export`: rows of the ledger as a file, beside a running server too."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, values, with_ledger
from heliograph.cli.output import show

if TYPE_CHECKING:
    from heliograph.engine.exports.exporting import Asked
    from heliograph.store.port import Ledger


def export(
    what: Annotated[
        str, typer.Argument(help="messages, attempts, events, inbound, consents, conversions, deliveries.")
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What to write: .csv, .jsonl or .parquet.")],
    environment: Annotated[str, typer.Option(help="The environment.")] = "live",
    workspace: Annotated[str, typer.Option(help="The workspace.")] = "default",
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="From then on, RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then, RFC 3339.")] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME=VALUE", help="Only such rows; several times.")
    ] = None,
    texts: Annotated[bool, typer.Option("--texts", help="The texts of messages too.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write rows to a file. That this was done is an entry of the audit log."""
    from heliograph.engine.exports.exporting import Asked
    from heliograph.engine.rollback import moment_of

    async def write(ledger: "Ledger") -> int:
        place = await _place(ledger, workspace, environment)
        asked = Asked(
            workspace=place[0],
            environment=place[1],
            what=what,
            format=file.suffix.removeprefix("."),
            since=None if since is None else moment_of(since),
            until=None if until is None else moment_of(until),
            filters=values(only or []),
            texts=texts,
        )
        return await _write(ledger, asked, file)

    size = with_ledger(config, data_dir, write)
    show({"file": str(file), "bytes": size}, f"{file}: {size} bytes", as_json)


async def _place(ledger: "Ledger", workspace: str, environment: str) -> tuple[int, int]:
    from heliograph.core.failures import Refusal, Refused
    from heliograph.engine.environments import workspace_id

    number = await workspace_id(ledger, workspace)
    found = await ledger.fetch("SELECT id FROM environments WHERE workspace = $1 AND name = $2", number, environment)
    if not found:
        raise Refused(Refusal("unknown_environment", f"there is no environment {environment[:40]!r}"))
    return number, found[0][0]


async def _write(ledger: "Ledger", asked: "Asked", file: Path) -> int:
    """How many bytes it took. What was there stays until all of it is written."""
    from heliograph import process
    from heliograph.engine.exports import exporting

    exporting.check(asked)
    await exporting.note(ledger, asked, actor(), process.now_ms())
    size, part = 0, file.with_name(f".{file.name}.part")
    try:
        with part.open("wb") as out:
            async for piece in exporting.export(ledger, asked):
                size += out.write(piece)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return size
