"""The page of the sandbox: fates and personalities, out of the tables that the carrier plays by."""

from collections.abc import Iterator
from typing import Final

from docs.tables import table
from heliograph.carriers.sandbox.fates import ENDINGS, FATES, FICTION, LAST, OTHERS, Fate, Report
from heliograph.carriers.sandbox.settings import PERSONALITIES

_HEAD: Final = """\
# The sandbox

A carrier without a network: what test keys reach, and what a connector of `kind = "sandbox"` is. It costs nothing and
reaches nobody. Each message meets a fate. The text asks for one by name (`[sandbox:bad_number]`), or the recipient by
its last two digits, if it is a number of fiction:

    FICTION

All others are delivered. `[sandbox:reply:STOP]` in a text makes the phone answer. Times are multiples of the
connector's `receipt_delay_ms`.
"""


def page() -> str:
    """The whole page."""
    fiction = "   ".join(f"{beginning}…" for beginning in FICTION)
    return "\n".join([_HEAD.replace("FICTION", fiction), *_rows()])


def _rows() -> Iterator[str]:
    digits = {name: ending for ending, name in ENDINGS.items()}
    rows = [(f"`{name}`", digits.get(name, "others"), _fate(fate)) for name, fate in FATES.items()]
    yield from table(("fate", "digits", "what becomes of the message"), rows)
    yield "\nA connector's `personality` (one or several) says how its network behaves:\n"
    yield from table(("personality", "it"), [(f"`{name}`", text) for name, text in PERSONALITIES.items()])
    yield ""


def _fate(fate: Fate) -> str:
    if fate.answer == "silent":
        return "never answered"
    if fate.answer == "refused":
        first = "at first " if fate.attempts else ""
        return f"{first}refused: `{fate.failure}`, `{fate.code}`, carrier code `{fate.carrier_code}`"
    return ", then ".join(["taken", *map(_report, fate.reports)]) if fate.reports else "taken, and no receipt"


def _report(report: Report) -> str:
    why = f" (`{report.failure}`, `{report.code}`, carrier code `{report.carrier_code}`)" if report.failure else ""
    when = "before the answer" if report.early else f"after {report.after:g}×"
    about = (
        " for a message that never was"
        if report.unknown_id
        else " for the last part"
        if report.parts == LAST
        else " for the others"
        if report.parts == OTHERS
        else ""
    )
    return f"{report.fact}{why}{about} {when}"
