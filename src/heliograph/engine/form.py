"""The form of declared objects, and what can't work about them: checked whole before anything is kept."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from heliograph.core import numbers, routing, senders
from heliograph.core.channels import CHANNELS, SMS
from heliograph.core.decide import SANDBOX
from heliograph.core.failures import Refusal
from heliograph.core.inbound_rules import InboundPolicy
from heliograph.core.message import LANES
from heliograph.core.order import BEST, LISTED, ORDERS
from heliograph.core.plans import PlanSpec
from heliograph.core.request import read_time
from heliograph.core.signing import key_of
from heliograph.core.templates import NAME as TEMPLATE_NAME
from heliograph.core.templates import Spec as TemplateSpec
from heliograph.core.templates import wrong as wrong_template
from heliograph.engine import policies
from heliograph.engine.days import is_zone
from heliograph.engine.declared import OPERATOR
from heliograph.engine.explain import explained
from heliograph.engine.exports.form import ExportForm
from heliograph.engine.forms import ConnectorForm, EndpointForm, RouteForm, SenderForm
from heliograph.engine.notify.formats import ENDPOINT_FORMATS, TWILIO
from heliograph.engine.notify.subscriptions import unknown_events
from heliograph.engine.secrets import CannotOpen
from heliograph.engine.specs import route_of
from heliograph.engine.streams.form import StreamForm
from heliograph.engine.suggest import did_you_mean

SECRET_KEYS: Final = (
    *("secret", "password", "api_key", "api_secret", "auth_token", "token", "access_key", "private_key"),
    *("client_secret", "access_token", "app_secret", "verify_token"),
    *("signature_secret", "callback_token", "callback_password"),
)
REFERENCES: Final = ("env:", "file:", "sealed:")
_OUTLET_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_AUTH_TOKEN_LETTERS: Final = 24


class Tools(msgspec.Struct, frozen=True):
    """What declaring needs of the rest of the program."""

    check_connector: Callable[[str, Mapping[str, Any]], tuple[str, str] | None]  # (key, what is wrong)
    check_url: Callable[[str], str | None]
    new_secret: Callable[[], str]
    seal: Callable[[str], str]
    unseal: Callable[[str], str]
    carries: Callable[[str], frozenset[str]] = lambda kind: frozenset(CHANNELS)  # a kind of connector: its channels
    push_key: Callable[[str], str] = str  # a web push connector's private key: the public one


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
    kinds: Mapping[str, str] = {}  # of connectors, by name


_FORMS: Final[dict[str, type[Any]]] = {
    "connector": ConnectorForm,
    "route": RouteForm,
    "sender": SenderForm,
    "endpoint": EndpointForm,
    "template": TemplateSpec,
    "plan": PlanSpec,
    "export": ExportForm,
    "stream": StreamForm,
}


Connectors: TypeAlias = tuple[Mapping[str, str], Mapping[str, str]]  # by name: its workspace; its kind


def check(objects: Sequence[Object], place: Place, tools: Tools) -> list[Refusal]:
    """Everything that is wrong with these objects."""
    new = {o.name: o.workspace for o in objects if o.kind == "connector"}
    connectors = {SANDBOX: OPERATOR, **new, **place.connectors}
    kinds = {**place.kinds, **{o.name: str(o.spec.get("kind")) for o in objects if o.kind == "connector"}}
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
        else:
            found += _wrong(o, form, (connectors, kinds), objects, place, tools)
    return found or [*_shadowed(objects), *_two_meanings(objects, place)]


def _wrong(
    o: Object, form: Any, connectors: Connectors, objects: Sequence[Object], place: Place, tools: Tools
) -> list[Refusal]:
    """What the types of a form can't say."""
    owners, kinds = connectors
    if isinstance(form, ConnectorForm):
        return _check_connector(o, form, place, tools)
    if isinstance(form, RouteForm):
        visible = {name for name, owner in owners.items() if owner in (OPERATOR, o.workspace)}
        return _check_route(o, form, visible) + _check_channel(o, form, kinds, tools)
    if isinstance(form, SenderForm):
        return _check_sender(o, form)
    if isinstance(form, EndpointForm):
        return _check_endpoint(o, form, place, tools)
    if isinstance(form, TemplateSpec):
        return _check_template(o, form)
    if isinstance(form, ExportForm | StreamForm):
        return _check_outlet(o, form, place, tools)
    found = _beneath(o, policies.wrong(form))
    return found + _check_forwards(o, form, place, objects) if isinstance(form, InboundPolicy) else found


def _beneath(o: Object, refusals: Sequence[Refusal]) -> list[Refusal]:
    return [msgspec.structs.replace(r, pointer=o.pointer + r.pointer) for r in refusals]


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


def _check_connector(o: Object, form: ConnectorForm, place: Place, tools: Tools) -> list[Refusal]:
    if not place.knows_machine:
        detail = f"connectors are declared by the operator, with a key of the workspace {OPERATOR!r}"
        return [Refusal("foreign_workspace", detail, o.pointer, 403)]
    if (owner := place.connectors.get(o.name, o.workspace)) != o.workspace:
        return [Refusal("already_exists", f"{owner!r} has a connector {o.name!r} already", o.pointer, 409)]
    try:
        opened = {key: _opened(value, tools) for key, value in o.spec.items()}
    except CannotOpen:
        detail = "a sealed secret of another installation can't be opened here; give the secret itself, or env:NAME"
        return [Refusal("bad_secret", detail, o.pointer)]
    if problem := tools.check_connector(form.kind, opened):
        return [Refusal("bad_connector", problem[1], f"{o.pointer}/{problem[0]}")]
    return []


def _opened(value: Any, tools: Tools) -> Any:
    """A secret as it is; sealed it is longer than many a field may be."""
    return tools.unseal(value) if isinstance(value, str) and value.startswith("sealed:") else value


def _check_route(o: Object, form: RouteForm, connectors: set[str]) -> list[Refusal]:
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


def _check_channel(o: Object, form: RouteForm, kinds: Mapping[str, str], tools: Tools) -> list[Refusal]:
    """A channel that there is none of, and connectors that don't carry it."""
    channel = form.match.channel if form.match else SMS
    if channel not in CHANNELS:
        detail = f"{channel[:40]!r} is not a channel: {', '.join(CHANNELS)}.{did_you_mean(channel, CHANNELS)}"
        return [Refusal("unknown_channel", detail, f"{o.pointer}/match/channel")]
    return [
        Refusal(
            "channel_not_carried",
            f"{name!r} is of the kind {kinds[name]!r}, which carries {', '.join(sorted(carried))}, not {channel}",
            f"{o.pointer}/via/{place}",
        )
        for place, name in enumerate(form.via)
        if name in kinds and channel not in (carried := tools.carries(kinds[name]))
    ]


def _check_order(o: Object, form: RouteForm) -> list[Refusal]:
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


def _check_networks(o: Object, form: RouteForm) -> list[Refusal]:
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


def _check_sender(o: Object, form: SenderForm) -> list[Refusal]:
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
    return _beneath(o, wrong_template(form))


def _check_outlet(o: Object, form: ExportForm | StreamForm, place: Place, tools: Tools) -> list[Refusal]:
    """What leaves by the machine's own ways: to its folders, to servers that it can reach."""
    if not place.knows_machine:
        return [Refusal("foreign_workspace", f"{o.kind}s are declared by the operator", o.pointer, 403)]
    found = _beneath(o, form.wrong())
    if not re.match(_OUTLET_NAME, o.name):
        found.append(Refusal("bad_name", "a name has up to 64 letters, digits, hyphens, underscores", o.pointer))
    if (o.workspace, form.environment) not in place.environments:
        detail = f"there is no environment {form.environment!r}"
        found.append(Refusal("unknown_environment", detail, f"{o.pointer}/environment"))
    if isinstance(form, StreamForm):
        found += unknown_events(form.events, f"{o.pointer}/events")
        if form.url is not None and (problem := tools.check_url(form.url)):
            found.append(Refusal("bad_url", problem, f"{o.pointer}/url"))
    return found


def _check_secret(format: str, secret: str) -> None:
    """An auth token, which signs in the shape of Twilio, may be any text that nobody guesses. Raises `ValueError`."""
    if format != TWILIO:
        key_of(secret)
    elif len(secret) < _AUTH_TOKEN_LETTERS:
        raise ValueError(f"an auth token has at least {_AUTH_TOKEN_LETTERS} characters; a key of yours will do")


def _check_endpoint(o: Object, form: EndpointForm, place: Place, tools: Tools) -> list[Refusal]:
    found: list[Refusal] = []
    if problem := tools.check_url(form.url):
        found.append(Refusal("bad_url", problem, f"{o.pointer}/url"))
    if (o.workspace, form.environment) not in place.environments:
        detail = f"there is no environment {form.environment!r}"
        found.append(Refusal("unknown_environment", detail, f"{o.pointer}/environment"))
    found += unknown_events(form.events, f"{o.pointer}/events")
    if form.format not in ENDPOINT_FORMATS:
        found.append(Refusal("bad_format", f"format is {', '.join(ENDPOINT_FORMATS)}", f"{o.pointer}/format"))
    for secret in (*([form.secret] if form.secret is not None else ()), *(form.secrets or ())):
        try:
            _check_secret(form.format, tools.unseal(secret))
        except Exception as error:  # whatever opening or reading it says; none of them quotes it
            found.append(Refusal("bad_secret", str(error), f"{o.pointer}/secret"))
    return found
