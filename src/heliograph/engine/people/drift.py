"""A provider's own opt-out list compared with our record: who is on the one and not on the other.

Who is missing from ours is refused by the provider all the same, and we learn of it with the first message. Who is
missing from theirs is safe as long as everything goes through us.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from heliograph.core.consent import EVERYTHING
from heliograph.engine.people.names import EVERYBODY
from heliograph.store.port import Ledger

_AT_ONCE: Final = 500


class Drift(msgspec.Struct, frozen=True):
    """What differs. `only_ours`: opted out here, texted through the connector before, and unknown to the provider."""

    connector: str
    theirs: int
    ours: int
    only_theirs: list[str]
    only_ours: list[str]


async def compare(ledger: Ledger, workspace: int, connector: str, theirs: Sequence[str]) -> Drift:
    """The list of a connector's provider with the record of one workspace."""
    listed = set(theirs)
    known: set[str] = set()
    wanted = sorted(listed)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        marks = ", ".join(f"${place}" for place in range(4, 4 + len(some)))
        rows = await ledger.fetch(
            "SELECT DISTINCT number FROM stances WHERE workspace IN ($1, $2) AND scope = $3 AND out_at IS NOT NULL "
            f"AND number IN ({marks})",
            *(workspace, EVERYBODY, EVERYTHING, *some),
        )
        known.update(row[0] for row in rows)
    ours = await ledger.fetch(
        "SELECT DISTINCT s.number FROM stances s JOIN messages m ON m.workspace = s.workspace "
        "AND m.to_number = s.number AND m.connector = $2 "
        "WHERE s.workspace = $1 AND s.scope = $3 AND s.out_at IS NOT NULL ORDER BY s.number",
        *(workspace, connector, EVERYTHING),
    )
    numbers = [row[0] for row in ours]
    only_theirs = [number for number in wanted if number not in known]
    return Drift(connector, len(listed), len(numbers), only_theirs, [one for one in numbers if one not in listed])
