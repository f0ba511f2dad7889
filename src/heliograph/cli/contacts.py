"""`heliograph contacts`: persons as a workspace knows them, through the API of a running server."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.client import Client, NoAnswer
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, facts, show, table

program = typer.Typer(help="Contacts: persons with their addresses.", no_args_is_help=True)
_KNOWN = ("address", "external_id", "name", "locale", "zone")
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


@program.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: address, and external_id, name, locale, zone.")],
    key: Key,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Add the persons of a file, or change those whose external_id is known; every other column is an attribute.

    Several addresses of a person stand in one cell, parted by blanks. Ends with 1 when a line was not taken.
    """
    import csv

    client = Client(url, key)
    done, bad = {"added": 0, "changed": 0}, []
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        if "address" not in (rows.fieldnames or ()):
            raise Mistake(f"{file}: the first line names the columns; one of them is address")
        for row in rows:
            try:
                done[_take(client, row)] += 1
            except NoAnswer:
                raise
            except Mistake as error:
                bad.append({"line": rows.line_num, "detail": str(error)})
    text = [f"{done['added']} added, {done['changed']} changed, {len(bad)} not taken"]
    text += [f"line {one['line']}: {one['detail']}" for one in bad]
    show({**done, "bad": bad}, "\n".join(text), as_json)
    if bad:
        raise typer.Exit(1)


def _take(client: Client, row: dict[str, str]) -> str:
    named = {name: row[name] for name in ("external_id", "name", "locale") if row.get(name)}
    zone = {"time_zone": row["zone"]} if row.get("zone") else {}
    attributes = {name: value for name, value in row.items() if name and name not in _KNOWN and value}
    body = {**named, **zone, "addresses": row["address"].split(), "attributes": attributes}
    same = client.get("/v1/contacts", external_id=row["external_id"])["data"] if row.get("external_id") else []
    if same:
        client.patch(f"/v1/contacts/{quote(same[0]['id'], safe='')}", body)
        return "changed"
    client.post("/v1/contacts", body)
    return "added"


def _given(
    address: list[str] | None, external_id: str | None, name: str | None, locale: str | None, time_zone: str | None
) -> dict[str, Any]:
    given = {"addresses": address, "external_id": external_id, "name": name, "locale": locale, "time_zone": time_zone}
    return {name: value for name, value in given.items() if value is not None}


def _show(contact: Any, as_json: bool) -> None:
    show(contact, facts(list({**contact, "addresses": _present(contact)}.items())), as_json)


def _present(contact: Any) -> list[str]:
    return [one["address"] for one in contact["addresses"] if one["until"] is None]
