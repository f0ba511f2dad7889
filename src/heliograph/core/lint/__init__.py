"""What carriers filter and people distrust in a text, found before it is sent.

`lint` looks at one message. It is pure and total: the same text in the same circumstances gives the same findings, each
with its place in the text and what would be right. Carriers don't publish their filters; the rules are composed from
what they, their customers and regulators tell, and stand as data in `core/data/content_rules.json`. What follows from
a finding is the workspace's choice (`content`).
"""

from heliograph.core.lint.campaign import Campaign, Flaw, lint_campaign
from heliograph.core.lint.checks import lint
from heliograph.core.lint.content import Content, ContentPolicy
from heliograph.core.lint.rules import BLOCK, INFO, OFF, RULES, WARN, Finding, Rule, country_group

__all__ = [
    "BLOCK",
    "INFO",
    "OFF",
    "RULES",
    "WARN",
    "Campaign",
    "Content",
    "ContentPolicy",
    "Finding",
    "Flaw",
    "Rule",
    "country_group",
    "lint",
    "lint_campaign",
]
