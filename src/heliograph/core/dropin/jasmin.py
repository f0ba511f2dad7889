"""Receipts in the words of Jasmin: level 1 tells what the carrier said, level 2 what became of the message."""

from typing import Final

ACKNOWLEDGED: Final = b"ACK/Jasmin"
_LEVEL_1: Final = {"message.sent": "ESME_ROK"}
_LEVEL_2: Final = {
    "message.delivered": "DELIVRD",
    "message.undelivered": "UNDELIV",
    "message.expired": "EXPIRED",
    "message.canceled": "DELETED",
    "message.rejected": "REJECTD",
}
_REFUSED: Final = {"message.failed": "ESME_RSUBMITFAIL"}  # told at level 1 whatever was asked for, as there


def events(level: int) -> list[str]:
    """What a `dlr-level` of 1, 2 or 3 asks to be told."""
    return [*_REFUSED, *(_LEVEL_1 if level & 1 else ()), *(_LEVEL_2 if level & 2 else ())]


def level_of(event: str) -> tuple[int, str]:
    """(level, word) of an event."""
    return (2, _LEVEL_2[event]) if event in _LEVEL_2 else (1, {**_LEVEL_1, **_REFUSED}[event])


def uuid(digits: str) -> str:
    """32 hexadecimal digits as their ids look."""
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
