"""Phone numbers: from what people type to E.164, country and type, or a refusal that says what is right.

Facts come from the library `phonenumbers`; every answer is the one that its metadata gives. A number already
in E.164 is read by one regular expression made of that metadata (`plans`), anything else by the library.
Nothing here guesses silently: a reading that is not certain is only ever a suggestion.
"""

from heliograph.core.numbers.mask import mask_number, national_digits
from heliograph.core.numbers.network import network_of, networks
from heliograph.core.numbers.number import BadNumber, Number
from heliograph.core.numbers.policy import ALLOWED_TYPES, policy
from heliograph.core.numbers.ranges import aliases, is_test_number
from heliograph.core.numbers.reading import is_country, parse, time_zones

__all__ = [
    "ALLOWED_TYPES",
    "BadNumber",
    "Number",
    "aliases",
    "is_country",
    "is_test_number",
    "mask_number",
    "national_digits",
    "network_of",
    "networks",
    "parse",
    "policy",
    "time_zones",
]
