"""What a workspace may send in a day, a week or a month, `[policies.budgets]`, and what looks like a runaway loop."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.charges import billionths
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES
from heliograph.core.spans import read_span
from heliograph.engine.days import is_zone
from heliograph.engine.suggest import did_you_mean

MESSAGES: Final = "messages"
SEGMENTS: Final = "segments"
SPEND: Final = "spend"
MEASURES: Final = (MESSAGES, SEGMENTS, SPEND)
RESERVED: Final = "runaway"

_MONEY: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_Count = Annotated[int, Meta(ge=1, le=1_000_000_000_000)] | None


class DeclaredBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One budget: what counts, how much of it, in which span."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]
    per: Literal["day", "week", "month"]
    time_zone: Annotated[str, Meta(description="Whose calendar it goes by.")] = "UTC"
    each: Annotated[
        Literal["workspace", "client", "country", "kind", "tag"],
        Meta(description="Who has so much: the whole workspace, or each client, country, kind or tag."),
    ] = "workspace"
    clients: Annotated[list[str], Meta(max_length=100, description="Only these: names or ids of keys.")] = []
    countries: Annotated[list[str], Meta(max_length=250)] = []
    kinds: list[str] = []
    tags: Annotated[list[str], Meta(max_length=100, description="Only messages with one of these tags.")] = []
    max_messages: _Count = None
    max_segments: _Count = None
    max_spend: Annotated[str | None, Meta(description='Money, as in "250.00"; with `currency`.')] = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    warn_at: Annotated[list[Annotated[int, Meta(ge=1, le=1_000)]], Meta(max_length=10)] = msgspec.field(
        default_factory=lambda: [50, 80, 100]
    )
    action: Annotated[Literal["stop", "warn"], Meta(description="Refuse what goes beyond, or only say so.")] = "stop"
    exempt: Annotated[list[str], Meta(description="Kinds that are counted, and never refused.")] = []

    @property
    def limits(self) -> Mapping[str, int]:
        """Measure → how much of it."""
        found = {MESSAGES: self.max_messages, SEGMENTS: self.max_segments}
        found[SPEND] = None if self.max_spend is None else billionths(self.max_spend)
        return {measure: most for measure, most in found.items() if most is not None}


class Runaway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When traffic looks like a loop. A client's usual rate is that of its busiest `within` in the 14 days before
    today in which it was not stopped."""

    times: Annotated[int, Meta(ge=2, le=1_000, description="So many times the usual rate is too much.")] = 10
    within: Annotated[str, Meta(description="1m to 1d.")] = "10m"
    at_least: Annotated[int, Meta(ge=1, le=1_000_000_000, description="So many are never too many.")] = 1_000
    repeats: (
        Annotated[int, Meta(ge=1, le=1_000, description="So often the same text may go to the same number.")] | None
    ) = None
    action: Literal["stop", "warn"] = "stop"
    exempt: Annotated[list[str], Meta(description="Kinds that are counted, and never refused.")] = []

    @property
    def within_ms(self) -> int:
        span = read_span(self.within)
        assert isinstance(span, int)
        return span


class Budgets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All budgets of a workspace; a message needs room in every one that it belongs to."""

    budgets: Annotated[list[DeclaredBudget], Meta(max_length=50)] = []
    runaway: Runaway | None = None

    @property
    def looks_at_tags(self) -> bool:
        return any(budget.tags or budget.each == "tag" for budget in self.budgets)

    @property
    def is_empty(self) -> bool:
        return not self.budgets and self.runaway is None

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = [refusal for place, one in enumerate(self.budgets) for refusal in _check(one, f"/budgets/{place}")]
        names: set[str] = set()
        for place, one in enumerate(self.budgets):
            if one.name in names or one.name == RESERVED:
                detail = f"{one.name!r} names another budget already; choose another name"
                found.append(Refusal("already_exists", detail, f"/budgets/{place}/name"))
            names.add(one.name)
        if self.runaway is not None:
            found += _check_runaway(self.runaway, "/runaway")
        return found


def _check(budget: DeclaredBudget, pointer: str) -> list[Refusal]:
    found = _bad_kinds(budget.kinds, f"{pointer}/kinds") + _bad_kinds(budget.exempt, f"{pointer}/exempt")
    if not is_zone(budget.time_zone):
        detail = f"{budget.time_zone[:40]!r} is no time zone; give one such as Europe/Lisbon"
        found.append(Refusal("bad_time_zone", detail, f"{pointer}/time_zone"))
    for place, country in enumerate(budget.countries):
        if not re.fullmatch("[A-Z]{2}", country):
            detail = f"{country[:40]!r} is no country; give two capital letters, such as GB"
            found.append(Refusal("unknown_country", detail, f"{pointer}/countries/{place}"))
    if budget.max_spend is not None and (not _MONEY.fullmatch(budget.max_spend) or billionths(budget.max_spend) == 0):
        detail = f'{budget.max_spend[:40]!r} is no sum of money; give a decimal above 0, such as "250.00"'
        found.append(Refusal("bad_budget", detail, f"{pointer}/max_spend"))
    elif not budget.limits:
        detail = "nothing is limited; give max_messages, max_segments or max_spend"
        found.append(Refusal("bad_budget", detail, pointer))
    if (budget.max_spend is None) != (budget.currency is None):
        missing = "currency" if budget.currency is None else "max_spend"
        found.append(Refusal("bad_budget", f"max_spend and currency belong together; give {missing}", pointer))
    if sorted(set(budget.warn_at)) != budget.warn_at:
        detail = "the thresholds rise, each is given once: [50, 80, 100]"
        found.append(Refusal("bad_budget", detail, f"{pointer}/warn_at"))
    return found


def _check_runaway(rule: Runaway, pointer: str) -> list[Refusal]:
    found = _bad_kinds(rule.exempt, f"{pointer}/exempt")
    span = read_span(rule.within)
    if isinstance(span, Refusal):
        found.append(msgspec.structs.replace(span, pointer=f"{pointer}/within"))
    elif not 60_000 <= span <= 86_400_000:
        found.append(Refusal("bad_span", 'within is between "1m" and "1d"', f"{pointer}/within"))
    return found


def _bad_kinds(kinds: list[str], pointer: str) -> list[Refusal]:
    return [
        Refusal(
            "unknown_kind",
            f"{kind[:40]!r} is not a kind; there are {', '.join(LANES)}.{did_you_mean(kind, LANES)}",
            f"{pointer}/{place}",
        )
        for place, kind in enumerate(kinds)
        if kind not in LANES
    ]
