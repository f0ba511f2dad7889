"""Declared objects as decisions and links use them: connectors, routes, senders, endpoints. Their form was checked."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from heliograph.core import numbers, order, routing, senders
from heliograph.core.channels import SMS
from heliograph.core.decide import SANDBOX
from heliograph.core.request import read_time


class ConnectorSpec(msgspec.Struct, frozen=True):
    """A declared connector: what the engine needs, and the rest for its carrier."""

    id: int
    workspace: int  # who may use it; the operator's serve all
    name: str
    kind: str
    window: int
    max_segments_per_second: int
    price_per_segment: str | None
    currency: str | None
    settings: dict[str, Any]
    handles_opt_out: bool = False  # the provider answers STOP and HELP itself


class EndpointSpec(msgspec.Struct, frozen=True):
    """A declared webhook endpoint."""

    id: int
    workspace: int
    environment: int
    name: str
    url: str
    events: tuple[str, ...]
    secrets: tuple[str, ...]  # references or sealed
    format: str = "json"  # json | form | twilio
    timeout_ms: int | None = None
    max_in_flight: int = 20
    batch: int = 1  # events in one POST, at most
    disabled: bool = False


class Declared(msgspec.Struct, frozen=True):
    """One declared object as the ledger has it."""

    id: int
    workspace: int
    kind: str
    name: str
    spec: dict[str, Any]
    position: int


def connector_of(row: Declared) -> ConnectorSpec:
    spec = row.spec
    return ConnectorSpec(
        id=row.id,
        workspace=row.workspace,
        name=row.name,
        kind=spec["kind"],
        window=int(spec.get("window") or (2_000 if spec["kind"] == SANDBOX else 100)),
        max_segments_per_second=int(spec.get("max_segments_per_second") or 0),
        price_per_segment=spec.get("price_per_segment"),
        currency=spec.get("currency"),
        settings=spec,
        handles_opt_out=bool(spec.get("provider_handles_opt_out")),
    )


def route_from(row: Declared, operator: int) -> routing.Route:
    return route_of(row.name, row.spec, None if row.workspace == operator else row.workspace)


def route_of(name: str, spec: Mapping[str, Any], workspace: int | None) -> routing.Route:
    """A route as it was declared; the form has been checked."""
    match = spec.get("match") or {}
    hours = match.get("hours")
    return routing.Route(
        name=name,
        via=tuple(spec["via"]),
        workspace=workspace,
        countries=frozenset(_list(match.get("country"))),
        prefixes=tuple(_list(match.get("prefix"))),
        kinds=frozenset(_list(match.get("kind"))),
        senders=frozenset(_list(match.get("sender"))),
        share=float(match.get("share", 1.0)),
        types=frozenset(_list(match.get("number_type"))),
        tags=frozenset(_list(match.get("tag"))),
        hours=_hours(hours) if hours is not None else None,
        weights=tuple(float(weight) for weight in spec.get("weights") or ()),
        networks=frozenset(_list(match.get("network"))),
        order=spec.get("order") or order.LISTED,
        explore=float(spec.get("explore") or routing.EXPLORE),
        pin=spec.get("pin"),
        pin_until=_moment(spec.get("pin_until")),
        channel=match.get("channel") or SMS,
    )


def _moment(written: str | None) -> int | None:
    at = None if written is None else read_time(written, "")
    return at if isinstance(at, int) else None


def _hours(written: str) -> tuple[int, int]:
    """`08:00-20:00` in minutes of the day."""
    start, end = (int(part[:2]) * 60 + int(part[3:5]) for part in written.split("-"))
    return start, end


def sender_of(name: str, spec: Mapping[str, Any]) -> senders.Sender:
    """A sender as it was declared; the form has been checked."""
    value = spec.get("value") or name
    number = numbers.parse(value, None) if value.startswith("+") else None
    return senders.Sender(
        value=value,
        type=spec.get("type") or senders.type_of(value) or "alphanumeric",
        countries=frozenset(_list(spec.get("countries"))),
        kinds=frozenset(_list(spec.get("kinds"))),
        default=bool(spec.get("default")),
        two_way=bool(spec.get("two_way")),
        registration={country: _state(papers) for country, papers in (spec.get("registration") or {}).items()},
        unregistered=spec.get("unregistered"),
        pool=spec.get("pool"),
        home=number.country if isinstance(number, numbers.Number) else None,
        max_segments_per_second=spec.get("max_segments_per_second") or 0,
        max_segments_per_day=spec.get("max_segments_per_day") or 0,
        day_zone=spec.get("day_zone") or "UTC",
    )


def _state(papers: Any) -> str:
    """Of a registration, which may come with its brand and campaign."""
    return str(papers["state"] if isinstance(papers, dict) else papers)


def endpoints_of(
    rows: Sequence[Declared], environments: Mapping[tuple[int, str], int], unhealthy: frozenset[int]
) -> tuple[EndpointSpec, ...]:
    return tuple(
        EndpointSpec(
            id=row.id,
            workspace=row.workspace,
            environment=environments[row.workspace, row.spec.get("environment") or "live"],
            name=row.name,
            url=row.spec["url"],
            events=tuple(row.spec.get("events") or ("*",)),
            secrets=tuple(_list(row.spec.get("secrets") or row.spec.get("secret"))),
            format=row.spec.get("format") or "json",
            timeout_ms=row.spec.get("timeout_ms"),
            max_in_flight=row.spec.get("max_in_flight") or 20,
            batch=row.spec.get("batch") or 1,
            disabled=bool(row.spec.get("disabled")) or row.id in unhealthy,
        )
        for row in rows
        if row.kind == "endpoint" and (row.workspace, row.spec.get("environment") or "live") in environments
    )


def _list(value: object) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(entry) for entry in value]  # type: ignore[attr-defined]
