"""`heliograph lookup`: what is known of a number; looked up here or, with a provider, by a running server."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from heliograph.cli.options import LOCAL_URL, Json, Url
from heliograph.cli.output import Mistake, facts, show


def lookup(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number, such as +447400123456.")],
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="Whose national numbers are read too; such as GB.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option(metavar="NAME", help="A connector whose provider is asked, for money; needs a key.")
    ] = None,
    key: Annotated[
        str, typer.Option(envvar="HELIOGRAPH_KEY", metavar="KEY", help="For --provider: API key, or env:NAME.")
    ] = "",
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show what public metadata say of a number and, where one is named, its provider."""
    from heliograph.core.numbers import BadNumber, is_country
    from heliograph.core.numbers.lookup import hinted, look_up

    if country is not None and not is_country(country.upper()):
        raise Mistake(f"--country: {country[:20]!r} is not a country code; give two letters, such as GB")
    found = look_up(number, country)
    if isinstance(found, BadNumber):
        raise Mistake(hinted(found))
    told = None if provider is None else _asked(found.e164, provider, key, url)
    lines = [
        ("number", found.e164),
        ("country", found.country),
        ("type", found.type.replace("_", " ")),
        ("valid", _yes(found.valid)),
        ("national", found.national),
        ("international", found.international),
        ("time zones", found.time_zones or None),
        ("carrier", f"{found.carrier} ({found.carrier_note})" if found.carrier else None),
        ("test number", _yes(found.is_test_number)),
        ("may be texted", f"no: {hinted(found.why_not)}" if found.why_not else "yes"),
    ]
    if told is not None:
        lines += [(f"{provider}: {name.replace('_', ' ')}", value) for name, value in told["asked"].items()]
    show(found if told is None else told, facts(lines), as_json)


def _asked(e164: str, provider: str, key: str, url: str) -> Any:
    from heliograph.cli.client import Client

    if not key:
        raise Mistake("--provider asks through a running server: give --key, or HELIOGRAPH_KEY")
    return Client(url, key).get(f"/v1/lookup/{quote(e164, safe='')}", provider=provider)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
