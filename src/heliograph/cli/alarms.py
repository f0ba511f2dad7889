"""`heliograph alarms`: what is wrong, what was, and who looks after it."""

from typing import Annotated

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, show, table

program = typer.Typer(help="Alarms: what is wrong, what was, and who looks after it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="Of an alarm, such as alm_…")]


@program.command("list")
def list_(
    key: Key,
    status: Annotated[str | None, typer.Option(help="pending, firing or resolved.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many, the newest first.")] = 50,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List alarms, the newest first."""
    found = Client(url, key).get("/v1/alarms", status=status, limit=str(limit))
    rows = [
        (one["id"], one["status"], one["severity"], one["fired_at"], one["acknowledged_by"], one["summary"])
        for one in found["data"]
    ]
    show(found, table(("ID", "STATUS", "SEVERITY", "FIRED", "LOOKED AFTER BY", "WHAT"), rows), as_json)


@program.command("show")
def show_(alarm: Id, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show an alarm, what happened, and what to do."""
    found = Client(url, key).get(f"/v1/alarms/{alarm}")
    lines = [found["alarm"]["summary"], "", found["means"], ""]
    lines += [f"{one['at']}  {one['what']}  {one['detail']}" for one in found["history"]]
    lines += ["", *(f"- {step}" for step in (*found["steps"], *found["actions"]))]
    show(found, "\n".join(lines), as_json)


@program.command()
def ack(alarm: Id, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Say that somebody looks after it."""
    found = Client(url, key).post(f"/v1/alarms/{alarm}/acknowledge", {})
    show(found, f"{alarm} is looked after by {found['acknowledged_by']}", as_json)


@program.command()
def silence(
    why: Annotated[str, typer.Argument(metavar="WHY", help="The reason; it stands in the audit log.")],
    key: Key,
    duration: Annotated[str, typer.Option("--for", metavar="SPAN", help="For how long, such as 30m or 2h.")] = "1h",
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    about: Annotated[
        list[str] | None, typer.Option("--about", metavar="NAME=VALUE", help="Only this, such as connector=telco.")
    ] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Tell nobody of alarms for a while."""
    subject = {}
    for one in about or ():
        name, equals, value = one.partition("=")
        if not equals:
            raise Mistake(f"--about {one}: give NAME=VALUE, such as connector=telco")
        subject[name] = value
    asked = {"why": why, "duration": duration, "rule": rule, "subject": subject}
    found = Client(url, key).post("/v1/silences", asked)
    show(found, f"{found['id']}: silent until {found['until']}", as_json)


@program.command()
def report(alarm: Id, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Print the beginning of a post-mortem, in Markdown."""
    found = Client(url, key).get(f"/v1/alarms/{alarm}/report")
    show(found, found["markdown"], as_json)
