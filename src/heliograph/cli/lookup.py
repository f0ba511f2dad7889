"""`heliograph lookup`: what is known of a number; looked up here, without a server."""

from typing import Annotated

import typer

from heliograph.cli.options import Json
from heliograph.cli.output import Mistake, facts, show


def lookup(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number, such as +447400123456.")],
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="Whose national numbers are read too; such as GB.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what public metadata say of a number; nobody is asked."""
    from heliograph.core.numbers import BadNumber, is_country
    from heliograph.core.numbers.lookup import hinted, look_up

    if country is not None and not is_country(country.upper()):
        raise Mistake(f"--country: {country[:20]!r} is not a country code; give two letters, such as GB")
    found = look_up(number, country)
    if isinstance(found, BadNumber):
        raise Mistake(hinted(found))
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
    show(found, facts(lines), as_json)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
