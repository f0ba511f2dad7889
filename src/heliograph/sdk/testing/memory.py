"""What the fake remembers: plain dicts in the shapes that the API answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from heliograph.sdk.testing.fates import Step

Shown = dict[str, Any]


@dataclass
class Sent:
    """A message, and what is still to come of it."""

    shown: Shown
    steps: list[Step]
    fate: str
    due_at: float
    valid_until: float
    events: list[Shown] = field(default_factory=list)


@dataclass
class Code:
    """A verification and its code."""

    shown: Shown
    code: str
    expires_at: float
    may_resend_at: float


@dataclass
class Memory:
    """All of it. `clock`: the time in seconds, moved on by `skipped`."""

    clock: Callable[[], float]
    skipped: float = 0.0
    messages: dict[str, Sent] = field(default_factory=dict)
    batches: dict[str, list[str]] = field(default_factory=dict)
    verifications: dict[str, Code] = field(default_factory=dict)
    contacts: dict[str, Shown] = field(default_factory=dict)
    records: dict[str, list[Shown]] = field(default_factory=dict)  # of consent, by number
    inbound: dict[str, Shown] = field(default_factory=dict)
    events: list[Shown] = field(default_factory=list)
    idempotent: dict[str, tuple[bytes, int, bytes]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    def now(self) -> float:
        return self.clock() + self.skipped

    def new_id(self, prefix: str) -> str:
        """Of the form of the real ones, sortable by time like them."""
        return f"{prefix}_{next(self._numbers):026d}"

    def moment(self, at: float | None = None) -> str:
        found = datetime.fromtimestamp(self.now() if at is None else at, UTC)
        return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def is_opted_out(self, number: str) -> bool:
        said = [one["action"] for one in self.records.get(number, ()) if one["action"] in ("opt_in", "opt_out")]
        return said[-1:] == ["opt_out"]
