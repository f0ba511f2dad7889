"""`heliograph migrate`: brings a ledger's schema up to date, or back to an earlier number."""

import asyncio
import os
from typing import Annotated

import typer

from heliograph.cli.options import Config, DataDir, Json, load
from heliograph.cli.output import Mistake, show
from heliograph.cli.schema import engine_of, schema


def migrate(
    to: Annotated[int | None, typer.Option(min=0, help="Up or back to this number; else to the newest.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Another ledger than the configured one.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Bring the ledger's schema up to date. `serve` does so by itself; going back loses what the newer schema held."""
    settings = load(config, data_dir)
    if url is None:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    applied, undone, now_at = asyncio.run(_migrate(url or settings.store_url(os.environ), to))
    done = [f"applied {name}" for name in applied] + [f"rolled back {name}" for name in undone]
    text = "\n".join(done) if done else "nothing to do"
    show({"applied": applied, "rolled_back": undone, "at": now_at}, f"{text}\nthe ledger is at {now_at}", as_json)


async def _migrate(url: str, to: int | None) -> tuple[list[str], list[str], str | None]:
    from heliograph.store import migrate as runner

    engine = engine_of(url)
    newest = runner.known(engine)[-1].number
    if to is not None and to > newest:
        raise Mistake(f"--to {to}: this program knows migrations up to {newest}")
    async with schema(url) as target:
        applied = await runner.up(target, engine, to)
        undone = [] if to is None else await runner.down(target, engine, to)
        now_at = await runner.current(target, engine)
    return [str(step) for step in applied], [str(step) for step in undone], None if now_at is None else str(now_at)
