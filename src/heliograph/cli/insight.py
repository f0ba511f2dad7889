"""`heliograph insight`: statistics, and the proof that they are what the events say, beside a running server too."""

from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Config, DataDir, Json, Key, Url, with_ledger
from heliograph.cli.output import Mistake, show, table

if TYPE_CHECKING:
    from heliograph.engine.insight.checking import Found
    from heliograph.store.port import Ledger

program = typer.Typer(help="Statistics: what became of messages, and what they cost.", no_args_is_help=True)


@program.command("show")
def show_(
    key: Key,
    measures: Annotated[str, typer.Argument(help="One or more, with commas: messages,delivery_rate")],
    by: Annotated[str | None, typer.Option(help="Split by country, network, kind, connector, sender …")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="DAY", help="A day, or a moment.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The day after the last.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show measures of the last 24 hours, or of another time."""
    found = Client(url, key).get("/v1/insights", measures=measures, by=by, **{"from": since, "to": until})
    names = measures.split(",")
    rows = [
        (" ".join(one["group"].values()) or "in all", *(_shown(one["total"].get(name)) for name in names))
        for one in found["data"]
    ]
    show(found, table(((by or "").upper(), *(name.upper() for name in names)), rows), as_json)


def _shown(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{amount} {currency}" for currency, amount in value.items())
    return "-" if value is None else value


@program.command()
def check(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Prove that the sums are what the messages and their events say."""

    async def do(ledger: "Ledger") -> "Found":
        from heliograph.engine.insight import checking
        from heliograph.process import now_ms

        return await checking.check(ledger, now_ms())

    found = with_ledger(config, data_dir, do)
    text = f"{found.messages} messages, {found.facts} facts and {found.webhooks} webhooks: "
    show(found, text + ("the sums are right" if not found.differences else "the sums are wrong"), as_json)
    if found.differences:
        raise Mistake("\n".join([*found.differences, "`heliograph insight rebuild` makes them again"]))


@program.command()
def rebuild(config: Config = None, data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the sums again from the first event on."""

    async def do(ledger: "Ledger") -> "Found":
        from heliograph.engine.insight import checking
        from heliograph.process import now_ms

        await checking.rebuild(ledger, now_ms())
        return await checking.check(ledger, now_ms())

    found = with_ledger(config, data_dir, do)
    show(found, f"{found.messages} messages, {found.facts} facts and {found.webhooks} webhooks were counted", as_json)
