"""A preview: how a text would go over the air, and what stands in the way of fewer parts."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.api.routes import Request, Route, refuse
from heliograph.core.budget import Budget
from heliograph.core.segments import Forcing, Segment, forbidden, normalise, split
from heliograph.core.smart import smart


class SegmentsRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A text to look at."""

    text: Annotated[str, Meta(min_length=1, max_length=20_000)]
    smart_encoding: bool = False
    kind: str = "transactional"
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


async def preview(request: Request) -> Preview:
    asked: SegmentsRequest = request.body
    text = normalise(asked.text)
    if bad := forbidden(text):
        position, character = bad[0]
        raise refuse("forbidden_character", f"U+{ord(character):04X} at position {position} can't be sent", "/text")
    if asked.reference_bits not in (8, 16):
        raise refuse("bad_value", "reference_bits is 8 or 16", "/reference_bits")
    made = smart(text) if asked.smart_encoding else None
    text = made.text if made else text
    try:
        found = split(text, reference_bits=asked.reference_bits, national=tuple(asked.national))
    except KeyError as error:
        raise refuse("bad_value", f"{error} has no tables of its own", "/national") from None
    limit = Budget().limit(asked.kind, None)
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
    )


ROUTES: Final = (
    Route(
        "POST", "/v1/segments", preview, None, body=SegmentsRequest, answer=Preview, summary="Preview a text's parts"
    ),
)
