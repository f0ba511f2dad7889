"""What commands print: JSON for scripts, aligned text for people. Nothing else in the program prints.

Colours and lines that change are for a terminal; a pipe, `NO_COLOR` and `TERM=dumb` get plain text.
"""

import os
import re
import sys
from collections.abc import Sequence
from typing import IO, Any, Final

_CODES: Final = {"bold": "1", "red": "31", "green": "32", "yellow": "33"}
_COLOURS: Final = re.compile(r"\x1b\[\d+m")
# Words that say at a glance how something stands, wherever they fill a cell.
_WORDS: Final = {
    **dict.fromkeys(("ok", "up", "delivered", "read", "approved", "healthy", "good", "created"), "green"),
    **dict.fromkeys(("WRONG", "FAILED", "down", "disabled", "failed", "undelivered", "rejected", "block"), "red"),
    **dict.fromkeys(("expired", "canceled", "paused", "pending", "failing", "warn", "warning"), "yellow"),
}


class Mistake(Exception):
    """Something that the caller can mend; its text is all that he sees."""


def show(data: Any, text: str, as_json: bool) -> None:
    """Print the answer of a command in the form that was asked for."""
    if as_json:
        import msgspec

        print(msgspec.json.encode(data).decode(), flush=True)
    else:
        print(text, flush=True)


def is_watched(stream: IO[str] | None = None) -> bool:
    """Does a person look at this, on a terminal?"""
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: str, stream: IO[str] | None = None) -> str:
    """The text in a colour, where there are colours."""
    if "NO_COLOR" in os.environ or not is_watched(stream):
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def redraw(line: str, *, is_last: bool = False) -> None:
    """A line that changes: written over on a terminal, one line after the other elsewhere."""
    if is_watched():
        sys.stdout.write(f"\r\x1b[K{_fitting(line)}" + ("\n" if is_last else ""))
        sys.stdout.flush()
    else:
        print(line, flush=True)


def _fitting(line: str) -> str:
    """As much as one row takes: a longer one could not be written over."""
    columns = os.get_terminal_size(sys.stdout.fileno()).columns or 80
    plain = _COLOURS.sub("", line)
    return line if len(plain) < columns else plain[: columns - 1]


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as aligned columns under their headers."""
    texts = [[*headers], *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(headers))]
    return "\n".join(_line(row, widths, is_head=number == 0) for number, row in enumerate(texts))


def facts(pairs: Sequence[tuple[str, Any]]) -> str:
    """Names and values, one pair a line; what is not there is left out."""
    there = [(name, _cell(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in there), default=0)
    return "\n".join(f"{name.ljust(width)}  {_marked(value, value)}" for name, value in there)


def steps(decision: Sequence[dict[str, Any]]) -> str:
    """How something was decided, a rule a line."""
    return facts([(step["rule"], words({**step, "rule": None})) for step in decision])


def words(named: dict[str, Any]) -> str:
    """Names and values in one line; what is not there is left out."""
    return ", ".join(f"{name} {_cell(value)}" for name, value in named.items() if value not in (None, ""))


def _line(row: Sequence[str], widths: Sequence[int], *, is_head: bool) -> str:
    padded = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
    padded[-1] = padded[-1].rstrip()
    if is_head:
        return painted("  ".join(padded).rstrip(), "bold")
    return "  ".join(_marked(text, cell) for text, cell in zip(row, padded, strict=True)).rstrip()


def _marked(word: str, cell: str) -> str:
    return painted(cell, _WORDS[word]) if word in _WORDS else cell


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(map(str, value)) or "-"
    return str(value)
