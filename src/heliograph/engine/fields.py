"""Reads the fields of a request: what each says, or what is wrong with it and what would be right."""

from collections.abc import Callable
from typing import Final

import msgspec

from heliograph.core import numbers, zones
from heliograph.core.channels import SMS
from heliograph.core.consent import TOPIC
from heliograph.core.failures import Refusal
from heliograph.core.numbers import Number
from heliograph.core.request import MessageRequest, only_one
from heliograph.core.segments import forbidden, normalise
from heliograph.core.smart import smart
from heliograph.engine.declared import Realm

_TAG_LIMIT: Final = 20
_URLS_KEPT: Final = 10_000
_PLAIN: Final = frozenset(("auto", None))
_encode: Final = msgspec.json.Encoder().encode


def recipient(request: MessageRequest, realm: Realm, default_country: str | None) -> Number | Refusal:
    """Whom it is for, where the environment reaches them."""
    if request.default_country is not None and not numbers.is_country(request.default_country):
        detail = f"{request.default_country[:20]!r} is not a country code; give two capital letters, such as GB"
        return Refusal("unknown_country", detail, "/default_country")
    number = numbers.parse(request.to, request.default_country or default_country)
    if not isinstance(number, numbers.Number):
        return _bad_recipient(number)
    barred = numbers.policy(number)
    if barred is not None:
        return _bad_recipient(barred)
    if realm.mode == "guarded" and number.e164 not in realm.allowlist:
        detail = f"{number.e164} is not on the allowlist of the environment {realm.name!r}, which reaches no others"
        return Refusal("not_on_allowlist", detail, "/to")
    return number


def text_of(request: MessageRequest) -> str | Refusal:
    """What the phone is to show."""
    text = request.text
    if text is None or request.body is not None or request.message is not None:
        given = only_one(request, ("text", "body", "message"))
        if isinstance(given, Refusal):
            return given
        if given is None:
            return Refusal("missing_field", "text is missing: say what the message should read", "/text")
        text = given
    if not text:
        return Refusal("empty_text", "text is empty: say what the message should read", "/text")
    if not text.isprintable():
        text = normalise(text)
        if bad := forbidden(text):
            position, character = bad[0]
            what = f"U+{ord(character):04X} at position {position} is a control character that phones can't show"
            return Refusal("forbidden_character", f"{what}; leave it out", "/text")
    elif not text.isascii():
        text = normalise(text)
    return smart(text).text if request.smart_encoding else text


def sender_of(request: MessageRequest) -> str | None | Refusal:
    """Who it is to come from, under any of the names of this field."""
    if request.sender is None and (request.from_ is not None or request.sender_id is not None):
        return only_one(request, ("sender", "from_", "sender_id"))
    return request.sender


def bad_encoding(request: MessageRequest, actual: str) -> Refusal | None:
    """Does the text fit the encoding that the request insists on?"""
    wanted = request.encoding
    if wanted in _PLAIN:
        return None
    if wanted not in ("auto", "gsm7", "ucs2"):
        return Refusal(
            "unknown_encoding", f"{str(wanted)[:20]!r} is not an encoding; there are auto, gsm7 and ucs2", "/encoding"
        )
    if wanted == "gsm7" and actual != "gsm7":
        return Refusal(
            "not_gsm7",
            "the text has characters outside GSM-7; POST /v1/segments shows which, smart_encoding may replace them",
            "/text",
        )
    return None


class Extras:
    """The fields that don't change what is sent. Good callback URLs are remembered."""

    def __init__(self, check_url: Callable[[str], str | None], event_types: frozenset[str]) -> None:
        self._check_url = check_url
        self._event_types = event_types
        self._good_urls: set[str] = set()

    def wrong(self, request: MessageRequest) -> Refusal | None:
        return self._callback(request) or _wrong_words(request) or _wrong_sizes(request)

    def _callback(self, request: MessageRequest) -> Refusal | None:
        url = request.callback_url
        if url is not None and url not in self._good_urls:
            if problem := self._check_url(url):
                return Refusal("bad_url", problem, "/callback_url")
            if len(self._good_urls) < _URLS_KEPT:
                self._good_urls.add(url)
        for index, event in enumerate(request.callback_events or ()):
            if event not in self._event_types:
                known = ", ".join(sorted(self._event_types))
                detail = f"{event[:40]!r} is not an event type; the types are {known}"
                return Refusal("unknown_event", detail, f"/callback_events/{index}")
        return None


def _wrong_words(request: MessageRequest) -> Refusal | None:
    if request.topic is not None and not TOPIC.fullmatch(request.topic):
        detail = f"{request.topic[:40]!r} is not a topic: up to 64 small letters, digits, dots, hyphens, underscores"
        return Refusal("bad_topic", detail, "/topic")
    if request.plan is not None:
        detail = "a plan belongs to a message of its own: POST /v1/messages"
        return Refusal("plan_not_here", detail, "/plan")
    if request.content is not None and request.channel in (None, SMS):
        return Refusal("not_of_channel", "content is for other channels than sms: leave it out", "/content")
    if request.time_zone is not None and not zones.is_zone(request.time_zone):
        detail = f"{request.time_zone[:40]!r} is not an IANA time zone, such as Europe/Paris"
        return Refusal("bad_time_zone", detail, "/time_zone")
    return None


def _wrong_sizes(request: MessageRequest) -> Refusal | None:
    if request.tags and (len(request.tags) > _TAG_LIMIT or any(not 0 < len(tag) <= 64 for tag in request.tags)):
        return Refusal("bad_tags", f"at most {_TAG_LIMIT} tags of 1 to 64 characters each", "/tags")
    if request.metadata and len(_encode(request.metadata)) > 4_096:
        return Refusal("metadata_too_large", "metadata may take 4 kB as JSON", "/metadata")
    if request.correlation_id is not None and not 0 < len(request.correlation_id) <= 128:
        return Refusal("bad_correlation_id", "correlation_id takes 1 to 128 characters", "/correlation_id")
    if request.max_segments is not None and not 1 <= request.max_segments <= 255:
        return Refusal("bad_max_segments", "max_segments is a number of parts between 1 and 255", "/max_segments")
    return None


def _bad_recipient(why: numbers.BadNumber) -> Refusal:
    hint = f" Did you mean {why.suggestion}?" if why.suggestion else ""
    return Refusal(why.code, why.detail + hint, "/to")
