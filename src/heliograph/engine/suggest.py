"""Names what a mistyped word was probably meant to be, for refusals."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence to append to a refusal, with its leading space; empty when nothing is close."""
    close = difflib.get_close_matches(word, tuple(known), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""
