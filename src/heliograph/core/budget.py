"""The message budget: how many parts a kind of message may take, so that nothing becomes multipart by accident."""

from typing import Final

import msgspec

from heliograph.core.message import OTP, PROMOTIONAL, SUPPORT, TRANSACTIONAL

DEFAULTS: Final[dict[str, int]] = {OTP: 1, TRANSACTIONAL: 6, SUPPORT: 6, PROMOTIONAL: 6}
ABSOLUTE: Final = 255  # no header can count further


class Budget(msgspec.Struct, frozen=True):
    """Parts by kind."""

    max_segments: dict[str, int] = msgspec.field(default_factory=DEFAULTS.copy)

    def limit(self, kind: str, asked: int | None) -> int:
        """The limit in force: what the request asks for, else that of the kind."""
        return min(asked if asked is not None else self.max_segments.get(kind, ABSOLUTE), ABSOLUTE)


def crossed(expected: int, segments: int) -> bool:
    """Did a message cross into more parts than it was meant to take?"""
    return segments > max(1, expected)
