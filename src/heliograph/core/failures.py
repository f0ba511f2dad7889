"""Why things fail, and what follows.

    refusal   the caller can mend it: `Refusal`, with a code, a pointer to the field and what would be right
    failure   a carrier or the world: a class of the taxonomy below, with the carrier's own code verbatim
    defect    ours: an ordinary exception; the task ends, the data stay, an alarm goes out

Every failure has exactly one class; the class alone decides whether trying again can help.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

PERMANENT: Final = "permanent"  # this message can't be delivered: bad number, blocked, barred
TRANSIENT: Final = "transient"  # may work in a moment: network trouble, carrier busy
THROTTLED: Final = "throttled"  # too fast: later, never counted against the message
UNAUTHORISED: Final = "unauthorised"  # our credentials or rights at this carrier: the connector is at fault
CONTENT: Final = "content"  # filtered for what it says or who says it
UNREACHABLE: Final = "unreachable"  # phone off or out of reach for too long
OPTED_OUT: Final = "opted_out"  # the recipient said no
UNKNOWN: Final = "unknown"  # nobody can tell; also every foreign code that we don't know


# Our stable code, within `permanent`, for what concerns the number alone: there is none such, or it takes no texts.
INVALID_NUMBER: Final = "invalid_number"


class Consequence(msgspec.Struct, frozen=True):
    """What follows from a failure class."""

    retry: bool  # may another attempt help?
    other_connector: bool  # should the next attempt take the next connector of the plan?
    counts: bool  # does it use up one of the message's attempts?


CONSEQUENCES: Final[dict[str, Consequence]] = {
    PERMANENT: Consequence(retry=False, other_connector=False, counts=True),
    TRANSIENT: Consequence(retry=True, other_connector=True, counts=True),
    THROTTLED: Consequence(retry=True, other_connector=False, counts=False),
    UNAUTHORISED: Consequence(retry=True, other_connector=True, counts=True),
    CONTENT: Consequence(retry=False, other_connector=False, counts=True),
    UNREACHABLE: Consequence(retry=False, other_connector=False, counts=True),
    OPTED_OUT: Consequence(retry=False, other_connector=False, counts=True),
    UNKNOWN: Consequence(retry=True, other_connector=False, counts=True),
}


class Refusal(msgspec.Struct, frozen=True):
    """A request that the caller can mend: which field, what is wrong, what would be right."""

    code: str
    detail: str
    pointer: str = ""
    status: int = 422


def code_of(refusals: Sequence[Refusal]) -> str:
    """The one code of an answer that tells these; there is at least one."""
    first = refusals[0].code
    return first if all(refusal.code == first for refusal in refusals) else "invalid_request"


class Refused(Exception):
    """Carries refusals to the door that answers them."""

    def __init__(self, *refusals: Refusal) -> None:
        super().__init__("; ".join(refusal.detail for refusal in refusals))
        self.refusals = refusals
