"""A preview: how a text would go over the air, what stands in the way of fewer parts, and what carriers may filter."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.lint import Finding
from heliograph.core.message import LANES
from heliograph.core.segments import Forcing, Segment, forbidden, normalise, split
from heliograph.core.smart import smart
from heliograph.engine import content


class SegmentsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A text to look at."""

    text: Annotated[str, Meta(min_length=1, max_length=20_000)]
    smart_encoding: bool = False
    kind: str = "transactional"
    country: Annotated[str, Meta(description="Where it is to go: GB; some have content rules of their own.")] = ""
    sender: Annotated[str | None, Meta(description="Who it is to come from; left out: the default sender.")] = None
    national: list[str] = []
    reference_bits: int = 8


class Replacement(msgspec.Struct):
    """What smart encoding put in another's place."""

    position: int
    character: str
    replacement: str


class Preview(msgspec.Struct):
    """The text as it would be sent."""

    text: str
    encoding: str
    segments: int
    units: int
    units_left: int
    parts: list[Segment]
    forced_by: list[Forcing]
    replaced: list[Replacement]
    allowed_segments: int
    within_budget: bool
    findings: list[Finding]
    within_content_rules: bool


async def preview(request: Request) -> Preview:
    asked: SegmentsRequest = request.body
    text = normalise(asked.text)
    if bad := forbidden(text):
        position, character = bad[0]
        raise refuse("forbidden_character", f"U+{ord(character):04X} at position {position} can't be sent", "/text")
    if asked.kind not in LANES:
        detail = f"{asked.kind[:40]!r} is not a kind; the kinds are {', '.join(LANES)}"
        raise refuse("unknown_kind", detail, "/kind")
    if asked.reference_bits not in (8, 16):
        raise refuse("bad_value", "reference_bits is 8 or 16", "/reference_bits")
    made = smart(text) if asked.smart_encoding else None
    text = made.text if made else text
    try:
        found = split(text, reference_bits=asked.reference_bits, national=tuple(asked.national))
    except KeyError as error:
        raise refuse("bad_value", f"{error} has no tables of its own", "/national") from None
    realm = request.context.snapshot().realms[request.client.environment]
    limit = realm.rules.budget.limit(asked.kind, None)
    findings = content.findings(realm.content, realm.rules, text, asked.kind, asked.country, asked.sender)
    return Preview(
        text=text,
        encoding=found.encoding,
        segments=len(found.segments),
        units=found.units,
        units_left=found.units_left,
        parts=list(found.segments),
        forced_by=list(found.forced_by),
        replaced=[Replacement(r.position, r.original, r.replacement) for r in made.replaced] if made else [],
        allowed_segments=limit,
        within_budget=len(found.segments) <= limit,
        findings=list(findings),
        within_content_rules=realm.content.refused(asked.kind, findings) is None,
    )


ROUTES: Final = (
    Route(
        "POST", "/v1/segments", preview, None, body=SegmentsRequest, answer=Preview, summary="Preview a text's parts"
    ),
)
