"""`heliograph export-config`: what is declared, as the file that declares it. Works beside a running server."""

from pathlib import Path
from typing import Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, with_ledger
from heliograph.cli.output import Mistake, show

_HEAD = """\
# What the workspace {workspace!r} declares, at {at}. `heliograph diff` of this file shows nothing while that holds.
# Secrets that begin with sealed: open with the master key of this installation alone; elsewhere put env:NAME there.

"""


def export_config(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="What to write; left out: it is shown.")] = None,
    workspace: Annotated[str, typer.Option(help="Whose objects.")] = "default",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write what is declared as a file that `apply` reads: applied again, it changes nothing."""
    from heliograph import process
    from heliograph.core.toml_text import text_of
    from heliograph.core.views import moment
    from heliograph.engine.written import document_of

    if file is not None and file.exists() and not force:
        raise Mistake(f"{file} is there already; give another name, or --force")
    document = with_ledger(config, data_dir, lambda ledger: document_of(ledger, workspace))
    text = _HEAD.format(workspace=workspace, at=moment(process.now_ms())) + text_of(document)
    if file is None:
        show(document, text.rstrip("\n"), as_json)
        return
    file.touch(mode=0o600)  # it may hold secrets, though none that can be read
    file.write_text(text, "utf-8")
    count = sum(map(len, document.values()))
    show({"file": str(file), "objects": count}, f"{file}: {count} objects", as_json)
