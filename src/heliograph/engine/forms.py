"""What may stand in a declared object, by its kind: the fields that a file or a request may give."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from heliograph.core.channels import SMS
from heliograph.core.order import LISTED

Names: TypeAlias = str | list[str]


class ConnectorForm(msgspec.Struct):
    """What the engine reads of a connector; its carrier knows the rest."""

    kind: str
    window: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    max_segments_per_second: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    price_per_segment: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    provider_handles_opt_out: bool = False
    record_to_disk: bool = False


class MatchForm(msgspec.Struct, forbid_unknown_fields=True):
    country: Names = []
    prefix: Names = []
    kind: Names = []
    channel: str = SMS
    sender: Names = []
    number_type: Names = []
    tag: Names = []
    network: Names = []
    hours: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0


class RouteForm(msgspec.Struct, forbid_unknown_fields=True):
    via: Annotated[list[str], Meta(min_length=1)]
    weights: list[Annotated[float, Meta(ge=0)]] = []
    order: str = LISTED
    explore: Annotated[float, Meta(ge=0.01, le=0.5)] | None = None
    pin: str | None = None
    pin_until: str | None = None
    match: MatchForm | None = None


class RegistrationForm(msgspec.Struct, forbid_unknown_fields=True):
    """Of a sender in a country, with what it is known by there."""

    state: Literal["registered", "pending", "rejected"]
    brand: str | None = None
    campaign: str | None = None


class SenderForm(msgspec.Struct, forbid_unknown_fields=True):
    value: str | None = None
    type: str | None = None
    countries: Names = []
    kinds: Names = []
    default: bool = False
    two_way: bool = False
    registration: dict[
        Annotated[str, Meta(pattern="^[A-Z]{2}$")], Literal["registered", "pending", "rejected"] | RegistrationForm
    ] = {}
    unregistered: Literal["warn", "refuse"] | None = None
    pool: Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_-]{0,33}$")] | None = None
    max_segments_per_second: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    max_segments_per_day: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None
    day_zone: str | None = None
    rental_per_month: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] | None = None
    rental_currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None


class EndpointForm(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    environment: str = "live"
    events: list[str] = []
    secret: str | None = None
    secrets: list[str] | None = None
    format: str = "json"
    timeout_ms: Annotated[int, Meta(ge=100, le=30_000)] | None = None
    max_in_flight: Annotated[int, Meta(ge=1, le=200)] = 20
    batch: Annotated[int, Meta(ge=1, le=500)] = 1
    disabled: bool = False
