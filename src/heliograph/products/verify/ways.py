"""A code as each channel takes it, and the code again out of a message that has it: the row keeps only its hash."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from heliograph.core.channels import EMAIL, SMS, VOICE, WHATSAPP
from heliograph.core.channels.whatsapp import content_of
from heliograph.core.failures import Refusal
from heliograph.core.message import OTP, Message
from heliograph.core.request import MessageRequest
from heliograph.core.verify.policy import VerifyPolicy
from heliograph.core.verify.texts import Text

AVAILABLE: Final = (SMS, VOICE, WHATSAPP, EMAIL)
_SUBJECT_LETTERS: Final = 200
_READ_TWICE: Final = 2
_SPACED: Final = re.compile(r"(?:(?<![0-9A-Za-z])[0-9A-Z](?![0-9A-Za-z])[, ]*){4,10}")
_WORD: Final = re.compile(r"[0-9A-Z]{4,10}")
# Where calls need the country of a language; what is not here is read in English, whose digits are understood.
_SPOKEN: Final = {
    "da": "da-DK",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "fi": "fi-FI",
    "fr": "fr-FR",
    "it": "it-IT",
    "ja": "ja-JP",
    "ko": "ko-KR",
    "nb": "nb-NO",
    "nl": "nl-NL",
    "pl": "pl-PL",
    "pt": "pt-PT",
    "pt-BR": "pt-BR",
    "ro": "ro-RO",
    "ru": "ru-RU",
    "sv": "sv-SE",
    "tr": "tr-TR",
    "zh": "zh-CN",
}


class Code(msgspec.Struct, frozen=True):
    """A code with what is kept of it."""

    code: str
    salt: str
    hash: str


class Way(msgspec.Struct, frozen=True):
    """How a code goes to somebody."""

    channel: str
    phone: str
    email: str | None
    sender: str | None
    lifetime_s: int


def wrong(channel: str, policy: VerifyPolicy, email: str | None, pointer: str) -> Refusal | None:
    """What a channel lacks to carry codes."""
    if channel == EMAIL and email is None:
        detail = "a step by email needs the address: give email beside to"
        return Refusal("missing_field", detail, "/email")
    if channel == WHATSAPP and policy.whatsapp_template is None:
        detail = "WhatsApp carries codes in templates only: name one as whatsapp_template of [policies.verify]"
        return Refusal("unknown_channel", detail, pointer)
    return None


def request_of(way: Way, code: str, text: Text, policy: VerifyPolicy) -> MessageRequest:
    """The message; of `text` only SMS has the lines for machines."""
    request = MessageRequest(to=way.phone, sender=way.sender, kind=OTP, valid_for=way.lifetime_s, text=text.text)
    if way.channel == SMS:
        return request
    plain = next((line for line in text.text.split("\n") if code in line), text.text)
    content: dict[str, Any]
    if way.channel == VOICE:
        request.text = plain.replace(code, ", ".join(code))
        content = {"language": _SPOKEN.get(text.locale, "en-US"), "repeat": _READ_TWICE}
        if text.locale not in _SPOKEN:
            request.text = ", ".join(code)
    elif way.channel == WHATSAPP:
        request.text = None
        values = {"variables": [code], "button_variables": [code]}
        content = {"template": {"name": policy.whatsapp_template, "language": _written(text.locale), **values}}
    else:
        request.to, request.text = way.email or "", plain
        content = {"subject": plain[:_SUBJECT_LETTERS]}
    request.channel, request.content = way.channel, content
    request.sender = None  # the one that was asked for shows itself in texts
    return request


def _written(locale: str) -> str:
    """A language as WhatsApp names it."""
    return {"zh-Hans": "zh_CN", "zh-Hant": "zh_TW"}.get(locale, locale.replace("-", "_"))


def code_in(message: Message, is_it: Callable[[str], bool]) -> str | None:
    """The code of a message, if it can still be read."""
    return next(filter(is_it, _candidates(message)), None)


def _candidates(message: Message) -> Iterator[str]:
    if message.channel == WHATSAPP:
        template = content_of(message.content).template if message.content is not None else None
        yield from template.variables if template is not None else ()
    text = message.text or ""
    yield from _WORD.findall(text)
    for found in _SPACED.findall(text):
        yield re.sub(r"[^0-9A-Z]", "", found)
