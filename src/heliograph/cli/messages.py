"""`heliograph messages`: looks messages up and takes back what still waits, through the API of a running server."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.following import end, events
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import facts, show, steps, table, words

program = typer.Typer(help="Messages that were accepted.", no_args_is_help=True)
MessageId = Annotated[str, typer.Argument(metavar="ID", help="The message's id, msg_…")]
_COLUMNS = ("id", "status", "to", "kind", "connector", "segments", "created_at")
_TRIES = ("ATTEMPT", "PART", "CONNECTOR", "STATUS", "HANDED AT", "ANSWERED AT", "RECEIPT AT", "CARRIER ID", "WHY NOT")
_ENDS = ("delivered", "undelivered", "failed", "rejected", "expired", "canceled", "read")


@program.command("show")
def show_one(message_id: MessageId, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show a message: how it is, how it was decided, what carriers said, what happened."""
    client, path = Client(url, key), f"/v1/messages/{quote(message_id, safe='')}"
    found = client.get(path)
    show(found, "" if as_json else _told_whole(found, client.get(f"{path}/events")["data"]), as_json)


def _told_whole(found: dict[str, Any], events: list[dict[str, Any]]) -> str:
    attempts, decision = found["attempts"], found["decision"]
    how = {**found, "attempts": None, "decision": None}
    parts = [facts([(name, words(value) if isinstance(value, dict) else value) for name, value in how.items()])]
    parts.append(steps(decision))
    if attempts:
        parts.append(table(_TRIES, [_try(one) for one in attempts]))
    parts.append(facts([(one["created_at"], _told(one)) for one in events]))
    return "\n\n".join(part for part in parts if part)


def _told(event: dict[str, Any]) -> str:
    return f"{event['says']} ({event['detail']})" if event["detail"] else str(event["says"])


def _try(one: dict[str, Any]) -> tuple[Any, ...]:
    why = " ".join(one[name] for name in ("failure", "code", "carrier_code") if one[name])
    at = (one[name] for name in ("handed_at", "answered_at", "receipt_at"))
    return one["attempt"], one["part"], one["connector"], one["status"], *at, one["carrier_id"], why


@program.command("list")
def list_(
    key: Key,
    to: Annotated[str | None, typer.Option(help="Only to this recipient.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only in this state; several times.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    correlation_id: Annotated[str | None, typer.Option(metavar="ID", help="Only with this reference.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List messages, the newest first."""
    page = Client(url, key).get(
        "/v1/messages",
        to=to,
        status=",".join(status or []),
        kind=kind,
        tag=tag,
        correlation_id=correlation_id,
        limit=limit,
        cursor=cursor,
    )
    text = table([name.upper() for name in _COLUMNS], [[m.get(name) for name in _COLUMNS] for m in page["data"]])
    more = page.get("next_cursor")
    show(page, f"{text}\n\nmore: --cursor {more}" if more else text, as_json)


@program.command()
def tail(
    key: Key,
    message: Annotated[str | None, typer.Option(metavar="ID", help="Only of this message, until it has ended.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Also what happened before.")] = False,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show what happens to messages while it happens, an event a line, until stopped."""
    client = Client(url, key)
    if message is not None:
        client.get(f"/v1/messages/{quote(message, safe='')}")  # it is there at all
    for _, event in events(client, "" if from_start or message else end(client)):
        of, data = event["type"].partition(".")[0], event["data"]
        if of == "message" and message in (None, data.get("id")):
            words = [event["created_at"], f"{event['type'].partition('.')[2]:<11}", data["id"], data["to"]]
            words += [f"via {data['connector']}"] if data.get("connector") else []
            words += [_failure(data["error"])] if data.get("error") else []
            show(event, "  ".join(words), as_json)
            if message is not None and event["type"].partition(".")[2] in _ENDS:
                return


def _failure(error: dict[str, Any]) -> str:
    return " ".join(str(part) for part in error.values() if part)


@program.command()
def cancel(message_id: MessageId, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Take back a message that no carrier has yet."""
    answer = Client(url, key).post(f"/v1/messages/{quote(message_id, safe='')}/cancel", {})
    show(answer, f"{message_id} is canceled", as_json)
