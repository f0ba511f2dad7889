"""`heliograph routes`: what is declared, and which way a message would take, through the API of a running server."""

from typing import Annotated, Any

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import facts, show, table

program = typer.Typer(help="Routes: which message goes through which connector.", no_args_is_help=True)


@program.command("list")
def list_(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List the routes of the key's workspace in their order: the first that matches is taken."""
    declared = Client(url, key).get("/v1/declared")["data"]
    routes = [one for one in declared if one["kind"] == "route"]
    rows = [[one["name"], _match(one["spec"]), one["spec"]["via"], one["spec"].get("order")] for one in routes]
    show({"data": routes}, table(("NAME", "MATCHES", "VIA", "ORDER"), rows), as_json)


@program.command()
def test(
    to: Annotated[str, typer.Argument(metavar="TO", help="The recipient, such as +447700900123.")],
    key: Key,
    kind: Annotated[str, typer.Option(help="otp, transactional, support or promotional.")] = "transactional",
    sender: Annotated[str | None, typer.Option(help="Who it would be from.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag that routes may look at; several times.")] = None,
    text: Annotated[str, typer.Option(help="What it would say.")] = "Test",
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Say which route and connectors a message would take, and send nothing. Ends with 1 when there is none."""
    body = {"to": to, "text": text, "kind": kind, "sender": sender, "tags": tag, "dry_run": True}
    found = Client(url, key).post("/v1/messages", {name: value for name, value in body.items() if value})
    steps = {step["rule"]: step for step in found["decision"]}
    route, price = steps["route"], steps.get("price", {})
    answer = {
        "to": found["to"],
        "country": found["country"],
        "kind": found["kind"],
        "route": route["route"],
        "via": route["via"],
        "why": route["why"],
        "sender": found.get("sender"),
        "price": price.get("price"),
        "currency": price.get("currency"),
    }
    show(answer, facts(list(answer.items())), as_json)


def _match(spec: dict[str, Any]) -> str:
    named = (spec.get("match") or {}).items()
    return ", ".join(f"{name} {value if isinstance(value, str) else _words(value)}" for name, value in named) or "all"


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
