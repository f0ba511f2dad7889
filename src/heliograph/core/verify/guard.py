"""The guard: is this request for a code one of a person, or is somebody pumping traffic or guessing codes?

Pure: what was counted is handed in, the judgement comes out with its reasons. Lists and limits come first. Then ranges
of numbers are judged by what followed of what was sent to them, narrow ones before wide ones: people enter their
codes, traffic that only earns money never does. How sure one can be is a likelihood ratio, so that eight codes of
which none came back are enough where four of five usually do. While a country gets far more than it verifies, only
ranges that have proven themselves are served there.
"""

from collections.abc import Mapping
from math import log
from typing import Final

import msgspec

from heliograph.core.verify.policy import VerifyPolicy
from heliograph.core.verify.tallies import (
    BUCKET_MS,
    CLIENT,
    COUNTRY,
    DAYS,
    DEVICE,
    EVERYTHING,
    IP,
    MOMENT,
    NEAR,
    NOTHING,
    PHONE,
    PREFIX,
    RANGE,
    WIDE,
    Place,
    Tally,
)

ALLOW: Final = "allow"
DELAY: Final = "delay"
CHALLENGE: Final = "challenge"
BLOCK: Final = "block"
ACTIONS: Final = (ALLOW, DELAY, CHALLENGE, BLOCK)  # the worst last

# What each reason leads to, and what it means.
REASONS: Final[dict[str, tuple[str, str]]] = {
    "on_allow_list": (ALLOW, "the number is on the workspace's allow list"),
    "on_deny_list": (BLOCK, "the number is on the workspace's deny list"),
    "country_not_served": (BLOCK, "the workspace does not verify numbers of this country"),
    "high_cost": (BLOCK, "a message there costs more than max_price"),
    "too_many_failures": (BLOCK, "too many wrong codes for this phone"),
    "phone_limit": (DELAY, "too many codes for this phone"),
    "ip_limit": (CHALLENGE, "too many codes from this address"),
    "device_limit": (CHALLENGE, "too many codes from this device"),
    "client_limit": (BLOCK, "too many codes from this client"),
    "country_limit": (BLOCK, "too many codes for this country"),
    "workspace_limit": (BLOCK, "too many codes in this workspace"),
    "sequential_numbers": (BLOCK, "too many numbers that differ in their last three digits only"),
    "prefix_limit": (BLOCK, "too many numbers that differ in their last four digits only"),
    "never_verified": (BLOCK, "codes that are sent to this range of numbers are not entered"),
    "unproven_range": (
        BLOCK,
        "the country gets far more codes than it verifies, and this range of numbers has shown nothing",
    ),
}
_MINUTES_10: Final = 600_000
_PUMPED: Final = 0.05  # what of pumped traffic is verified, at most
_USUAL: Final = 0.7  # what of people's is, where too little is known
_USUAL_FROM: Final = 50  # sent
_USUAL_MIN: Final = 0.4
_SURE: Final = log(1e5)  # that nobody means to enter codes
_PROVEN: Final = -5.0  # about two codes that were entered
_ROOM: Final = 6  # a range that verifies a lot may have so many times its usual
_RUSH_FLOOR: Final = 30  # codes of a moment that were not entered yet
_RUSH: Final = 4  # times as many as usual
_MOMENTS: Final = 86_400_000 / (MOMENT * BUCKET_MS)  # in a day


class Judgement(msgspec.Struct, frozen=True):
    """What is to be done with a request, and every reason that there is."""

    action: str
    reasons: tuple[str, ...] = ()
    wait_ms: int = 0  # of a delay
    is_news: bool = False  # nothing was kept back in this range in the last hour


class _Look:
    """One request, with what was counted of all that it touches."""

    def __init__(self, place: Place, tallies: Mapping[str, Tally], policy: VerifyPolicy) -> None:
        self.place = place
        self.policy = policy
        self._tallies = {subject.partition(":")[0]: tally for subject, tally in tallies.items()}
        everything = self.tally(EVERYTHING)
        self.usual = _USUAL
        if everything.sent >= _USUAL_FROM:
            self.usual = min(max(everything.verified / everything.sent, _USUAL_MIN), 0.95)

    def tally(self, kind: str) -> Tally:
        return self._tallies.get(kind, NOTHING)

    def doubt(self, tally: Tally) -> float:
        """How much more likely what followed is of pumped traffic than of people: a logarithm."""
        verified = min(tally.verified, tally.sent)
        missing = tally.sent - verified
        return verified * log(_PUMPED / self.usual) + missing * log((1 - _PUMPED) / (1 - self.usual))


def judge(place: Place, tallies: Mapping[str, Tally], policy: VerifyPolicy, *, dear: bool, serves: bool) -> Judgement:
    """What to do. `dear`: it costs more than the workspace pays; `serves`: the country is among those it verifies."""
    if any(place.number.startswith(prefix) for prefix in policy.allow):
        return Judgement(ALLOW, ("on_allow_list",))
    look = _Look(place, tallies, policy)
    reasons = _lists(look, dear, serves) + _limits(look) + _ranges(look)
    action = max((REASONS[reason][0] for reason in reasons), key=ACTIONS.index, default=ALLOW)
    is_news = action != ALLOW and not look.tally(PREFIX).held_hour
    return Judgement(action, tuple(reasons), 3_600_000 if action == DELAY else 0, is_news)


def _lists(look: _Look, dear: bool, serves: bool) -> list[str]:
    reasons = [] if serves else ["country_not_served"]
    if any(look.place.number.startswith(prefix) for prefix in look.policy.deny):
        reasons.append("on_deny_list")
    return [*reasons, "high_cost"] if dear else reasons


def _limits(look: _Look) -> list[str]:
    """Limits of ranges count other phones than this one."""
    limits, phone, prefix = look.policy.limits, look.tally(PHONE), look.tally(PREFIX)
    ip, near = look.tally(IP), look.tally(NEAR)
    checks = (
        ("too_many_failures", phone.failed_hour, limits.failures_per_hour),
        ("too_many_failures", phone.failed_day, limits.failures_per_day),
        ("phone_limit", phone.hour, limits.phone_per_hour),
        ("phone_limit", phone.day, limits.phone_per_day),
        ("ip_limit", ip.moment, limits.ip_per_10_minutes),
        ("ip_limit", ip.day, limits.ip_per_day),
        ("device_limit", look.tally(DEVICE).hour, limits.device_per_hour),
        ("client_limit", look.tally(CLIENT).hour, limits.client_per_hour),
        ("country_limit", look.tally(COUNTRY).day, limits.country_per_day),
        ("workspace_limit", look.tally(EVERYTHING).day, limits.workspace_per_day),
        ("sequential_numbers", near.moment - phone.moment, _roomy(limits.near_per_10_minutes, near, _MINUTES_10)),
        ("prefix_limit", prefix.moment - phone.moment, _roomy(limits.prefix_per_10_minutes, prefix, _MINUTES_10)),
        ("prefix_limit", prefix.hour - phone.hour, _roomy(limits.prefix_per_hour, prefix, 3_600_000)),
    )
    return list(dict.fromkeys(reason for reason, count, limit in checks if limit and count >= limit))


def _roomy(limit: int, tally: Tally, span_ms: int) -> int:
    """A limit for a range; more for one that usually verifies a lot in such a span."""
    return max(limit, int(_ROOM * tally.verified * span_ms / 86_400_000)) if limit else 0


def _ranges(look: _Look) -> list[str]:
    """What is known of the number's surroundings; the narrowest that tells something decides."""
    if look.tally(PHONE).verified:  # a person of whom we know
        return []
    for kind in (PREFIX, RANGE, WIDE):
        doubt = look.doubt(look.tally(kind))
        if doubt >= _SURE:
            return ["never_verified"]
        if doubt <= _PROVEN:
            return []
    return ["unproven_range"] if is_strained(look) else []


def is_strained(look: _Look) -> bool:
    """Does the country get far more than it verifies: of the day, or suddenly?"""
    country, policy = look.tally(COUNTRY), look.policy
    # Some people never enter their code: so many of the unverified are explained.
    excess = country.sent - country.verified - country.verified * (1 - look.usual) / look.usual
    usual = max(look.tally(DAYS).best_day, country.verified)
    if excess > max(policy.unverified_floor, policy.unverified_share * usual):
        return True
    return country.open_moment > max(_RUSH_FLOOR, _RUSH * (country.sent - country.verified) / _MOMENTS)
