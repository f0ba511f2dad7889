"""The message budget: how many parts a kind of message may take, so that nothing becomes multipart by accident."""

from typing import Final

import msgspec

from heliograph.core.message import OTP, PROMOTIONAL, SUPPORT, TRANSACTIONAL
from heliograph.core.segments import PARTS_MAX

DEFAULTS: Final[dict[str, int]] = {OTP: 1, TRANSACTIONAL: 6, SUPPORT: 6, PROMOTIONAL: 6}


class Budget(msgspec.Struct, frozen=True):
    """Parts by kind."""

    max_segments: dict[str, int] = msgspec.field(default_factory=DEFAULTS.copy)

    def limit(self, kind: str, asked: int | None) -> int:
        """The limit in force: what the request asks for, else that of the kind."""
        return min(asked if asked is not None else self.max_segments.get(kind, PARTS_MAX), PARTS_MAX)
