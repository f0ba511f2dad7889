"""`heliograph lint` and `lint-campaign`: what the content rules find, without a server."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.options import Json
from heliograph.cli.output import Mistake, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heliograph.core.lint import Finding

Kind = Annotated[str, typer.Option(help="otp, transactional, support or promotional.")]
Country = Annotated[str, typer.Option(help="Where the text is to go: GB.")]
Brand = Annotated[list[str] | None, typer.Option(help="A name that the sender is known by; several times.")]


def lint(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Texts; none: one a line is read.")] = None,
    kind: Kind = "promotional",
    country: Country = "",
    brand: Brand = None,
    as_json: Json = False,
) -> None:
    """Show what the content rules find in texts; ends with 1 when one of them would be blocked. Needs no server."""
    given = texts or [line.rstrip("\n") for line in sys.stdin]
    found = [(text, look(text, kind, country, brand)) for text in given]
    told = "\n\n".join(f"{text}\n{report(findings) or 'nothing found'}" for text, findings in found)
    show({"data": [{"text": text, "findings": findings} for text, findings in found]}, told, as_json)
    if any(finding.severity == "block" for _, findings in found for finding in findings):
        raise typer.Exit(1)


def lint_campaign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML, as docs/content-rules.md shows.")],
    as_json: Json = False,
) -> None:
    """Show what a campaign registration (10DLC) may be rejected for; ends with 1 when something surely is."""
    import msgspec

    from heliograph.core.lint import Campaign
    from heliograph.core.lint import lint_campaign as judge

    try:
        campaign = msgspec.toml.decode(file.read_bytes(), type=Campaign)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Mistake(f"{file}: {error}") from None
    found = judge(campaign)
    rows = [(f.severity, f.field, f.rule, f.detail, f.suggestion) for f in found]
    head = ("SEVERITY", "FIELD", "RULE", "WHAT IS WRONG", "WHAT WOULD BE RIGHT")
    show({"findings": found}, table(head, rows) if found else "nothing found", as_json)
    if any(finding.severity == "block" for finding in found):
        raise typer.Exit(1)


def look(text: str, kind: str, country: str, brand: list[str] | None) -> "tuple[Finding, ...]":
    """What the rules find, as a fresh workspace takes it."""
    from heliograph.core.lint import lint
    from heliograph.core.message import LANES

    if kind not in LANES:
        raise Mistake(f"{kind!r} is not a kind; the kinds are {', '.join(LANES)}")
    return lint(text, kind=kind, country=country.upper(), brands=tuple(brand or ()))


def report(findings: "Sequence[Finding]") -> str:
    """Findings as a table; nothing when there are none."""
    if not findings:
        return ""
    rows = [(f.severity, f.rule, "{}-{}".format(*f.where), f.detail, f.suggestion) for f in findings]
    return table(("SEVERITY", "RULE", "PLACE", "WHAT IS WRONG", "WHAT WOULD BE RIGHT"), rows)
