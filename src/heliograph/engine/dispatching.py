"""What links report to and work with, and what of it is stopped by hand."""

from collections.abc import Callable, Sequence

import msgspec

from heliograph.core.consent import Rulebook
from heliograph.core.message import Inbound, Message, Outcome, Receipt
from heliograph.core.prices import Amount, PriceBook
from heliograph.core.quiet import Answer
from heliograph.ports import Chance, Clock
from heliograph.store.port import Ledger, Move, Notice


class Desk(msgspec.Struct, frozen=True):
    """What links report to, and what they work with."""

    ledger: Ledger
    clock: Clock
    chance: Chance
    told: Callable[[list[Notice]], None]
    answered: Callable[[str, Sequence[tuple[Message, Outcome]]], None]  # for metrics and logs
    receipts: Callable[[Sequence[Receipt], Callable[[], None] | None], None]
    expect: Callable[[Sequence[Move]], None]  # parts that will have receipts
    inbound: Callable[[Sequence[Inbound], Callable[[], None] | None], None]
    paused: Callable[[], "Paused"]
    prices: Callable[[], PriceBook]
    rules: Callable[[], Rulebook]
    quiet_kinds: Callable[[], frozenset[str]]
    closed: Callable[[Message, int], Answer | None]  # quiet hours; asked only of those kinds
    link_changed: Callable[[], None]
    repriced: Callable[[Message, Amount], None]  # a message, and what it was to cost before


class Paused(msgspec.Struct, frozen=True):
    """What is stopped by hand at the moment. Nothing is lost by it: everything waits in the ledger."""

    everything: bool = False
    workspaces: frozenset[int] = frozenset()
    connectors: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    def covers(self, message: Message) -> bool:
        return self.everything or message.workspace in self.workspaces or message.kind in self.kinds
