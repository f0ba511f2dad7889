"""How patient webhooks are, and what stands for the answer to one that could not be sent."""

from typing import Final

import msgspec

SCHEDULE_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)


class Settings(msgspec.Struct, frozen=True):
    """How patient webhooks are."""

    timeout_s: float = 3.0
    schedule_s: tuple[int, ...] = SCHEDULE_S
    disable_after_ms: int = 5 * 86_400_000
    jitter: float = 0.15


class Unsendable(msgspec.Struct):
    """The answer to what could not even be sent."""

    detail: str
    status: int = 0
    reason: str = "unsendable"
    body: bytes = b""
    latency_ms: int = 0
    retry_after: float | None = None
