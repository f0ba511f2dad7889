"""`heliograph connectors`: how the links to carriers are, what they recorded, what is left in an account.

Pausing one keeps its messages waiting; draining it pauses it, and waits until nothing is in flight any more.
"""

import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, redraw, show, table

program = typer.Typer(help="Links to carriers.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The connector's name, as it was declared.")]


_LOOK_S = 0.5


@program.command("list")
def list_(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List connectors, and how they are."""
    found = Client(url, key).get("/v1/connectors")
    rows = [(one["name"], one["kind"], _standing(one), one["in_flight"], one["reason"]) for one in found["data"]]
    show(found, table(("NAME", "KIND", "IS", "IN FLIGHT", "WHY NOT"), rows), as_json)


@program.command()
def status(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show how one connector is; ends with 1 when it is down."""
    found = _find(Client(url, key), name)
    told = {**found, "up": _link(found)}
    show(found, facts([("is" if key == "up" else key, value) for key, value in told.items()]), as_json)
    if found["up"] is False:
        raise Mistake(f"{name} is down: {found['reason']}")


@program.command()
def pause(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Hand nothing more over to it; messages take the next one of their route, or wait."""
    client = Client(url, key)
    _find(client, name)
    show(client.put("/v1/pauses", {"scope": "connector", "value": name}), f"{name} is paused", as_json)


@program.command()
def resume(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Go on handing over to it."""
    found = Client(url, key).delete("/v1/pauses", scope="connector", value=name)
    show(found, f"{name} goes on", as_json)


@program.command()
def drain(
    name: Name,
    key: Key,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to wait.")] = 60.0,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Pause it, and wait until nothing is in flight: then it can be changed or taken away."""
    client = Client(url, key)
    if _find(client, name)["in_flight"] is None:
        raise Mistake(f"{name} runs in another process: ask that one, with --url")
    client.put("/v1/pauses", {"scope": "connector", "value": name})
    end = time.monotonic() + timeout
    while left := _find(client, name)["in_flight"]:
        if time.monotonic() >= end:
            raise Mistake(f"{name} is paused, but {left} attempts still wait for an answer after {timeout:g} s")
        if not as_json:
            redraw(f"{name}: {left} in flight")
        time.sleep(_LOOK_S)
    show({"name": name, "in_flight": 0, "is_paused": True}, f"{name} is paused, and nothing is in flight", as_json)


def _find(client: Client, name: str) -> dict[str, Any]:
    for one in client.get("/v1/connectors")["data"]:
        if one["name"] == name:
            found: dict[str, Any] = one
            return found
    raise Mistake(f"there is no connector {name!r}; `heliograph connectors list` shows them")


def _link(one: dict[str, Any]) -> str:
    return "elsewhere" if one["up"] is None else "up" if one["up"] else "down"


def _standing(one: dict[str, Any]) -> str:
    """In a word, the worst first."""
    return "paused" if one["is_paused"] and one["up"] is not False else _link(one)


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
    as_json: Json = False,
) -> None:
    """Write down what the last minutes of a link were: for a ticket at the carrier, or to replay in the sandbox."""
    path = f"/v1/connectors/{quote(name, safe='')}/recording"
    content = Client(url, key).download(path, format=form, texts="true" if texts else None)
    to.write_bytes(content)
    show({"file": str(to), "bytes": len(content)}, f"{to}: {len(content)} bytes", as_json)
