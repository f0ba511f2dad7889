"""A workspace's rules for messages from phones: which of them fit a message, and what they want done about it.

Keywords such as STOP and HELP are obeyed before and never get here. Patterns know one sign, `*`, and are matched piece
by piece from left to right: no text, however made, takes longer than it is long.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core import keywords
from heliograph.core.failures import Refusal
from heliograph.core.hours import Hours, is_open
from heliograph.core.keywords.reading import EXACT
from heliograph.core.keywords.text import fold, normalise, squeeze
from heliograph.core.spans import read_span

EVERYBODY: Final = "*"  # forwards to every endpoint that subscribed
TAGS_AT_MOST: Final = 20
_PHONE: Final = re.compile(r"\+[1-9][0-9]{7,14}")
_PATTERNS_KEPT: Final = 4_096

Tag = Annotated[str, Meta(min_length=1, max_length=64)]
_Word = Annotated[str, Meta(min_length=1, max_length=100)]
_Words = _Word | list[_Word]
_Text = Annotated[str, Meta(min_length=1, max_length=1_000)]
_Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages: all that is given must fit; of a list, one."""

    sender: _Words = []  # the number of ours that was texted
    keyword: _Words = []  # the first line is this word
    pattern: _Words = []  # the whole text, with * for anything
    language: _Words = []  # of the keyword, or of the contact's locale
    hours: Hours | None = None
    state: Literal["new", "open"] | None = None  # new: nobody is at it
    contact: Literal["known", "unknown"] | None = None
    attributes: dict[str, str] = {}  # of the contact


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"goes_on": "continue"}):
    """A rule: what it fits and what is done then. `continue`: the rules after it are asked too."""

    name: _Name
    match: Match = Match()
    reply: _Text | None = None
    forward: _Name | None = None  # an endpoint's name, or *
    tags: Annotated[list[Tag], Meta(max_length=TAGS_AT_MOST)] = []
    team: _Name | None = None
    flow: _Name | None = None
    needs_answer: bool = True  # False: nobody has to look at it
    goes_on: bool = False


class InboundPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done about messages from phones: `[policies.inbound]`."""

    rules: Annotated[list[Rule], Meta(max_length=200)] = []
    replies_at_most: Annotated[int, Meta(ge=0, le=20)] = 3  # automatic ones to one person from one sender …
    replies_within: str = "1h"  # … in so long
    answers_for_days: Annotated[int, Meta(ge=1, le=90)] = 7  # how old a message may be that is still answered

    @property
    def window_ms(self) -> int:
        span = read_span(self.replies_within)
        assert isinstance(span, int)
        return span

    def wrong(self) -> list[Refusal]:
        """What the types can't say."""
        found = [refusal for place, rule in enumerate(self.rules) for refusal in _wrong(rule, f"/rules/{place}")]
        names = [rule.name for rule in self.rules]
        for place, name in enumerate(names):
            if name in names[:place]:
                found.append(Refusal("bad_value", f"two rules are called {name!r}", f"/rules/{place}/name"))
        if isinstance(span := read_span(self.replies_within), Refusal):
            found.append(msgspec.structs.replace(span, pointer="/replies_within"))
        return found

    @property
    def endpoints(self) -> list[tuple[int, str]]:
        """Endpoints that rules forward to, with the rule's place."""
        return [(place, r.forward) for place, r in enumerate(self.rules) if r.forward not in (None, EVERYBODY)]


class Facts(msgspec.Struct, frozen=True):
    """What rules look at."""

    sender: str  # the number of ours
    number: str  # the person's
    text: str
    at: int
    languages: frozenset[str] = frozenset()
    is_new: bool = True
    is_known: bool = False
    attributes: Mapping[str, str] = {}


class Verdict(msgspec.Struct, frozen=True):
    """What the rules want, together."""

    rules: tuple[str, ...] = ()
    replies: tuple[tuple[str, str], ...] = ()  # (rule, text)
    forwards: tuple[tuple[str, str], ...] = ()  # (rule, endpoint or *)
    tags: tuple[str, ...] = ()
    team: tuple[str, str] | None = None  # (rule, team)
    flows: tuple[tuple[str, str], ...] = ()  # (rule, flow)
    needs_answer: bool = True


NOTHING: Final = Verdict()


def judge(rules: Sequence[Rule], facts: Facts) -> Verdict:
    """The first rule that fits decides, with those after it as long as each says `continue`."""
    fitting: list[Rule] = []
    for rule in rules:
        if fits(rule.match, facts):
            fitting.append(rule)
            if not rule.goes_on:
                break
    return Verdict(
        rules=tuple(rule.name for rule in fitting),
        replies=tuple((rule.name, _filled(rule.reply, facts)) for rule in fitting if rule.reply is not None),
        forwards=tuple((rule.name, rule.forward) for rule in fitting if rule.forward is not None),
        tags=tuple(dict.fromkeys(tag for rule in fitting for tag in rule.tags)),
        team=next(((rule.name, rule.team) for rule in fitting if rule.team is not None), None),
        flows=tuple((rule.name, rule.flow) for rule in fitting if rule.flow is not None),
        needs_answer=all(rule.needs_answer for rule in fitting),
    )


def fits(match: Match, facts: Facts) -> bool:
    """Does everything that is given fit?"""
    return (
        _is_one_of(match.sender, facts.sender)
        and (not match.keyword or _key(facts.text) in {_key(word) for word in _list(match.keyword)})
        and (not match.pattern or any(resembles(pattern, facts.text) for pattern in _list(match.pattern)))
        and (not match.language or not facts.languages.isdisjoint(_list(match.language)))
        and (match.hours is None or is_open(match.hours, facts.at))
        and (match.state is None or (match.state == "new") == facts.is_new)
        and (match.contact is None or (match.contact == "known") == facts.is_known)
        and all(facts.attributes.get(name) == value for name, value in match.attributes.items())
    )


def resembles(pattern: str, text: str) -> bool:
    """Is the whole text like the pattern? `*` stands for anything, also for nothing; case and accents are no matter."""
    text = " ".join(fold(text).split())
    first, *pieces = _pieces(pattern)
    if not pieces:
        return text == first
    last = pieces.pop()
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in pieces:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


@lru_cache(maxsize=_PATTERNS_KEPT)
def _pieces(pattern: str) -> tuple[str, ...]:
    return tuple(" ".join(fold(piece).split()) for piece in pattern.split("*"))


def held_back(number: str, ours: Collection[str], text: str, sent: Sequence[str], count: int, at_most: int) -> str:
    """Why an automatic reply isn't sent; "" when it may be. `sent`: our latest texts; `count`: automatic ones of late.

    Two machines that answer each other would go on for ever. So nothing that can't be a person's phone is answered,
    nobody who repeats our own words, and nobody more often than so many times.
    """
    if not _PHONE.fullmatch(number):
        return "not_a_phone"
    if number in ours:
        return "our_own_number"
    if fold(text) in {fold(one) for one in sent}:
        return "echo"
    return "too_many" if count >= at_most else ""


def _wrong(rule: Rule, pointer: str) -> list[Refusal]:
    found = rule.match.hours.wrong(f"{pointer}/match/hours") if rule.match.hours is not None else []
    for word in _list(rule.match.keyword):
        reading = keywords.read(word)
        if reading.tier == EXACT and reading.action != keywords.NONE and not reading.only_if_asked:
            detail = f"{word!r} is obeyed before any rule is asked; use another word"
            found.append(Refusal("reserved_keyword", detail, f"{pointer}/match/keyword"))
        elif not _key(word):
            found.append(Refusal("bad_value", f"{word!r} has no letter or digit", f"{pointer}/match/keyword"))
    for pattern in _list(rule.match.pattern):
        if not any(_pieces(pattern)):
            detail = f"{pattern!r} fits everything; leave it out, or give it letters or digits"
            found.append(Refusal("bad_value", detail, f"{pointer}/match/pattern"))
    return found


def _filled(text: str, facts: Facts) -> str:
    return text.replace("{from}", facts.number).replace("{to}", facts.sender)


def _key(text: str) -> str:
    return squeeze(normalise(text))


def _is_one_of(wanted: str | list[str], value: str) -> bool:
    return not wanted or value in _list(wanted)


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value
