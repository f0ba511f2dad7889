"""What a workspace makes of verifications: `[policies.verify]`. What is not said is as it stands here."""

from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.verify.codes import LONGEST, NUMERIC, SHORTEST

_Count = Annotated[int, Meta(ge=0, le=10_000_000)]
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
_Prefix = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{0,14}$")]
_Seconds = Annotated[int, Meta(ge=1, le=600)]

LIFETIME_MAX_S: Final = 600  # NIST SP 800-63B-4, 3.1.3.2: invalid after ten minutes
BRAND_LETTERS: Final = 20


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many verifications may be asked for; 0: as many as one likes."""

    phone_per_hour: _Count = 5
    phone_per_day: _Count = 10
    near_per_10_minutes: _Count = 5  # of numbers that differ in their last three digits only
    prefix_per_10_minutes: _Count = 10  # in their last four
    prefix_per_hour: _Count = 30
    ip_per_10_minutes: _Count = 5
    ip_per_day: _Count = 20
    device_per_hour: _Count = 5
    country_per_day: _Count = 0
    client_per_hour: _Count = 0
    workspace_per_day: _Count = 0
    failures_per_hour: _Count = 10  # wrong codes for one phone, over all its verifications
    failures_per_day: _Count = 20


class VerifyPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole policy."""

    mode: Literal["enforce", "shadow"] = "enforce"  # shadow: all is judged and shown, nothing is kept back
    countries: list[_Country] = []  # none: the workspace's own country alone
    allow: Annotated[list[_Prefix], Meta(max_length=1_000)] = []  # numbers, or beginnings of them: never held back
    deny: Annotated[list[_Prefix], Meta(max_length=1_000)] = []
    max_price: Annotated[str, Meta(pattern=r"^\d{1,9}(\.\d{1,6})?$")] | None = None  # of one message
    limits: Limits = Limits()
    unverified_floor: _Count = 20  # a country may have so many of a day without further questions, …
    unverified_share: Annotated[float, Meta(ge=0.01, le=1)] = 0.2  # … or this part of what it usually verifies
    brand: Annotated[str, Meta(min_length=1, max_length=BRAND_LETTERS)] | None = None  # None: the workspace's name
    code_length: Annotated[int, Meta(ge=SHORTEST, le=LONGEST)] = 6
    alphabet: Literal["numeric", "alphanumeric"] = NUMERIC
    lifetime_s: Annotated[int, Meta(ge=30, le=LIFETIME_MAX_S)] = LIFETIME_MAX_S
    max_checks: Annotated[int, Meta(ge=1, le=10)] = 5
    max_sends: Annotated[int, Meta(ge=1, le=10)] = 5
    pauses_s: Annotated[tuple[_Seconds, ...], Meta(min_length=1, max_length=10)] = (30, 60, 90, 120)
    resend: Literal["same", "new"] = "same"  # the code that is sent again
    whatsapp_template: Annotated[str, Meta(pattern="^[a-z0-9_]{1,512}$")] | None = None  # that was approved for codes

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        if list(self.pauses_s) != sorted(self.pauses_s):
            return [Refusal("bad_value", "pauses_s grow: give each at least as long as the one before", "/pauses_s")]
        return []

    def pause_ms(self, sends: int) -> int:
        """How long to wait before one more, after so many sends."""
        return self.pauses_s[min(sends, len(self.pauses_s)) - 1] * 1_000

    def is_dear(self, price: str | None) -> bool:
        return price is not None and self.max_price is not None and Decimal(price) > Decimal(self.max_price)
