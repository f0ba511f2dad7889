"""What an application asks for, and what can't work about it."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.channels import SMS
from heliograph.core.channels.email import read_address
from heliograph.core.failures import Refusal, Refused
from heliograph.core.verify.codes import ALPHABETS, LONGEST, NUMERIC, SHORTEST, normalise
from heliograph.core.verify.policy import LIFETIME_MAX_S, VerifyPolicy
from heliograph.core.verify.texts import APP_HASH, ORIGIN
from heliograph.products.verify.ways import AVAILABLE, wrong

OWN: Final = "own"  # the alphabet of a code that the application made
_WAIT_S: Final = 20
_Word = Annotated[str, Meta(min_length=1, max_length=64)]
_Long = Annotated[str, Meta(min_length=1, max_length=256)]


class Step(msgspec.Struct, forbid_unknown_fields=True):
    """One way to reach the person, and how long to wait for a delivery receipt before the next one is tried."""

    channel: str = SMS
    wait_s: Annotated[int, Meta(ge=5, le=LIFETIME_MAX_S)] = _WAIT_S


_Plan = Annotated[list[Step], Meta(min_length=1, max_length=5)]


class VerificationRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to verify, and how."""

    to: Annotated[str, Meta(description="The phone number, as in +447400123456.")]
    channel: Annotated[str | None, Meta(description="sms, voice, whatsapp or email.")] = None
    plan: Annotated[_Plan | None, Meta(description="Several ways, tried one after the other.")] = None
    email: Annotated[_Long | None, Meta(description="Where steps by email go.")] = None
    purpose: Annotated[_Word | None, Meta(description="What it is for, in your words: login, payment.")] = None
    locale: Annotated[_Word | None, Meta(description="The language of the text: de, pt-BR; left out: en.")] = None
    code_length: Annotated[int, Meta(ge=SHORTEST, le=LONGEST)] | None = None
    alphabet: Literal["numeric", "alphanumeric"] | None = None
    lifetime_s: Annotated[int, Meta(ge=30, le=LIFETIME_MAX_S)] | None = None
    code: Annotated[_Word | None, Meta(description="Your own code, instead of one that is made.")] = None
    sender: Annotated[_Word | None, Meta(description="Who the text comes from; left out: the default sender.")] = None
    origin: Annotated[_Long | None, Meta(description="The site that may fill the code in: example.com.")] = None
    app_hash: Annotated[str | None, Meta(description="11 characters, for Android's SMS Retriever.")] = None
    ip: Annotated[_Word | None, Meta(description="The address that the person came from; for the fraud guard.")] = None
    device: Annotated[_Long | None, Meta(description="What tells their device from others; for the guard.")] = None
    challenge_passed: Annotated[
        bool, Meta(description="They have just solved a riddle of yours: the guard asked for one.")
    ] = False

    @property
    def mailbox(self) -> str | None:
        """Its address as the consent record has it."""
        return None if self.email is None else self.email.strip().lower()


class Wanted(msgspec.Struct, frozen=True):
    """A request that was read, with what the policy says where it says nothing."""

    steps: tuple[tuple[str, int], ...]  # channel, seconds to wait
    length: int
    alphabet: str
    lifetime_s: int
    own_code: str | None


def read(asked: VerificationRequest, policy: VerifyPolicy) -> Wanted:
    """Raises `Refused`."""
    refusals = [*_wrong_channels(asked, policy), *_wrong_marks(asked)]
    own = None if asked.code is None else normalise(asked.code)
    if own is not None and (own != asked.code or not SHORTEST <= len(own) <= LONGEST):
        detail = f"give a code of {SHORTEST} to {LONGEST} digits and capitals, without O, I and L, or let one be made"
        refusals.append(Refusal("bad_code", detail, "/code"))
    if own is not None and (asked.code_length is not None or asked.alphabet is not None):
        detail = "code is your own; leave out code_length and alphabet"
        refusals.append(Refusal("ambiguous_field", detail, "/code"))
    if refusals:
        raise Refused(*refusals)
    steps = asked.plan or [Step(asked.channel or SMS)]
    return Wanted(
        tuple((step.channel, step.wait_s) for step in steps),
        len(own) if own is not None else asked.code_length or policy.code_length,
        OWN if own is not None else asked.alphabet or policy.alphabet,
        asked.lifetime_s or policy.lifetime_s,
        own,
    )


def _wrong_channels(asked: VerificationRequest, policy: VerifyPolicy) -> list[Refusal]:
    if asked.channel is not None and asked.plan is not None:
        return [Refusal("ambiguous_field", "give channel or plan, not both", "/channel")]
    places = {f"/plan/{place}/channel": step.channel for place, step in enumerate(asked.plan or ())}
    if asked.channel is not None:
        places = {"/channel": asked.channel}
    found = [unknown_channel(name, pointer) for pointer, name in places.items() if name not in AVAILABLE]
    if asked.email is not None and isinstance(refusal := read_address(asked.email), Refusal):
        found.append(msgspec.structs.replace(refusal, pointer="/email"))
    lacking = (wrong(name, policy, asked.email, pointer) for pointer, name in places.items())
    return found or [refusal for refusal in lacking if refusal is not None]


def unknown_channel(name: str, pointer: str) -> Refusal:
    detail = f"{name[:40]!r} is not a channel that carries codes; use {', '.join(AVAILABLE)}"
    return Refusal("unknown_channel", detail, pointer)


def _wrong_marks(asked: VerificationRequest) -> list[Refusal]:
    refusals = []
    if asked.origin is not None and ORIGIN.fullmatch(asked.origin) is None:
        detail = f"{asked.origin[:60]!r} is not a host; give it in small letters, without https://: example.com"
        refusals.append(Refusal("bad_origin", detail, "/origin"))
    if asked.app_hash is not None and APP_HASH.fullmatch(asked.app_hash) is None:
        detail = "app_hash is the 11 characters that Android makes of package and certificate: FA+9qCX9VSu"
        refusals.append(Refusal("bad_app_hash", detail, "/app_hash"))
    return refusals


def alphabet_of(name: str) -> str:
    """In which a new code is made, also in place of one of the application's own."""
    return name if name in ALPHABETS else NUMERIC


def network_of(ip: str) -> str:
    """An address as it is counted: of IPv6 the /64, which one household has."""
    try:
        address = ip_address(ip)
    except ValueError:
        detail = f"{ip[:60]!r} is not an IP address; give the one that the person came from, such as 203.0.113.7"
        raise Refused(Refusal("bad_ip", detail, "/ip")) from None
    return str(ip_network(f"{ip}/64", strict=False) if isinstance(address, IPv6Address) else address)
