"""Ranges with a meaning of their own: fiction and tests, forms that a country has given up, usual slips.

Literal tables. A repair is only a candidate: whoever uses it checks that it leads to a valid number.
"""

import re
from collections.abc import Iterator
from typing import Final

from heliograph.core.numbers.plans import calling_code

# Set aside by regulators (555-01xx by long custom) for films, examples and tests: nobody is reached there.
_TEST_NUMBER: Final = re.compile(
    r"""\+(?:
        1[2-9]\d\d55501\d\d
      | 44(?:7700900\d{3} | 2079460\d{3} | 1(?:1[3-8]|21|31|41|51|61)4960\d{3} | 1632960\d{3}
            | 8081570\d{3} | 9098790\d{3} | 3069990\d{3})
      | 61(?:491570(?:15[6-9]|110) | [2378](?:5550|7010)\d{4} | 1800160401 | 1800975707 | 1900654321)
      | 49(?:(?:3023125|6990009|4066969|2214710|8999998)\d{3} | 15228817386)
      | 46701740(?:60[5-9]|6[1-9]\d)
      | 3532091\d{5}
      | 33(?:63998\d{4} | (?:19900|26191|35301|46571|53649)\d{4})
    )""",
    re.ASCII | re.VERBOSE,
)

# Forms of the same handset: Argentina's and Brazil's mobile 9, and the 1 that Mexico dropped in 2019.
_ALIASES: Final = tuple(
    (re.compile(pattern, re.ASCII), form)
    for pattern, form in (
        (r"\+549(\d{10})", r"+54\1"),
        (r"\+54([1-8]\d{9})", r"+549\1"),
        (r"\+521(\d{10})", r"+52\1"),
        (r"\+52(\d{10})", r"+521\1"),
        (r"\+55(\d\d)9([6-9]\d{7})", r"+55\1\2"),
        (r"\+55(\d\d)([6-9]\d{7})", r"+55\g<1>9\2"),
    )
)

# Usual slips, most telling first; the text is '+' and digits, or digits alone.
_REPAIRS: Final = tuple(
    (re.compile(pattern, re.ASCII), form)
    for pattern, form in (
        (r"\+?(?:00|011)([1-9]\d+)", r"+\1"),  # an international prefix instead of, or after, the '+'
        (r"\+(0\d+)", r"\1"),  # a national number with a '+' before it
        (r"\+521(\d{10})", r"+52\1"),
        (r"\+54([1-8]\d{9})", r"+549\1"),
        (r"\+55(\d\d)([6-9]\d{7})", r"+55\g<1>9\2"),
        (r"\+225([04-9][7-9]\d{6})", r"+22507\1"),  # Ivory Coast, 2021: two digits more, by network
        (r"\+225([04-9][4-6]\d{6})", r"+22505\1"),
        (r"\+225([04-9][0-3]\d{6})", r"+22501\1"),
        (r"([1-9]\d{9,14})", r"+\1"),  # the '+' left out
        (r"([2-9]\d{9})", r"+1\1"),  # North America's ten digits
    )
)


def is_test_number(e164: str) -> bool:
    """Is this a number for fiction, examples and tests? It is for the sandbox, never for a carrier."""
    return _TEST_NUMBER.fullmatch(e164) is not None


def aliases(e164: str) -> tuple[str, ...]:
    """The other forms under which the same handset is, or was, known."""
    return tuple(pattern.sub(form, e164) for pattern, form in _ALIASES if pattern.fullmatch(e164))


def repairs(digits: str) -> Iterator[str]:
    """What may have been meant, likeliest first."""
    for pattern, form in _REPAIRS:
        if pattern.fullmatch(digits):
            yield pattern.sub(form, digits)
    code = calling_code(digits[1:]) if digits[0] == "+" else None
    if code is not None:
        rest = digits[1 + len(str(code)) :]
        if rest.startswith(str(code)):
            yield "+" + rest  # the calling code twice
        if rest.startswith("0"):
            yield f"+{code}{rest[1:]}"  # a trunk zero that the country does not use
