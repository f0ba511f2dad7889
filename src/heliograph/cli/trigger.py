"""`heliograph trigger`: a sample event of any type, told by a running server as the real one would be."""

from typing import Annotated

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import show


def trigger(
    key: Key,
    event: Annotated[str | None, typer.Argument(metavar="[EVENT]", help="Its type; left out: all are listed.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Make a sample event, and tell it to all who have subscribed: webhooks and `listen`. For test keys alone."""
    client = Client(url, key)
    if event is None:
        found = client.get("/v1/events/samples")
        show(found, "\n".join(found["data"]), as_json)
        return
    told = client.post("/v1/events/samples", {"type": event})
    heard = ", ".join(told["endpoints"]) or "no endpoint, and to whoever listens"
    show(told, f"{event} is told to {heard}", as_json)
