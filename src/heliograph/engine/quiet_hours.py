"""What a workspace declares about quiet hours: `[policies.quiet_hours]`, read into a policy."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core import quiet
from heliograph.core.failures import Refusal
from heliograph.core.holidays import calendar_of, calendars
from heliograph.core.message import LANES, OTP, PROMOTIONAL
from heliograph.core.numbers import is_country
from heliograph.engine.suggest import did_you_mean

_KINDS: Final = tuple(kind for kind in LANES if kind != OTP)
_Name = Annotated[str, Meta(min_length=1, max_length=40)]


class QuietRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hours of one's own, in the place of the legal ones."""

    name: _Name
    countries: Annotated[list[str], Meta(min_length=1, description="FR, US, US-FL; or * for all.")]
    hours: Annotated[dict[str, str], Meta(description='By weekday, as in {"mon-sat": "08:00-20:00", "sun": ""}.')]
    kinds: Annotated[list[str], Meta(description="Left out: all kinds that keep quiet hours.")] = []
    holidays: Annotated[Literal["open", "closed"], Meta(description="What public holidays are.")] = "open"


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a workspace does about quiet hours."""

    action: Annotated[Literal["hold", "reject"], Meta(description="Hold until they are over, or refuse.")] = "hold"
    kinds: Annotated[list[str], Meta(description="The kinds that keep quiet hours.")] = msgspec.field(
        default_factory=[PROMOTIONAL].copy
    )
    in_test: Annotated[bool, Meta(description="Also where nothing can reach a phone.")] = False
    rules: list[QuietRule] = []

    def policy(self, *, rehearses: bool) -> quiet.Policy:
        """The policy of an environment; in one that `rehearses` nothing can reach a phone."""
        if rehearses and not self.in_test:
            return quiet.Policy(kinds=frozenset())
        overrides = tuple(
            quiet.Override(
                quiet.Rule(rule.name, quiet.windows(rule.hours)),
                frozenset(rule.countries),
                frozenset(rule.kinds),
                rule.holidays == "closed",
            )
            for rule in self.rules
        )
        return quiet.Policy(self.action, frozenset(self.kinds), overrides, self.in_test)

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = _bad_kinds(self.kinds, "/kinds")
        for place, rule in enumerate(self.rules):
            pointer = f"/rules/{place}"
            found += _bad_kinds(rule.kinds, f"{pointer}/kinds")
            for index, name in enumerate(rule.countries):
                if refusal := _bad_place(name, rule, f"{pointer}/countries/{index}"):
                    found.append(refusal)
            try:
                quiet.windows(rule.hours)
            except quiet.BadHours as error:
                found.append(Refusal("bad_hours", str(error), f"{pointer}/hours"))
        return found


def _bad_kinds(kinds: list[str], pointer: str) -> list[Refusal]:
    found = []
    for index, kind in enumerate(kinds):
        if kind not in _KINDS:
            why = "never keep quiet hours: somebody waits for them" if kind == OTP else "are not a kind"
            detail = f"{kind[:40]!r} {why}; there are {', '.join(_KINDS)}.{did_you_mean(kind, _KINDS)}"
            found.append(Refusal("unknown_kind", detail, f"{pointer}/{index}"))
    return found


def _bad_place(name: str, rule: QuietRule, pointer: str) -> Refusal | None:
    country, _, state = name.partition("-")
    is_state = country == "US" and len(state) == 2 and state.isalpha() and state.isupper()
    if name != quiet.EVERYWHERE and (not is_country(country) or (state and not is_state) or name.endswith("-")):
        detail = f"{name[:20]!r} is not a country code (FR), a US state (US-FL) or * for everywhere"
        return Refusal("unknown_country", detail, pointer)
    if rule.holidays == "closed" and calendar_of(name) is None:
        detail = f"no public holidays are known for {name!r}; they are for {', '.join(calendars())}"
        return Refusal("no_calendar", detail, pointer)
    return None
