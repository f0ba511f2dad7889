"""A workspace's own rules, each declared under its name: `[policies.consent]`. What is not said is as in the form."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from heliograph.core.consent import ConsentPolicy
from heliograph.core.conversations import ConversationPolicy
from heliograph.core.failures import Refusal
from heliograph.core.frequency import FrequencyCap
from heliograph.core.inbound_rules import InboundPolicy
from heliograph.core.keywords.custom import NOTHING_OWN, Custom
from heliograph.core.keywords.policy import KeywordPolicy
from heliograph.core.lint import Content, ContentPolicy
from heliograph.core.lookups import LookupPolicy
from heliograph.core.message import PROMOTIONAL
from heliograph.core.outages import OutagePolicy
from heliograph.core.quiet import Policy
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.engine.alarms.policy import AlarmPolicy
from heliograph.engine.budgets import Budgets
from heliograph.engine.frequency_caps import FrequencyCaps
from heliograph.engine.quiet_hours import QuietHours
from heliograph.engine.short_links import LinkPolicy
from heliograph.engine.templates.policy import TemplatePolicy


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
    inbound: InboundPolicy = InboundPolicy()
    conversations: ConversationPolicy = ConversationPolicy()
    templates: TemplatePolicy = TemplatePolicy()
    budgets: Budgets = Budgets()
    has_budgets: bool = False
    budgets_by_tag: bool = False
    links: LinkPolicy = LinkPolicy()
    lookup: LookupPolicy = LookupPolicy()
    last_kinds: frozenset[str] = frozenset()  # that keep quiet hours, or before which a provider is asked
    verify: VerifyPolicy = VerifyPolicy()
    campaigns: CampaignPolicy = CampaignPolicy()
    alarms: AlarmPolicy = AlarmPolicy()
    outage: OutagePolicy | None = None  # None: nothing happens but another route


FORMS: Final[dict[str, type[msgspec.Struct]]] = {
    "consent": ConsentPolicy,
    "keywords": KeywordPolicy,
    "inbound": InboundPolicy,
    "conversations": ConversationPolicy,
    "content": ContentPolicy,
    "quiet_hours": QuietHours,
    "frequency": FrequencyCaps,
    "templates": TemplatePolicy,
    "budgets": Budgets,
    "links": LinkPolicy,
    "lookup": LookupPolicy,
    "verify": VerifyPolicy,
    "campaigns": CampaignPolicy,
    "alarms": AlarmPolicy,
    "outage": OutagePolicy,
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
    budgets = read(Budgets)
    lookup = read(LookupPolicy)
    quiet, caps = read(QuietHours).policy(rehearses=rehearses), read(FrequencyCaps).all
    return Policies(
        consent=read(ConsentPolicy),
        keywords=Keywords(tuple(keywords.languages), keywords.custom),
        content=content,
        linted=content.linted,
        quiet=quiet,
        caps=caps,
        verify=read(VerifyPolicy),
        campaigns=read(CampaignPolicy),
        alarms=read(AlarmPolicy),
        outage=read(OutagePolicy) if _NAMES[OutagePolicy] in declared else None,
        capped_kinds=(quiet.kinds & {PROMOTIONAL}).union(*(cap.kinds for cap in caps)),
        inbound=read(InboundPolicy),
        conversations=read(ConversationPolicy),
        templates=read(TemplatePolicy),
        budgets=budgets,
        has_budgets=not budgets.is_empty,
        budgets_by_tag=budgets.looks_at_tags,
        links=read(LinkPolicy),
        lookup=lookup,
        last_kinds=quiet.kinds.union(lookup.before),
    )
