"""What callers call a scope and an address, as the record knows them."""

from typing import Final

from heliograph.core import consent
from heliograph.core.channels import webpush
from heliograph.core.channels.email import read_address
from heliograph.core.failures import Refusal
from heliograph.core.message import LANES
from heliograph.core.numbers import BadNumber, parse

ALL: Final = "all"


def scope_of(purpose: str | None, sender: str | None) -> str | Refusal:
    """`promotional`, a topic, a sender; all when neither is named."""
    if sender is not None:
        if purpose not in (None, ALL):
            detail = "what is said of one sender is said of all its messages: give purpose or sender, not both"
            return Refusal("ambiguous_field", detail, "/sender")
        return consent.sender_scope(sender)
    if purpose in (None, ALL):
        return consent.EVERYTHING
    assert purpose is not None
    if purpose in LANES:
        return purpose
    if consent.TOPIC.fullmatch(purpose):
        return consent.topic_scope(purpose)
    kinds = ", ".join(LANES)
    detail = f"{purpose[:40]!r} is not a purpose: all, {kinds}, or a topic of up to 64 small letters, digits, . - _"
    return Refusal("bad_topic", detail, "/purpose")


def address_of(text: str, default_country: str | None) -> str | Refusal:
    """A number in E.164, an e-mail address in small letters, or the id of a push subscription."""
    if text.startswith(f"{webpush.PREFIX}_"):
        return webpush.read_address(text)
    if "@" in text:
        return read_address(text)
    number = parse(text, default_country)
    if isinstance(number, BadNumber):
        hint = f" Did you mean {number.suggestion}?" if number.suggestion else ""
        return Refusal(number.code, number.detail + hint, "/to")
    return number.e164
