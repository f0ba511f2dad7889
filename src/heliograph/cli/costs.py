"""`heliograph costs`: what was spent."""

from typing import Annotated

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import show, table

_LINES = ("message", "surcharge", "inbound", "rental", "lookup", "total")
_HEAD = ("CURRENCY", "MESSAGES", "DELIVERED", *(line.upper() for line in _LINES), "PER DELIVERED", "FAILED BUT PAID")


def costs(
    key: Key,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="The first day, such as 2026-11-01, or a moment.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DAY", help="The day after the last.")] = None,
    by: Annotated[str, typer.Option(help="day, connector, country, network, kind, workspace or tag.")] = "day",
    workspace: Annotated[str | None, typer.Option(help="One workspace; the operator's keys show all else.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show what was spent; without days, in the last thirty."""
    query = {"from": since, "to": until, "by": by, "workspace": workspace}
    found = Client(url, key).get("/v1/costs", **query)
    rows = [_row(one["group"] or "-", one) for one in found["data"]]
    rows += [_row("in all", one) for one in found["totals"]]
    show(found, table((by.upper(), *_HEAD), rows), as_json)


def _row(name: str, one: dict[str, str]) -> tuple[object, ...]:
    lines = (one[line] for line in _LINES)
    counts = (one["currency"] or "unknown", one["messages"], one["delivered"])
    return (name, *counts, *lines, one["cost_per_delivered"], one["failed_price"])
