"""How a generic HTTP connector is declared. docs/generic-http.md explains it with whole examples.

Secrets stand at the top, under the names that get sealed; templates name them: {password}.
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from heliograph.carriers.http import provider

Failure: TypeAlias = Literal[
    "permanent", "transient", "throttled", "unauthorised", "content", "unreachable", "opted_out", "unknown"
]
Scalar: TypeAlias = str | int | float | bool
Format: TypeAlias = Literal["query", "form", "json"]
_Status = Annotated[int, Meta(ge=100, le=599)]


class Section(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A table of the settings."""


class Place(Section, kw_only=True, frozen=True):
    """Where something stands: in a field, in what an expression finds, or in what it finds in a field."""

    pointer: str | None = None  # a JSON pointer, or the name of a field
    regex: str | None = None  # its first group, or all that it finds


Where: TypeAlias = str | Place | list[str | Place]  # a string is a pointer; of several places the first that has it


# -- what we send


class Body(Section, kw_only=True, frozen=True):
    """The body of a request: fields, or a template."""

    format: Literal["json", "form", "text", "xml", "none"] = "none"
    fields: dict[str, Any] = {}
    template: str | None = None


class Ucs2(Section, kw_only=True, frozen=True):
    """What stands in place of the request's own query, fields or template when a text is in UCS-2."""

    query: dict[str, Scalar] | None = None
    fields: dict[str, Any] | None = None
    template: str | None = None


class Request(Section, kw_only=True, frozen=True):
    """The request that sends a text. Its strings may hold placeholders."""

    method: Literal["GET", "POST", "PUT"] = "POST"
    url: str  # whole, or from its path on when base_url is set
    headers: dict[str, str] = {}
    query: dict[str, Scalar] = {}
    body: Body = Body()
    ucs2: Ucs2 = Ucs2()


class Auth(Section, kw_only=True, frozen=True):
    """How we prove ourselves."""

    kind: Literal["none", "basic", "bearer", "header", "query", "oauth2"] = "none"
    name: str = ""  # of the header that holds `token`, or the parameter that holds `api_key`


# -- what they answer


class Condition(Section, kw_only=True, frozen=True):
    """Holds when everything does that it names."""

    status: _Status | list[_Status] | None = None
    contains: str | None = None
    regex: str | None = None
    pointer: str | None = None
    equals: Scalar | list[Scalar] | None = None  # what stands at `pointer`, or one of it
    elsewhere: bool = False  # of a refusal: only another carrier or sender can help


class Id(Place, kw_only=True, frozen=True):
    """Where the id of a message stands in an answer."""

    ours: bool = False  # nowhere: our reference is the id


class Answering(Section, kw_only=True, frozen=True):
    """How an answer is read: the kinds of conditions in this order, and of each the first that holds."""

    success: list[Condition] = []
    opted_out: list[Condition] = []
    unauthorised: list[Condition] = []
    throttled: list[Condition] = []
    transient: list[Condition] = []
    permanent: list[Condition] = []
    id: str | Id
    code: Where | None = None
    price: Where | None = None
    price_scale: Annotated[int, Meta(ge=1, le=1_000_000)] = 1  # so many of their units are one of the currency
    currency: Where | None = None
    parts: Where | None = None


class Code(Section, kw_only=True, frozen=True):
    """What a code of theirs means."""

    failure: Failure
    elsewhere: bool = False  # only another carrier or sender can help


# -- what they call us with


class Words(Section, kw_only=True, frozen=True):
    """Their words for what became of a message; capitals make no difference."""

    sent: list[str] = []  # every word that is no end
    delivered: list[str] = []
    read: list[str] = []
    undelivered: list[str] = []
    expired: list[str] = []
    failed: list[str] = []


class Reports(Section, kw_only=True, frozen=True):
    """How their reports on our messages are read."""

    format: Format
    list: str | None = None  # JSON with several reports: where the list stands; "" is the whole body
    id: Where | None = None  # absent: our reference is the id
    ref: Where | None = None  # absent: as it stands in our URL
    status: Where
    code: Where | None = None  # absent, or not there: the word for the status
    price: Where | None = None
    price_scale: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    currency: Where | None = None
    parts: Where | None = None
    words: Words


class Which(Section, kw_only=True, frozen=True):
    """What tells a reply from a report."""

    field: str
    equals: Scalar


class Replies(Section, kw_only=True, frozen=True):
    """How messages from phones are read."""

    format: Format
    list: str | None = None
    sender: Where = msgspec.field(name="from")
    to: Where | None = None
    text: Where
    id: Where | None = None
    time: Where | None = None  # without an id: with the sender, the recipient and the text it tells one from another
    which: Which | None = None  # absent: what has a sender and a text


class Proof(Section, kw_only=True, frozen=True):
    """How they prove themselves."""

    kind: Literal["token", "basic", "hmac"] = "token"  # `callback_token` in our URL; or by `secret`
    username: str = ""  # of basic; its password is `secret`
    header: str = ""  # where the signature stands
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""  # before the signature
    regex: str | None = None  # finds the signature in a header that holds more
    signed: str = "{body}"
    timestamp_header: str = ""  # where the signed time stands, in seconds
    timestamp_regex: str | None = None
    within_s: Annotated[int, Meta(ge=1, le=604_800)] = 300  # so far the signed time may be from ours


class OwnAnswer(Section, kw_only=True, frozen=True):
    """What they want to hear when they have called."""

    status: Annotated[int, Meta(ge=200, le=299)] = 200
    media_type: Annotated[str, Meta(pattern=r"\A[!-~]+/[ -~]+\Z")] = "text/plain"
    body: str = ""


class Limits(Section, kw_only=True, frozen=True):
    """What they take."""

    max_length: Annotated[int, Meta(ge=1, le=100_000)] | None = None  # characters of a text


class Settings(provider.WithTokens, kw_only=True):
    """A connector that is declared, not written."""

    request: Request
    auth: Auth = Auth()
    username: str | None = None
    password: str | None = None
    token: str | None = None
    api_key: str | None = None
    secret: str | None = None  # of their signatures, or the password that they call us with
    answer: Answering
    codes: dict[str, Failure | Code] = msgspec.field(
        default_factory=dict
    )  # of answers and reports; capitals make no difference
    callback: Reports | None = None
    inbound: Replies | None = None
    proof: Proof = Proof()
    own_answer: OwnAnswer = OwnAnswer()
    limits: Limits = Limits()
    currency_of_account: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")] | None = None  # of prices that come without one
