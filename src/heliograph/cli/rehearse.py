"""`heliograph rehearse`: what a file would change, tried on the traffic of the last days. Works beside a server."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from heliograph.cli.apply import File, Prune, Workspace, refused
from heliograph.cli.options import Config, DataDir, Json, load, opened
from heliograph.cli.output import facts, show, table

if TYPE_CHECKING:
    from heliograph.engine.rehearsed import Load, Peak, Report

Days = Annotated[int, typer.Option(min=1, max=3_650, help="Of how many days the messages are tried.")]
_MARKS = {"created": "+", "changed": "~", "removed": "-"}


def rehearse(
    file: File,
    days: Days = 7,
    prune: Prune = False,
    workspace: Workspace = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Try a file on real traffic before `apply`: which messages would go another way, be refused, cost more?"""
    from heliograph import process, settings
    from heliograph.core.failures import Refused
    from heliograph.engine import rehearse as engine

    document = settings.read(file)
    in_force = load(config, data_dir)

    async def run() -> "Report":
        async with opened(in_force) as ledger:
            return await engine.rehearse(
                ledger,
                document.part(settings.DECLARED),
                process.declaring_tools(in_force),
                days=days,
                now=process.now_ms(),
                workspace=workspace,
                prune=prune,
            )

    try:
        report = asyncio.run(run())
    except Refused as error:
        raise refused(error, document) from None
    show(report, "\n\n".join(part for part in _parts(report) if part), as_json)


def _parts(report: "Report") -> list[str]:
    changes = [f"{_MARKS[change.action]} {change.kind} {change.name} ({change.workspace})" for change in report.changes]
    return [
        "\n".join(changes) or "the file changes no connector, route or sender",
        _counts(report),
        _section(
            "moved",
            ("MESSAGES", "FROM", "TO", "COUNTRY", "KIND"),
            [(move.messages, move.from_, move.to, move.country, move.kind) for move in report.moves],
            f"and {report.moves_left_out} smaller ones" if report.moves_left_out else "",
        ),
        _section(
            "newly refused",
            ("MESSAGES", "CODE", "FOR EXAMPLE"),
            [(turned.messages, turned.code, turned.example) for turned in report.newly_refused],
        ),
        _section(
            "newly accepted",
            ("MESSAGES", "REFUSED NOW AS", "FOR EXAMPLE"),
            [(turned.messages, turned.code, turned.example) for turned in report.newly_accepted],
        ),
        _section(
            "cost",
            ("CURRENCY", "BOOKED", "BEFORE", "AFTER"),
            [(cost.currency, cost.booked, cost.before, cost.after) for cost in report.cost],
        ),
        _section(
            "load, before → after",
            ("CONNECTOR", "MESSAGES", "PARTS IN THE BUSIEST SECOND", "IN THE BUSIEST MINUTE", "PARTS A SECOND"),
            [_load(load) for load in report.load if load.messages_before or load.messages_after],
        ),
        facts([("routes that take nothing", report.idle_routes), ("connectors without work", report.idle_connectors)]),
        "\n".join(f"warning: {warning}" for warning in report.warnings),
    ]


def _counts(report: "Report") -> str:
    altered = ", ".join(f"{name} {count}" for name, count in report.altered_by.items())
    return facts(
        [
            ("accepted from", f"{report.since} to {report.until}"),
            ("messages", report.messages),
            ("left out", report.left_out or None),
            ("unchanged", report.unchanged),
            ("moved", report.moved),
            ("altered", f"{report.altered} ({altered})" if report.altered else 0),
            ("newly refused", sum(turned.messages for turned in report.newly_refused)),
            ("newly accepted", sum(turned.messages for turned in report.newly_accepted)),
            ("parts", f"{report.parts_before} → {report.parts_after}"),
        ]
    )


def _section(title: str, headers: tuple[str, ...], rows: list[tuple[object, ...]], more: str = "") -> str:
    """A table under its title; nothing when it has no rows."""
    return "\n".join(line for line in (f"{title}:", table(headers, rows), more) if line) if rows else ""


def _load(load: "Load") -> tuple[object, ...]:
    return (
        load.connector,
        f"{load.messages_before} → {load.messages_after}",
        _peaks(load.second_before, load.second_after),
        _peaks(load.minute_before, load.minute_after),
        f"at most {load.max_segments_per_second}" if load.max_segments_per_second else "no cap",
    )


def _peaks(before: "Peak", after: "Peak") -> str:
    return f"{before.parts} → {after.parts}"
