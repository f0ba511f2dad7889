"""What SMS.to's interface has beside `/sms/send`: how messages and campaigns stand, costs, what is left."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.api.dropin import SmsToRequest, in_our_words
from heliograph.api.reading import find, where
from heliograph.api.routes import Request, Route, not_found
from heliograph.api.shape import Shape
from heliograph.core import ids
from heliograph.core.charges import written
from heliograph.core.failures import Refusal, Refused
from heliograph.core.message import Message
from heliograph.core.views import has_code, message_id, moment
from heliograph.engine.notify.request import SMSTO_STATUS
from heliograph.engine.usage import usages
from heliograph.store import reads

_JSON: Final = b"application/json"
_WORDS: Final = {"sending": "ONGOING"}


class SmsToError(msgspec.Struct):
    """What is wrong, as SMS.to says it."""

    success: bool
    message: str


class SmsToMessage(msgspec.Struct, rename={"id": "_id"}):
    """How a message stands."""

    id: str
    to: str
    sender_id: str | None
    message: str | None
    status: str
    sms_count: int
    cost: float | None
    created_at: str
    updated_at: str
    failed_reason: str | None


class SmsToPage(msgspec.Struct):
    """Messages, the newest first."""

    data: list[SmsToMessage]
    current_page: int
    per_page: int


class SmsToCampaign(msgspec.Struct, rename={"id": "_id"}):
    """How the messages of a campaign stand."""

    id: str
    status: str
    total: int
    states: dict[str, int]


class SmsToEstimate(msgspec.Struct):
    """What messages would cost."""

    success: bool
    sms_count: int
    contact_count: int
    invalid_count: int
    estimated_cost: float
    currency: str | None


class SmsToBalance(msgspec.Struct):
    """What the tightest budget of money has left; null: there is none."""

    balance: float | None
    currency: str | None


class PageQuery(msgspec.Struct, kw_only=True):
    """Which page."""

    page: Annotated[int, Meta(ge=1, le=100)] = 1
    per_page: Annotated[int, Meta(ge=1, le=100)] = 20


def tell(refusals: Sequence[Refusal], request_id: str) -> tuple[int, bytes, bytes]:
    first = refusals[0]
    status = 400 if first.status == 422 else first.status
    return status, _JSON, msgspec.json.encode(SmsToError(False, first.detail))


SHAPE: Final = Shape(tell=tell, problem=SmsToError)


def _view(m: Message) -> SmsToMessage:
    return SmsToMessage(
        message_id(m),
        m.to,
        m.sender,
        None if has_code(m) else m.text,
        _WORDS.get(m.state) or SMSTO_STATUS[f"message.{m.state}"],
        m.segments,
        None if m.price is None else float(m.price),
        _second(m.accepted_at),
        _second(m.updated_at),
        m.failure_code or m.failure,
    )


def _second(at_ms: int) -> str:
    return moment(at_ms)[:19].replace("T", " ")


async def show(request: Request) -> SmsToMessage:
    return _view(await find(request, request.place["id"]))


async def last(request: Request) -> SmsToMessage:
    found = await reads.list_messages(request.context.ledger, where(request), reads.MessageFilter(), 1)
    if not found:
        raise not_found("message", "last")
    return _view(found[0])


async def list_messages(request: Request) -> SmsToPage:
    query: PageQuery = request.query
    size, before = query.per_page, (query.page - 1) * query.per_page
    found = await reads.list_messages(request.context.ledger, where(request), reads.MessageFilter(), before + size)
    return SmsToPage([_view(message) for message in found[before:]], query.page, size)


async def campaign(request: Request) -> SmsToCampaign:
    public_id = request.place["id"]
    place = ids.parse("bat", public_id)
    states = await reads.batch_states(request.context.ledger, where(request), place[1]) if place else {}
    if not states:
        raise not_found("campaign", public_id)
    is_open = states.keys() & {"accepted", "scheduled", "queued", "sending"}
    words: dict[str, int] = {}
    for state, count in states.items():
        word = _WORDS.get(state) or SMSTO_STATUS[f"message.{state}"]
        words[word] = words.get(word, 0) + count
    return SmsToCampaign(public_id, "ONGOING" if is_open else "SENT", sum(states.values()), words)


async def estimate(request: Request) -> SmsToEstimate:
    """What would happen; nothing is kept or sent."""
    wanted = in_our_words(request.body)
    if isinstance(wanted, Refusal):
        raise Refused(wanted)
    for one in wanted:
        one.dry_run = True
    drafts = [request.context.intake.draft(request.call.caller, one, request.now) for one in wanted]
    good = [draft.message for draft in drafts if not isinstance(draft, Refusal)]
    if not good:
        raise Refused(*[draft for draft in drafts if isinstance(draft, Refusal)])
    cost = sum(Decimal(message.price or "0") for message in good)
    parts = sum(message.segments for message in good)
    return SmsToEstimate(True, parts, len(good), len(drafts) - len(good), float(cost), good[0].currency)


async def balance(request: Request) -> SmsToBalance:
    context = request.context
    realm = context.snapshot().realms[request.client.environment]
    for usage in await usages(context.ledger, realm, context.budgets, request.now):  # the fullest first
        if usage.measure == "spend":
            left: Any = written(usage.measure, max(0, usage.most - usage.used))
            return SmsToBalance(float(left), usage.budget.currency)
    return SmsToBalance(None, None)


_READ: Final = "messages:read"
ROUTES: Final = (
    Route(
        *("GET", "/message/{id}", show, _READ),
        answer=SmsToMessage,
        summary="Show a message, in the shape of SMS.to",
        shape=SHAPE,
    ),
    Route(
        *("GET", "/last/message", last, _READ),
        answer=SmsToMessage,
        summary="Show the newest message, in the shape of SMS.to",
        shape=SHAPE,
    ),
    Route(
        *("GET", "/messages", list_messages, _READ),
        query=PageQuery,
        answer=SmsToPage,
        summary="List messages, in the shape of SMS.to",
        shape=SHAPE,
    ),
    Route(
        *("GET", "/campaigns/{id}", campaign, _READ),
        answer=SmsToCampaign,
        summary="Show a campaign, in the shape of SMS.to",
        shape=SHAPE,
    ),
    Route(
        *("POST", "/sms/estimate", estimate, "messages:send"),
        body=SmsToRequest,
        answer=SmsToEstimate,
        summary="Ask what messages cost, in the shape of SMS.to",
        shape=SHAPE,
    ),
    Route(
        *("GET", "/api/balance", balance, "analytics:read"),
        answer=SmsToBalance,
        summary="Ask what budgets have left, in the shape of SMS.to",
        shape=SHAPE,
    ),
)
