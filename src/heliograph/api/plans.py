"""Message plans: begun by POST /v1/messages with a `plan`; here is what became of them."""

import asyncio
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.call import Call
from heliograph.api.routes import Request, Route, refuse
from heliograph.core import ids
from heliograph.core.failures import Refusal, Refused
from heliograph.core.plans import STATES
from heliograph.core.request import MessageRequest, read_time
from heliograph.ports import Unavailable
from heliograph.products.plans.outcomes import Outcome, outcomes, page
from heliograph.products.plans.rows import RunView

_MONTH_MS: Final = 30 * 86_400_000
_encode: Final = msgspec.json.Encoder().encode
_tasks: Final[set[asyncio.Task[None]]] = set()


class RunQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a list of runs is narrowed to."""

    plan: str | None = None
    status: str | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class RunPage(msgspec.Struct):
    """Runs, the newest first."""

    data: list[RunView]
    next_cursor: str | None


class OutcomeQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which runs count. `since`: left out, those of the last 30 days."""

    plan: str | None = None
    since: str | None = None


class OutcomeList(msgspec.Struct):
    """By channel, the one that reaches most people first."""

    data: list[Outcome]


def begin(call: Call, request: MessageRequest) -> None:
    """A message with a plan: its run is what is answered."""

    async def answer() -> None:
        try:
            if request.dry_run:
                call.answer(200, _encode(await call.context.plans.rehearse(call.caller, request)))
            else:
                call.answer(
                    202, _encode(await call.context.plans.begin(call.caller, request, call.idempotency("plan")))
                )
        except Refused as refused:
            call.refuse(*refused.refusals)
        except Unavailable:
            detail = "the ledger can't be reached; nothing was kept: try again in a moment"
            call.refuse(Refusal("ledger_unavailable", detail, status=503))
        except Exception as error:  # the edge of a request: it gets an answer, the log gets the rest
            call.broke(error)

    task = asyncio.ensure_future(answer())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _where(request: Request) -> tuple[int, int]:
    return request.client.workspace, request.client.environment


async def show(request: Request) -> RunView:
    return await request.context.plans.show(_where(request), request.place["id"])


async def cancel(request: Request) -> RunView:
    return await request.context.plans.stop_run(_where(request), request.place["id"], request.actor)


async def search(request: Request) -> RunPage:
    query: RunQuery = request.query
    if query.status is not None and query.status not in STATES:
        detail = f"{query.status[:40]!r} is no state of a run; there are {', '.join(STATES)}"
        raise refuse("unknown_state", detail, "/status", 400)
    place = ids.parse("cur", query.cursor) if query.cursor is not None else (0, 1 << 62)
    if place is None:
        raise refuse("bad_cursor", "give next_cursor of the page before, unchanged", "/cursor", 400)
    data, below = await page(
        request.context.ledger,
        _where(request),
        plan=query.plan,
        state=query.status,
        below=place[1],
        limit=query.limit,
    )
    return RunPage(data, None if below is None else ids.make("cur", 0, below))


async def compare(request: Request) -> OutcomeList:
    query: OutcomeQuery = request.query
    since = request.now - _MONTH_MS if query.since is None else read_time(query.since, "/since")
    if isinstance(since, Refusal):
        raise Refused(msgspec.structs.replace(since, status=400))
    return OutcomeList(await outcomes(request.context.ledger, _where(request), query.plan, since))


_ONE: Final = "/v1/plans/runs/{id}"
ROUTES: Final = (
    Route(
        *("GET", "/v1/plans/runs", search, "messages:read"),
        query=RunQuery,
        answer=RunPage,
        summary="List runs of plans",
    ),
    Route("GET", _ONE, show, "messages:read", answer=RunView, summary="Show what became of a plan"),
    Route("POST", f"{_ONE}/cancel", cancel, "messages:send", answer=RunView, summary="Begin no further step"),
    Route(
        *("GET", "/v1/plans/outcomes", compare, "messages:read"),
        query=OutcomeQuery,
        answer=OutcomeList,
        summary="Compare channels by what came of plans",
    ),
)
