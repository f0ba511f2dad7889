"""What a campaign registration (10DLC) is commonly rejected for, found before it is handed in.

The registry wants a description, the way in which people agree to be texted, and samples. Each is looked at for what it
must say, and the samples as messages of the kind that the use case stands for. Lengths are those that Twilio states.
"""

import re
from typing import Final, Literal

import msgspec

from heliograph.core.lint.checks import lint
from heliograph.core.lint.rules import BLOCK, WARN
from heliograph.core.message import OTP, PROMOTIONAL, TRANSACTIONAL

UseCase = Literal[
    "2FA",
    "ACCOUNT_NOTIFICATION",
    "CUSTOMER_CARE",
    "DELIVERY_NOTIFICATION",
    "FRAUD_ALERT",
    "HIGHER_EDUCATION",
    "LOW_VOLUME",
    "MARKETING",
    "MIXED",
    "POLLING_VOTING",
    "PUBLIC_SERVICE_ANNOUNCEMENT",
    "SECURITY_ALERT",
]
_KIND_OF: Final = {"2FA": OTP, "MARKETING": PROMOTIONAL}
_MAY_ADVERTISE: Final = frozenset({"MARKETING", "MIXED", "LOW_VOLUME"})
_SAMPLES: Final = (2, 5)
# A sample shows with brackets what differs from message to message; a brand and a notice need not stand in each.
_NOT_OF_SAMPLES: Final = frozenset({"placeholder_left", "brand_missing", "opt_out_missing", "class_mismatch"})

_opt_out: Final = re.compile(r"\b(?:stop|opt[\s-]?out|unsubscribe)\b", re.IGNORECASE).search
_code: Final = re.compile(r"\b(?:code|pin|passcode|password|otp)\b", re.IGNORECASE).search
# What the way to agree must tell, and why a registry says no without it.
_TOLD: Final = (
    ("purpose_missing", r"\b(?:messages?|texts?|sms)\b", "what will be sent", "name the messages that people agree to"),
    ("frequency_missing", r"\b(?:frequency|recurring|per (?:day|week|month)|an? (?:day|week|month)|one[\s-]time|"
     r"once|each time|daily|weekly|monthly)\b", "how often", "say how often, or: message frequency varies"),
    ("rates_missing", r"\brates?\b", "that it may cost them", "add: message and data rates may apply"),
    ("help_missing", r"\bhelp\b", "how to get help", "add: reply HELP for help"),
    ("stop_missing", r"\bstop\b", "how to end it", "add: reply STOP to opt out"),
)  # fmt: skip
_told: Final = [(rule, re.compile(pattern, re.IGNORECASE).search, what, fix) for rule, pattern, what, fix in _TOLD]
_shared: Final = re.compile(r"\b(?:partners|affiliates|third[\s-]part(?:y|ies))\b", re.IGNORECASE).search
_not_shared: Final = re.compile(r"\b(?:not|never|n't)\b[^.]{0,60}\b(?:share|shared|sell|sold)\b", re.IGNORECASE).search


class Campaign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be registered."""

    brand: str
    use_case: UseCase
    description: str
    message_flow: str
    samples: tuple[str, ...]
    domains: frozenset[str] = frozenset()


class Flaw(msgspec.Struct, frozen=True):
    """What a reviewer would stumble over: in which field, and what would be right."""

    field: str
    rule: str
    severity: str
    detail: str
    suggestion: str


def lint_campaign(campaign: Campaign) -> tuple[Flaw, ...]:
    """Everything that is found, in the order of the fields."""
    return (*_described(campaign), *_agreed(campaign), *_sampled(campaign))


def _described(campaign: Campaign) -> list[Flaw]:
    text = campaign.description
    found = _length("description", text, 40, 4_096)
    if campaign.brand.lower() not in text.lower():
        found.append(Flaw("description", "brand_missing", WARN, "it does not say who sends", "name the brand"))
    return found


def _agreed(campaign: Campaign) -> list[Flaw]:
    text = campaign.message_flow
    found = _length("message_flow", text, 40, 2_048)
    if campaign.brand.lower() not in text.lower():
        found.append(Flaw("message_flow", "brand_missing", BLOCK, "it does not say who sends", "name the brand"))
    found += [
        Flaw("message_flow", rule, BLOCK, f"people are not told {what}", fix)
        for rule, tells, what, fix in _told
        if not tells(text)
    ]
    if _shared(text) and not _not_shared(text):
        fix = "let consent be for this brand alone, and say that it is not shared"
        found.append(Flaw("message_flow", "consent_shared", BLOCK, "consent seems to be shared with others", fix))
    return found


def _sampled(campaign: Campaign) -> list[Flaw]:
    samples = campaign.samples
    found: list[Flaw] = []
    fewest, most = _SAMPLES
    if not fewest <= len(samples) <= most:
        detail = f"there are {len(samples)} samples"
        found.append(Flaw("samples", "sample_count", BLOCK, detail, f"give {fewest} to {most}"))
    if not any(campaign.brand.lower() in sample.lower() for sample in samples):
        found.append(Flaw("samples", "brand_missing", BLOCK, "no sample names the brand", "begin with its name"))
    if campaign.use_case != "2FA" and not any(map(_opt_out, samples)):
        fix = "end one with: Reply STOP to opt out"
        found.append(Flaw("samples", "opt_out_missing", BLOCK, "no sample says how to opt out", fix))
    for place, sample in enumerate(samples):
        found += _sample(campaign, f"samples/{place}", sample)
    return found


def _sample(campaign: Campaign, field: str, sample: str) -> list[Flaw]:
    found = _length(field, sample, 20, 1_024)
    kind = _KIND_OF.get(campaign.use_case, TRANSACTIONAL)
    judged = lint(sample, kind=kind, country="US", brands=(campaign.brand,), domains=campaign.domains)
    found += [
        Flaw(field, finding.rule, finding.severity, finding.detail, finding.suggestion)
        for finding in judged
        if finding.rule not in _NOT_OF_SAMPLES
    ]
    if campaign.use_case == "2FA" and not _code(sample):
        found.append(Flaw(field, "use_case_mismatch", BLOCK, "a 2FA sample without a code", "show the code"))
    advertises = any(finding.rule == "class_mismatch" for finding in judged)
    if advertises and campaign.use_case not in _MAY_ADVERTISE:
        detail = f"it advertises, and {campaign.use_case} does not"
        found.append(Flaw(field, "use_case_mismatch", BLOCK, detail, "register it as MARKETING or MIXED"))
    return found


def _length(field: str, text: str, fewest: int, most: int) -> list[Flaw]:
    if fewest <= len(text) <= most:
        return []
    fix = f"write {fewest} to {most} characters"
    return [Flaw(field, "bad_length", BLOCK, f"it has {len(text)} characters", fix)]
