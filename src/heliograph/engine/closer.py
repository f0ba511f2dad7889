"""What is looked at of a message beyond the facts that many share, because some route asks for it.

The less of it differs from message to message, the more of them share their decision: so tags, hours, networks and
throws of the dice are only taken where they can make a difference.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from heliograph.core.numbers import Number, network_of
from heliograph.core.routing import Looks, last_end
from heliograph.ports import Chance, Clock

_DICE: Final = 1_000  # sides: enough for any part that explores


class Closer(NamedTuple):
    """As `core.decide.Case` has it."""

    number: str = ""
    ballot: float = 0.0
    tags: tuple[str, ...] = ()
    minute: int = 0
    network: str = ""
    dice: float = 1.0
    at: int = 0


PLAIN: Final = Closer()


def look_closer(looks: Looks, number: Number, tags: Sequence[str] | None, clock: Clock, chance: Chance) -> Closer:
    """Only to be asked where there is something to look at."""
    return Closer(
        number=number.e164 if looks.number else "",
        ballot=chance.random() if looks.number else 0.0,
        tags=tuple(tags) if looks.tags and tags else (),
        minute=clock.now_ms() // 60_000 % 1_440 if looks.time else 0,
        network=network_of(number) if looks.network else "",
        dice=_thrown(looks.explores, chance) if looks.explores else 1.0,
        at=last_end(looks.pin_ends, clock.now_ms()) if looks.pin_ends else 0,
    )


def _thrown(explores: float, chance: Chance) -> float:
    """For most messages 1: nobody explores with them, so they share their decision. The others share a few."""
    thrown = chance.random()
    return int(thrown * _DICE) / _DICE if thrown < explores else 1.0
