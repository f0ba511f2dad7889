"""Keeps quiet hours: asked at intake when a message may go, at every claim, and once more before a carrier is called.

An answer holds for all messages to the same place in the same minute: windows open and close on whole minutes, and so
does everything that this process remembers.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from heliograph.core import numbers, quiet, zones
from heliograph.core.failures import Refusal
from heliograph.core.frequency import FrequencyCap, legal, topics_of
from heliograph.core.message import PROMOTIONAL, Message
from heliograph.core.numbers import Number
from heliograph.core.quiet import Answer
from heliograph.core.request import MessageRequest, Times
from heliograph.core.views import moment
from heliograph.core.zones import Place
from heliograph.engine.declared import Realm, Snapshot

_MINUTE_MS: Final = 60_000
_KEPT: Final = 20_000
_Key = tuple[int, str, Place, int]


class Appointment(msgspec.Struct, frozen=True):
    """When a message may go, and the step of its trace that says why."""

    times: Times
    step: dict[str, Any]


class Hours:
    """What one process knows of quiet hours. Its answers are asked for by the ledger's writer thread as well."""

    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot
        self._known: tuple[Snapshot, dict[_Key, Answer]] = (snapshot(), {})

    def appoint(
        self, realm: Realm, number: Number, kind: str, wanted: Times, request: MessageRequest
    ) -> Appointment | Refusal:
        """When a message of a kind that keeps quiet hours may go: as wanted, or later; or why it can't."""
        place = zones.locate(number, request.time_zone)
        answer = self._look(realm, place, kind, wanted.due_at)
        step = {
            "rule": "quiet_hours",
            "jurisdiction": answer.rule,
            "zones": place.zones,
            "zones_by": place.source,
            "why": answer.why,
        }
        if answer.allowed:
            return Appointment(wanted, step | {"open_until": _shown(answer.until)})
        if answer.until is None:
            detail = f"{kind} messages may never go there ({answer.rule}, {answer.why}); next_allowed_at: never"
            return Refusal("quiet_hours", detail, "/to")
        next_allowed = moment(answer.until)
        refused = f"quiet hours ({answer.rule}, {answer.why}); next_allowed_at: {next_allowed}"
        if realm.policies.quiet.action == quiet.REJECT:
            return Refusal("quiet_hours", f"{refused}. Send it then, or let quiet hours hold messages", "/send_at")
        valid_until = wanted.valid_until
        if request.valid_for is None and request.valid_until is None:  # the usual span begins when it may go
            valid_until += answer.until - wanted.due_at
        elif valid_until <= answer.until:
            detail = f"{refused}, and the message is valid until {moment(valid_until)} only"
            return Refusal("quiet_hours", detail, "/valid_for" if request.valid_for is not None else "/valid_until")
        return Appointment(Times(answer.until, valid_until, scheduled=True), step | {"held_until": next_allowed})

    def caps(self, realm: Realm, number: Number, kind: str, request: MessageRequest) -> tuple[FrequencyCap, ...]:
        """The frequency caps that a message must keep: declared ones, and that of the recipient's state."""
        topics, policies = topics_of(request.tags, request.topic), realm.policies
        found = [cap for cap in policies.caps if cap.counts(kind, topics)]
        if kind == PROMOTIONAL and kind in policies.quiet.kinds and (cap := legal(zones.locate(number))) is not None:
            found.append(cap)
        return tuple(found)

    def closed(self, message: Message, at: int) -> Answer | None:
        """Why a message must not reach its recipient at this time; None when it may."""
        realm = self._snapshot().realms.get(message.environment)
        if realm is None or message.kind not in realm.policies.quiet.kinds:
            return None
        number = numbers.parse(message.to)
        if not isinstance(number, Number):
            return None
        answer = self._look(realm, zones.locate(number, message.time_zone), message.kind, at)
        return None if answer.allowed else answer

    def _look(self, realm: Realm, place: Place, kind: str, at: int) -> Answer:
        snapshot, known = self._known
        if snapshot is not self._snapshot() or len(known) > _KEPT:
            known = {}
            self._known = (self._snapshot(), known)
        minute = at // _MINUTE_MS
        key = (realm.id, kind, place, minute)
        answer = known.get(key)
        if answer is None:
            rules = quiet.rules_of(place, kind, realm.policies.quiet)
            answer = known[key] = quiet.look(minute * _MINUTE_MS, place.zones, rules)
        return answer


def _shown(at: int | None) -> str | None:
    return None if at is None else moment(at)
