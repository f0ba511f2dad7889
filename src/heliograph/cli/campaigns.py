"""`heliograph campaigns`: reaches many through the API of a running server, and watches how it goes."""

import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, is_watched, painted, redraw, show, table

program = typer.Typer(help="Audiences, and campaigns that reach them.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name.")]
_COLUMNS = ("name", "status", "audience", "created_at", "started_at", "finished_at")
_LOOK_S = 1.0
_BAR = 24
_OVER = ("done", "stopped")


def _at(name: str, more: str = "") -> str:
    return f"/v1/campaigns/{quote(name, safe='')}{more}"


@program.command()
def upload(
    name: Annotated[str, typer.Argument(metavar="AUDIENCE", help="How it is to be called.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; its first line names the columns, one is `to`.")],
    key: Key,
    variables: Annotated[
        str | None, typer.Option(help="Columns that every line must have, parted by commas; others are refused.")
    ] = None,
    default_country: Annotated[str | None, typer.Option(help="Reads national numbers as of this country.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Upload an audience, of any length."""
    client = Client(url, key)
    query = {"name": name, "variables": variables, "default_country": default_country}
    found = client.upload("/v1/audiences/upload", file, "text/csv", **query)
    text = f"{found['valid']} recipients; {found['bad']} bad lines, {found['duplicates']} duplicates"
    if found["bad"]:
        first = client.get(f"/v1/audiences/{quote(name, safe='')}/faults", limit=10)["data"]
        text += "\n" + table(["LINE", "CODE", "DETAIL"], [[one["line"], one["code"], one["detail"]] for one in first])
    show(found, text, as_json)


@program.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The campaign as TOML, as docs/campaigns.md shows.")],
    key: Key,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Make a campaign, and wait until all its rows are checked."""
    import tomllib

    try:
        spec = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Mistake(f"{file}: this is no TOML: {error}") from None
    client = Client(url, key)
    found = client.post("/v1/campaigns", spec)
    while found["status"] == "draft":
        time.sleep(_LOOK_S)
        found = client.get(_at(found["name"]))
    show(found, _checked(found), as_json)


def _checked(found: dict[str, Any]) -> str:
    estimate = found["estimate"]
    if estimate is None:
        return f"{found['name']} is {found['status']}"
    cost = ", ".join(f"{amount} {currency}" for currency, amount in estimate["cost"].items()) or "unknown"
    refused = ", ".join(f"{code} {count}" for code, count in estimate["refused"].items()) or "nobody"
    return facts(
        [
            ("status", found["status"]),
            ("reached", f"{estimate['reachable']} of {estimate['recipients']}"),
            ("left out", refused),
            ("segments", f"{estimate['segments']}, at most {estimate['most_segments']} each"),
            ("cost", cost),
        ]
    )


@program.command("list")
def list_(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List campaigns, the newest first."""
    page = Client(url, key).get("/v1/campaigns")
    rows = [[found.get(name) for name in _COLUMNS] for found in page["data"]]
    show(page, table([name.upper() for name in _COLUMNS], rows), as_json)


@program.command("show")
def show_one(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show a campaign, and what its check has found."""
    found = Client(url, key).get(_at(name))
    show(found, _checked(found), as_json)


@program.command()
def start(
    name: Name,
    key: Key,
    at: Annotated[str | None, typer.Option(help="When, RFC 3339 with an offset; left out: now.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Start it, now or later."""
    _act(Client(url, key), name, "start", as_json, {"at": at} if at else {})


@program.command()
def approve(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Answer for it."""
    _act(Client(url, key), name, "approve", as_json)


@program.command()
def pause(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Hold all of it that has not left."""
    _act(Client(url, key), name, "pause", as_json)


@program.command()
def resume(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Let it go on."""
    _act(Client(url, key), name, "resume", as_json)


@program.command()
def stop(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Stop it for good; what waits is taken back."""
    _act(Client(url, key), name, "stop", as_json)


def _act(client: Client, name: str, what: str, as_json: bool, body: dict[str, str] | None = None) -> None:
    found = client.post(_at(name, f"/{what}"), body or {})
    show(found, f"{name} is {found['status']}", as_json)


@program.command()
def watch(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show how it goes until it is over: a bar on a terminal, lines in a pipe. With --json: the figures of now."""
    client = Client(url, key)
    if as_json:
        show(client.get(_at(name, "/progress")), "", as_json)
        return
    shown = ""
    while True:
        status, found = client.get(_at(name))["status"], client.get(_at(name, "/progress"))
        line, is_over = _line(status, found), status in _OVER
        if is_watched():
            line = f"{_bar(found)} {line}"
        if line != shown or is_over:
            redraw(line, is_last=is_over)
        if is_over:
            return
        shown = line
        time.sleep(_LOOK_S)


def _bar(found: dict[str, Any]) -> str:
    full = round(_BAR * min(1.0, found["handled"] / max(1, found["recipients"])))
    return f"[{painted('█' * full, 'green')}{'·' * (_BAR - full)}]"


def _line(status: str, found: dict[str, Any]) -> str:
    total = found["total"]
    share = 100 * found["handled"] / max(1, found["recipients"])
    parts = [f"{status} {share:.1f} %", *(f"{name} {total[name]}" for name in ("sent", "delivered", "failed"))]
    parts += [f"{count} {code}" for code, count in total["refused"].items()]
    parts += [f"{amount} {currency}" for currency, amount in total["cost"].items()]
    if status == "running" and found["estimated_end"]:
        parts.append(f"until {found['estimated_end'][11:16]} UTC")
    if found["in_time_percent"] is not None:
        parts.append(f"{found['in_time_percent']} % in time")
    return " · ".join(parts)
