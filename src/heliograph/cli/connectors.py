"""`heliograph connectors`: how the links to carriers are, what they recorded, what is left in an account."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import facts, show, table

program = typer.Typer(help="Links to carriers.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The connector's name, as it was declared.")]


@program.command("list")
def list_(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List connectors, and how they are."""
    found = Client(url, key).get("/v1/connectors")
    rows = [(one["name"], one["kind"], one["up"], one["in_flight"], one["reason"]) for one in found["data"]]
    show(found, table(("NAME", "KIND", "UP", "IN FLIGHT", "WHY NOT"), rows), as_json)


@program.command()
def balance(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Ask the provider what is left in the account."""
    answer = Client(url, key).get(f"/v1/connectors/{quote(name, safe='')}/balance")
    show(answer, facts(list(answer.items())), as_json)


@program.command()
def quality(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show how well connectors do, by country and kind: what routes with order = "best" go by."""
    found = Client(url, key).get("/v1/quality")
    ways = [
        (
            *(one["connector"], one["country"], one["kind"], one["score"], one["submitted"]),
            *(one["fault_part"], one["awaited"], one["delivered_part"], one["mean_delay_ms"]),
            *(one["instant_part"], one["convertible"], one["converted_part"]),
            one["plausibility"],
        )
        for one in found["data"]
    ]
    leads = [(one["route"], one["country"], one["kind"], one["connector"], one["since"]) for one in found["leaders"]]
    parts = [f"of messages accepted since {found['since']}; parts between 0 and 1", table(_WAYS, ways)]
    if leads:
        parts += ["who goes first, where it is not the first in the list:", table(_LEADERS, leads)]
    show(found, "\n\n".join(parts), as_json)


_WAYS = (
    *("CONNECTOR", "COUNTRY", "KIND", "SCORE", "SUBMITTED", "FAULTS", "AWAITED", "DELIVERED", "MEAN DELAY MS"),
    *("AT ONCE", "CONVERTIBLE", "CONVERTED", "PLAUSIBLE"),
)
_LEADERS = ("ROUTE", "COUNTRY", "KIND", "CONNECTOR", "SINCE")


@program.command()
def record(
    name: Name,
    key: Key,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write it.")],
    form: Annotated[str, typer.Option("--format", help="jsonl, pcap or scenario.")] = "jsonl",
    texts: Annotated[
        bool, typer.Option("--texts", help="With texts and whole numbers; needs the scope admin.")
    ] = False,
    url: Url = LOCAL_URL,
) -> None:
    """Write down what the last minutes of a link were: for a ticket at the carrier, or to replay in the sandbox."""
    path = f"/v1/connectors/{quote(name, safe='')}/recording"
    content = Client(url, key).download(path, format=form, texts="true" if texts else None)
    to.write_bytes(content)
    typer.echo(f"{len(content)} bytes in {to}")
