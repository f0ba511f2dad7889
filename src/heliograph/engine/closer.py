"""What is looked at of a message beyond the facts that many share, because some route asks for it.

The less of it differs from message to message, the more of them share their decision: so tags, hours, networks and
throws of the dice are only taken where they can make a difference.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from heliograph.core.numbers import Number, network_of
from heliograph.core.routing import last_end
from heliograph.engine.declared import Realm
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


def look_closer(realm: Realm, number: Number, tags: Sequence[str] | None, clock: Clock, chance: Chance) -> Closer:
    """Only to be asked where `realm.looks_closer`."""
    return Closer(
        number=number.e164 if realm.looks_at_number else "",
        ballot=chance.random() if realm.looks_at_number else 0.0,
        tags=tuple(tags) if realm.looks_at_tags and tags else (),
        minute=clock.now_ms() // 60_000 % 1_440 if realm.looks_at_time else 0,
        network=network_of(number) if realm.looks_at_network else "",
        dice=_thrown(realm.explores, chance) if realm.explores else 1.0,
        at=last_end(realm.pin_ends, clock.now_ms()) if realm.pin_ends else 0,
    )


def _thrown(explores: float, chance: Chance) -> float:
    """For most messages 1: nobody explores with them, so they share their decision. The others share a few."""
    thrown = chance.random()
    return int(thrown * _DICE) / _DICE if thrown < explores else 1.0
