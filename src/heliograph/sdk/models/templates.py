"""What is told of templates."""

from datetime import datetime
from decimal import Decimal

import msgspec

from heliograph.sdk.models.numbers import Finding, Forcing, Segment


class TemplateSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A template in a list."""

    name: str
    kind: str
    topic: str | None = None
    owner: str
    locales: list[str]
    version: int
    state: str
    approved_version: int | None = None
    review_by: str | None = None


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a text longer: a value of a variable that is longer than this, or that brings other characters."""

    variable: str
    longest: int | None = None
    segments: int
    says: str


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that one text of a template takes."""

    locale: str
    country: str
    minimal: int
    typical: int
    maximal: int
    encoding: str
    worst_encoding: str
    forced_by_template: list[Forcing]
    forced_by_variables: list[str]
    limits: list[Limit]


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One variable, as it is declared."""

    example: str
    type: str = "text"
    max_length: int | None = None
    alphabet: str = "gsm7"
    description: str = ""


class TemplateSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A template as it is declared, under `[templates.NAME]`."""

    texts: dict[str, str]
    kind: str = "transactional"
    default_locale: str = "en"
    variables: dict[str, Variable] = {}
    countries: dict[str, dict[str, str]] = {}
    topic: str | None = None
    owner: str = ""
    description: str = ""
    max_segments: int | None = None
    review_by: str | None = None


class TemplateStep(msgspec.Struct, frozen=True, kw_only=True):
    """Who took a version a step further, and when."""

    by: str
    at: datetime


class TemplateVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version: its content never changes."""

    version: int
    state: str
    written: TemplateStep
    submitted: TemplateStep | None = None
    approved: TemplateStep | None = None
    retired: TemplateStep | None = None
    acknowledged: str | None = None
    spec: TemplateSpec


class Template(TemplateSummary, frozen=True, kw_only=True):
    """A template with its versions, the newest first, and what the texts of the newest take."""

    sizes: list[Sizes]
    versions: list[TemplateVersion]


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A text as it goes over the air."""

    encoding: str
    segments: list[Segment]
    units: int
    locking: str | None = None
    single: str | None = None


class TextPreview(msgspec.Struct, frozen=True, kw_only=True):
    """One text of a template as it would be sent."""

    locale: str
    country: str
    text: str
    encoding: str
    segments: int
    parts: Split
    price: Decimal | None = None
    currency: str | None = None
    sizes: Sizes
    allowed_segments: int
    within_budget: bool
    findings: list[Finding]
    within_content_rules: bool


class TemplatePreviews(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of one version as they would be sent."""

    version: int
    data: list[TextPreview]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What declaring did to one object. `secret` is shown this once."""

    kind: str
    name: str
    workspace: str
    action: str
    secret: str | None = None
