"""What providers' answers about numbers have in common: their words for types of numbers, and codes of networks."""

from typing import Any, Final

from heliograph.core.lookups import Looked

_TYPES: Final = {
    "mobile": "mobile",
    "fixedlineormobile": "fixed_or_mobile",
    "landline": "fixed",
    "fixedline": "fixed",
    "voip": "voip",
    "fixedvoip": "voip",
    "nonfixedvoip": "voip",
    "virtual": "voip",
    "personal": "personal",
    "personalnumber": "personal",
    "tollfree": "toll_free",
    "landlinetollfree": "toll_free",
    "premium": "premium",
    "premiumrate": "premium",
    "landlinepremium": "premium",
    "sharedcost": "shared_cost",
    "uan": "uan",
    "universalaccessnumber": "uan",
    "pager": "pager",
    "voicemail": "voicemail",
}


def looked(
    *, valid: bool | None = None, word: object = None, carrier: object = None, mcc: object = None, mnc: object = None
) -> Looked:
    """Their fields in our words; what is not understood is not known."""
    kind = _TYPES.get("".join(filter(str.isalpha, word)).lower()) if isinstance(word, str) else None
    name = carrier if isinstance(carrier, str) and carrier else None
    return Looked(valid, kind, name, _mccmnc(mcc, mnc))


def _mccmnc(mcc: Any, mnc: Any) -> str | None:
    first = f"{mcc:03d}" if isinstance(mcc, int) else mcc
    second = f"{mnc:02d}" if isinstance(mnc, int) else mnc
    both = f"{first}{second}" if isinstance(first, str) and isinstance(second, str) else ""
    return both if both.isascii() and both.isdigit() and len(both) in (5, 6) else None
