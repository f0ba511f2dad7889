"""Delivery receipts: the text of appendix B and its many dialects, the parameters that say the same, and our own.

Only id and state are needed. The parameters win over the text; `text:` swallows the rest, whatever stands in it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from heliograph.smpp.commands import Tag

# message_state ↔ the word in the text.
STATES: Final = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}
NUMBERS: Final = {word: number for number, word in STATES.items()}
_WORDS: Final = {
    **{word: word for word in NUMBERS},
    "DELIVERED": "DELIVRD",
    "DELIVERD": "DELIVRD",
    "FAILED": "UNDELIV",
    "UNDELIVERED": "UNDELIV",
    "UNDELIVERABLE": "UNDELIV",
    "REJECTED": "REJECTD",
    "ACCEPTED": "ACCEPTD",
    "BUFFRED": "ENROUTE",
    "BUFFERED": "ENROUTE",
    "ESME_ROK": "DELIVRD",
}
_TEXT: Final = re.compile(r"(?:^|\s)text:", re.IGNORECASE)
_KEY: Final = re.compile(r"(?:^|(?<=\s))(id|sub|dlvrd|submit[ _]date|done[ _]date|stat|err):\s*", re.IGNORECASE)
# What nearly all receipts look like between id and text; the rest is read key by key.
_USUAL: Final = re.compile(r"sub:(\d+) dlvrd:(\d+) submit date:(\d+) done date:(\d+) stat:([A-Z]+) err:(\S+)").fullmatch
_KEPT: Final = 1_024
_DATES: Final = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}


class Receipt(NamedTuple):
    """What a receipt says; dates as they stand there, in a zone that only the carrier knows."""

    id: str
    stat: str  # the word of the standard, or the carrier's own in capitals
    err: str | None = None
    submitted: str | None = None
    done: str | None = None
    sub: int | None = None
    dlvrd: int | None = None
    text: str | None = None


def read(text: str, tlvs: Mapping[int, bytes] | None = None) -> Receipt | None:
    """A receipt out of its text and its parameters; None when it is none."""
    text = text.rstrip("\0\r\n \t")
    known_id, known_stat = "", None
    if tlvs:
        if octets := tlvs.get(Tag.RECEIPTED_MESSAGE_ID):
            known_id = octets.partition(b"\0")[0].decode("latin-1")
        if octets := tlvs.get(Tag.MESSAGE_STATE):
            known_stat = STATES.get(octets[-1])
    before, _, told = text.partition("id:")
    carrier_id, _, told = told.partition(" ")
    if carrier_id and not before and carrier_id.isprintable():
        told, mark, rest = told.partition(" text:")
        if not mark:
            told, mark, rest = told.partition(" Text:")
        if (usual := _usual(told)) is not None:
            stat, err, submitted, done, sub, dlvrd = usual
            words = rest.lstrip() if mark else None
            return Receipt(known_id or carrier_id, known_stat or stat, err, submitted, done, sub, dlvrd, words)
    return _by_keys(text, known_id, known_stat)


@lru_cache(_KEPT)
def _usual(told: str) -> tuple[str, str, str, str, int, int] | None:
    """State, error, dates and counts in their usual form. Receipts that come together differ by id and text only."""
    if (found := _USUAL(told)) is None:
        return None
    sub, dlvrd, submitted, done, stat, err = found.groups()
    return _WORDS.get(stat, stat), err, submitted, done, int(sub[:9]), int(dlvrd[:9])


def _by_keys(text: str, known_id: str, known_stat: str | None) -> Receipt | None:
    rest = None
    if cut := _TEXT.search(text):
        text, rest = text[: cut.start()], text[cut.end() :].lstrip()
    values = _values(text)
    carrier_id, stat = known_id or values.get("id"), values.get("stat", "").upper()
    stat = known_stat or _WORDS.get(stat, stat)
    if not carrier_id or not stat:
        return None
    return Receipt(
        carrier_id,
        stat,
        values.get("err") or None,
        values.get("submit date"),
        values.get("done date"),
        _number(values.get("sub")),
        _number(values.get("dlvrd")),
        rest,
    )


def _values(text: str) -> dict[str, str]:
    """Each key with what stands up to the next one; the first of two counts."""
    keys = list(_KEY.finditer(text))
    ends = [key.start() for key in keys[1:]] + [len(text)]
    found: dict[str, str] = {}
    for key, end in zip(keys, ends if keys else (), strict=True):
        value = text[key.end() : end]
        found.setdefault(key[1].lower().replace("_", " "), value.strip().split(" ")[0])
    return found


def _number(text: str | None) -> int | None:
    return int(text[:9]) if text and text.isascii() and text.isdigit() else None


def date(text: str | None) -> datetime | None:
    """A receipt's date, without a zone; None for an empty, zero or unreadable one."""
    digits = re.match(r"\d*", text or "")
    form = _DATES.get(len(digits[0])) if digits else None
    if digits is None or form is None:
        return None
    try:
        return datetime.strptime(digits[0], form)
    except ValueError:
        return None


def write(
    carrier_id: str, stat: str, *, submitted: datetime, done: datetime, err: str = "000", text: str = "", parts: int = 1
) -> str:
    """The text of appendix B."""
    delivered = parts if stat == "DELIVRD" else 0
    return (
        f"id:{carrier_id} sub:{parts:03d} dlvrd:{delivered:03d} submit date:{submitted:%y%m%d%H%M} "
        f"done date:{done:%y%m%d%H%M} stat:{stat} err:{err} text:{text[:20]}"
    )


def tlvs(carrier_id: str, stat: str, network_error: tuple[int, int] | None = None) -> dict[int, bytes]:
    """The parameters that say the same."""
    found: dict[int, Any] = {
        Tag.RECEIPTED_MESSAGE_ID: carrier_id.encode("latin-1") + b"\0",
        Tag.MESSAGE_STATE: bytes((NUMBERS.get(stat, 7),)),
    }
    if network_error is not None:
        kind, code = network_error
        found[Tag.NETWORK_ERROR_CODE] = bytes((kind, code >> 8 & 0xFF, code & 0xFF))
    return found
