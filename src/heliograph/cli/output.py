"""What commands print: JSON for scripts, aligned text for people. Nothing else in the program prints."""

from collections.abc import Sequence
from typing import Any


class Mistake(Exception):
    """Something that the caller can mend; its text is all that he sees."""


def show(data: Any, text: str, as_json: bool) -> None:
    """Print the answer of a command in the form that was asked for."""
    if as_json:
        import msgspec

        print(msgspec.json.encode(data).decode(), flush=True)
    else:
        print(text, flush=True)


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as aligned columns under their headers."""
    texts = [[*headers], *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(headers))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in texts
    )


def facts(pairs: Sequence[tuple[str, Any]]) -> str:
    """Names and values, one pair a line; what is not there is left out."""
    there = [(name, _cell(value)) for name, value in pairs if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in there), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in there)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(map(str, value)) or "-"
    return str(value)
