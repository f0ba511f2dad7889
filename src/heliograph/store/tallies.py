"""Budgets inside a commit; pure, so that both engines count alike."""

from collections.abc import Iterable

import msgspec

from heliograph.core.charges import BUDGET_EXCEEDED, Alarm, Charge, Key, Limit, Tally, written
from heliograph.core.views import moment
from heliograph.store.port import Accept, NewEvent


def limits_of(operations: Iterable[Accept]) -> dict[Key, Limit]:
    """The tallies that these operations add to, in the order in which they are to be locked."""
    different = {id(charges): charges for operation in operations for charges in operation.charges.values()}
    found = {charge.limit.key: charge.limit for charges in different.values() for charge in charges}
    return dict(sorted(found.items()))


def keep_limits(operation: Accept, tallies: dict[Key, Tally]) -> None:
    """Leave out what a budget has no room for; what stays is counted."""
    if not operation.charges:
        return
    operation.overspent = {}
    known: dict[int, list[tuple[Tally, Charge]]] = {}  # messages with the same facts share their charges
    for message in operation.messages:
        charges = operation.charges.get(message.id)
        if charges is None or message.id in operation.refused:
            continue
        pairs = known.get(id(charges))
        if pairs is None:
            pairs = known[id(charges)] = [(tallies[charge.limit.key], charge) for charge in charges]
        for tally, charge in pairs:
            if not tally.has_room(charge):
                operation.overspent[message.id] = charge.limit
                operation.refused[message.id] = BUDGET_EXCEEDED
                break
        else:
            for tally, charge in pairs:
                tally.add(charge)
    if operation.all_or_none and operation.refused:
        take_back(operation, tallies)


def take_back(operation: Accept, tallies: dict[Key, Tally]) -> None:
    """None of it is kept."""
    for message in operation.messages:
        if message.id not in operation.refused:
            for charge in operation.charges.get(message.id, ()):
                tallies[charge.limit.key].used -= charge.amount


def alarm_event(alarm: Alarm, at: int) -> NewEvent:
    """What endpoints hear of it."""
    limit = alarm.limit
    _, name, _, begins = limit.key
    facts = {
        "budget": name.partition("/")[0],
        "measure": limit.measure,
        "of": limit.of or None,
        "threshold": alarm.percent,
        "used": written(limit.measure, alarm.used),
        "limit": written(limit.measure, limit.most),
        "currency": limit.currency,
        "begins_at": moment(begins),
        "resets_at": moment(limit.ends),
        "stops": limit.stops,
    }
    return NewEvent("alarm.budget", at, msgspec.json.encode(facts).decode())
