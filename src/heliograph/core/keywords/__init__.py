"""Keywords: what a phone's message wants, a workspace's own words, and what is answered.

`read` is asked of each message from a phone before anything else looks at it. All words, phrases and answers are data
(`core/data/keywords.json`, `revocations.json`, `confirmations.json`); docs/keywords.md shows them.
"""

from heliograph.core.keywords.confirming import BRAND_LETTERS_MAX, confirmation
from heliograph.core.keywords.custom import Custom, Own, check, prepare
from heliograph.core.keywords.reading import ALL, NOTHING, SENDER, TOPIC, Reading, read
from heliograph.core.keywords.rules import RULES
from heliograph.core.keywords.tables import HELP, NONE, OPT_IN, OPT_OUT
from heliograph.core.keywords.text import normalise

__all__ = [
    "ALL",
    "BRAND_LETTERS_MAX",
    "HELP",
    "NONE",
    "NOTHING",
    "OPT_IN",
    "OPT_OUT",
    "RULES",
    "SENDER",
    "TOPIC",
    "Custom",
    "Own",
    "Reading",
    "check",
    "confirmation",
    "normalise",
    "prepare",
    "read",
]
