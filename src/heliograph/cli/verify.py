"""`heliograph verify`: one-time codes through the API of a running server."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, show, table

program = typer.Typer(help="One-time codes: start, check, send again, take back.", no_args_is_help=True)
VerificationId = Annotated[str, typer.Argument(metavar="ID", help="The verification's id, ver_…")]
Channel = Annotated[str | None, typer.Option(help="How the code goes: sms, or another one that is set up.")]
_COLUMNS = ("id", "status", "to", "channel", "sends", "checks_left", "created_at")


@program.command()
def start(
    to: Annotated[str, typer.Argument(metavar="TO", help="Who is to be verified, such as +447700900123.")],
    key: Key,
    channel: Channel = None,
    purpose: Annotated[str | None, typer.Option(help="What it is for, such as login.")] = None,
    locale: Annotated[str | None, typer.Option(help="In which language the text is to be: pt-BR.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Send a one-time code. A test key is shown the code."""
    given = {"to": to, "channel": channel, "purpose": purpose, "locale": locale}
    found = Client(url, key).post("/v1/verifications", {name: value for name, value in given.items() if value})
    _show(found, as_json)


@program.command()
def check(
    verification_id: VerificationId,
    code: Annotated[str, typer.Argument(metavar="CODE", help="What the person typed.")],
    key: Key,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Check a code; ends with 1 when it is not the right one."""
    found = Client(url, key).post(_at(verification_id, "/check"), {"code": code})
    show(found, "approved" if found["is_approved"] else "not approved", as_json)
    if not found["is_approved"]:
        raise Mistake("wrong, expired, used before or unknown: which of them is not told")


@program.command()
def resend(
    verification_id: VerificationId, key: Key, channel: Channel = None, url: Url = LOCAL_URL, as_json: Json = False
) -> None:
    """Send the code again."""
    _show(Client(url, key).post(_at(verification_id, "/resend"), {"channel": channel} if channel else {}), as_json)


@program.command()
def cancel(verification_id: VerificationId, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Take a verification back: its code is worth nothing any more."""
    _show(Client(url, key).post(_at(verification_id, "/cancel"), {}), as_json)


@program.command("show")
def show_one(verification_id: VerificationId, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show a verification."""
    _show(Client(url, key).get(_at(verification_id)), as_json)


@program.command("list")
def list_(
    key: Key,
    to: Annotated[str | None, typer.Option(help="Only of this number.")] = None,
    status: Annotated[str | None, typer.Option(help="Only in this state, such as pending.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List verifications, the newest first."""
    page = Client(url, key).get("/v1/verifications", to=to, status=status, limit=limit, cursor=cursor)
    text = table([name.upper() for name in _COLUMNS], [[one.get(name) for name in _COLUMNS] for one in page["data"]])
    more = page.get("next_cursor")
    show(page, f"{text}\n\nmore: --cursor {more}" if more else text, as_json)


def _at(verification_id: str, more: str = "") -> str:
    return f"/v1/verifications/{quote(verification_id, safe='')}{more}"


def _show(found: dict[str, Any], as_json: bool) -> None:
    told = [(name, value) for name, value in found.items() if name != "guard"]
    show(found, facts([*told, ("guard", (found.get("guard") or {}).get("action"))]), as_json)
