"""`heliograph listen`: brings webhooks to a developer's machine without a public address, by reading the events.

What happens from now on is posted to a local URL, signed as webhooks are, once each; a refusal is shown, not repeated.
"""

import os
import time
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, show

_PAGE: Final = 1_000
_PAUSE_S: Final = 0.5
_TIMEOUT_S: Final = 10.0


def listen(
    forward_to: Annotated[str, typer.Option(metavar="URL", help="Where events are posted to.")],
    key: Key,
    secret: Annotated[str | None, typer.Option(help="env:NAME or file:PATH; left out: one is made and shown.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only these types; several times.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Also tell what happened before.")] = False,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Post the events of the key's environment to a local URL, until stopped."""
    from heliograph import app
    from heliograph.core.signing import Signer, secret_from
    from heliograph.settings import resolve_secret

    if not forward_to.startswith(("http://", "https://")):
        raise Mistake(f"{forward_to} is not a URL that events can be posted to")
    in_force = resolve_secret(secret, os.environ) if secret else secret_from(os.urandom(32))
    try:
        signer = Signer([in_force])
    except ValueError as error:
        raise Mistake(str(error)) from None
    client = Client(url, key)
    cursor = "" if from_start else _end(client)
    ready = {"listening": url, "forward_to": forward_to, **({} if secret else {"secret": in_force})}
    show(ready, f"events of {url} go to {forward_to}{'' if secret else f', signed with {in_force}'}", as_json)
    for found in _events(client, cursor):
        if not event or found["type"] in event:
            _forward(found, forward_to, signer, app.now_ms() // 1_000, as_json)


def _end(client: Client) -> str:
    """The cursor behind everything that happened so far."""
    cursor = ""
    while True:
        page = client.get("/v1/events", cursor=cursor, limit=_PAGE)
        if (page["next_cursor"] or "") == cursor:
            return cursor
        cursor = page["next_cursor"]


def _events(client: Client, cursor: str) -> Iterator[dict[str, Any]]:
    """All events from here on; never ends."""
    while True:
        page = client.get("/v1/events", cursor=cursor, limit=_PAGE)
        yield from page["data"]
        if (page["next_cursor"] or "") == cursor:
            time.sleep(_PAUSE_S)
        cursor = page["next_cursor"] or ""


def _forward(event: dict[str, Any], url: str, signer: Any, now_s: int, as_json: bool) -> None:
    import msgspec

    from heliograph.cli.posting import post, signature

    body = msgspec.json.encode(event)
    answer = post(url, signature(signer, event["id"], now_s, body), body, _TIMEOUT_S)
    told = {"event": event["id"], "type": event["type"], **answer._asdict()}
    show(told, f"{event['type']:<20} {event['id']}  {answer}", as_json)
