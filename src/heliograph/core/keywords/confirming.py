"""What is answered to a keyword, in the language that it was written in; each answer is one segment.

An answer names the brand, says what was done, and never advertises. Its words are data.
"""

from functools import cache
from importlib import resources
from typing import Final

import msgspec

from heliograph.core.keywords.tables import ENGLISH

BRAND_LETTERS_MAX: Final = 20  # with longer ones an answer may take two segments
CONTACT_LETTERS_MAX: Final = 20


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers of one language; `{brand}` and `{contact}` stand for what they say."""

    opt_out: str
    opt_in: str
    help: str


@cache
def answers() -> dict[str, Answers]:
    file = resources.files("heliograph.core") / "data" / "confirmations.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, Answers])


def confirmation(action: str, language: str, brand: str, contact: str) -> str:
    """The answer to an opt-out, opt-in or call for help; in English when the language has none."""
    texts = answers().get(language) or answers()[ENGLISH]
    text: str = getattr(texts, action)
    return text.replace("{contact}", contact).replace("{brand}", brand)
