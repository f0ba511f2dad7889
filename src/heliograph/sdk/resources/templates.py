"""Templates: written, reviewed, approved."""

from typing import Required, TypedDict, Unpack

from heliograph.sdk.asking import D, Resource, asks
from heliograph.sdk.exchange import Ask, at, given
from heliograph.sdk.models import Page
from heliograph.sdk.models.templates import Change, Template, TemplatePreviews, TemplateSummary, TemplateVersion


class VariableFields(TypedDict, total=False):
    """One variable of a template."""

    example: Required[str]
    type: str
    max_length: int
    alphabet: str
    description: str


class TemplateFields(TypedDict, total=False):
    """What a template says beyond its texts."""

    kind: str
    default_locale: str
    variables: dict[str, VariableFields]
    countries: dict[str, dict[str, str]]
    topic: str
    owner: str
    description: str
    max_segments: int
    review_by: str


class PreviewFields(TypedDict, total=False):
    """With which values, in which language, to which country; left out: the examples, every text."""

    version: int
    variables: dict[str, str]
    locale: str
    country: str
    sender: str


class Templates(Resource[D]):
    """One template each, by its name."""

    @asks
    def list(self) -> Ask[Page[TemplateSummary]]:
        """All templates."""
        return Ask("GET", at("templates"), Page[TemplateSummary])

    @asks
    def get(self, name: str) -> Ask[Template]:
        """A template with its versions."""
        return Ask("GET", at("templates", name), Template)

    @asks
    def write(self, name: str, texts: dict[str, str], **more: Unpack[TemplateFields]) -> Ask[Template]:
        """Write a template: its texts by language. What it was before stays, as a version."""
        return Ask("PUT", at("templates", name), Template, body={"texts": texts, **more})

    @asks
    def delete(self, name: str) -> Ask[Page[Change]]:
        """Remove a template; its versions are retired."""
        return Ask("DELETE", at("templates", name), Page[Change])

    @asks
    def preview(self, name: str, **more: Unpack[PreviewFields]) -> Ask[TemplatePreviews]:
        """Its texts as they would be sent."""
        return Ask("POST", at("templates", name, "preview"), TemplatePreviews, body=more)

    @asks
    def submit(self, name: str, *, version: int | None = None) -> Ask[TemplateVersion]:
        """Hand a draft in for review; left out: the newest."""
        return Ask("POST", at("templates", name, "submit"), TemplateVersion, body=given(version=version))

    @asks
    def approve(self, name: str, *, version: int | None = None, acknowledge: str | None = None) -> Ask[TemplateVersion]:
        """Approve a version for live messages. `acknowledge`: why it may be longer than its budget."""
        body = given(version=version, acknowledge=acknowledge)
        return Ask("POST", at("templates", name, "approve"), TemplateVersion, body=body)

    @asks
    def retire(self, name: str, *, version: int | None = None) -> Ask[TemplateVersion]:
        """Retire a version."""
        return Ask("POST", at("templates", name, "retire"), TemplateVersion, body=given(version=version))
