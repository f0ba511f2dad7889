"""`heliograph segments`: how a text would go over the air; looked at here, without a server."""

from typing import Annotated

import typer

from heliograph.cli import content
from heliograph.cli.options import Json
from heliograph.cli.output import Mistake, facts, show, table


def segments(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text.")],
    smart: Annotated[bool, typer.Option("--smart", help="Replace what GSM-7 lacks by what looks alike.")] = False,
    national: Annotated[list[str] | None, typer.Option(help="Also try a language's tables, such as turkish.")] = None,
    kind: content.Kind = "transactional",
    country: content.Country = "",
    brand: content.Brand = None,
    as_json: Json = False,
) -> None:
    """Show encoding, parts, what forces more of them, and what the content rules find."""
    from heliograph.core import smart as encoding
    from heliograph.core.segments import forbidden, normalise, split

    text = normalise(text)
    if bad := forbidden(text):
        raise Mistake(f"U+{ord(bad[0][1]):04X} at position {bad[0][0]} is a control character that phones can't show")
    made = encoding.smart(text) if smart else None
    try:
        found = split(made.text if made else text, national=tuple(national or ()))
    except KeyError as error:
        raise Mistake(f"{error} has no tables of its own") from None
    findings = content.look(made.text if made else text, kind, country, brand)
    summary = [("encoding", found.encoding), ("segments", len(found.segments)), ("units", found.units)]
    summary.append(("units left", found.units_left))
    data = {
        **{name.replace(" ", "_"): value for name, value in summary},
        "parts": found.segments,
        "forced_by": found.forced_by,
        "replaced": made.replaced if made else (),
        "findings": findings,
    }
    parts = [(number, part.units, part.limit, repr(part.text)) for number, part in enumerate(found.segments, 1)]
    lines = [facts(summary), table(("PART", "UNITS", "OF", "TEXT"), parts)]
    if found.forced_by:
        forced = [(f.position, f.character, f.name, f.replacement) for f in found.forced_by]
        lines.append(table(("POSITION", "CHARACTER", "NAME", "COULD BE"), forced))
    if findings:
        lines.append(content.report(findings))
    show(data, "\n\n".join(lines), as_json)
