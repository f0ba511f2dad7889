"""What came of a drill: for each kind what its plan says and what its probes did. Pure: read from events."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from heliograph.core.lifecycle import DELIVERED, ENDS, FAILED, READ
from heliograph.core.outages import FAIL, PAUSE, PROVIDER_OUTAGE, KindPlan, OutagePolicy

BEFORE: Final = "before"
DURING: Final = "during"
AFTER: Final = "after"
_SLACK_MS: Final = 5_000  # looks are a second apart, and commits and receipts take their time


class Happened(NamedTuple):
    """One probe as the ledger has it in the end."""

    id: str
    kind: str
    accepted_at: int
    state: str
    connector: str
    channel: str
    code: str | None
    final_at: int | None
    sent: tuple[tuple[int, bool], ...]  # when, and was it said that it may be a double
    held: bool


class Times(NamedTuple):
    """When what happened. `began_at` None: the outage was never noticed."""

    out_from: int
    out_until: int
    began_at: int | None
    ended_at: int | None


class Probe(msgspec.Struct):
    """What became of one probe."""

    id: str
    phase: str
    status: str
    connector: str
    channel: str
    ms: int | None  # from its acceptance to its end
    held: bool
    code: str | None
    as_planned: bool
    why: str | None


class KindReport(msgspec.Struct):
    """What became of a kind."""

    kind: str
    plan: str
    as_planned: bool
    delivered: int
    failed: int
    held: int
    other_channel: int
    lost: int
    doubled: int
    probes: list[Probe]


class Report(msgspec.Struct):
    """A drill in the end. `passed`: every plan did what it says, and nothing was lost or doubled."""

    passed: bool
    detected_after_ms: int | None
    over_after_ms: int | None  # after the connectors came back, until the outage was over
    recovered_after_ms: int | None  # until the first probe arrived again the usual way
    lost: int
    doubled: int
    kinds: list[KindReport]
    left_out: dict[str, str]  # kinds that were not tried, and why


def make(policy: OutagePolicy, times: Times, happened: Sequence[Happened], left_out: dict[str, str]) -> Report:
    kinds = [
        _of_kind(kind, policy.of(kind), times, [one for one in happened if one.kind == kind])
        for kind in dict.fromkeys(one.kind for one in happened)
    ]
    back = [
        one.final_at
        for one in happened
        if one.state in (DELIVERED, READ) and one.channel == "sms" and (one.final_at or 0) >= times.out_until
    ]
    lost, doubled = sum(one.lost for one in kinds), sum(one.doubled for one in kinds)
    return Report(
        passed=times.began_at is not None and times.ended_at is not None and all(one.as_planned for one in kinds),
        detected_after_ms=None if times.began_at is None else times.began_at - times.out_from,
        over_after_ms=None if times.ended_at is None else times.ended_at - times.out_until,
        recovered_after_ms=min(one for one in back if one is not None) - times.out_until if back else None,
        lost=lost,
        doubled=doubled,
        kinds=kinds,
        left_out=left_out,
    )


def _of_kind(kind: str, plan: KindPlan, times: Times, happened: Sequence[Happened]) -> KindReport:
    probes = [_probe(one, plan, times) for one in happened]
    lost = sum(one.state not in ENDS and one.state != READ for one in happened)
    doubled = sum(_is_doubled(one) for one in happened)
    return KindReport(
        *(kind, plan.says, all(one.as_planned for one in probes) and not lost and not doubled),
        delivered=sum(one.status in (DELIVERED, READ) for one in probes),
        failed=sum(one.status == FAILED for one in probes),
        held=sum(one.held for one in probes),
        other_channel=sum(one.channel != "sms" for one in probes),
        lost=lost,
        doubled=doubled,
        probes=probes,
    )


def _is_doubled(one: Happened) -> bool:
    """A carrier took it twice, and nobody was told that it may be."""
    return len(one.sent) > 1 and not all(flagged for _, flagged in one.sent[1:])


def _probe(one: Happened, plan: KindPlan, times: Times) -> Probe:
    phase = next(
        name
        for name, until in ((BEFORE, times.out_from), (DURING, times.out_until), (AFTER, None))
        if until is None or one.accepted_at < until
    )
    why = _wrong(one, plan, times, phase)
    took = None if one.final_at is None else one.final_at - one.accepted_at
    return Probe(
        *(one.id, phase, one.state, one.connector, one.channel, took, one.held, one.code),
        as_planned=why is None,
        why=why,
    )


def _wrong(one: Happened, plan: KindPlan, times: Times, phase: str) -> str | None:
    """How it went otherwise than its plan says."""
    arrived = one.state in (DELIVERED, READ)
    if phase != DURING:
        return None if arrived else f"it should have arrived, and {one.state}"
    if times.began_at is None:
        return "the outage was not noticed"
    if arrived and (one.final_at or 0) < times.began_at:
        return None  # it was quicker than the outage, or took another route
    due = max(one.accepted_at, times.began_at) + plan.wait_s * 1_000
    if plan.then == PAUSE:
        # It is held by the next look; one whose plan had hardly begun may leave as soon as the connectors are back.
        over = times.out_until if due + _SLACK_MS > times.out_until else times.ended_at
        if any(times.began_at <= at and (over is None or at < over) for at, _ in one.sent):
            return "it left before the outage was over"
        return None if arrived else f"it should wait, and {one.state}"
    if due + _SLACK_MS > times.out_until and arrived:
        return None  # its plan had hardly begun when the connectors were back
    if plan.channel is not None and one.channel == plan.channel:
        return None if arrived else f"{plan.channel} took it, and it {one.state}"
    if plan.then == FAIL:
        if one.code != PROVIDER_OUTAGE:
            return f"it should fail as {PROVIDER_OUTAGE}, and {one.state} ({one.code or 'no code'})"
        late = (one.final_at or 0) - due
        return f"it failed {late} ms too late" if late > _SLACK_MS else None
    if plan.channel is not None:
        return f"{plan.channel} did not take it"
    return None if arrived else f"it should arrive after the outage, and {one.state}"
