"""Options that several commands share, and what they lead to."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from heliograph.settings import Settings
    from heliograph.store.port import Ledger

_T = TypeVar("_T")
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The configuration; HELIOGRAPH_CONFIG names it too.")
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="Where the embedded ledger lies; or HELIOGRAPH_DATA_DIR; ./data."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Url = Annotated[
    str,
    typer.Option("--url", envvar="HELIOGRAPH_URL", metavar="URL", help="The running server.", show_envvar=True),
]
Key = Annotated[
    str,
    typer.Option(
        "--key",
        envvar="HELIOGRAPH_KEY",
        metavar="KEY",
        help="API key; better as env:NAME or file:PATH, other users see command lines.",
        show_envvar=True,
    ),
]
LOCAL_URL = "http://127.0.0.1:8080"


def load(config: Path | None, data_dir: Path | None, flags: Mapping[str, str] | None = None) -> "Settings":
    """The settings in force for this call."""
    from heliograph import settings

    return settings.load(config, os.environ, data_dir, flags)


@asynccontextmanager
async def opened(settings: "Settings") -> AsyncIterator["Ledger"]:
    """The ledger, for as long as a command needs it; a running server is not disturbed."""
    from heliograph import process

    ledger = await process.open_ledger(settings)
    try:
        yield ledger
    finally:
        await ledger.close()


def with_ledger(config: Path | None, data_dir: Path | None, do: "Callable[[Ledger], Awaitable[_T]]") -> _T:
    """What comes of one piece of work on the ledger."""
    import asyncio

    settings = load(config, data_dir)

    async def run() -> _T:
        async with opened(settings) as ledger:
            return await do(ledger)

    return asyncio.run(run())


def actor() -> str:
    """Who stands in the audit log for a change from the command line."""
    import getpass

    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may have users without a name
        return f"cli:{os.getuid()}"


def values(given: list[str]) -> dict[str, str]:
    """What `--var NAME=VALUE` says, for the variables of a template."""
    from heliograph.cli.output import Mistake

    if wrong := [pair for pair in given if "=" not in pair]:
        raise Mistake(f"--var {wrong[0]}: give NAME=VALUE")
    return {name: value for name, _, value in (pair.partition("=") for pair in given)}
