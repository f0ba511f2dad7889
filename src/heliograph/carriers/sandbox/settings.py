"""How a sandbox connector behaves: delays, personality, limits, and a scenario from a file."""

import tomllib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from heliograph.carriers.sandbox.fates import FATES

# name → how likely it shows on each message; the carrier knows what it means.
PERSONALITIES: Final[dict[str, str]] = {
    "honest": "answers, reports, and means it",
    "throttling": "says every tenth time that it is too fast",
    "hex_ids": "answers ids in decimal and reports them in hexadecimal",
    "padded_ids": "reports ids with leading zeros",
    "eager": "reports before it answers",
    "losing": "loses one receipt in ten",
    "doubling": "reports everything twice",
    "reordering": "reports what it buffered after it was delivered",
    "lying": "reports messages that never were",
    "filtering": "refuses texts with a filtered word",
    "slow": "takes ten times as long",
    "half_open": "takes everything and answers nothing",
}

_Share = Annotated[float, Meta(ge=0, le=1)]
_Ms = Annotated[int, Meta(ge=0, le=3_600_000)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The settings of a sandbox connector."""

    answer_delay_ms: _Ms = 20
    receipt_delay_ms: _Ms = 500
    spread: _Share = 0.0  # delays vary by so much of themselves
    personality: str | list[str] = "honest"
    seed: int = 1
    messages_per_second: Annotated[int, Meta(ge=0)] = 0
    answer_timeout_ms: Annotated[int, Meta(ge=1)] = 5_000
    outage: bool = False
    filtered_words: list[str] = []
    max_parts: Annotated[int, Meta(ge=1, le=255)] = 255
    price_per_part: str | None = None
    price_currency: str | None = None
    scenario: str | None = None
    journal: str | None = None

    @property
    def personalities(self) -> frozenset[str]:
        return frozenset([self.personality] if isinstance(self.personality, str) else self.personality)


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Messages that fit meet a fate. Everything that is given must fit."""

    fate: str
    prefix: str = ""
    text: str = ""
    kind: str = ""
    every: Annotated[int, Meta(ge=1)] = 1  # each so many-th of those that fit


class Period(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A time after the start in which the network is out, or slower."""

    from_s: Annotated[float, Meta(ge=0)]
    to_s: Annotated[float, Meta(gt=0)]
    outage: bool = False
    slow: Annotated[float, Meta(ge=1)] = 1.0


class Reply(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What phones answer to messages that reach them."""

    reply: str
    prefix: str = ""
    text: str = ""
    after_ms: _Ms = 2_000


class Scenario(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A script for the sandbox."""

    rules: list[Rule] = []
    periods: list[Period] = []
    replies: list[Reply] = []


def check(settings: Settings) -> tuple[str, str] | None:
    """What is wrong beyond the types."""
    if unknown := sorted(settings.personalities - PERSONALITIES.keys()):
        return "personality", f"{unknown[0]!r} is no personality; there are {', '.join(PERSONALITIES)}"
    try:
        read_scenario(settings.scenario)
    except (OSError, ValueError) as error:  # both TOML's and msgspec's errors are ValueErrors
        return "scenario", f"{settings.scenario} can't be used: {error}"
    return None


def read_scenario(path: str | None) -> Scenario:
    """The script of a file; an empty one without a file."""
    if path is None:
        return Scenario()
    scenario = msgspec.convert(tomllib.loads(Path(path).read_text("utf-8")), Scenario)
    for rule in scenario.rules:
        if rule.fate not in FATES:
            raise ValueError(f"{rule.fate!r} is no fate; there are {', '.join(FATES)}")
    return scenario
