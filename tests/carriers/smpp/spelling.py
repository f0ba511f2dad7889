"""How tests spell a message, and read it as its peer does."""

from typing import Any, Final

import msgspec

from heliograph.carriers import catalogue
from heliograph.carriers.smpp.settings import Settings
from heliograph.carriers.smpp.spelling import Speller
from heliograph.core import gsm, segments
from heliograph.core.message import Message
from heliograph.smpp.codec import Pdu
from heliograph.smpp.parts import payload
from tests.carriers.network import NOW, message

NEEDED: Final = {"host": "smsc.example", "system_id": "acme", "password": "secret"}
DAY_MS: Final = 86_400_000
TO: Final = "+447700900123"
AIR_MAX: Final = 140  # octets that one part may take between the carrier and the phone
LONG: Final = "Ten letters" * 20  # 220 septets: two parts
CYRILLIC: Final = "Привет, мир! " * 10  # 130 units: two parts
WAYS_WITH_PARTS: Final = ("udh8", "udh16", "sar")
CODECS: Final = {"ascii": "ascii", "latin1": "latin-1", "cp1252": "cp1252", "utf-8": "utf-8"}
# How many octets stand in front of a part on air; a message centre writes eight bits of a sar reference.
HEADERS: Final = {"udh8": 6, "udh16": 7, "sar": 6}


def settings(**changes: Any) -> Settings:
    spec = {**NEEDED, **changes}
    wrong = catalogue.check("smpp", spec)
    assert wrong is None, wrong
    return msgspec.convert(spec, Settings)


def text_of(text: str, **changes: Any) -> Message:
    """A message with this text, counted as intake counts."""
    encoding, count = segments.measure(text)
    fields = {"encoding": encoding, "segments": count, "valid_until": NOW + DAY_MS, "to": TO, **changes}
    return message(text=text, **fields)


def spell(given_message: Message, **changes: Any) -> list[Pdu]:
    return Speller(settings(**changes)).pdus(given_message, NOW)


def one(given_message: Message, **changes: Any) -> Pdu:
    [pdu] = spell(given_message, **changes)
    return pdu


def is_ucs2(pdu: Pdu, speech: Settings) -> bool:
    return bool(pdu.fields["data_coding"] == speech.data_coding_ucs2)


def read(pdu: Pdu, speech: Settings, units: int) -> str:
    """The text of one part, as the peer reads it. Packed septets don't say how many they are: `units` does."""
    found = payload(pdu)
    if is_ucs2(pdu, speech):
        return found.text.decode("utf-16-be", "surrogatepass")
    if speech.default_alphabet == "gsm7":
        return gsm.decode(found.text)
    if speech.default_alphabet == "gsm7-packed":
        header = len(pdu.fields.get("short_message", b"")) - len(found.text) if found.elements else 0
        fill = gsm.fill_bits(header)
        assert len(found.text) == -(-(fill + 7 * units) // 8)
        return gsm.decode(gsm.unpack(found.text, units, fill))
    return found.text.decode(CODECS[speech.default_alphabet])


def on_air(pdu: Pdu, speech: Settings, units: int) -> int:
    """Octets of a part between the carrier and the phone, where seven bits are seven bits."""
    header = HEADERS[speech.long_messages] if payload(pdu).part else 0
    if is_ucs2(pdu, speech):
        return header + len(payload(pdu).text)
    return header + (gsm.fill_bits(header) + 7 * units + 7) // 8


def expected_parts(pdus: list[Pdu], text: str, speech: Settings) -> list[segments.Segment]:
    """What the rule of `core.segments` makes of a text in the alphabet that was chosen."""
    encoding = segments.UCS2 if is_ucs2(pdus[0], speech) else segments.GSM7
    bits = 16 if speech.long_messages == "udh16" else 8
    return list(segments.split_as(encoding, text, reference_bits=bits).segments)
