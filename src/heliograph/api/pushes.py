"""Push subscriptions, as browsers give them to an application, and the key that they are made with."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.carriers.port import Subscription
from heliograph.engine import pushing
from heliograph.engine.pushing import SubscriptionView

_Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+={0,2}$", max_length=200)]


class Keys(msgspec.Struct, forbid_unknown_fields=True):
    """Of the browser: what is meant for it is encrypted with them."""

    p256dh: _Key
    auth: _Key


class SubscriptionRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"expiration_time": "expirationTime"}):
    """What `PushSubscription.toJSON()` gives, and whose it is."""

    endpoint: Annotated[str, Meta(max_length=2_048)]
    keys: Keys
    contact: str | None = None
    user_agent: Annotated[str, Meta(max_length=400)] | None = None
    expiration_time: int | None = None  # browsers send it; their services tell when it is over


class Removed(msgspec.Struct):
    """Done."""

    id: str


class PushKey(msgspec.Struct):
    """The `applicationServerKey` of `PushManager.subscribe()`."""

    connector: str
    public_key: str


async def subscribe(request: Request) -> SubscriptionView:
    asked: SubscriptionRequest = request.body
    if problem := request.context.tools.check_url(asked.endpoint):
        raise refuse("bad_url", problem, "/endpoint")
    client = request.client
    return await pushing.subscribe(
        request.context.ledger,
        client.workspace,
        client.environment,
        Subscription(asked.endpoint, asked.keys.p256dh, asked.keys.auth),
        contact=asked.contact,
        user_agent=asked.user_agent,
        actor=request.actor,
        now=request.now,
    )


async def show(request: Request) -> SubscriptionView:
    client = request.client
    return await pushing.show(request.context.ledger, client.workspace, client.environment, request.place["id"])


async def remove(request: Request) -> Removed:
    client, public_id = request.client, request.place["id"]
    where = request.context.ledger, client.workspace, client.environment, public_id
    await pushing.unsubscribe(*where, actor=request.actor, now=request.now)
    return Removed(public_id)


async def key(request: Request) -> PushKey:
    tools, realm = request.context.tools, request.context.snapshot().realms[request.client.environment]
    usable = (request.context.snapshot().connectors.get(name) for name in realm.rules.connectors)
    spec = next((one for one in usable if one is not None and one.kind == "webpush"), None)
    if spec is None:
        raise refuse("no_push_connector", "no connector of the kind webpush is declared here", status=409)
    return PushKey(spec.name, tools.push_key(tools.unseal(spec.settings["private_key"])))


_MANAGE: Final = "consent:manage"
_ONE: Final = "/v1/push-subscriptions/{id}"
ROUTES: Final = (
    Route(
        *("POST", "/v1/push-subscriptions", subscribe, _MANAGE),
        body=SubscriptionRequest,
        answer=SubscriptionView,
        status=201,
        summary="Keep a browser's push subscription",
    ),
    Route("GET", _ONE, show, _MANAGE, answer=SubscriptionView, summary="Show a push subscription"),
    Route("DELETE", _ONE, remove, _MANAGE, answer=Removed, summary="Forget a push subscription"),
    Route("GET", "/v1/push-key", key, _MANAGE, answer=PushKey, summary="The key that browsers subscribe with"),
)
