"""What people said, what holds for them, and the proof of it."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core import consent
from heliograph.core.failures import Refusal, Refused
from heliograph.core.request import read_time
from heliograph.core.views import moment
from heliograph.engine.declared import OPERATOR
from heliograph.engine.people import files, lists, proof, record, saying
from heliograph.engine.people.files import Report
from heliograph.engine.people.lists import Review, Suppressed
from heliograph.engine.people.names import EVERYBODY
from heliograph.engine.people.proof import Proof
from heliograph.engine.people.record import Recorded, Said
from heliograph.engine.people.rulings import may_send
from heliograph.engine.people.scopes import address_of, scope_of

_Word = Annotated[str, Meta(min_length=1, max_length=64)]
_Text = Annotated[str, Meta(max_length=10_000)]
_Agent = Annotated[str, Meta(max_length=512)]
_CLOCKS_DIFFER_MS: Final = 300_000  # a no is not refused because a caller's clock is fast
_Action = Literal["opt_in", "confirmed", "opt_out", "help", "doubt", "dismissed"]


class ConsentRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a person said, or what is known of what they want: whose, what about, and how it came about."""

    to: Annotated[str, Meta(description="A number, or an e-mail address.")]
    action: _Action
    purpose: Annotated[str | None, Meta(description="all, promotional, transactional, otp, or a topic.")] = None
    sender: Annotated[_Word | None, Meta(description="Only messages from this sender.")] = None
    source: Annotated[_Word, Meta(description="web_form, keyword, paper, verbal, double_opt_in, operator …")] = "api"
    channel: _Word | None = None
    language: _Word | None = None
    text: Annotated[_Text | None, Meta(description="As it was shown, or as they wrote it.")] = None
    text_version: _Word | None = None
    ip: _Word | None = None
    user_agent: _Agent | None = None
    message: Annotated[_Word | None, Meta(description="The id of the message that carried it.")] = None
    at: Annotated[str | None, Meta(description="When it was said; left out: now.")] = None
    until: Annotated[str | None, Meta(description="When an implied consent ends.")] = None
    detail: dict[str, str] = {}
    everywhere: Annotated[bool, Meta(description="Of all workspaces; for the operator.")] = False


class StanceView(msgspec.Struct):
    """What holds for one scope."""

    scope: str
    opted_in_at: str | None
    confirmed_at: str | None
    until: str | None
    opted_out_at: str | None
    firm: bool
    in_review_since: str | None


class Standing(msgspec.Struct):
    """What holds for a person, and all that was recorded. `may_send`: by kind, `yes` or why not."""

    to: str
    may_send: dict[str, str]
    stances: list[StanceView]
    data: list[Recorded]


class ToQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Whose."""

    to: str


class ProofQuery(ToQuery, forbid_unknown_fields=True):
    """Whose, and for whom it is made."""

    format: Literal["json", "html"] = "json"


class PageQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where to read on."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 100


class SuppressedPage(msgspec.Struct):
    """A page of those who said no, by address."""

    data: list[Suppressed]
    next_cursor: str | None


class ReviewPage(msgspec.Struct):
    """A page of what waits for review, the oldest first."""

    data: list[Review]


class ConsentFile(msgspec.Struct, forbid_unknown_fields=True):
    """Entries as CSV, the columns named in its first line; `to` is needed."""

    csv: str


class ImportQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What lines mean that name no action, and whether to only report."""

    action: _Action | None = None
    dry_run: bool = False
    is_foreign: Annotated[bool, Meta(description="A list of opt-outs of another gateway, or plain numbers.")] = False


def _address(request: Request, text: str, status: int = 422) -> str:
    found = address_of(text, request.client.default_country)
    if isinstance(found, Refusal):
        raise Refused(msgspec.structs.replace(found, status=status))
    return found


async def add(request: Request) -> Standing:
    """Record it; what is answered holds. After an opt-out nothing that it covers reaches a carrier any more."""
    asked: ConsentRequest = request.body
    said = _said(request, asked)
    workspace = _whose(request, asked)
    client, context = request.client, request.context
    snapshot = context.snapshot()
    concerned = snapshot.workspaces.values() if workspace == EVERYBODY else [workspace]
    await saying.say(
        *(context.ledger, context.clock, workspace, client.environment, said, concerned),
        actor=request.actor,
        now=request.now,
    )
    return await _standing(request, said.address)


def _whose(request: Request, asked: ConsentRequest) -> int:
    if not asked.everywhere:
        return request.client.workspace
    if not request.client.is_operator:
        raise refuse("foreign_workspace", f"only keys of the workspace {OPERATOR!r} may do that", "/everywhere", 403)
    return EVERYBODY


def _said(request: Request, asked: ConsentRequest) -> Said:
    scope = scope_of(asked.purpose, asked.sender)
    at = request.now if asked.at is None else read_time(asked.at, "/at")
    until = None if asked.until is None else read_time(asked.until, "/until")
    for found in (scope, at, until):
        if isinstance(found, Refusal):
            raise Refused(found)
    assert isinstance(scope, str) and isinstance(at, int) and not isinstance(until, Refusal)
    if at > request.now + _CLOCKS_DIFFER_MS:
        raise refuse("bad_time", "what was said can't have been said in the future", "/at")
    if len(msgspec.json.encode(asked.detail)) > 4_096:
        raise refuse("metadata_too_large", "detail may take 4 kB as JSON", "/detail")
    source = "operator" if asked.everywhere and asked.source == "api" else asked.source
    if asked.everywhere and source not in consent.FIRM:
        allowed = ", ".join(sorted(consent.FIRM))
        raise refuse("bad_value", f"what is said of all workspaces has one of the sources {allowed}", "/source")
    return Said(
        address=_address(request, asked.to),
        action=asked.action,
        scope=scope,
        source=source,
        at=min(at, request.now),
        channel=asked.channel,
        language=asked.language,
        text=asked.text,
        text_version=asked.text_version,
        ip=asked.ip,
        user_agent=asked.user_agent,
        message=asked.message,
        detail=asked.detail,
        until=until,
    )


async def show(request: Request) -> Standing:
    return await _standing(request, _address(request, request.query.to, 400))


async def _standing(request: Request, address: str) -> Standing:
    ledger, client = request.context.ledger, request.client
    stances = await record.stances_of(ledger, client.workspace, address)
    views = [
        StanceView(
            one.scope,
            *(_maybe(one.given_at), _maybe(one.confirmed_at), _maybe(one.until), _maybe(one.out_at)),
            bool(one.firm),
            _maybe(one.doubt_at),
        )
        for one in stances
    ]
    data = await record.history(ledger, client.workspace, address)
    return Standing(address, await _may_send(request, address), views, data)


async def _may_send(request: Request, address: str) -> dict[str, str]:
    client, rules = request.client, request.context.snapshot().consent
    return await may_send(request.context.ledger, rules, client.workspace, client.environment, address, request.now)


def _maybe(at: int | None) -> str | None:
    return None if at is None else moment(at)


async def prove(request: Request) -> bytes:
    address = _address(request, request.query.to, 400)
    client = request.client
    made = await proof.hand_out(
        request.context.ledger,
        client.workspace,
        client.workspace_name,
        address,
        await _may_send(request, address),
        actor=request.actor,
        now=request.now,
    )
    if request.query.format == "json":
        return msgspec.json.encode(made)
    request.call.headers[0] = (b"content-type", b"text/html; charset=utf-8")
    request.call.headers.append((b"content-disposition", b'attachment; filename="consent.html"'))
    return proof.page(made)


async def suppressed(request: Request) -> SuppressedPage:
    query: PageQuery = request.query
    return SuppressedPage(
        *await lists.suppressed(request.context.ledger, request.client.workspace, query.cursor, query.limit)
    )


async def export(request: Request) -> bytes:
    content = await lists.export(request.context.ledger, request.client.workspace, actor=request.actor, now=request.now)
    request.call.headers[0] = (b"content-type", b"text/csv; charset=utf-8")
    request.call.headers.append((b"content-disposition", b'attachment; filename="suppressions.csv"'))
    return content


async def read_in(request: Request) -> Report:
    client, query = request.client, request.query
    report = await files.read_in(
        request.context.ledger,
        client.workspace,
        client.environment,
        request.body.csv,
        action=query.action,
        default_country=client.default_country,
        dry_run=query.dry_run,
        actor=request.actor,
        now=request.now,
        is_foreign=query.is_foreign,
    )
    if isinstance(report, Refusal):
        raise Refused(report)
    return report


async def reviews(request: Request) -> ReviewPage:
    return ReviewPage(await lists.reviews(request.context.ledger, request.client.workspace))


_MANAGE: Final = "consent:manage"
ROUTES: Final = (
    Route(
        *("POST", "/v1/consents", add, _MANAGE),
        body=ConsentRequest,
        answer=Standing,
        status=201,
        summary="Record an opt-in or opt-out",
    ),
    Route("GET", "/v1/consents", show, _MANAGE, query=ToQuery, answer=Standing, summary="What holds for a person"),
    Route(
        *("GET", "/v1/consents/proof", prove, _MANAGE),
        query=ProofQuery,
        answer=Proof,
        files=("text/html",),
        summary="The proof of a person's consent",
    ),
    Route("GET", "/v1/consents/reviews", reviews, _MANAGE, answer=ReviewPage, summary="What may be an opt-out"),
    Route(
        *("POST", "/v1/consents/import", read_in, _MANAGE),
        body=ConsentFile,
        text=("text/csv", "csv"),
        query=ImportQuery,
        answer=Report,
        summary="Read consents or opt-outs from CSV",
    ),
    Route(
        *("GET", "/v1/suppressions", suppressed, _MANAGE),
        query=PageQuery,
        answer=SuppressedPage,
        summary="Who said no",
    ),
    Route(
        *("GET", "/v1/suppressions/export", export, _MANAGE),
        files=("text/csv",),
        summary="Who said no, as CSV",
    ),
)
