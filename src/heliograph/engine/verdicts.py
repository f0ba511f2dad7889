"""Decides, and remembers: messages that share all facts share their verdict, its trace, and the row of that trace."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from heliograph.core import numbers
from heliograph.core.channels import SMS
from heliograph.core.decide import Case, Verdict, decide
from heliograph.core.numbers import Number
from heliograph.core.quality import Quality
from heliograph.core.request import MessageRequest
from heliograph.engine.closer import PLAIN, look_closer
from heliograph.engine.declared import Realm, Snapshot
from heliograph.ports import Chance, Clock
from heliograph.store.port import Ledger

_KEPT: Final = 20_000
_encode: Final = msgspec.json.Encoder().encode


class Verdicts:
    """The verdicts of one process."""

    def __init__(self, ledger: Ledger, clock: Clock, chance: Chance, quality: Callable[[], Quality]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._quality = quality
        self._known: dict[tuple[object, ...], tuple[Verdict, int, str]] = {}
        self._of: Snapshot | None = None
        self._by: Quality | None = None
        self._traces: dict[str, int] = {}
        self._new: list[tuple[int, str]] = []

    def find(
        self,
        snapshot: Snapshot,
        realm: Realm,
        request: MessageRequest,
        number: Number,
        kind: str,
        sender: str | None,
        encoding: str,
        segments: int,
        findings: tuple[str, ...],
        channel: str = SMS,
    ) -> tuple[Verdict, int, str]:
        """Decide, or remember: messages that share all facts share the decision and its trace."""
        quality = self._quality()
        if self._of is not snapshot or self._by is not quality or len(self._known) > _KEPT:
            self._known, self._of, self._by = {}, snapshot, quality
        test_number = not realm.rehearses and numbers.is_test_number(number.e164)
        closer = PLAIN
        if realm.looks.closer:
            closer = look_closer(realm.looks, number, request.tags, self._clock, self._chance)
        if sender in realm.pooled:
            closer = closer._replace(number=number.e164)
        facts = (  # of a case, by place
            number.country,
            number.type,
            number.valid,
            test_number,
            closer.number,
            kind,
            sender,
            encoding,
            segments,
            request.max_segments,
            *closer[1:],
            findings,
            channel,
        )
        known = self._known.get((realm.id, facts))
        if known is None:
            verdict = decide(Case(*facts), realm.rules, quality)
            plan = _encode(verdict.connectors).decode()
            known = self._known[realm.id, facts] = (verdict, self.row_of(verdict), plan)
        return known

    def row_of(self, verdict: Verdict) -> int:
        """The row of a trace; equal traces share one."""
        if verdict.refusal is not None:
            return 0
        trace = _encode(verdict.trace).decode()
        number = self._traces.get(trace)
        if number is None:
            if len(self._traces) > _KEPT:
                self._traces.clear()
            number = self._traces[trace] = self._ledger.next_id("decision")
            self._new.append((number, trace))
        return number

    def take_rows(self) -> list[tuple[int, str]]:
        """Traces that are not in the ledger yet: who takes them writes them with what points to them."""
        rows, self._new = self._new, []
        return rows

    def give_back_rows(self, rows: Sequence[tuple[int, str]]) -> None:
        """They were not written: the next commit takes them."""
        self._new += rows
