"""`heliograph serve`: the gateway itself."""

from functools import partial
from typing import Annotated

import typer

from heliograph.cli.options import Config, DataDir, load
from heliograph.cli.output import Mistake

ROLES = ("api", "engine", "console")


def serve(
    config: Config = None,
    data_dir: DataDir = None,
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where HTTP is served.")] = None,
    roles: Annotated[
        str, typer.Option(metavar="ROLES", help="What this process does: api, engine, console, with commas.")
    ] = ",".join(ROLES),
    demo: Annotated[
        bool, typer.Option("--demo", help="Show the console's address, a test key and a curl line that works.")
    ] = False,
) -> None:
    """Run the gateway until it is told to stop."""
    chosen = frozenset(part.strip() for part in roles.split(",") if part.strip())
    if not chosen or not chosen <= set(ROLES):
        raise Mistake(f"--roles takes {', '.join(ROLES)}, several with commas")
    settings = load(config, data_dir, {} if listen is None else {"server.listen": listen})

    import uvloop

    from heliograph import app

    try:
        uvloop.run(app.serve(settings, chosen, partial(print, flush=True) if demo else None))
    except KeyboardInterrupt:  # before the server could take the signal over
        raise typer.Exit(130) from None
