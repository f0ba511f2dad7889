"""`heliograph outages` and `heliograph drill`: what is out, and whether the plan for it does what it says."""

import time
from typing import Annotated, Any

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, show, table
from heliograph.core.failures import Refusal
from heliograph.core.spans import read_span

_PATIENCE_S = 180  # beyond the outage itself


def outages(
    key: Key,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first.")] = 50,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List outages of providers, the newest first."""
    found = Client(url, key).get("/v1/outages", limit=str(limit))
    rows = [
        (
            *(one["id"], one["status"], ", ".join(one["connectors"]), one["country"] or "all", one["began_at"]),
            *(one["ended_at"], one["held"], one["moved"], one["failed"], one["why"]),
        )
        for one in found["data"]
    ]
    head = ("ID", "STATUS", "CONNECTORS", "COUNTRY", "BEGAN", "ENDED", "HELD", "OTHER CHANNEL", "FAILED", "WHY")
    show(found, table(head, rows), as_json)


def drill(
    key: Key,
    route: Annotated[str | None, typer.Argument(metavar="ROUTE", help="All connectors of this route go out.")] = None,
    connector: Annotated[list[str] | None, typer.Option(help="This connector goes out; may be repeated.")] = None,
    span: Annotated[str, typer.Option("--for", metavar="SPAN", help="How long the outage lasts, such as 60s.")] = "60s",
    failing: Annotated[bool, typer.Option("--failing", help="The links stay, and everything is refused.")] = False,
    to: Annotated[str | None, typer.Option(help="Whom the probes go to: a number that is nobody's.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Try what the plan for outages does, in the test environment.

    Sandbox connectors go out on a running gateway, probes of every kind are sent, and the report says what became of
    each. It needs a test key with the scope routing:manage. Ends with 1 where a plan was not kept.
    """
    milliseconds = read_span(span)
    if isinstance(milliseconds, Refusal):
        raise Mistake(f"--for {span}: give a span, such as 60s or 2m")
    asked: dict[str, Any] = {"connectors": connector or [], "seconds": milliseconds // 1_000}
    asked["how"] = "failing" if failing else "down"
    asked |= {name: value for name, value in (("route", route), ("to", to)) if value is not None}
    client = Client(url, key)
    found = client.post("/v1/drills", asked)
    end = time.monotonic() + asked["seconds"] + _PATIENCE_S
    while found["status"] == "running":
        if time.monotonic() > end:
            raise Mistake(f"{found['id']} still runs; GET /v1/drills/{found['id']} shows how it ends")
        time.sleep(1.0)
        found = client.get(f"/v1/drills/{found['id']}")
    show(found, _told(found), as_json)
    if found["report"] is None or not found["report"]["passed"]:
        raise typer.Exit(1)


def _told(found: dict[str, Any]) -> str:
    report = found["report"]
    if report is None:
        return f"{found['id']} was broken off: the gateway stopped in the middle"
    rows = [
        (
            *(one["kind"], "yes" if one["as_planned"] else "NO", one["delivered"], one["other_channel"], one["held"]),
            *(one["failed"], one["lost"], one["doubled"], one["plan"]),
        )
        for one in report["kinds"]
    ]
    head = ("KIND", "AS PLANNED", "DELIVERED", "OTHER CHANNEL", "HELD", "FAILED", "LOST", "DOUBLED", "PLAN")
    lines = [table(head, rows), ""]
    for text, field in (
        ("noticed after", "detected_after_ms"),
        ("over, after the connectors came back, after", "over_after_ms"),
        ("first message arrived again after", "recovered_after_ms"),
    ):
        lines.append(f"{text} {_seconds(report[field])}")
    lines += [f"{kind} was left out: {why}" for kind, why in report["left_out"].items()]
    lines += [f"{one['id']}: {one['why']}" for kind in report["kinds"] for one in kind["probes"] if one["why"]]
    return "\n".join([*lines, "", "every plan was kept" if report["passed"] else "a plan was NOT kept"])


def _seconds(milliseconds: int | None) -> str:
    return "no time: it did not happen" if milliseconds is None else f"{milliseconds / 1_000:.1f} s"
