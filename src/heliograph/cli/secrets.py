"""`heliograph secrets`: the master key and the keys for texts turn over."""

import os
from typing import TYPE_CHECKING

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, load, with_ledger
from heliograph.cli.output import show

if TYPE_CHECKING:
    from heliograph.engine.secrets import Vault

program = typer.Typer(help="The master key, and the keys that seal texts.", no_args_is_help=True)


@program.command("new-key")
def new_key(as_json: Json = False) -> None:
    """Print a fresh master key. Put it in front of the old one, start every process again, then `reseal`."""
    from heliograph.engine import secrets

    made = secrets.new_key()
    show({"master_key": made}, made, as_json)


@program.command()
def reseal(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Seal everything again with the first master key; afterwards the others can be removed."""
    from heliograph import process
    from heliograph.engine import resealing

    vault = _vault(config, data_dir)
    count = with_ledger(
        config, data_dir, lambda ledger: resealing.reseal(ledger, vault, actor=actor(), now=process.now_ms())
    )
    show({"resealed": count, "master_key": vault.current}, f"{count} secrets are sealed by {vault.current}", as_json)


@program.command("rotate-bodies")
def rotate_bodies(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make a new key for the texts of messages. It seals from a minute later on; no row is written again."""
    from heliograph import process
    from heliograph.engine import datakeys

    vault = _vault(config, data_dir)
    number = with_ledger(
        config, data_dir, lambda ledger: datakeys.rotate_bodies(ledger, vault, actor=actor(), now=process.now_ms())
    )
    show({"number": number}, f"key {number} seals texts in a minute", as_json)


def _vault(config: Config, data_dir: DataDir) -> "Vault":
    from heliograph.engine import secrets

    return secrets.load(os.environ, load(config, data_dir).data_dir)
