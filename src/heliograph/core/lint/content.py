"""What a workspace makes of findings: per kind whether texts are looked at when they are sent, per rule how grave.

Unless it says otherwise promotional messages with a grave finding are refused, and other kinds are only looked at in
previews: what a bank or a shop writes to those who asked is nobody's advertising.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.lint.rules import BLOCK, OFF, RULES, Finding
from heliograph.core.message import LANES, OTP, PROMOTIONAL, SUPPORT, TRANSACTIONAL

_Kind = Literal["otp", "transactional", "support", "promotional"]
_Mode = Literal["off", "warn", "block"]

DEFAULT_MODES: Final[Mapping[str, str]] = {OTP: OFF, TRANSACTIONAL: OFF, SUPPORT: OFF, PROMOTIONAL: BLOCK}


_Name = Annotated[str, Meta(min_length=1, max_length=253)]
_Names = Annotated[list[_Name], Meta(max_length=100)]


class ContentPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choice as it is declared, under `[policies.content]`. Of what is left out the defaults hold."""

    modes: dict[_Kind, _Mode] = {}
    rules: dict[str, _Mode] = {}
    brands: _Names = []
    domains: _Names = []

    @property
    def choice(self) -> "Content":
        modes: dict[str, str] = dict((*DEFAULT_MODES.items(), *self.modes.items()))
        return Content(modes, self.rules, tuple(self.brands), frozenset(map(str.lower, self.domains)))

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = [
            Refusal("unknown_rule", f"{rule[:40]!r} is not a content rule; docs/content-rules.md lists them", "/rules")
            for rule in self.rules
            if rule not in RULES
        ]
        found += [
            Refusal("bad_value", f"{name[:40]!r} is not a name: it begins or ends with a space", f"/brands/{place}")
            for place, name in enumerate(self.brands)
            if name != name.strip()
        ]
        return found + [
            Refusal(
                "bad_value",
                f"{name[:40]!r} is not a domain such as example.com, without scheme and path",
                f"/domains/{place}",
            )
            for place, name in enumerate(self.domains)
            if "." not in name.strip(".") or any(character in name for character in "/:@ ?#")
        ]


class Content(msgspec.Struct, frozen=True):
    """A workspace's choice, ready for use."""

    modes: Mapping[str, str] = msgspec.field(default_factory=lambda: DEFAULT_MODES)  # kind → off | warn | block
    rules: Mapping[str, str] = {}  # rule → off | warn | block, in the place of its own severity
    brands: tuple[str, ...] = ()
    domains: frozenset[str] = frozenset()

    @property
    def linted(self) -> frozenset[str]:
        """The kinds that are looked at when they are sent."""
        return frozenset(kind for kind in LANES if self.modes.get(kind, OFF) != OFF)

    def weigh(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that count here, each as grave as the workspace takes it."""
        if not self.rules:
            return tuple(findings)
        return tuple(
            msgspec.structs.replace(finding, severity=self.rules.get(finding.rule, finding.severity))
            for finding in findings
            if self.rules.get(finding.rule) != OFF
        )

    def refused(self, kind: str, findings: Iterable[Finding]) -> Finding | None:
        """The finding for which a message of this kind is refused, of those that were weighed."""
        if self.modes.get(kind) != BLOCK:
            return None
        return next((finding for finding in findings if finding.severity == BLOCK), None)
