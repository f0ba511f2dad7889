"""`heliograph version`."""

from importlib import metadata

from heliograph.cli.options import Json
from heliograph.cli.output import show


def version(as_json: Json = False) -> None:
    """Say which version this is."""
    number = metadata.version("heliograph")
    show({"version": number}, f"heliograph {number}", as_json)
