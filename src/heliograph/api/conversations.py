"""Conversations: what persons and we have to say to each other, and who looks after it."""

import asyncio
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from heliograph.api.inbound import number_of
from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core import ids
from heliograph.core.consent import REFUSALS
from heliograph.core.conversations import CLOSED, OPEN
from heliograph.core.failures import Refusal, Refused
from heliograph.core.inbound_rules import TAGS_AT_MOST, Tag
from heliograph.core.views import message_id
from heliograph.engine.conversations import answers, threads, timeline
from heliograph.engine.conversations.threads import Change, ConversationView, Thread
from heliograph.engine.conversations.timeline import Entry, Narrowed
from heliograph.engine.declared import Realm
from heliograph.engine.suggest import did_you_mean
from heliograph.store.port import Accept

_Name = Annotated[str, Meta(min_length=1, max_length=64)]
_Agent = Annotated[_Name | None, Meta(description="Who of yours it is.")]
_Tags = Annotated[list[Tag], Meta(max_length=TAGS_AT_MOST)]


class ConversationQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a list is narrowed to."""

    state: Literal["open", "waiting", "closed"] | None = None
    team: str | None = None
    agent: str | None = None
    number: str | None = None
    sender: str | None = None
    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ConversationPage(msgspec.Struct):
    """Conversations, those first in which something happened last."""

    data: list[ConversationView]
    next_cursor: str | None


class TimelineQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which part of its history."""

    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 100


class ConversationDetail(ConversationView, kw_only=True):
    """A conversation with what was said and done in it, the oldest first; `older` is the cursor of what was before."""

    timeline: list[Entry]
    older: str | None


class ReplyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be answered: a text, or the name of a prepared one."""

    text: str | None = None
    canned: Annotated[_Name | None, Meta(description="One of policies.conversations.canned.")] = None
    agent: _Agent = None


class Replied(msgspec.Struct):
    """The answer on its way."""

    message: str
    conversation: ConversationView


class AssignRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whose it is. Left out: as it was; null: nobody's."""

    team: _Name | None | UnsetType = UNSET
    agent: _Name | None | UnsetType = UNSET


class NoteRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What only you see."""

    text: Annotated[str, Meta(min_length=1, max_length=5_000)]
    agent: _Agent = None


class TagsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Tags to add and to take away."""

    add: _Tags = []
    remove: _Tags = []


async def search(request: Request) -> ConversationPage:
    query: ConversationQuery = request.query
    cursor = None
    if query.cursor is not None and (cursor := ids.parse("cur", query.cursor)) is None:
        raise _bad_cursor("next_cursor of the page before")
    narrowed = Narrowed(
        state=query.state,
        team=query.team,
        agent=query.agent,
        number=number_of(request, query.number, "/number"),
        sender=query.sender,
    )
    client = request.client
    return ConversationPage(
        *await timeline.page(
            request.context.ledger, client.workspace, client.environment, narrowed, cursor, query.limit
        )
    )


def _bad_cursor(what: str) -> Refused:
    return refuse("bad_cursor", f"give {what}, unchanged", "/cursor", 400)


async def show(request: Request) -> ConversationDetail:
    thread, seen = await _find(request)
    query: TimelineQuery = request.query
    before = None
    if query.cursor is not None and (before := timeline.place_of(query.cursor)) is None:
        raise _bad_cursor("older of the answer before")
    shown, older = await timeline.entries(request.context.ledger, thread, before, query.limit)
    return ConversationDetail(**msgspec.structs.asdict(seen), timeline=shown, older=older)


async def _find(request: Request) -> tuple[Thread, ConversationView]:
    client, public = request.client, request.place["id"]
    found = await timeline.find(request.context.ledger, client.workspace, client.environment, public)
    if found is None:
        raise not_found("conversation", public)
    return found


async def reply(request: Request) -> Replied:
    """Through intake, like any message: routes, consent and budget are asked."""
    asked: ReplyRequest = request.body
    thread, _ = await _find(request)
    text = _text(asked, _realm(request))
    if refusal := request.call.over_rate(1):
        raise Refused(refusal)
    draft = request.context.intake.draft(request.call.caller, answers.request_of(thread, text), request.now)
    if isinstance(draft, Refusal):
        raise Refused(draft)
    future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
    request.context.intake.accept(
        [draft],
        future.set_result,
        idempotency=request.call.idempotency(threads.public_id(thread)),
        reply=lambda operation: message_id(operation.messages[0]).encode(),
        all_or_none=True,
    )
    public = _accepted(await future, request)
    place = ids.parse("msg", public)
    assert place is not None
    await _change(request).replied(request.place["id"], place[1], public, asked.agent)
    return Replied(public, await _after(request))


def _accepted(operation: Accept, request: Request) -> str:
    """The message's id: of now, or of then when the same was asked for before."""
    if operation.error is not None:
        raise operation.error
    if operation.conflict:
        detail = "this Idempotency-Key was used with another body; a new request needs a new key"
        raise refuse("idempotency_conflict", detail, status=409)
    if operation.replayed is not None:
        request.call.headers.append((b"idempotent-replayed", b"true"))
        return operation.replayed.decode()
    if operation.refused:
        raise Refused(REFUSALS[operation.refused[operation.messages[0].id]])
    return message_id(operation.messages[0])


def _text(asked: ReplyRequest, realm: Realm) -> str:
    canned = realm.policies.conversations.canned
    if (asked.text is None) == (asked.canned is None):
        raise refuse("missing_field" if asked.text is None else "ambiguous_field", "give text or canned", "/text")
    if asked.canned is None:
        assert asked.text is not None
        return asked.text
    if asked.canned not in canned:
        known = ", ".join(canned) or "there are none"
        detail = f"{asked.canned!r} is not one of the prepared answers: {known}.{did_you_mean(asked.canned, canned)}"
        raise refuse("unknown_canned", detail, "/canned")
    return canned[asked.canned]


async def assign(request: Request) -> ConversationView:
    asked: AssignRequest = request.body
    await _change(request).assign(request.place["id"], asked.team, asked.agent)
    return await _after(request)


async def note(request: Request) -> ConversationView:
    asked: NoteRequest = request.body
    await _change(request).note(request.place["id"], asked.text, asked.agent)
    return await _after(request)


async def tag(request: Request) -> ConversationView:
    asked: TagsRequest = request.body
    await _change(request).tag(request.place["id"], asked.add, asked.remove)
    return await _after(request)


async def close(request: Request) -> ConversationView:
    await _change(request).move(request.place["id"], CLOSED)
    return await _after(request)


async def reopen(request: Request) -> ConversationView:
    await _change(request).move(request.place["id"], OPEN)
    return await _after(request)


async def _after(request: Request) -> ConversationView:
    return (await _find(request))[1]


def _realm(request: Request) -> Realm:
    return request.context.snapshot().realms[request.client.environment]


def _change(request: Request) -> Change:
    return Change(request.context.ledger, _realm(request), request.actor, request.now)


_READ: Final = "messages:read"
_MANAGE: Final = "conversations:manage"
_ONE: Final = "/v1/conversations/{id}"
ROUTES: Final = (
    Route(
        *("GET", "/v1/conversations", search, _READ),
        query=ConversationQuery,
        answer=ConversationPage,
        summary="List conversations",
    ),
    Route("GET", _ONE, show, _READ, query=TimelineQuery, answer=ConversationDetail, summary="Show a conversation"),
    Route(
        *("POST", f"{_ONE}/reply", reply, _MANAGE),
        is_idempotent=True,
        body=ReplyRequest,
        answer=Replied,
        status=202,
        summary="Answer in a conversation",
    ),
    Route(
        *("POST", f"{_ONE}/assign", assign, _MANAGE),
        body=AssignRequest,
        answer=ConversationView,
        summary="Give a conversation to a team or an agent",
    ),
    Route(
        *("POST", f"{_ONE}/notes", note, _MANAGE),
        body=NoteRequest,
        answer=ConversationView,
        status=201,
        summary="Note something",
    ),
    Route(
        *("POST", f"{_ONE}/tags", tag, _MANAGE),
        body=TagsRequest,
        answer=ConversationView,
        summary="Tag a conversation",
    ),
    Route("POST", f"{_ONE}/close", close, _MANAGE, answer=ConversationView, summary="Close a conversation"),
    Route("POST", f"{_ONE}/open", reopen, _MANAGE, answer=ConversationView, summary="Open a conversation"),
)
