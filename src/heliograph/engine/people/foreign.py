"""Lists of opt-outs as other gateways write them: an export with columns of its own, a log of messages, plain numbers.

What names the number and the time is found by the usual names of such columns; the others are left alone. A log has
codes, and tells of a no only where the code says so.
"""

import csv
import io
from datetime import UTC, datetime
from typing import Final

from heliograph.core.dropin.numbers import international
from heliograph.core.failures import Refusal

_NUMBER: Final = (
    *("to", "phone", "phone number", "phonenumber", "number", "msisdn", "mobile", "recipient", "contact"),
    *("address", "destination", "opted out number", "end user number"),
)
_TIME: Final = (
    *("at", "date", "time", "timestamp", "created at", "date created", "opted out at", "opt out date"),
    *("unsubscribed at", "date updated", "updated at", "sent date", "date sent"),
)
_CODE: Final = ("error code", "errorcode", "err code", "error")
_NOES: Final = frozenset({"21610", "9", "53"})  # the recipient has said no: Twilio's code, and two of Vonage


def translated(text: str) -> list[tuple[int, dict[str, str]]] | Refusal:
    """Each line that tells of a no, with its number in the file, in our own columns."""
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        first = next(rows, [])
        names = [name.strip().lower().replace("_", " ").replace("-", " ") for name in first]
        number, time, code = (_place(names, known) for known in (_NUMBER, _TIME, _CODE))
        if number is None and not _is_number(first):
            detail = f"no column is the number: one of them must be called as one of {', '.join(_NUMBER)}"
            return Refusal("bad_csv", detail, "/csv")
        found = [(1, {"to": international(first[0])})] if number is None else []
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if code is not None and _cell(row, code) not in _NOES:
                continue
            line = {"to": international(_cell(row, number or 0))}
            at = None if time is None else _moment(_cell(row, time))
            found.append((rows.line_num, line if at is None else line | {"at": at}))
    except csv.Error as error:
        return Refusal("bad_csv", f"line {rows.line_num + 1} can't be read: {error}", "/csv")
    return found


def _place(names: list[str], known: tuple[str, ...]) -> int | None:
    """The column with the most telling name."""
    return next((names.index(name) for name in known if name in names), None)


def _is_number(first: list[str]) -> bool:
    digits = first[0].strip().removeprefix("+") if first else ""
    return len(digits) >= 5 and digits.replace(" ", "").isdigit()


def _cell(row: list[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _moment(text: str) -> str | None:
    """A time that can be read, in UTC where it doesn't say; else it was said when the list was read."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
