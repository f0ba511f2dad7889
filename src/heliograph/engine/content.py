"""What the content rules find in a text, as a workspace takes it: asked at intake and in previews.

A text is looked at once for all messages that bear it, so that a campaign pays for one.
"""

from functools import lru_cache
from typing import Final

from heliograph.core import senders
from heliograph.core.decide import Rules
from heliograph.core.failures import Refusal
from heliograph.core.lint import Content, Finding, country_group, lint

_TEXTS_KEPT: Final = 2_000
_LONGEST_KEPT: Final = 2_000


def findings(
    content: Content, rules: Rules, text: str, kind: str, country: str, sender: str | None
) -> tuple[Finding, ...]:
    """What counts in this workspace of what the rules find."""
    if sender is None:
        sender = senders.default(rules.senders, country=country, kind=kind)
    look = _kept if len(text) <= _LONGEST_KEPT else _found
    return content.weigh(
        look(text, kind, country_group(country), content.brands, content.domains, _type_of(sender, rules))
    )


def _type_of(sender: str | None, rules: Rules) -> str | None:
    """The type of a sender; of a name that is declared to take replies nothing is said."""
    declared = rules.senders.get(sender) if sender is not None else None
    if declared is not None:
        return None if declared.two_way and declared.type == "alphanumeric" else declared.type
    return senders.type_of(sender) if sender is not None else None


def _found(
    text: str, kind: str, country: str, brands: tuple[str, ...], domains: frozenset[str], sender_type: str | None
) -> tuple[Finding, ...]:
    return lint(text, kind=kind, country=country, brands=brands, domains=domains, sender_type=sender_type)


_kept: Final = lru_cache(maxsize=_TEXTS_KEPT)(_found)


def refusal(finding: Finding) -> Refusal:
    """The finding for which a message is refused, in words."""
    start, end = finding.where
    place = f" at {start} to {end}" if end > start else ""
    return Refusal("content_blocked", f"{finding.rule}: {finding.detail}{place}; {finding.suggestion}", "/text")
