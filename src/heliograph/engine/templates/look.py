"""What a version's texts come to: parts, encoding, cost and findings, and what stands against its approval."""

from collections.abc import Mapping
from typing import Final

import msgspec

from heliograph.core import routing, templates
from heliograph.core.failures import Refusal
from heliograph.core.lint import Finding
from heliograph.core.segments import Split, split
from heliograph.core.templates import Place, Sizes, Template
from heliograph.engine import content
from heliograph.engine.declared import Realm
from heliograph.engine.templates.versions import Version

_NUMBER_OF_NOBODY: Final = ""


class TextPreview(msgspec.Struct):
    """One text of a template as it would be sent."""

    locale: str
    country: str
    text: str
    encoding: str
    segments: int
    parts: Split
    price: str | None
    currency: str | None
    sizes: Sizes
    allowed_segments: int
    within_budget: bool  # also in the worst case
    findings: list[Finding]
    within_content_rules: bool


def preview(
    template: Template, place: Place, values: Mapping[str, str], realm: Realm, country: str, sender: str | None
) -> TextPreview | list[Refusal]:
    """One text with these values, as the realm would take it; or what is wrong with the values."""
    text = template.render(place, values)
    if not isinstance(text, str):
        return text
    found, spec = split(text), template.spec
    price, currency = price_of(realm, country, spec.kind, sender, len(found.segments))
    findings = content.findings(realm.policies.content, realm.rules, text, spec.kind, country, sender)
    size, allowed = templates.sizes(template, place), budget(template, realm)
    return TextPreview(
        *(place.locale, place.country, text, found.encoding, len(found.segments), found, price, currency),
        sizes=size,
        allowed_segments=allowed,
        within_budget=size.maximal <= allowed,
        findings=list(findings),
        within_content_rules=realm.policies.content.refused(spec.kind, findings) is None,
    )


def budget(template: Template, realm: Realm) -> int:
    """How many parts the worst case may take: what the template says, but never more than its kind may."""
    return realm.rules.budget.limit(template.spec.kind, template.spec.max_segments)


def price_of(realm: Realm, country: str, kind: str, sender: str | None, segments: int) -> tuple[str | None, str | None]:
    """At the first connector of the route that leads there; unknown where the number itself would decide."""
    if not country:
        return None, None
    facts = routing.Facts(realm.workspace, _NUMBER_OF_NOBODY, country, kind, sender, 0.0)
    route = routing.choose(realm.rules.routes, facts)
    if route is None:
        return None, None
    found = realm.rules.prices.estimate(route.via[0], country, kind, segments)
    return found.price, found.currency


def stands_against(version: Version, realm: Realm, actor: str, acknowledged: str | None) -> Refusal | None:
    """Why a version can't be approved: who asks, what its texts say, or what they may cost."""
    if realm.policies.templates.four_eyes and actor in (version.written_by, version.submitted_by):
        detail = f"{version.label} is of your own hand, and this workspace wants another pair of eyes on it"
        return Refusal("four_eyes", detail, status=403)
    template = version.template
    for place in sorted(template.texts):
        text = template.render(place, template.examples)
        assert isinstance(text, str)  # examples were checked when it was declared
        found = content.looked_at(realm.policies.content, realm.rules, text, template.spec.kind, place.country, None)
        if isinstance(found, Refusal):
            return msgspec.structs.replace(found, pointer=place.pointer)
    if acknowledged is None:
        return _too_long(template, budget(template, realm))
    return None


def _too_long(template: Template, allowed: int) -> Refusal | None:
    """The text whose worst case is the furthest over the budget, in words."""
    found = [templates.sizes(template, place) for place in sorted(template.texts)]
    worst = max(found, key=lambda size: size.maximal)
    if worst.maximal <= allowed:
        return None
    place = Place(worst.locale, worst.country)
    detail = f"{place.locale} takes up to {worst.maximal} parts, {allowed} are allowed: {_why(worst)}"
    return Refusal("template_over_budget", detail, place.pointer)


def _why(size: Sizes) -> str:
    """What makes it so long."""
    forced = "".join(sorted({forcing.character for forcing in size.forced_by_template}))
    said = [limit.says for limit in size.limits]
    if forced:
        said.append(f"the text itself has {forced}, which GSM-7 lacks")
    return "; ".join(said) or "the values of its variables may be that long"
