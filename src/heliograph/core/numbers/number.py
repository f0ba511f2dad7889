"""The nouns: a number that can be dialled, and the refusal of a text that is none."""

import msgspec


class Number(msgspec.Struct, frozen=True, gc=False):
    """A number of a possible length. `valid`: it also lies in a range that is known to be in use."""

    e164: str
    country: str  # ISO 3166-1; "001" for networks of no country
    type: str  # mobile | fixed | fixed_or_mobile | toll_free | premium | … | unknown, the values of plans.TYPES
    valid: bool


class BadNumber(msgspec.Struct, frozen=True):
    """Why a text is not taken as a number, or a number not sent to."""

    code: str
    detail: str
    suggestion: str | None = None  # E.164 of what was probably meant


def shown(text: str) -> str:
    """The text as a refusal names it: quoted, and of bounded length."""
    return repr(text if len(text) <= 40 else text[:39] + "…")
