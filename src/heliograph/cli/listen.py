"""`heliograph listen`: brings webhooks to a developer's machine without a public address, by reading the events.

What happens from now on is posted to a local URL, signed as webhooks are, in its order. While the application does not
answer at all, as when it starts again, it is waited for; what it refuses is shown, not repeated.
"""

import os
import time
from typing import Annotated, Any, Final

import typer

from heliograph.cli.client import Client
from heliograph.cli.following import end, events
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, painted, show

_TIMEOUT_S: Final = 10.0
_PAUSES_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0)  # until an application that does not answer is given up


def listen(
    forward_to: Annotated[str, typer.Option(metavar="URL", help="Where events are posted to.")],
    key: Key,
    secret: Annotated[str | None, typer.Option(help="env:NAME or file:PATH; left out: one is made and shown.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="Only these types, such as message.*; several times.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Also tell what happened before.")] = False,
    since: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier one stood; --json shows it.")
    ] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Post the events of the key's environment to a local URL, until stopped."""
    from heliograph import process
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
    place = since if since is not None else "" if from_start else end(client)
    ready = {"listening": url, "forward_to": forward_to, **({} if secret else {"secret": in_force})}
    show(ready, f"events of {url} go to {forward_to}{'' if secret else f', signed with {in_force}'}", as_json)
    for cursor, found in events(client, place):
        if not event or any(_wanted(name, found["type"]) for name in event):
            _forward(found, cursor, forward_to, signer, process.now_ms() // 1_000, as_json)


def _wanted(name: str, event_type: str) -> bool:
    return name == event_type or (name.endswith(".*") and event_type.startswith(name[:-1]))


def _forward(event: dict[str, Any], cursor: str, url: str, signer: Any, now_s: int, as_json: bool) -> None:
    import msgspec

    from heliograph.cli.posting import post, signature

    body = msgspec.json.encode(event)
    headers = signature(signer, event["id"], now_s, body)
    answer = post(url, headers, body, _TIMEOUT_S)
    for pause in _PAUSES_S:
        if answer.status is not None or answer.spent_ms >= _TIMEOUT_S * 1_000:
            break
        time.sleep(pause)
        answer = post(url, headers, body, _TIMEOUT_S)
    told = {"event": event["id"], "type": event["type"], **answer._asdict(), "cursor": cursor}
    said = painted(str(answer), "green" if answer.is_good else "red")
    show(told, f"{event['type']:<20} {event['id']}  {said}", as_json)
