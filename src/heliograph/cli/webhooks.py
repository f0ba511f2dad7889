"""`heliograph webhooks`: tries endpoints, tells events again, and puts a receiver to the test."""

import os
from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, show, table

program = typer.Typer(help="Webhooks to your own systems.", no_args_is_help=True)
_COLUMNS = ("id", "event_type", "target", "status", "tries", "http_status", "latency_ms", "error")
Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint's name, as it was declared.")]


@program.command("list")
def list_(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List the endpoints of the key's environment, and how they are."""
    found = Client(url, key).get("/v1/endpoints")
    rows = [(one["name"], _health(one), one["url"], one["events"], one["reason"]) for one in found["data"]]
    show(found, table(("NAME", "IS", "URL", "EVENTS", "WHY"), rows), as_json)


@program.command()
def deliveries(
    key: Key,
    endpoint: Annotated[str | None, typer.Option(help="Only to this endpoint.")] = None,
    status: Annotated[str | None, typer.Option(help="Only in this state: pending, delivered, failed.")] = None,
    message: Annotated[str | None, typer.Option(metavar="ID", help="Only about this message.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List what was told, and what was answered, the newest first."""
    path = "/v1/deliveries" if endpoint is None else f"/v1/endpoints/{quote(endpoint, safe='')}/deliveries"
    page = Client(url, key).get(path, status=status, message_id=message, limit=limit, cursor=cursor)
    text = table([name.upper() for name in _COLUMNS], [[one.get(name) for name in _COLUMNS] for one in page["data"]])
    more = page.get("next_cursor")
    show(page, f"{text}\n\nmore: --cursor {more}" if more else text, as_json)


@program.command()
def enable(endpoint: Endpoint, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Let an endpoint hear again that was disabled because it failed for days."""
    found = Client(url, key).post(f"/v1/endpoints/{quote(endpoint, safe='')}/enable", {})
    show(found, f"{endpoint} hears again; what it missed can be replayed", as_json)


@program.command()
def test(endpoint: Endpoint, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Send a test event to an endpoint, whatever it has subscribed to."""
    answer = Client(url, key).post(f"/v1/endpoints/{quote(endpoint, safe='')}/test", {})
    show(answer, facts(list(answer.items())), as_json)


@program.command()
def replay(
    endpoint: Endpoint,
    key: Key,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Events from then on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Events before then.")] = None,
    message: Annotated[list[str] | None, typer.Option(metavar="ID", help="Events of this message; several.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Tell an endpoint events once more: of a span of time, or of some messages."""
    if not since and not message:
        raise Mistake("which events? give --since or --message")
    given = {"since": since, "until": until, "messages": message}
    body = {name: value for name, value in given.items() if value}
    answer = Client(url, key).post(f"/v1/endpoints/{quote(endpoint, safe='')}/replay", body)
    show(answer, facts(list(answer.items())), as_json)


@program.command()
def secret(as_json: Json = False) -> None:
    """Make a webhook secret, to be put where `secret = "env:NAME"` or `"file:PATH"` finds it."""
    from heliograph.core.signing import secret_from

    made = secret_from(os.urandom(32))
    show({"secret": made}, made, as_json)


@program.command()
def certify(
    receiver: Annotated[str, typer.Argument(metavar="URL", help="The receiver to test.")],
    secret: Annotated[str, typer.Option(help="Its secret: env:NAME or file:PATH.")],
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long it may take to answer.")] = 3.0,
    as_json: Json = False,
) -> None:
    """Put a receiver to the test: repeats, copies at once, wrong order, a burst, forgeries. Shows what it got wrong."""
    from heliograph.cli import certifying
    from heliograph.settings import resolve_secret

    results = certifying.run(receiver, resolve_secret(secret, os.environ), timeout)
    rows = [("ok" if result.passed else "FAILED", result.name, result.expected, result.got) for result in results]
    show({"data": results}, table(("", "CASE", "EXPECTED", "GOT"), rows), as_json)
    if failed := sum(not result.passed for result in results):
        raise Mistake(f"{failed} of {len(results)} cases failed")


def _health(one: dict[str, Any]) -> str:
    return "disabled" if one["is_disabled"] else "failing" if one["failing_since"] else "healthy"
