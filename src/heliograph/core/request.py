"""What a caller asks for: one message, in the words of the public API.

`text` may also be called `body` or `message`, `sender` also `from` or `sender_id`: the shapes of the quickstarts that
people already have. Everything else has one name.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.message import LANES
from heliograph.core.plans import PlanStep
from heliograph.core.spans import LONGEST_MS, read_span

LONGEST_VALIDITY_MS: Final = LONGEST_MS
LONGEST_SCHEDULE_MS: Final = 366 * 86_400_000
DEFAULT_VALIDITY_MS: Final = {
    "otp": 600_000,
    "transactional": 86_400_000,
    "support": 86_400_000,
    "promotional": 86_400_000,
}


class MessageRequest(msgspec.Struct, gc=False, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The body of POST /v1/messages, and one item of a batch."""

    to: Annotated[str, Meta(description="The recipient, as in +447400123456; a short code; an e-mail address.")]
    text: Annotated[str | None, Meta(description="What the phone shows.")] = None
    body: Annotated[str | None, Meta(description="Another name of text.")] = None
    message: Annotated[str | None, Meta(description="Another name of text.")] = None
    template: Annotated[str | None, Meta(description="Instead of text: a template, NAME or NAME@VERSION.")] = None
    variables: Annotated[dict[str, str] | None, Meta(description="The values of its variables.")] = None
    locale: Annotated[str | None, Meta(description="In which language it is to be, as in pt-BR.")] = None
    sender: Annotated[str | None, Meta(description="Who it comes from; left out: the default sender.")] = None
    from_: Annotated[str | None, Meta(description="Another name of sender.")] = None
    sender_id: Annotated[str | None, Meta(description="Another name of sender.")] = None
    kind: Annotated[str | None, Meta(description="otp, transactional, support or promotional.")] = None
    channel: Annotated[str | None, Meta(description="sms, email, …; left out: sms.")] = None
    content: Annotated[dict[str, Any] | None, Meta(description="What the channel takes beside the text.")] = None
    plan: Annotated[
        str | list[PlanStep] | None, Meta(description="Several channels, one after the other: a plan's name, or steps.")
    ] = None
    send_at: Annotated[str | None, Meta(description="Not before this time: RFC 3339 with an offset.")] = None
    valid_until: Annotated[str | None, Meta(description="Not after this time.")] = None
    valid_for: Annotated[int | str | None, Meta(description="Not later than so long: seconds, or as in 10m.")] = None
    time_zone: Annotated[str | None, Meta(description="Where the recipient lives, as in Europe/Paris.")] = None
    default_country: Annotated[str | None, Meta(description="Reads national numbers as of this country: GB.")] = None
    encoding: Annotated[str | None, Meta(description="gsm7 or ucs2, to insist on one.")] = None
    smart_encoding: Annotated[bool, Meta(description="Replace what GSM-7 lacks by what looks alike.")] = False
    max_segments: Annotated[int | None, Meta(description="Refuse it when it takes more parts.")] = None
    callback_url: Annotated[str | None, Meta(description="Where its events are told, signed.")] = None
    callback_events: Annotated[list[str] | None, Meta(description="Which of them; left out: all.")] = None
    topic: Annotated[str | None, Meta(description="What it is about, as the consent record knows it: news.")] = None
    tags: Annotated[list[str] | None, Meta(description="Up to 20 words to find it by.")] = None
    metadata: Annotated[dict[str, str] | None, Meta(description="Comes back with its events; up to 4 kB.")] = None
    correlation_id: Annotated[str | None, Meta(description="Your own id of what it belongs to.")] = None
    shorten_links: Annotated[bool | None, Meta(description="Short links for its web addresses, or none.")] = None
    dry_run: Annotated[bool, Meta(description="Say what would happen, and do nothing.")] = False


def only_one(request: MessageRequest, names: tuple[str, ...]) -> str | None | Refusal:
    """The value that stands under one of several names; two different values are refused."""
    given = {name: value for name in names if (value := getattr(request, name)) is not None}
    if len(set(given.values())) > 1:
        shown = " and ".join(name.rstrip("_") for name in given)
        return Refusal("ambiguous_field", f"{shown} are names for the same field; give one of them", f"/{names[0]}")
    return next(iter(given.values()), None)


class Times(msgspec.Struct, frozen=True, gc=False):
    """When a message may go out, and until when."""

    due_at: int
    valid_until: int
    scheduled: bool


def times(request: MessageRequest, now: int, kind: str) -> Times | Refusal:
    """Read send_at, valid_until and valid_for."""
    due_at, scheduled = now, False
    if request.send_at is not None:
        moment = read_time(request.send_at, "/send_at")
        if isinstance(moment, Refusal):
            return moment
        if moment > now + LONGEST_SCHEDULE_MS:
            return Refusal(
                "too_far_ahead", "send_at is more than a year ahead; at most 366 days are possible", "/send_at"
            )
        due_at, scheduled = max(now, moment), moment > now
    valid_until = due_at + DEFAULT_VALIDITY_MS[kind]
    if request.valid_for is not None:
        if request.valid_until is not None:
            return Refusal("ambiguous_field", "give valid_for or valid_until, not both", "/valid_for")
        span = read_span(request.valid_for)
        if isinstance(span, Refusal):
            return span
        valid_until = due_at + span
    elif request.valid_until is not None:
        moment = read_time(request.valid_until, "/valid_until")
        if isinstance(moment, Refusal):
            return moment
        if moment <= due_at:
            return Refusal("already_over", "valid_until must be later than send_at and than now", "/valid_until")
        if moment > due_at + LONGEST_VALIDITY_MS:
            return Refusal("too_long", "a message is valid for at most 7 days after send_at", "/valid_until")
        valid_until = moment
    return Times(due_at, valid_until, scheduled)


def read_time(text: str, pointer: str) -> int | Refusal:
    """An RFC 3339 time with its offset, in milliseconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return Refusal(
            "bad_time", f"{text[:40]!r} is not an RFC 3339 time with an offset, such as 2026-11-20T09:30:00Z", pointer
        )
    try:
        return int(moment.astimezone(UTC).timestamp() * 1000)
    except OverflowError:
        return Refusal("bad_time", f"{text[:40]!r} is out of range", pointer)


def kind_of(request: MessageRequest) -> str | Refusal:
    """The declared use; `transactional` when nothing is said."""
    kind = request.kind
    if kind is None:
        return "transactional"
    if kind in LANES:
        return kind
    return Refusal("unknown_kind", f"{kind[:40]!r} is not a kind; the kinds are {', '.join(LANES)}", "/kind")
