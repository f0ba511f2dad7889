"""How an SMPP connector speaks to its carrier; docs/smpp-connector.md says what one would ask the carrier for each."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from heliograph.core.failures import CONTENT, INVALID_NUMBER, OPTED_OUT, PERMANENT, TRANSIENT, UNREACHABLE
from heliograph.smpp.status import CODES, STATUSES, THROTTLE

Alphabet = Literal["gsm7", "gsm7-packed", "ascii", "latin1", "cp1252", "utf-8"]
ALPHABETS: Final = get_args(Alphabet)
_LATIN: Final = re.compile("[\x01-\xff]*").fullmatch  # NUL ends a string
_Octet = Annotated[int, Meta(ge=0, le=255)]
_Seconds = Annotated[float, Meta(ge=0.05, le=86_400)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The settings of an SMPP connector."""

    host: str | list[str]  # several are tried in turn
    port: Annotated[int, Meta(ge=1, le=65_535)] = 2775
    system_id: Annotated[str, Meta(max_length=15)]
    password: Annotated[str, Meta(max_length=64)]
    system_type: Annotated[str, Meta(max_length=12)] = ""
    bind: Literal["transceiver", "separate"] = "transceiver"  # separate: a transmitter and a receiver for each bind
    binds: Annotated[int, Meta(ge=1, le=100)] = 1
    window: Annotated[int, Meta(ge=1, le=10_000)] = 10  # requests of each bind that wait for their answers
    max_segments_per_second: Annotated[int, Meta(ge=0)] = 0  # 0: no cap; kept in every window of one second
    interface_version: _Octet = 0x34
    tls: bool = False
    tls_ca: str | None = None  # a file with the carrier's own authority
    tls_name: str | None = None  # the name in its certificate, when it is not the host
    tls_certificate: str | None = None  # a file with ours and its key, when the carrier asks for one
    enquire_link_s: _Seconds = 30.0
    response_timeout_s: _Seconds = 30.0
    bind_timeout_s: _Seconds = 10.0
    reconnect_first_s: _Seconds = 1.0
    reconnect_longest_s: _Seconds = 60.0
    source_ton: _Octet | None = None  # of all senders; absent: by the form of each
    source_npi: _Octet | None = None
    short_code_ton: _Octet = 3
    short_code_npi: _Octet = 0
    dest_ton: _Octet = 1
    dest_npi: _Octet = 1
    plus_sign: bool = False  # the carrier wants numbers with their +
    default_alphabet: Alphabet = "gsm7"
    data_coding: _Octet = 0  # announces a text in the default alphabet
    data_coding_ucs2: _Octet = 8
    long_messages: Literal["udh8", "udh16", "sar", "payload"] = "udh8"
    registered_delivery: _Octet = 1
    service_type: Annotated[str, Meta(max_length=5)] = ""
    priority_flag: Annotated[int, Meta(ge=0, le=3)] = 0
    validity: Literal["relative", "absolute", "none"] = "relative"
    tlvs: dict[str, str] = {}  # with every submit: tag in hexadecimal → text, or 0x… for octets
    text_receipts: bool = True  # some carriers do not mark receipts as such: know them by their text
    error_codes: dict[str, str] = {}  # command_status in hexadecimal or by name → throttle, transient, permanent, …
    receipt_codes: dict[str, str] = {}  # err of a receipt, or network_error_code as 3:27 → one of REASONS
    country_code: Annotated[str, Meta(pattern=r"^\d{0,3}$")] = ""  # put before national numbers of inbound messages


KINDS: Final = ("throttle", "transient", "permanent", "route", "config")
# What a receipt's code may be said to mean, in our own codes, each with its class.
REASONS: Final = {
    INVALID_NUMBER: PERMANENT,
    "absent_subscriber": UNREACHABLE,
    "memory_full": UNREACHABLE,
    "expired_at_carrier": UNREACHABLE,
    "blocked_by_operator": PERMANENT,
    "opted_out_at_carrier": OPTED_OUT,
    "content_filtered": CONTENT,
    "sender_refused": PERMANENT,
    "carrier_busy": TRANSIENT,
}


def check(settings: Settings) -> tuple[str, str] | None:
    """What can't work about them: key and reason."""
    if not settings.host:
        return "host", "name at least one host"
    for code, kind in settings.error_codes.items():
        if code_of(code) is None:
            return "error_codes", f"{code!r} is no command_status: write 0x58 or RTHROTTLED"
        if kind not in KINDS:
            return "error_codes", f"{kind!r} is no class: {', '.join(KINDS)}"
    if (wrong := _wrong_code(settings.receipt_codes)) is not None:
        return "receipt_codes", wrong
    for tag in settings.tlvs:
        try:
            number, octets = tlv(tag, settings.tlvs[tag])
        except ValueError:
            return "tlvs", f"{tag!r}: write the tag as 0x1400 and the value as text, or as octets, 0x0102"
        if not 0 <= number <= 0xFFFF or len(octets) > 0xFFFF:
            return "tlvs", f"{tag!r}: tags end at 0xFFFF, values at 65535 octets"
    for key in ("system_id", "password", "system_type", "service_type"):
        if not _LATIN(getattr(settings, key)):
            return key, "SMPP can write the letters of Latin-1 only"
    return None


def _wrong_code(receipt_codes: Mapping[str, str]) -> str | None:
    """What can't be meant by a table of receipts' codes."""
    seen: dict[str, str] = {}
    for code, reason in receipt_codes.items():
        if reason not in REASONS:
            return f"{reason!r} is no reason: {', '.join(REASONS)}"
        if code.split() != [code]:
            return f"{code!r} is no code of a receipt: write its err, one word, or network_error_code as 3:27"
        if not code.strip("0"):
            return f"{code!r} says that there is no error: leave it out"
        if (first := seen.setdefault(plain(code), code)) != code:
            return f"{first!r} and {code!r} are the same code: keep one of them"
    return None


def code_of(written: str) -> int | None:
    """A command_status by its name or number."""
    name = written.upper().removeprefix("ESME_")
    if name in CODES:
        return CODES[name]
    try:
        return int(written, 0)
    except ValueError:
        return None


def tlv(tag: str, value: str) -> tuple[int, bytes]:
    """One optional parameter as it is written in the settings."""
    octets = bytes.fromhex(value[2:]) if value.startswith("0x") else value.encode()
    return int(tag, 16), octets


def without_tlvs(settings: Settings) -> Settings:
    """The same for a peer that knows no optional parameters: long messages are told by a user data header."""
    way = settings.long_messages
    return msgspec.structs.replace(settings, tlvs={}, long_messages=way if way == "udh16" else "udh8")


def kinds(settings: Settings) -> dict[int, str]:
    """What each command_status means at this carrier."""
    own = {code_of(code): kind for code, kind in settings.error_codes.items()}
    usual = {code: status.kind for code, status in STATUSES.items()}
    usual[CODES["RMSGQFUL"]] = THROTTLE  # a full queue is best left alone for a while
    return usual | {code: kind for code, kind in own.items() if code is not None}


def plain(code: str) -> str:
    """A receipt's code as it is compared: noughts before a number make no difference, nor do capitals."""
    return code.lstrip("0") if code.isascii() and code.isdigit() else code.casefold()


def reasons(settings: Settings) -> dict[str, tuple[str, str]]:
    """What each code of a receipt means at this carrier: failure and our code."""
    return {plain(code): (REASONS[reason], reason) for code, reason in settings.receipt_codes.items()}
