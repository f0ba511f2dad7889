"""`heliograph requests`: what programs asked a running gateway, and what they were answered."""

from typing import Annotated, Any

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import show, table

program = typer.Typer(help="The request log: what keys asked, and what they were answered.", no_args_is_help=True)


@program.command("list")
def list_(
    key: Key,
    client: Annotated[str | None, typer.Option(metavar="KEY", help="Only of this key, by id or name.")] = None,
    status: Annotated[str | None, typer.Option(help="Only with this status: 404, or 4xx for all of a class.")] = None,
    method: Annotated[str | None, typer.Option(help="Only with this method.")] = None,
    path: Annotated[str | None, typer.Option(help="Only where path or route begin so.")] = None,
    code: Annotated[str | None, typer.Option(help="Only with this code of a problem.")] = None,
    request_id: Annotated[str | None, typer.Option(metavar="ID", help="Only the one with this X-Request-Id.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="From then on, RFC 3339.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Before then, RFC 3339.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, at most.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List what keys asked, and what they were answered, the newest first."""
    narrowed = {"client": client, "status": status, "method": method, "path": path, "code": code}
    times = {"request_id": request_id, "since": since, "until": until}
    page = Client(url, key).get("/v1/requests", **narrowed, **times, limit=limit, cursor=cursor)
    head = ("AT", "KEY", "METHOD", "PATH", "STATUS", "WHY", "MS", "TIMES", "REQUEST")
    text = table(head, [_row(one) for one in page["data"]])
    more = page.get("next_cursor")
    show(page, f"{text}\n\nmore: --cursor {more}" if more else text, as_json)


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    fields = " ".join(error["pointer"] for error in one["errors"])
    why = " ".join(filter(None, (one["code"], fields)))
    return (
        *(one["at"], one["key_name"], one["method"], one["path"], one["status"], why, one["took_ms"]),
        *(one["times"], one["request_id"]),
    )
