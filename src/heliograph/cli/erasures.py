"""`heliograph erasures`: the journal of erased people, and how it is followed again after a restore."""

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, with_ledger
from heliograph.cli.output import Mistake, show

program = typer.Typer(help="Erased people: a journal that outlives the restore of a backup.", no_args_is_help=True)


@program.command("list")
def list_(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print the journal, one JSON object a line. Keep it outside the database; it names nobody."""
    import msgspec

    from heliograph.engine import erasing

    found = with_ledger(config, data_dir, erasing.journal)
    show({"data": found}, "\n".join(msgspec.json.encode(entry).decode() for entry in found), as_json)


@program.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `erasures list` has printed.")],
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Erase again whom a restored backup has brought back."""
    import msgspec

    from heliograph import process
    from heliograph.engine import erasing

    try:
        entries = [msgspec.json.decode(line, type=erasing.Entry) for line in file.read_bytes().splitlines() if line]
    except msgspec.DecodeError as error:
        raise Mistake(f"{file}: this is not a journal of erasures: {error}") from None
    count = with_ledger(
        config, data_dir, lambda ledger: erasing.replay(ledger, entries, actor=actor(), now=process.now_ms())
    )
    show({"erased": count}, f"{count} people were erased again", as_json)
