"""`heliograph prices`: what a segment costs at which connector, to which country. Works beside a running server."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, with_ledger
from heliograph.cli.output import Mistake, show, table

if TYPE_CHECKING:
    from heliograph.engine.pricing import PriceLine

program = typer.Typer(
    help="Price tables: what a segment costs, by connector, country, network and kind.", no_args_is_help=True
)

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="CSV with the columns connector, item, country, network, kind, price, currency.",
    ),
]


@program.command("import")
def import_prices(file: File, config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Replace the prices of the connectors that a file names: all of it or, when something is wrong, nothing."""
    from heliograph import process
    from heliograph.core.failures import Refused
    from heliograph.engine import pricing

    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Mistake(f"{file}: this is not UTF-8") from None
    try:
        done = with_ledger(
            config,
            data_dir,
            lambda ledger: pricing.import_prices(ledger, text, actor=actor(), now=process.now_ms()),
        )
    except Refused as error:
        raise Mistake("\n".join(f"{file}: {refusal.detail}" for refusal in error.refusals)) from None
    show(done, f"prices of {', '.join(done.connectors)}: {done.lines}", as_json)


@program.command("list")
def list_prices(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """List the prices; * stands for every one."""
    from heliograph.engine import pricing

    found = with_ledger(config, data_dir, pricing.list_prices)
    rows = [(line.connector, line.item, *_cells(line), line.price, line.currency) for line in found]
    show({"data": found}, table(_HEAD, rows), as_json)


_HEAD = ("CONNECTOR", "ITEM", "COUNTRY", "NETWORK", "KIND", "PRICE", "CURRENCY")


def _cells(line: "PriceLine") -> tuple[str, ...]:
    return tuple(cell or "*" for cell in (line.country, line.network, line.kind))
