"""A workspace's own rules, each declared under its name: `[policies.consent]`. What is not said is as in the form."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from heliograph.core.consent import ConsentPolicy
from heliograph.core.failures import Refusal
from heliograph.core.frequency import FrequencyCap
from heliograph.core.keywords.custom import NOTHING_OWN, Custom
from heliograph.core.keywords.policy import KeywordPolicy
from heliograph.core.lint import Content, ContentPolicy
from heliograph.core.message import PROMOTIONAL
from heliograph.core.quiet import Policy
from heliograph.engine.frequency_caps import FrequencyCaps
from heliograph.engine.quiet_hours import QuietHours


class CampaignPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who must answer for a campaign before it starts."""

    approval: Annotated[
        Literal["none", "required", "four_eyes"], Meta(description="four_eyes: by somebody else than its author.")
    ] = "none"
    above: Annotated[int, Meta(ge=0, description="Only for more recipients than so many.")] = 0


T = TypeVar("T")


class Keywords(msgspec.Struct, frozen=True):
    """What a workspace's people may write, ready for reading."""

    languages: tuple[str, ...] = ()
    custom: Custom = NOTHING_OWN


class Policies(msgspec.Struct, frozen=True):
    """All policies of a workspace in one of its environments, ready for use."""

    consent: ConsentPolicy = ConsentPolicy()
    keywords: Keywords = Keywords()
    content: Content = Content()
    linted: frozenset[str] = frozenset()  # the kinds whose texts are looked at when they are sent
    quiet: Policy = Policy()
    caps: tuple[FrequencyCap, ...] = ()  # declared ones; those of the law hold where quiet hours do
    capped_kinds: frozenset[str] = frozenset()
    campaigns: CampaignPolicy = CampaignPolicy()


FORMS: Final[dict[str, type[msgspec.Struct]]] = {
    "consent": ConsentPolicy,
    "keywords": KeywordPolicy,
    "content": ContentPolicy,
    "quiet_hours": QuietHours,
    "frequency": FrequencyCaps,
    "campaigns": CampaignPolicy,
}
_NAMES: Final = {form: name for name, form in FORMS.items()}


def wrong(form: object) -> list[Refusal]:
    """What the types of a policy can't say."""
    check = getattr(form, "wrong", None)
    return check() if check is not None else []


def policies_of(declared: Mapping[str, Mapping[str, Any]], *, rehearses: bool) -> Policies:
    """What these specs, by name, mean in an environment; in one that `rehearses` nothing can reach a phone."""

    def read(form: type[T]) -> T:
        return msgspec.convert(declared.get(_NAMES[form], {}), form)  # type: ignore[index]

    content, keywords = read(ContentPolicy).choice, read(KeywordPolicy)
    quiet, caps = read(QuietHours).policy(rehearses=rehearses), read(FrequencyCaps).all
    return Policies(
        consent=read(ConsentPolicy),
        keywords=Keywords(tuple(keywords.languages), keywords.custom),
        content=content,
        linted=content.linted,
        quiet=quiet,
        caps=caps,
        campaigns=read(CampaignPolicy),
        capped_kinds=(quiet.kinds & {PROMOTIONAL}).union(*(cap.kinds for cap in caps)),
    )
