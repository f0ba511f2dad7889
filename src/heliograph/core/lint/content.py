"""What a workspace makes of findings: per kind whether texts are looked at when they are sent, per rule how grave.

Unless it says otherwise promotional messages with a grave finding are refused, and other kinds are only looked at in
previews: what a bank or a shop writes to those who asked is nobody's advertising.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from heliograph.core.lint.rules import BLOCK, OFF, WARN, Finding
from heliograph.core.message import LANES, OTP, PROMOTIONAL, SUPPORT, TRANSACTIONAL

MODES: Final = (OFF, WARN, BLOCK)
DEFAULT_MODES: Final[dict[str, str]] = {OTP: OFF, TRANSACTIONAL: OFF, SUPPORT: OFF, PROMOTIONAL: BLOCK}


class Content(msgspec.Struct, frozen=True):
    """A workspace's choice."""

    modes: Mapping[str, str] = msgspec.field(default_factory=DEFAULT_MODES.copy)  # kind → off | warn | block
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
