"""What a provider says of a number when it is asked, and what a workspace makes of that before it sends."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.message import LANES

NOT_REACHABLE: Final = "number_not_reachable"
_DEAF: Final = frozenset({"fixed", "toll_free", "premium", "shared_cost", "uan", "voicemail", "pager"})
REFUSE: Final = "refuse"


class Looked(msgspec.Struct, frozen=True):
    """A provider's answer. None: it does not say."""

    valid: bool | None = None
    type: str | None = None  # in our words for types of numbers
    carrier: str | None = None  # that has the number now, also when it was ported
    mccmnc: str | None = None

    @property
    def can_receive(self) -> bool | None:
        """Can it take texts at all? Of a phone that is off it says nothing."""
        if self.valid is False or self.type in _DEAF:
            return False
        return True if self.type is not None else None

    @property
    def why_not(self) -> str:
        return "it is not in use" if self.valid is False else f"its type is {self.type}"


class LookupPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a provider is asked about a number before a message goes to it."""

    before: Annotated[list[str], Meta(description="The kinds before which it is asked; left out: none.")] = []
    provider: Annotated[str, Meta(min_length=1, description="The connector whose provider is asked.")] | None = None
    action: Annotated[
        Literal["refuse", "warn"], Meta(description="Refuse what can't be received, or say so in the trace.")
    ] = "refuse"
    timeout_ms: Annotated[int, Meta(ge=50, le=800, description="Then the message goes without an answer.")] = 500
    keep_days: Annotated[int, Meta(ge=1, le=90, description="How long an answer is good.")] = 7

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = [
            Refusal("unknown_kind", f"{kind[:40]!r} is not a kind; there are {', '.join(LANES)}", f"/before/{index}")
            for index, kind in enumerate(self.before)
            if kind not in LANES
        ]
        if self.before and self.provider is None:
            found.append(Refusal("missing_field", "provider is missing: name the connector to ask", "/provider"))
        return found
