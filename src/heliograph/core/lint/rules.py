"""The rules as data: what each looks for, in which kinds of message, how grave it is, and what would be right."""

from importlib import resources
from typing import Final

import msgspec

BLOCK: Final = "block"
WARN: Final = "warn"
INFO: Final = "info"
OFF: Final = "off"


class Rule(msgspec.Struct, frozen=True):
    """One rule."""

    severity: str  # block | warn | info
    kinds: frozenset[str]
    says: str  # what a finding of it tells
    suggestion: str
    countries: dict[str, str] = {}  # where it is graver, or milder
    only_in: frozenset[str] = frozenset()  # empty: everywhere
    quotes: bool = True  # may a finding quote the place? Not where secrets stand


class Finding(msgspec.Struct, frozen=True):
    """What a rule found, where it begins and ends in the text, and what would be right."""

    rule: str
    severity: str
    detail: str
    where: tuple[int, int]
    suggestion: str


class Data(msgspec.Struct, frozen=True):
    """The file that the rules and their words stand in."""

    rules: dict[str, Rule]
    lexicons: dict[str, tuple[str, ...]]
    shorteners: frozenset[str]
    protected_names: tuple[str, ...]
    forbidden_topics: dict[str, tuple[str, ...]]  # country → lexicons
    opt_out_words: tuple[str, ...]  # of languages that the patterns don't know
    link_endings: frozenset[str]  # what makes a link of a host that stands alone, without a path


DATA: Final = msgspec.json.decode(
    (resources.files("heliograph.core") / "data" / "content_rules.json").read_bytes(), type=Data
)
RULES: Final = DATA.rules
_PARTICULAR: Final = frozenset(
    (*DATA.forbidden_topics, *(c for rule in RULES.values() for c in (*rule.countries, *rule.only_in)))
)


def country_group(country: str) -> str:
    """Countries without rules of their own are one to the linter, so that what was found can be kept for all."""
    return country if country in _PARTICULAR else ""
