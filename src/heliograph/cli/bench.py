"""`heliograph bench`: how much a running server takes, measured from outside with messages of a test key.

The sandbox carrier plays the networks, so nothing is sent to anybody. The figures are those of this client and server
together: on one machine they share its cores. `make bench` in a checkout measures the whole way to a message centre.
"""

import http.client
import json
import math
import os
import threading
import time
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, is_watched, redraw, show

_TO = "+447700900123"
_TIMEOUT_S = 60.0
_STATES_AT_ONCE = 500
_LOOK_S = 0.2


class _Run(NamedTuple):
    """What the senders have to share."""

    url: str
    key: str
    batch: int
    requests: int
    lock: threading.Lock
    left: list[int]
    took_ms: list[float]
    ids: list[str]
    faults: list[str]


def bench(
    key: Key,
    messages: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many messages.")] = 2_000,
    connections: Annotated[int, typer.Option(min=1, max=256, help="Requests at the same time.")] = 8,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Messages in a request.")] = 1,
    patience: Annotated[float, typer.Option(metavar="SECONDS", help="How long to wait for the last receipt.")] = 60.0,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Measure a running server with messages of a test key: accepted a second, latencies, time until delivered."""
    from heliograph.settings import resolve_secret

    client = Client(url, key)
    me = client.get("/v1/me")
    if me["mode"] != "test":
        raise Mistake(f"this key is for {me['environment']!r}: give one of a test environment, nothing real is sent")
    requests = math.ceil(messages / batch)
    run = _Run(
        *(url.rstrip("/"), resolve_secret(key, os.environ), batch, requests, threading.Lock(), [messages], [], [], [])
    )
    started = time.monotonic()
    _send(run, connections, is_told=not as_json)
    accepted_s = time.monotonic() - started
    if run.faults:
        raise Mistake(f"{len(run.faults)} requests failed; the first: {run.faults[0]}")
    left = _wait(client, run.ids, patience, is_told=not as_json)
    answer = _figures(run, accepted_s, time.monotonic() - started, left) | {"connections": connections}
    show(answer, facts(list(answer.items())), as_json)


def _send(run: _Run, connections: int, *, is_told: bool) -> None:
    threads = [threading.Thread(target=_sender, args=(run,), daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_LOOK_S)
            if is_told and is_watched():
                redraw(f"{len(run.ids)} accepted")


def _sender(run: _Run) -> None:
    parts = urlsplit(run.url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.netloc, timeout=_TIMEOUT_S)
    headers = {"Authorization": f"Bearer {run.key}", "Content-Type": "application/json"}
    while not run.faults:
        with run.lock:
            count = min(run.batch, run.left[0])
            run.left[0] -= count
        if not count:
            break
        one = {"to": _TO, "text": "A message of heliograph bench"}
        path, body = ("/v1/messages", one) if run.batch == 1 else ("/v1/messages/batch", {"messages": [one] * count})
        started = time.monotonic()
        try:
            connection.request("POST", parts.path + path, json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            run.faults.append(str(error) or type(error).__name__)
            break
        run.took_ms.append((time.monotonic() - started) * 1_000)
        if answer.status != 202:
            run.faults.append(f"the server answered {answer.status}: {content[:200].decode(errors='replace')}")
            break
        found = json.loads(content)
        run.ids.extend([found["id"]] if run.batch == 1 else [item["id"] for item in found["data"]])
    connection.close()


def _wait(client: Client, ids: list[str], patience_s: float, *, is_told: bool) -> int:
    """Until all have arrived; answers how many had not when patience ended."""
    waiting, end = list(ids), time.monotonic() + patience_s
    while waiting and time.monotonic() < end:
        found: list[dict[str, Any]] = client.post("/v1/messages/states", {"ids": waiting[:_STATES_AT_ONCE]})["data"]
        done = {one["id"] for one in found if one["final"]}
        waiting = [one for one in waiting if one not in done]
        if is_told and is_watched():
            redraw(f"{len(ids) - len(waiting)} of {len(ids)} delivered", is_last=not waiting)
        if waiting and not done:
            time.sleep(_LOOK_S)
    return len(waiting)


def _figures(run: _Run, accepted_s: float, all_s: float, left: int) -> dict[str, Any]:
    took = sorted(run.took_ms)

    def at(share: float) -> float:
        return round(took[min(len(took) - 1, int(share * len(took)))], 2)

    return {
        "messages": len(run.ids),
        "accepted_per_second": round(len(run.ids) / accepted_s, 1),
        "request_ms_p50": at(0.50),
        "request_ms_p95": at(0.95),
        "request_ms_p99": at(0.99),
        "request_ms_most": round(took[-1], 2),
        "delivered_after_s": round(all_s, 2) if not left else None,
        "not_delivered": left,
        "batch": run.batch,
    }
