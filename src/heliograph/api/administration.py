"""Keys, pauses, and who one is."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.request import read_time
from heliograph.core.spans import read_span
from heliograph.engine import pauses
from heliograph.engine.accounts import EVERYTHING, Account, LongMessages
from heliograph.engine.clients import (
    ADMIN,
    DEFAULT_SCOPES,
    CreatedKey,
    KeyView,
    create_key,
    get_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from heliograph.engine.pauses import Pause


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key as it is to be."""

    name: Annotated[str, Meta(min_length=1, max_length=120)]
    environment: str | None = None  # that of the key that asks
    scopes: list[str] = msgspec.field(default_factory=lambda: [*DEFAULT_SCOPES])
    ip_allowlist: list[str] = []
    messages_per_second: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    expires_at: str | None = None
    short: bool = False
    smpp: bool = False  # also an SMPP account
    inbound: list[str] | None = None  # of an SMPP account: the senders whose messages it hears; left out: all
    long_messages: LongMessages = "udh"  # of an SMPP account: how it is given long messages


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """How long the old key works on."""

    overlap: int | str = 86_400


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class KeyList(msgspec.Struct):
    """Keys, in the order of their making."""

    data: list[KeyView]
    next_cursor: str | None


class Me(msgspec.Struct):
    """Who asks, and what that key may do."""

    key_id: str
    name: str
    workspace: str
    environment: str
    mode: str
    scopes: list[str]
    account_sid: str
    messages_per_second: int | None
    default_country: str | None


class PauseRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What to stop: all, a workspace, a connector or a kind."""

    scope: str
    value: str = ""


class PauseList(msgspec.Struct):
    """Pauses in force."""

    data: list[Pause]


# -- who one is


async def me(request: Request) -> Me:
    c = request.client
    return Me(
        c.key_id,
        c.name,
        c.workspace_name,
        c.environment_name,
        c.mode,
        sorted(c.scopes),
        c.account_sid,
        c.messages_per_second,
        c.default_country,
    )


# -- keys


async def new_key(request: Request) -> CreatedKey:
    asked: NewKey = request.body
    expires_at = None
    if asked.expires_at is not None:
        found = read_time(asked.expires_at, "/expires_at")
        if not isinstance(found, int):
            raise refuse(found.code, found.detail, "/expires_at")
        expires_at = found
    _may_decide(request, asked.environment or request.client.environment_name)
    created = await create_key(
        request.context.ledger,
        workspace=request.client.workspace_name,
        environment=asked.environment or request.client.environment_name,
        name=asked.name,
        scopes=asked.scopes,
        ip_allowlist=asked.ip_allowlist,
        messages_per_second=asked.messages_per_second,
        expires_at=expires_at,
        short=asked.short,
        smpp=_account(asked),
        actor=request.actor,
        now=request.now,
    )
    if created.smpp is not None:
        await request.context.reload()  # it hears from now on
    return created


def _may_decide(request: Request, environment: str) -> None:
    """A test key reaches nothing live, so it must not make a key that does, replace one or end it."""
    client, realms = request.client, request.context.snapshot().realms.values()
    modes = [realm.mode for realm in realms if (realm.workspace, realm.name) == (client.workspace, environment)]
    if client.mode == "test" and client.person is None and modes not in ([], ["test"]):
        detail = f"a test key can't decide about keys of {environment!r}; use one of that environment, or log in"
        raise refuse("foreign_environment", detail, status=403)


async def _may_touch(request: Request) -> None:
    _may_decide(request, (await one_key(request)).environment)


def _account(asked: NewKey) -> Account | None:
    if asked.smpp:
        return Account((EVERYTHING,) if asked.inbound is None else tuple(asked.inbound), asked.long_messages)
    if asked.inbound is not None:
        raise refuse("bad_inbound", "only SMPP accounts hear messages from phones: set smpp to true", "/inbound")
    return None


async def all_keys(request: Request) -> KeyList:
    query: PageQuery = request.query
    found = await list_keys(
        request.context.ledger, workspace=request.client.workspace_name, after=query.cursor, limit=query.limit + 1
    )
    page = found[: query.limit]
    return KeyList(page, page[-1].id if len(found) > query.limit else None)


async def one_key(request: Request) -> KeyView:
    return await get_key(request.context.ledger, request.place["id"], workspace=request.client.workspace_name)


async def rotate(request: Request) -> CreatedKey:
    span = 0 if request.body.overlap in (0, "0") else read_span(request.body.overlap)
    if not isinstance(span, int):
        raise refuse(span.code, span.detail, "/overlap")
    await _may_touch(request)
    created = await rotate_key(
        request.context.ledger,
        request.place["id"],
        workspace=request.client.workspace_name,
        overlap=timedelta(milliseconds=span),
        actor=request.actor,
        now=request.now,
    )
    await request.context.reload()
    return created


async def revoke(request: Request) -> KeyView:
    await _may_touch(request)
    view = await revoke_key(
        request.context.ledger,
        request.place["id"],
        workspace=request.client.workspace_name,
        actor=request.actor,
        now=request.now,
    )
    request.context.clients.changed()  # this process at once, the others within a second
    return view


# -- pauses


async def all_pauses(request: Request) -> PauseList:
    mine = None if request.client.is_operator else request.client.workspace_name
    return PauseList(await pauses.list_pauses(request.context.ledger, mine))


async def pause(request: Request) -> Pause:
    asked: PauseRequest = request.body
    _may_stop(request, asked)
    made = await pauses.pause(
        request.context.ledger,
        request.client.workspace,
        asked.scope,
        asked.value,
        actor=request.actor,
        now=request.now,
    )
    await request.context.reload()
    return made


async def resume(request: Request) -> PauseList:
    asked: PauseRequest = request.query
    _may_stop(request, asked)
    await pauses.resume(
        request.context.ledger,
        request.client.workspace,
        asked.scope,
        asked.value,
        actor=request.actor,
        now=request.now,
    )
    await request.context.reload()
    return await all_pauses(request)


def _may_stop(request: Request, asked: PauseRequest) -> None:
    own = asked.scope == "workspace" and asked.value == request.client.workspace_name
    if not request.client.is_operator and not own:
        raise refuse("foreign_workspace", "this key may only pause its own workspace", "/scope", 403)


_PAUSE: Final = "pauses:manage"
ROUTES: Final = (
    Route("GET", "/v1/me", me, None, answer=Me, summary="Who am I?"),
    Route("GET", "/v1/keys", all_keys, ADMIN, query=PageQuery, answer=KeyList, summary="List keys"),
    Route("POST", "/v1/keys", new_key, ADMIN, body=NewKey, answer=CreatedKey, status=201, summary="Make a key"),
    Route("GET", "/v1/keys/{id}", one_key, ADMIN, answer=KeyView, summary="Show a key"),
    Route("POST", "/v1/keys/{id}/rotate", rotate, ADMIN, body=Rotation, answer=CreatedKey, summary="Replace a key"),
    Route("POST", "/v1/keys/{id}/revoke", revoke, ADMIN, answer=KeyView, summary="End a key at once"),
    Route("GET", "/v1/pauses", all_pauses, _PAUSE, answer=PauseList, summary="List pauses"),
    Route("PUT", "/v1/pauses", pause, _PAUSE, body=PauseRequest, answer=Pause, summary="Stop handing over"),
    Route("DELETE", "/v1/pauses", resume, _PAUSE, query=PauseRequest, answer=PauseList, summary="Go on"),
)
