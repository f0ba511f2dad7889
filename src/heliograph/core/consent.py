"""May this be said to this person? What a workspace asks for, what holds for the person, and the ruling.

The record of what people said is append-only. What holds for a person at present is derived from it, as one *stance*
for each scope that was ever spoken of: everything, a kind, a topic, a sender. A message asks all stances that cover it:
the latest word counts, except that a firm no (of a carrier, an operator, a complaint) is not lifted by a word in a text
message, and that an import never lifts any no.
"""

import re
from collections.abc import Mapping, Sequence, Set
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.core.channels.whatsapp import SESSION_CLOSED
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES, PROMOTIONAL, SUPPORT, TRANSACTIONAL, Message

EVERYTHING: Final = "*"
# What a person, or somebody for them, can have said.
OPT_IN: Final = "opt_in"
CONFIRMED: Final = "confirmed"  # the second step of a double opt-in
OPT_OUT: Final = "opt_out"
HELP: Final = "help"
DOUBT: Final = "doubt"  # something that may be a no; a human decides
DISMISSED: Final = "dismissed"  # it was none
AGREED: Final = (OPT_IN, CONFIRMED)
ACTIONS: Final = (OPT_IN, CONFIRMED, OPT_OUT, HELP, DOUBT, DISMISSED)

KEYWORD: Final = "keyword"  # the source of what came by text message
IMPORT: Final = "import"
FIRM: Final = frozenset({"carrier", "complaint", "operator"})  # sources whose no is not the person's to lift by a text

OPTED_OUT: Final = "opted_out"
NO_CONSENT: Final = "no_consent"
IN_REVIEW: Final = "consent_in_review"

REFUSALS: Final = {
    code: Refusal(code, detail, "/to")
    for code, detail in (
        (OPTED_OUT, "the recipient has opted out; no such message may go to this number"),
        (
            NO_CONSENT,
            "such messages need the recipient's opt-in, and the record has none that holds; "
            "POST /v1/consents records one",
        ),
        (
            SESSION_CLOSED,
            "the recipient has not written by WhatsApp within the last 24 hours; only an approved template may go",
        ),
        (IN_REVIEW, "the recipient wrote something that may be an opt-out; promotional messages wait for its review"),
    )
}
TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
OURS: Final = "@"  # begins the topic of what we send ourselves about consent: allowed after an opt-out

_NOTHING: Final = "nothing"
_NO_OPT_OUT: Final = "no_opt_out"
_OPT_IN: Final = "opt_in"
_DOUBLE: Final = "double_opt_in"
_Need = Literal["no_opt_out", "opt_in", "double_opt_in"]
_OtpNeed = Literal["nothing", "no_opt_out", "opt_in"]
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


class CountryNeeds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one country asks for differently."""

    otp: _OtpNeed | None = None
    transactional: _Need | None = None
    support: _Need | None = None
    promotional: _Need | None = None


def _stricter() -> dict[str, CountryNeeds]:
    """Where courts want more than one click to believe it."""
    return {"DE": CountryNeeds(promotional="double_opt_in")}


class ConsentPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each kind of message needs, and what a person's STOP covers."""

    otp: _OtpNeed = "no_opt_out"
    transactional: _Need = "no_opt_out"
    support: _Need = "no_opt_out"
    promotional: _Need = "opt_in"
    countries: dict[_Country, CountryNeeds] = msgspec.field(default_factory=_stricter)
    stop_scope: Literal["all", "sender", "topic"] = "all"
    replies: bool = True  # confirm STOP and START, answer HELP
    brand: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    contact: Annotated[str, Meta(min_length=1, max_length=20)] | None = None  # whom HELP names

    def need(self, kind: str, country: str) -> str:
        special = self.countries.get(country)
        found = getattr(special, kind) if special is not None else None
        return str(found or getattr(self, kind))


class Entry(NamedTuple):
    """One entry of the record, as far as it says what holds."""

    id: int
    at: int
    action: str
    scope: str
    source: str
    until: int | None = None  # an implied consent ends by itself
    is_test: bool = False  # said in an environment in which nobody real is reached


class Stance(msgspec.Struct, frozen=True, gc=False):
    """What holds for one scope."""

    scope: str
    given_at: int | None = None
    imported: bool = False  # the yes came in a file: it counts, but lifts no no
    confirmed_at: int | None = None
    until: int | None = None
    out_at: int | None = None
    firm: bool = False
    doubt_at: int | None = None
    record: int = 0  # the entry that spoke last

    @property
    def says_something(self) -> bool:
        return self.given_at is not None or self.out_at is not None or self.doubt_at is not None


def erased_stance(at: int) -> Stance:
    """Of somebody who said no and was erased: only a hash is known, and the no is for everything."""
    return Stance(EVERYTHING, out_at=at, firm=True)


class Ruling(NamedTuple):
    """The answer: why not, or the entry of the record that permits it (0: nobody asked for one)."""

    refusal: str | None
    record: int = 0


ALLOWED: Final = Ruling(None)


def topic_scope(topic: str) -> str:
    return f"topic:{topic}"


def sender_scope(sender: str) -> str:
    return f"sender:{sender}"


def covers(scope: str, kind: str, topic: str | None, sender: str | None) -> bool:
    """Does what was said of this scope concern such a message? Support is part of what is transactional."""
    return (
        scope in (EVERYTHING, kind)
        or (scope == TRANSACTIONAL and kind == SUPPORT)
        or (topic is not None and scope == topic_scope(topic))
        or (sender is not None and scope == sender_scope(sender))
    )


def rule(need: str, kind: str, topic: str | None, sender: str | None, stances: Sequence[Stance], now: int) -> Ruling:
    """May a message that needs this much go to a person of these stances?"""
    if need == _NOTHING:
        return ALLOWED
    out = refusing = lifted = given = permitting = 0
    is_firm = in_doubt = False
    for stance in stances:  # once over all: this is asked for every message
        if not covers(stance.scope, kind, topic, sender):
            continue
        is_firm = is_firm or bool(stance.firm)
        in_doubt = in_doubt or stance.doubt_at is not None
        if stance.out_at is not None:
            out, refusing = max(out, stance.out_at), max(refusing, stance.record)
        if stance.given_at is None or (stance.until is not None and stance.until <= now):
            continue
        if not stance.imported:
            lifted = max(lifted, stance.given_at)
        at = stance.confirmed_at if need == _DOUBLE else stance.given_at
        if at is not None:
            given, permitting = max((given, permitting), (at, stance.record))
    if is_firm or (out and out >= lifted):
        return Ruling(OPTED_OUT, refusing)
    if in_doubt and kind == PROMOTIONAL:
        return Ruling(IN_REVIEW)
    if need == _NO_OPT_OUT:
        return ALLOWED
    return Ruling(None, permitting) if given > out else Ruling(NO_CONSENT)


def derive(entries: Sequence[Entry]) -> list[Stance]:
    """What holds after all these entries, in the order in which they happened. A no counts wherever it was said; a yes
    of a test permits nothing, and takes back only what was said in a test."""
    stances: dict[str, Stance] = {}
    trials: set[tuple[str, str]] = set()  # (action, scope): what holds of it was said in a test alone
    for entry in sorted(entries, key=lambda entry: (entry.at, entry.id)):
        before = stances.get(entry.scope) or Stance(entry.scope)
        if entry.is_test and entry.action in (*AGREED, DISMISSED):
            stances[entry.scope] = _taken_back(before, entry, trials)
            continue
        stances[entry.scope] = _after(before, entry)
        if not entry.is_test:
            trials.discard((entry.action, entry.scope))
        elif (before.out_at if entry.action == OPT_OUT else before.doubt_at) is None:
            trials.add((entry.action, entry.scope))
        if entry.action == OPT_OUT:  # a yes of before does not come back by itself
            for scope, stance in stances.items():
                if _spans(entry.scope, scope):
                    stances[scope] = msgspec.structs.replace(stance, given_at=None, confirmed_at=None, imported=False)
    return [stance for _, stance in sorted(stances.items()) if stance.says_something]


def _taken_back(stance: Stance, entry: Entry, trials: Set[tuple[str, str]]) -> Stance:
    if entry.source == IMPORT:
        return stance
    if (DOUBT, stance.scope) in trials:
        stance = msgspec.structs.replace(stance, doubt_at=None)
    is_bound = stance.firm and entry.source == KEYWORD
    if entry.action == DISMISSED or is_bound or (OPT_OUT, stance.scope) not in trials:
        return stance
    return msgspec.structs.replace(stance, out_at=None, firm=False)


def _after(stance: Stance, entry: Entry) -> Stance:
    """The stance of the entry's scope after it."""
    change = msgspec.structs.replace
    if entry.action == OPT_OUT:
        firm = stance.firm or entry.source in FIRM
        return change(stance, out_at=entry.at, firm=firm, doubt_at=None, record=entry.id)
    if entry.action in AGREED:
        return _agreed(stance, entry)
    if entry.action == DOUBT:
        return change(stance, doubt_at=entry.at)
    if entry.action == DISMISSED:
        return change(stance, doubt_at=None)
    return stance


def _agreed(stance: Stance, entry: Entry) -> Stance:
    if entry.source == IMPORT:
        if stance.given_at is not None and not stance.imported:
            return stance  # they said so themselves; a file adds nothing to it
        return msgspec.structs.replace(stance, given_at=entry.at, imported=True, until=entry.until, record=entry.id)
    if stance.firm and entry.source == KEYWORD:
        return stance
    # What comes from the phone itself proves that it is theirs: the second step of a double opt-in.
    sure = entry.action == CONFIRMED or entry.source == KEYWORD
    given = stance.given_at if entry.action == CONFIRMED and not stance.imported else None
    return Stance(
        entry.scope, given or entry.at, confirmed_at=entry.at if sure else None, until=entry.until, record=entry.id
    )


def _spans(wide: str, narrow: str) -> bool:
    """Does a no to the one scope say no to the other?"""
    return wide in (EVERYTHING, narrow) or (wide == PROMOTIONAL and narrow.startswith("topic:"))


class Rulebook(msgspec.Struct, frozen=True):
    """The policies of all environments, as the ledger asks them inside its transactions."""

    policies: Mapping[int, ConsentPolicy] = {}  # by environment
    tests: frozenset[int] = frozenset()  # environments in which nobody real is reached: no opt-in is asked for
    strict: frozenset[str] = frozenset()  # kinds that somewhere need an opt-in: these are ruled on whatever is known

    def rule(self, message: Message, stances: Sequence[Stance], now: int) -> Ruling:
        topic = message.topic
        if topic is not None and topic.startswith(OURS):
            return ALLOWED
        need = self.need(message.environment, message.kind, message.country)
        return rule(need, message.kind, topic, message.sender, stances, now)

    def need(self, environment: int, kind: str, country: str) -> str:
        policy = self.policies.get(environment, _DEFAULT)
        need = policy.need(kind, country)
        return _NO_OPT_OUT if environment in self.tests and need in (_OPT_IN, _DOUBLE) else need


_DEFAULT: Final = ConsentPolicy()


def rulebook(policies: Mapping[int, ConsentPolicy], tests: frozenset[int]) -> Rulebook:
    """Put the policies together."""
    asking = [policy for environment, policy in policies.items() if environment not in tests]
    strict = frozenset(kind for kind in LANES for policy in asking if _asks(policy, kind))
    return Rulebook(policies, tests, strict)


def _asks(policy: ConsentPolicy, kind: str) -> bool:
    """Does this kind need an opt-in anywhere?"""
    needs = {getattr(policy, kind), *(getattr(special, kind) for special in policy.countries.values())}
    return bool(needs & {_OPT_IN, _DOUBLE})
