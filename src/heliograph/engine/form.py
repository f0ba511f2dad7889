"""The form of declared objects, and what can't work about them: checked whole before anything is kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core import numbers, routing, senders
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal
from heliograph.core.inbound_rules import InboundPolicy
from heliograph.core.message import LANES
from heliograph.core.order import BEST, LISTED, ORDERS
from heliograph.core.request import read_time
from heliograph.core.signing import key_of
from heliograph.core.templates import NAME as TEMPLATE_NAME
from heliograph.core.templates import Spec as TemplateSpec
from heliograph.core.templates import wrong as wrong_template
from heliograph.engine import policies
from heliograph.engine.days import is_zone
from heliograph.engine.declared import OPERATOR
from heliograph.engine.explain import explained
from heliograph.engine.notify.subscriptions import EVENT_TYPES
from heliograph.engine.specs import route_of
from heliograph.engine.suggest import did_you_mean

SECRET_KEYS: Final = (
    *("secret", "password", "api_key", "api_secret", "auth_token", "token", "access_key", "private_key"),
    *("signature_secret", "callback_token", "callback_password"),
)
REFERENCES: Final = ("env:", "file:", "sealed:")
_OTHER_EVENTS: Final = (
    *("inbound.", "conversation.", "flow.", "contact.", "verification.", "campaign.", "link.", "alarm.", "webhook."),
    "template.",
)
_Names = str | list[str]


class Tools(msgspec.Struct, frozen=True):
    """What declaring needs of the rest of the program."""

    check_connector: Callable[[str, Mapping[str, Any]], tuple[str, str] | None]  # (key, what is wrong)
    check_url: Callable[[str], str | None]
    new_secret: Callable[[], str]
    seal: Callable[[str], str]
    unseal: Callable[[str], str]


class Object(msgspec.Struct):
    """One declared object, as it was written."""

    kind: str
    name: str
    workspace: str
    spec: dict[str, Any]
    pointer: str
    position: int


class Place(msgspec.Struct, frozen=True):
    """Where objects are declared: what is there already, and whether the one who declares is at home on the machine."""

    connectors: Mapping[str, str]  # name → workspace
    workspaces: frozenset[str]
    environments: frozenset[tuple[str, str]]  # (workspace, name)
    senders: Mapping[tuple[str, str], tuple[str, str | None]]  # (workspace, name) → what it shows, its pool
    knows_machine: bool
    endpoints: frozenset[tuple[str, str]] = frozenset()  # (workspace, name)


class _Connector(msgspec.Struct):
    """What the engine reads of a connector; its carrier knows the rest."""

    kind: str
    window: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    max_segments_per_second: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    price_per_segment: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    provider_handles_opt_out: bool = False
    record_to_disk: bool = False


class _Match(msgspec.Struct, forbid_unknown_fields=True):
    country: _Names = []
    prefix: _Names = []
    kind: _Names = []
    sender: _Names = []
    number_type: _Names = []
    tag: _Names = []
    network: _Names = []
    hours: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] | None = None
    share: Annotated[float, Meta(ge=0, le=1)] = 1.0


class _Route(msgspec.Struct, forbid_unknown_fields=True):
    via: Annotated[list[str], Meta(min_length=1)]
    weights: list[Annotated[float, Meta(ge=0)]] = []
    order: str = LISTED
    explore: Annotated[float, Meta(ge=0.01, le=0.5)] | None = None
    pin: str | None = None
    pin_until: str | None = None
    match: _Match | None = None


class _Registration(msgspec.Struct, forbid_unknown_fields=True):
    """Of a sender in a country, with what it is known by there."""

    state: Literal["registered", "pending", "rejected"]
    brand: str | None = None
    campaign: str | None = None


class _Sender(msgspec.Struct, forbid_unknown_fields=True):
    value: str | None = None
    type: str | None = None
    countries: _Names = []
    kinds: _Names = []
    default: bool = False
    two_way: bool = False
    registration: dict[
        Annotated[str, Meta(pattern="^[A-Z]{2}$")], Literal["registered", "pending", "rejected"] | _Registration
    ] = {}
    unregistered: Literal["warn", "refuse"] | None = None
    pool: Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_-]{0,30}$")] | None = None
    max_segments_per_second: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    max_segments_per_day: Annotated[int, Meta(ge=0, le=1_000_000_000)] | None = None
    day_zone: str | None = None
    rental_per_month: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?$")] | None = None
    rental_currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None


class _Endpoint(msgspec.Struct, forbid_unknown_fields=True):
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


_FORMS: Final[dict[str, type[Any]]] = {
    "connector": _Connector,
    "route": _Route,
    "sender": _Sender,
    "endpoint": _Endpoint,
    "template": TemplateSpec,
}


def check(objects: Sequence[Object], place: Place, tools: Tools) -> list[Refusal]:
    """Everything that is wrong with these objects."""
    new = {o.name: o.workspace for o in objects if o.kind == "connector"}
    connectors = {SANDBOX: OPERATOR, **new, **place.connectors}
    found: list[Refusal] = []
    for o in objects:
        cls = policies.FORMS.get(o.name) if o.kind == "policy" else _FORMS[o.kind]
        if cls is None:
            detail = f"{o.name[:40]!r} is not a policy; there are {', '.join(policies.FORMS)}"
            found.append(Refusal("unknown_policy", detail + did_you_mean(o.name, policies.FORMS), o.pointer))
            continue
        try:
            form = msgspec.convert(o.spec, cls)
        except msgspec.ValidationError as error:
            wrong = explained(str(error), cls)
            found.append(msgspec.structs.replace(wrong, pointer=o.pointer + wrong.pointer))
            continue
        if o.workspace not in place.workspaces:
            detail = f"there is no workspace {o.workspace!r}"
            found.append(Refusal("unknown_workspace", detail, f"{o.pointer}/workspace"))
        elif not place.knows_machine and (key := _reference(o.spec)):
            detail = "only the operator may name variables and files of the machine; give the secret itself"
            found.append(Refusal("bad_secret", detail, f"{o.pointer}/{key}", 403))
        elif isinstance(form, _Connector):
            found += _check_connector(o, form, place, tools)
        elif isinstance(form, _Route):
            visible = {name for name, workspace in connectors.items() if workspace in (OPERATOR, o.workspace)}
            found += _check_route(o, form, visible)
        elif isinstance(form, _Sender):
            found += _check_sender(o, form)
        elif isinstance(form, _Endpoint):
            found += _check_endpoint(o, form, place, tools)
        elif isinstance(form, TemplateSpec):
            found += _check_template(o, form)
        else:
            found += [msgspec.structs.replace(r, pointer=o.pointer + r.pointer) for r in policies.wrong(form)]
            if isinstance(form, InboundPolicy):
                found += _check_forwards(o, form, place, objects)
    return found or [*_shadowed(objects), *_two_meanings(objects, place)]


def _shadowed(objects: Sequence[Object]) -> list[Refusal]:
    """Routes that an earlier one of the same declaration keeps everything from."""
    found: list[Refusal] = []
    for workspace in sorted({o.workspace for o in objects}):
        theirs = [o for o in objects if o.kind == "route" and o.workspace == workspace]
        places = {o.name: o for o in theirs}
        for route, earlier in routing.shadowed([route_of(o.name, o.spec, None) for o in theirs]):
            detail = f"route {route.name!r} can never match: {earlier.name!r} before it takes all that it could"
            found.append(Refusal("unreachable_route", detail, places[route.name].pointer))
    return found


def _two_meanings(objects: Sequence[Object], place: Place) -> list[Refusal]:
    """Pools that are called as a sender is: nobody could say which one a message means."""
    new = {(o.workspace, o.name): (shown_as(o.name, o.spec), o.spec.get("pool")) for o in objects if o.kind == "sender"}
    all_of_them = {**place.senders, **new}
    values = {(workspace, value) for (workspace, _), (value, _) in all_of_them.items()}
    found: list[Refusal] = []
    for o in objects:
        if o.kind == "sender":
            value, pool = new[o.workspace, o.name]
            if pool is not None and (o.workspace, pool) in values:
                detail = f"{pool!r} is a sender already; give the pool a name of its own"
                found.append(Refusal("bad_pool", detail, f"{o.pointer}/pool"))
            elif any(value == other and o.workspace == owner for (owner, _), (_, other) in all_of_them.items()):
                detail = f"{value!r} is a pool already; give the pool another name"
                found.append(Refusal("bad_pool", detail, o.pointer))
    return found


def shown_as(name: str, spec: Mapping[str, Any]) -> str:
    """What phones show of a declared sender."""
    return spec.get("value") or name


def _reference(spec: Mapping[str, Any]) -> str | None:
    """The key under which a secret is not given but referred to."""
    for key in (*SECRET_KEYS, "secrets"):
        values = spec.get(key)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and value.startswith(REFERENCES):
                return key
    return None


def _check_connector(o: Object, form: _Connector, place: Place, tools: Tools) -> list[Refusal]:
    if not place.knows_machine:
        detail = f"connectors are declared by the operator, with a key of the workspace {OPERATOR!r}"
        return [Refusal("foreign_workspace", detail, o.pointer, 403)]
    if (owner := place.connectors.get(o.name, o.workspace)) != o.workspace:
        return [Refusal("already_exists", f"{owner!r} has a connector {o.name!r} already", o.pointer, 409)]
    if problem := tools.check_connector(form.kind, o.spec):
        return [Refusal("bad_connector", problem[1], f"{o.pointer}/{problem[0]}")]
    return []


def _check_route(o: Object, form: _Route, connectors: set[str]) -> list[Refusal]:
    found = [
        Refusal(
            "unknown_connector",
            f"route {o.name!r} leads to {name!r}, which is not declared",
            f"{o.pointer}/via/{place}",
        )
        for place, name in enumerate(form.via)
        if name not in connectors
    ]
    if form.weights and (len(form.weights) != len(form.via) or not sum(form.weights)):
        detail = f"weights stand beside via: {len(form.via)} numbers, not all of them 0"
        found.append(Refusal("bad_weights", detail, f"{o.pointer}/weights"))
    if form.match and form.match.share == 0:
        found.append(
            Refusal("unreachable_route", f"route {o.name!r} takes a share of nothing", f"{o.pointer}/match/share")
        )
    kinds = form.match.kind if form.match else []
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in LANES:
            detail = f"{kind!r} is not a kind: {', '.join(LANES)}"
            found.append(Refusal("unknown_kind", detail, f"{o.pointer}/match/kind"))
    return [*found, *_check_order(o, form), *_check_networks(o, form)]


def _check_order(o: Object, form: _Route) -> list[Refusal]:
    """What can't work about the order in which a route's connectors are tried."""
    found: list[Refusal] = []
    if form.order not in ORDERS:
        detail = f"{form.order[:40]!r} is not an order: {', '.join(ORDERS)}.{did_you_mean(form.order, ORDERS)}"
        found.append(Refusal("unknown_order", detail, f"{o.pointer}/order"))
    elif form.weights and form.order != LISTED:
        detail = f"weights draw who goes first, and order = {form.order!r} chooses it: give one of the two"
        found.append(Refusal("bad_weights", detail, f"{o.pointer}/weights"))
    if form.explore is not None and form.order != BEST:
        detail = f"only a route with order = {BEST!r} explores"
        found.append(Refusal("bad_value", detail, f"{o.pointer}/explore"))
    if form.pin is not None and form.pin not in form.via:
        detail = f"{form.pin[:40]!r} is not in via: {', '.join(form.via)}.{did_you_mean(form.pin, form.via)}"
        found.append(Refusal("bad_pin", detail, f"{o.pointer}/pin"))
    if form.pin_until is not None:
        until = read_time(form.pin_until, f"{o.pointer}/pin_until")
        if isinstance(until, Refusal):
            found.append(until)
        elif form.pin is None:
            detail = "pin_until says when a pin ends, but there is no pin"
            found.append(Refusal("bad_pin", detail, f"{o.pointer}/pin_until"))
    return found


def _check_networks(o: Object, form: _Route) -> list[Refusal]:
    """Names that no range of numbers was given out to: a condition on them could never hold."""
    names = form.match.network if form.match else []
    return [
        Refusal(
            "unknown_network",
            f"no range of numbers was given out to {name[:40]!r}; `heliograph lookup` tells how the networks of "
            f"numbers are called.{did_you_mean(name, numbers.networks())}",
            f"{o.pointer}/match/network",
        )
        for name in ([names] if isinstance(names, str) else names)
        if name not in numbers.networks()
    ]


def _check_sender(o: Object, form: _Sender) -> list[Refusal]:
    value = form.value or o.name
    if senders.type_of(value) is None:
        detail = f"{value!r} can't be a sender: up to 11 letters and digits, or a number"
        return [Refusal("bad_sender", detail, o.pointer)]
    if form.type is not None and form.type not in senders.TYPES:
        detail = f"{form.type!r} is not a type of sender: {', '.join(senders.TYPES)}"
        return [Refusal("bad_sender_type", detail, f"{o.pointer}/type")]
    if form.day_zone is not None and not is_zone(form.day_zone):
        detail = f"{form.day_zone[:40]!r} is not a time zone; give one such as America/Los_Angeles"
        return [Refusal("bad_zone", detail, f"{o.pointer}/day_zone")]
    if (form.rental_per_month is None) != (form.rental_currency is None):
        missing = "rental_currency" if form.rental_currency is None else "rental_per_month"
        return [Refusal("missing_field", f"a rent is an amount and a currency: {missing} is missing", o.pointer)]
    return []


def _check_forwards(o: Object, form: InboundPolicy, place: Place, objects: Sequence[Object]) -> list[Refusal]:
    names = {name for workspace, name in place.endpoints if workspace == o.workspace}
    names |= {other.name for other in objects if other.kind == "endpoint" and other.workspace == o.workspace}
    return [
        Refusal(
            "unknown_endpoint",
            f"{name!r} is not an endpoint of this workspace; * is all that subscribed.{did_you_mean(name, names)}",
            f"{o.pointer}/rules/{number}/forward",
        )
        for number, name in form.endpoints
        if name not in names
    ]


def _check_template(o: Object, form: TemplateSpec) -> list[Refusal]:
    if not re.match(TEMPLATE_NAME, o.name):
        detail = f"{o.name[:40]!r} can't name a template: up to 64 small letters, digits, hyphens, dots, underscores"
        return [Refusal("bad_name", detail, o.pointer)]
    return [msgspec.structs.replace(r, pointer=o.pointer + r.pointer) for r in wrong_template(form)]


def _check_endpoint(o: Object, form: _Endpoint, place: Place, tools: Tools) -> list[Refusal]:
    found: list[Refusal] = []
    if problem := tools.check_url(form.url):
        found.append(Refusal("bad_url", problem, f"{o.pointer}/url"))
    if (o.workspace, form.environment) not in place.environments:
        detail = f"there is no environment {form.environment!r}"
        found.append(Refusal("unknown_environment", detail, f"{o.pointer}/environment"))
    for index, name in enumerate(form.events):
        if not (name == "*" or name in EVENT_TYPES or name == "message.*" or name.startswith(_OTHER_EVENTS)):
            detail = f"{name!r} is not an event type: {', '.join(sorted(EVENT_TYPES))}"
            found.append(Refusal("unknown_event", detail, f"{o.pointer}/events/{index}"))
    if form.format not in ("json", "form"):
        found.append(Refusal("bad_format", "format is json or form", f"{o.pointer}/format"))
    for secret in (*([form.secret] if form.secret is not None else ()), *(form.secrets or ())):
        try:
            key_of(tools.unseal(secret))
        except Exception as error:  # whatever opening or reading it says; none of them quotes it
            found.append(Refusal("bad_secret", str(error), f"{o.pointer}/secret"))
    return found
