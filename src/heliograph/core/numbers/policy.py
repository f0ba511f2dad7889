"""Which numbers a message may go to, whoever sends it: none dear or of no country, unless asked for."""

from collections.abc import Collection
from typing import Final

from heliograph.core.numbers.number import BadNumber, Number
from heliograph.core.numbers.ranges import is_test_number
from heliograph.core.numbers.reading import suggest

# Not among them: premium, shared_cost, pager, voicemail, which cost dearly or reach nobody.
ALLOWED_TYPES: Final = frozenset(
    {"mobile", "fixed", "fixed_or_mobile", "toll_free", "voip", "personal", "uan", "unknown"}
)


def policy(
    number: Number,
    *,
    strict: bool = False,
    allowed_types: Collection[str] = ALLOWED_TYPES,
    allow_international_networks: bool = False,
) -> BadNumber | None:
    """Why this number is not sent to, or None. Test numbers always may: they never reach a carrier."""
    if number.country == "001" and not allow_international_networks:
        refusal = BadNumber(
            "network_not_allowed",
            f"{number.e164} belongs to a satellite or other network of no country, which costs dearly; "
            "give a number of a country, or allow international networks",
        )
    elif number.type not in allowed_types:
        refusal = BadNumber(
            "type_not_allowed",
            f"{number.e164} is of the type {_words(number.type)}; "
            f"allowed are {_words(', '.join(sorted(allowed_types)))}",
            suggest(number.e164),
        )
    elif number.type == "toll_free" and not number.e164.startswith("+1"):
        refusal = BadNumber(
            "type_not_allowed",
            f"{number.e164} is toll-free, which takes messages in North America only; give a mobile number",
        )
    elif strict and not number.valid:
        refusal = BadNumber(
            "not_valid",
            f"{number.e164} has a possible length but lies in no range known to be in use; check its digits",
            suggest(number.e164),
        )
    else:
        return None
    return None if is_test_number(number.e164) else refusal


def _words(types: str) -> str:
    return types.replace("_", " ")
