"""Locales: how they are written, and which text stands in for a missing one (pt-BR → pt → the default)."""

import re
from collections.abc import Collection
from typing import Final

_locale: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?").fullmatch


def normalise(written: str) -> str | None:
    """pt_br as pt-BR, zh-hant-tw as zh-Hant-TW; None when it is no locale."""
    found = _locale(written)
    if found is None:
        return None
    language, script, region = found.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))


def nearest(wanted: str | None, there: Collection[str], default: str) -> str:
    """The locale whose text is taken: the one wanted, or a wider one, or the default."""
    while wanted:
        if wanted in there:
            return wanted
        wanted = wanted.rpartition("-")[0]
    return default
