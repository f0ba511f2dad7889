"""`heliograph contacts`: persons as a workspace knows them, through the API of a running server."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, show, table

program = typer.Typer(help="Contacts: persons with their addresses.", no_args_is_help=True)
ContactId = Annotated[str, typer.Argument(metavar="ID", help="The contact's id, cnt_…")]
Addresses = Annotated[
    list[str] | None, typer.Option("--address", metavar="ADDRESS", help="A number or e-mail address; several times.")
]
ExternalId = Annotated[str | None, typer.Option(metavar="ID", help="The id in your system of record.")]
Name = Annotated[str | None, typer.Option(help="What the person is called.")]
Locale = Annotated[str | None, typer.Option(help="As in pt-BR.")]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="As in Europe/Lisbon.")]


@program.command()
def add(
    key: Key,
    address: Addresses = None,
    external_id: ExternalId = None,
    name: Name = None,
    locale: Locale = None,
    time_zone: Zone = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Add a person. An address that was somebody else's is theirs from now on."""
    body = _given(address, external_id, name, locale, time_zone)
    _show(Client(url, key).post("/v1/contacts", body), as_json)


@program.command()
def change(
    contact_id: ContactId,
    key: Key,
    address: Addresses = None,
    external_id: ExternalId = None,
    name: Name = None,
    locale: Locale = None,
    time_zone: Zone = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Change what is given; addresses that are not named any more are taken away."""
    body = _given(address, external_id, name, locale, time_zone)
    if not body:
        raise Mistake("what is to be changed? give --address, --name, --external-id, --locale or --time-zone")
    _show(Client(url, key).patch(f"/v1/contacts/{quote(contact_id, safe='')}", body), as_json)


@program.command("show")
def show_one(contact_id: ContactId, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show a person."""
    _show(Client(url, key).get(f"/v1/contacts/{quote(contact_id, safe='')}"), as_json)


@program.command("list")
def list_(
    key: Key,
    address: Annotated[str | None, typer.Option(help="Whose address this is.")] = None,
    external_id: ExternalId = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """List persons, the newest first."""
    page = Client(url, key).get("/v1/contacts", address=address, external_id=external_id, limit=limit, cursor=cursor)
    rows = [[one["id"], one["external_id"], one["name"], _present(one)] for one in page["data"]]
    text = table(("ID", "EXTERNAL_ID", "NAME", "ADDRESSES"), rows)
    more = page.get("next_cursor")
    show(page, f"{text}\n\nmore: --cursor {more}" if more else text, as_json)


def _given(
    address: list[str] | None, external_id: str | None, name: str | None, locale: str | None, time_zone: str | None
) -> dict[str, Any]:
    given = {"addresses": address, "external_id": external_id, "name": name, "locale": locale, "time_zone": time_zone}
    return {name: value for name, value in given.items() if value is not None}


def _show(contact: Any, as_json: bool) -> None:
    show(contact, facts(list({**contact, "addresses": _present(contact)}.items())), as_json)


def _present(contact: Any) -> list[str]:
    return [one["address"] for one in contact["addresses"] if one["until"] is None]
