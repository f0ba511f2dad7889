"""How long a number is left alone of which a carrier said that it does not exist, or takes no texts.

Carriers score their customers by what they send to dead numbers; and a number that was mistyped or given up does not
come back within the hour. Each further failure makes the pause longer, for a number may also come alive again.
"""

from typing import Final

from heliograph.core.message import OTP

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_FIRST: Final = (_HOUR_MS, _DAY_MS, 7 * _DAY_MS)  # then twice as long each time
COOLING: Final = "number_cooling_down"
LONGEST_MS: Final = 90 * _DAY_MS
# People mistype their number and type it again: the first failure does not stop the next code.
_HOLDS_FROM: Final = {OTP: 2}


def span_ms(failures: int) -> int:
    """How long the pause is after so many failures."""
    if failures <= len(_FIRST):
        return _FIRST[failures - 1]
    return min(_FIRST[-1] << min(failures - len(_FIRST), 8), LONGEST_MS)


def holds(kind: str, failures: int) -> bool:
    """Does a pause after so many failures hold for messages of this kind?"""
    return failures >= _HOLDS_FROM.get(kind, 1)
