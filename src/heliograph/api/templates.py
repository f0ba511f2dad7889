"""Message templates: declared, previewed, handed in, approved, retired; exported and read in again."""

from asyncio import to_thread
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, not_found, refuse
from heliograph.core import templates as core
from heliograph.core.failures import Refused
from heliograph.core.numbers import is_country
from heliograph.core.templates import Place, Sizes, Spec, Template
from heliograph.core.views import moment
from heliograph.engine import declare
from heliograph.engine.declare import Change
from heliograph.engine.declared import Realm
from heliograph.engine.templates import deciding, look, versions
from heliograph.engine.templates.look import TextPreview
from heliograph.engine.templates.versions import Version


class Step(msgspec.Struct):
    """Who took a version a step further, and when."""

    by: str
    at: str


class VersionView(msgspec.Struct):
    """One version: its content never changes."""

    version: int
    state: str
    written: Step
    submitted: Step | None
    approved: Step | None
    retired: Step | None
    acknowledged: str | None
    spec: Spec


class Summary(msgspec.Struct):
    """A template in a list."""

    name: str
    kind: str
    topic: str | None
    owner: str
    locales: list[str]
    version: int
    state: str
    approved_version: int | None
    review_by: str | None


class SummaryList(msgspec.Struct):
    """The templates of the workspace."""

    data: list[Summary]


class TemplateView(Summary):
    """A template with its versions, the newest first, and what the texts of the newest take."""

    sizes: list[Sizes]
    versions: list[VersionView]


class Document(msgspec.Struct, forbid_unknown_fields=True):
    """Templates as in a file, by their names."""

    templates: dict[str, dict[str, Any]]


class ImportRequest(Document, forbid_unknown_fields=True):
    """The same, to be declared."""

    dry_run: bool = False


class Changes(msgspec.Struct):
    """What was done to each template."""

    data: list[Change]


class VersionRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Which version is meant; left out: the newest."""

    version: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class ApproveRequest(VersionRequest, forbid_unknown_fields=True):
    """The same; `acknowledge` says why it may be longer than its budget."""

    acknowledge: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


class PreviewRequest(VersionRequest, forbid_unknown_fields=True):
    """With which values, in which language, to which country; left out: the examples, every text."""

    variables: dict[str, str] | None = None
    locale: str | None = None
    country: str = ""
    sender: str | None = None


class PreviewList(msgspec.Struct):
    """The texts of one version as they would be sent."""

    version: int
    data: list[TextPreview]


# -- reading


async def list_templates(request: Request) -> SummaryList:
    found = await versions.of_workspace(request.context.ledger, request.client.workspace)
    return SummaryList([Summary(**_facts(own)) for own in versions.by_name(found).values()])


async def show(request: Request) -> TemplateView:
    return await _view(request, request.place["name"])


async def _view(request: Request, name: str) -> TemplateView:
    own = await _versions(request, name)
    return TemplateView(
        **_facts(own),
        sizes=await to_thread(_sizes, own[0].template),
        versions=[_shown(version) for version in own],
    )


def _sizes(template: Template) -> list[Sizes]:
    return [core.sizes(template, place) for place in sorted(template.texts)]


async def _versions(request: Request, name: str) -> list[Version]:
    found = await versions.of_template(request.context.ledger, request.client.workspace, name)
    if not found:
        raise not_found("template", name)
    return found


async def _version(request: Request, asked: VersionRequest) -> Version:
    """The version that is asked for, or the newest."""
    name = request.place["name"]
    for one in await _versions(request, name):
        if asked.version in (None, one.version):
            return one
    raise not_found("template", f"{name}@{asked.version}")


def _facts(own: list[Version]) -> dict[str, Any]:
    """What a list shows of a template, of its versions, the newest first."""
    newest, spec = own[0], own[0].template.spec
    approved = next((version.version for version in own if version.state == versions.APPROVED), None)
    return {
        "name": newest.name,
        "kind": spec.kind,
        "topic": spec.topic,
        "owner": spec.owner,
        "locales": sorted(spec.texts),
        "version": newest.version,
        "state": newest.state,
        "approved_version": approved,
        "review_by": spec.review_by,
    }


def _shown(version: Version) -> VersionView:
    return VersionView(
        version.version,
        version.state,
        Step(version.written_by, moment(version.written_at)),
        _step(version.submitted_by, version.submitted_at),
        _step(version.approved_by, version.approved_at),
        _step(version.retired_by, version.retired_at),
        version.acknowledged,
        version.template.spec,
    )


def _step(by: str | None, at: int | None) -> Step | None:
    return None if by is None or at is None else Step(by, moment(at))


async def export(request: Request) -> Document:
    return Document(await versions.document(request.context.ledger, request.client.workspace))


# -- writing


async def put(request: Request) -> TemplateView:
    name = request.place["name"]
    await _declare(request, {name: msgspec.to_builtins(request.body)}, f"/templates/{name}")
    return await _view(request, name)


async def read_in(request: Request) -> Changes:
    asked: ImportRequest = request.body
    return Changes(await _declare(request, asked.templates, "", dry_run=asked.dry_run))


async def _declare(
    request: Request, templates: dict[str, dict[str, Any]], prefix: str, *, dry_run: bool = False
) -> list[Change]:
    """As `heliograph apply` would; pointers are those of the body, without the prefix."""
    try:
        changes = await declare.apply(
            request.context.ledger,
            {"templates": templates},
            request.context.tools,
            actor=request.actor,
            now=request.now,
            workspace=request.client.workspace_name,
            dry_run=dry_run,
        )
    except Refused as refused:
        raise Refused(
            *(msgspec.structs.replace(r, pointer=r.pointer.removeprefix(prefix)) for r in refused.refusals)
        ) from None
    await request.context.reload()
    return changes


async def remove(request: Request) -> Changes:
    await _may_decide(request)
    name, client = request.place["name"], request.client
    if not await declare.remove(
        request.context.ledger, client.workspace, "template", name, actor=request.actor, now=request.now
    ):
        raise not_found("template", name)
    await request.context.reload()
    return Changes([Change("template", name, client.workspace_name, "removed")])


# -- approval


async def submit(request: Request) -> VersionView:
    asked: VersionRequest = request.body
    return await _done(
        request,
        await versions.submit(
            *(request.context.ledger, request.client.workspace, request.place["name"], asked.version),
            actor=request.actor,
            now=request.now,
        ),
    )


async def approve(request: Request) -> VersionView:
    await _may_decide(request)
    asked: ApproveRequest = request.body
    version, client = await _version(request, asked), request.client
    return await _done(
        request,
        await deciding.approve(
            *(request.context.ledger, client.workspace, version, _realm(request), asked.acknowledge),
            actor=request.actor,
            now=request.now,
        ),
    )


async def retire(request: Request) -> VersionView:
    await _may_decide(request)
    asked: VersionRequest = request.body
    return await _done(
        request,
        await versions.retire(
            *(request.context.ledger, request.client.workspace, request.place["name"], asked.version),
            actor=request.actor,
            now=request.now,
        ),
    )


async def _may_decide(request: Request) -> None:
    """Raises `Refused`."""
    await _versions(request, request.place["name"])
    deciding.refuse_foreign(request.client, request.context.snapshot)


async def _done(request: Request, version: Version) -> VersionView:
    await request.context.reload()
    return _shown(version)


def _realm(request: Request) -> Realm:
    return request.context.snapshot().realms[request.client.environment]


# -- preview


async def preview(request: Request) -> PreviewList:
    asked: PreviewRequest = request.body
    if asked.country and not is_country(asked.country):
        detail = f"{asked.country[:20]!r} is not a country code; give two capital letters, such as GB"
        raise refuse("unknown_country", detail, "/country")
    version = await _version(request, asked)
    places = _places(asked, version)
    return PreviewList(version.version, await to_thread(_previews, asked, version.template, places, _realm(request)))


def _previews(asked: PreviewRequest, template: Template, places: list[Place], realm: Realm) -> list[TextPreview]:
    found = []
    for place in places:
        used = template.texts[place].variables
        values = {name: value for name, value in template.examples.items() if name in used} | (asked.variables or {})
        shown = look.preview(template, place, values, realm, asked.country or place.country, asked.sender)
        if isinstance(shown, list):
            raise Refused(*shown)
        found.append(shown)
    return found


def _places(asked: PreviewRequest, version: Version) -> list[Place]:
    """The texts to show: that of a locale, or all that the country has."""
    template = version.template
    if asked.locale is None:
        places = {template.place(locale, asked.country) for locale in template.locales}
        return sorted(places if asked.country else template.texts)
    locale = core.normalise(asked.locale)
    if locale is None:
        raise refuse("bad_locale", f"{asked.locale[:40]!r} is not a locale, such as pt-BR", "/locale")
    return [template.place(locale, asked.country)]


_READ: Final = ("messages:read", "templates:manage")
_MANAGE: Final = "templates:manage"
_ONE: Final = "/v1/templates/{name}"
ROUTES: Final = (
    Route("GET", "/v1/templates", list_templates, *_READ, answer=SummaryList, summary="List the templates"),
    Route(
        *("POST", "/v1/templates", read_in, _MANAGE),
        body=ImportRequest,
        answer=Changes,
        summary="Read templates in, all or none",
    ),
    Route("GET", "/v1/exports/templates", export, *_READ, answer=Document, summary="The templates as a document"),
    Route("GET", _ONE, show, *_READ, answer=TemplateView, summary="Show a template with its versions"),
    Route("PUT", _ONE, put, _MANAGE, body=Spec, answer=TemplateView, summary="Write a template"),
    Route("DELETE", _ONE, remove, _MANAGE, answer=Changes, summary="Remove a template; its versions are retired"),
    Route(
        *("POST", f"{_ONE}/preview", preview, *_READ),
        body=PreviewRequest,
        answer=PreviewList,
        summary="Preview a template's texts",
    ),
    Route(
        *("POST", f"{_ONE}/submit", submit, _MANAGE),
        body=VersionRequest,
        answer=VersionView,
        summary="Hand a draft in for review",
    ),
    Route(
        *("POST", f"{_ONE}/approve", approve, _MANAGE),
        body=ApproveRequest,
        answer=VersionView,
        summary="Approve a version for live messages",
    ),
    Route(
        *("POST", f"{_ONE}/retire", retire, _MANAGE),
        body=VersionRequest,
        answer=VersionView,
        summary="Retire a version",
    ),
)
