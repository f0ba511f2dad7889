"""To which network the range of a number was given out, by public metadata alone: nobody is asked.

A number that was ported since lies in its old range still; whoever uses this says so. Networks bear the names of the
metadata: public metadata know no MCC and MNC of a range.
"""

from functools import lru_cache
from typing import Final

from heliograph.core.numbers.number import Number
from heliograph.core.numbers.ranges import is_test_number

_MOBILE: Final = frozenset({"mobile", "fixed_or_mobile"})
_RANGES_KEPT: Final = 10_000
_LONGEST: Final = 9  # digits of the longest range that the metadata know
_LANGUAGE: Final = "en"


def network_of(number: Number) -> str:
    """Its name; "" when nobody can tell. Numbers for fiction are nobody's, whoever holds the range around them."""
    if number.type not in _MOBILE or not number.valid or is_test_number(number.e164):
        return ""
    return _holder(number.e164[1 : 1 + _LONGEST])


@lru_cache(maxsize=_RANGES_KEPT)
def _holder(digits: str) -> str:
    """Of the longest range that begins these digits."""
    from phonenumbers.carrierdata import CARRIER_DATA  # it is large, and few need it

    for length in range(len(digits), 0, -1):
        if name := CARRIER_DATA.get(digits[:length], {}).get(_LANGUAGE):
            return str(name)
    return ""


@lru_cache(maxsize=1)
def networks() -> frozenset[str]:
    """Every name that there is."""
    from phonenumbers.carrierdata import CARRIER_DATA

    return frozenset(str(names[_LANGUAGE]) for names in CARRIER_DATA.values() if names.get(_LANGUAGE))
