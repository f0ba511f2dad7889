"""Campaigns in the ledger: made, approved, started, paused, stopped. Each change of state is one compare-and-set, with
its audit entry and its event in the same transaction.

    draft → ready → scheduled → running ⇄ paused → done
    and from any of them but the last: stopping → stopped

A draft becomes ready when all rows of its audience have been checked. What waits in the queue follows the state a
moment later: `is_settled` is 0 until it does.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from heliograph.core.campaigns import (
    DONE,
    DRAFT,
    PAUSED,
    READY,
    RUNNING,
    SCHEDULED,
    STOPPED,
    STOPPING,
    CampaignSpec,
    Variant,
)
from heliograph.core.failures import Refusal, Refused
from heliograph.core.templates import BadTemplate, compile_text
from heliograph.engine import audit
from heliograph.products.campaigns import audiences
from heliograph.products.campaigns.audiences import Audience
from heliograph.store.port import Ledger, NewEvent, Transaction

_COLUMNS: Final = (
    "id, workspace, environment, client, name, audience, spec, state, position, next_at, is_settled, estimate, looked, "
    "winner, author, approved_by, starts_at, started_at, enqueued_at, finished_at, created_at"
)
OPEN: Final = (DRAFT, SCHEDULED, RUNNING, PAUSED, STOPPING)
ENDED: Final = (STOPPED, DONE)
_encode: Final = msgspec.json.Encoder().encode


class Campaign(msgspec.Struct, frozen=True):
    """A campaign as a row."""

    id: int
    workspace: int
    environment: int
    client: int
    name: str
    audience: int
    spec: str
    state: str
    position: int
    next_at: int
    is_settled: int
    estimate: str | None
    looked: str | None
    winner: str | None
    author: str
    approved_by: str | None
    starts_at: int | None
    started_at: int | None
    enqueued_at: int | None
    finished_at: int | None
    created_at: int

    @property
    def asked(self) -> CampaignSpec:
        return msgspec.json.decode(self.spec, type=CampaignSpec)


# -- reading


async def find(ledger: Ledger, environment: int, name: str) -> Campaign | None:
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM campaigns WHERE environment = $1 AND name = $2", environment, name
    )
    return Campaign(*rows[0]) if rows else None


async def of_id(ledger: Ledger, campaign: int) -> Campaign | None:
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM campaigns WHERE id = $1", campaign)
    return Campaign(*rows[0]) if rows else None


async def page(ledger: Ledger, environment: int, below: int, limit: int) -> tuple[list[Campaign], int | None]:
    """Campaigns, the newest first."""
    rows = await ledger.fetch(
        f"SELECT {_COLUMNS} FROM campaigns WHERE environment = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        *(environment, below, limit + 1),
    )
    found = [Campaign(*row) for row in rows[:limit]]
    return found, found[-1].id if len(rows) > limit else None


async def of_audience(ledger: Ledger, audience: int) -> list[Campaign]:
    """The campaigns that go to an audience."""
    rows = await ledger.fetch(f"SELECT {_COLUMNS} FROM campaigns WHERE audience = $1 ORDER BY id DESC", audience)
    return [Campaign(*row) for row in rows]


async def at_work(ledger: Ledger) -> list[int]:
    """The campaigns for which there is something to do."""
    rows = await ledger.fetch(
        "SELECT id FROM campaigns WHERE state IN ('draft', 'scheduled', 'running', 'paused', 'stopping') "
        "AND (state <> 'paused' OR is_settled = 0) ORDER BY id"
    )
    return [row[0] for row in rows]


async def variants(ledger: Ledger, campaign: int) -> dict[str, int]:
    """The batch of each variant."""
    rows = await ledger.fetch("SELECT name, batch FROM campaign_variants WHERE campaign = $1 ORDER BY batch", campaign)
    return dict(rows)


# -- making


async def create(
    ledger: Ledger, workspace: int, environment: int, client: int, spec: CampaignSpec, *, actor: str, now: int
) -> Campaign:
    """A new draft. Raises `Refused` with all that is wrong."""
    refusals = [*spec.wrong(now)]
    audience = await audiences.find(ledger, environment, spec.audience)
    if audience is None or audience.state != audiences.READY:
        why = "there is none" if audience is None else f"it is {audience.state}"
        refusals.append(Refusal("unknown_audience", f"no audience {spec.audience!r} that is ready: {why}", "/audience"))
    refusals += _bad_texts(spec.texts, audience)
    if await find(ledger, environment, spec.name) is not None:
        refusals.append(Refusal("already_exists", f"there is a campaign {spec.name!r} already", "/name", 409))
    if refusals:
        raise Refused(*refusals)
    assert audience is not None
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "INSERT INTO campaigns (workspace, environment, client, name, audience, spec, state, author, created_at) "
            f"VALUES ($1, $2, $3, $4, $5, $6, 'draft', $7, $8) RETURNING {_COLUMNS}",
            *(workspace, environment, client, spec.name, audience.id, _encode(spec).decode(), str(actor), now),
        )
        made = Campaign(*rows[0])
        for variant in spec.texts:
            await transaction.execute(
                "INSERT INTO campaign_variants (campaign, name, batch) VALUES ($1, $2, $3)",
                *(made.id, variant.name, ledger.next_id("batch")),
            )
        detail = {"after": msgspec.to_builtins(spec)}
        await _note(transaction, made, actor, "campaign.created", now, detail)
    return made


def _bad_texts(texts: Sequence[Variant], audience: Audience | None) -> list[Refusal]:
    found = []
    columns = None if audience is None else set(msgspec.json.decode(audience.variables, type=list[str]))
    for index, variant in enumerate(texts):
        pointer = "/text" if len(texts) == 1 else f"/variants/{index}/text"
        try:
            text = compile_text(variant.text)
        except BadTemplate as bad:
            found.append(Refusal("bad_template", f"{bad.detail} (character {bad.position})", pointer))
            continue
        if columns is not None and (lacking := sorted(name for name in needed(text) if name not in columns)):
            detail = f"the audience has no column {lacking[0]!r}; it has {', '.join(sorted(columns)) or 'none'}"
            found.append(Refusal("missing_variable", detail, pointer))
    return found


def needed(text: Any) -> set[str]:
    """The variables of a text that have no fallback."""
    return {part.name for part in text.parts if not isinstance(part, str) and part.fallback is None}


# -- going on


async def checked(ledger: Ledger, campaign: Campaign, estimate: bytes, looked: bytes | None) -> None:
    """All rows have been looked at."""
    async with ledger.transaction() as transaction:
        await transaction.execute(
            "UPDATE campaigns SET state = 'ready', estimate = $2, looked = $3 WHERE id = $1 AND state = 'draft'",
            *(campaign.id, estimate.decode(), None if looked is None else looked.decode()),
        )


async def approve(ledger: Ledger, campaign: Campaign, *, four_eyes: bool, actor: str, now: int) -> Campaign:
    """Somebody answers for it. Raises `Refused`."""
    if four_eyes and str(actor) == campaign.author:
        raise Refused(Refusal("four_eyes", "somebody else than its author must approve it", status=403))
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            f"UPDATE campaigns SET approved_by = $2 WHERE id = $1 AND state = 'ready' RETURNING {_COLUMNS}",
            *(campaign.id, str(actor)),
        )
        if not rows:
            raise _wrong_state(campaign, (READY,))
        await _note(transaction, campaign, actor, "campaign.approved", now)
    return Campaign(*rows[0])


async def schedule(ledger: Ledger, campaign: Campaign, starts_at: int, *, actor: str, now: int) -> Campaign:
    """It begins then. Raises `Refused`."""
    return await _turn(ledger, campaign, (READY,), SCHEDULED, actor, now, starts_at=starts_at)


async def begin(ledger: Ledger, campaign: Campaign, *, now: int) -> Campaign | None:
    """Its time has come; None when somebody else was faster."""
    try:
        return await _turn(ledger, campaign, (SCHEDULED,), RUNNING, "campaigns", now, event="started", started_at=now)
    except Refused:
        return None


async def pause(ledger: Ledger, campaign: Campaign, *, actor: str, now: int) -> Campaign:
    """Nothing more of it leaves. Raises `Refused`."""
    return await _turn(ledger, campaign, (RUNNING,), PAUSED, actor, now, event="paused", is_settled=0)


async def resume(ledger: Ledger, campaign: Campaign, *, actor: str, now: int) -> Campaign:
    """It goes on where it stood. Raises `Refused`."""
    return await _turn(ledger, campaign, (PAUSED,), RUNNING, actor, now, event="resumed", is_settled=0)


async def stop(ledger: Ledger, campaign: Campaign, *, actor: str, now: int) -> Campaign:
    """For good: what waits is taken back. Raises `Refused`."""
    before = (DRAFT, READY, SCHEDULED, RUNNING, PAUSED)
    return await _turn(ledger, campaign, before, STOPPING, actor, now, is_settled=0)


async def stopped(ledger: Ledger, campaign: Campaign, *, now: int) -> None:
    """Nothing of it waits any more."""
    await _turn(
        ledger, campaign, (STOPPING,), STOPPED, "campaigns", now, event="stopped", is_settled=1, finished_at=now
    )


async def done(ledger: Ledger, campaign: Campaign, *, now: int) -> None:
    """All of it has left, or ended."""
    await _turn(ledger, campaign, (RUNNING,), DONE, "campaigns", now, event="finished", finished_at=now)


async def settled(ledger: Ledger, campaign: Campaign) -> None:
    """What waits has followed the state."""
    await _set(ledger, campaign, "is_settled = 1")


async def enqueued(ledger: Ledger, campaign: Campaign, *, now: int) -> None:
    """The audience has been gone through."""
    await _set(ledger, campaign, "enqueued_at = $3", now)


async def _set(ledger: Ledger, campaign: Campaign, change: str, *values: object) -> None:
    async with ledger.transaction() as transaction:
        await transaction.execute(
            f"UPDATE campaigns SET {change} WHERE id = $1 AND state = $2", campaign.id, campaign.state, *values
        )


async def won(
    ledger: Ledger, campaign: Campaign, winner: str, position: int, facts: Mapping[str, Any], now: int
) -> None:
    """The rest gets this variant."""
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            "UPDATE campaigns SET winner = $2, position = $3 WHERE id = $1 AND state = 'running' AND winner IS NULL "
            "RETURNING id",
            *(campaign.id, winner, position),
        )
        if rows:
            await _tell(transaction, campaign, "campaign.winner", now, {"winner": winner, **facts})
            await _note(transaction, campaign, "campaigns", "campaign.winner", now, {"winner": winner, **facts})


async def _turn(
    ledger: Ledger,
    campaign: Campaign,
    before: Sequence[str],
    after: str,
    actor: str,
    now: int,
    event: str | None = None,
    **changes: int,
) -> Campaign:
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(changes, 3))
    states = ", ".join(f"'{state}'" for state in before)
    async with ledger.transaction() as transaction:
        rows = await transaction.fetch(
            f"UPDATE campaigns SET state = $2{sets} WHERE id = $1 AND state IN ({states}) RETURNING {_COLUMNS}",
            *(campaign.id, after, *changes.values()),
        )
        if not rows:
            raise _wrong_state(campaign, before)
        if event is not None:
            await _tell(transaction, campaign, f"campaign.{event}", now, {})
        await _note(transaction, campaign, actor, f"campaign.{event or after}", now, {"before": campaign.state})
    return Campaign(*rows[0])


def _wrong_state(campaign: Campaign, before: Sequence[str]) -> Refused:
    detail = f"the campaign is {campaign.state}; that is possible while it is {' or '.join(before)}"
    return Refused(Refusal("wrong_state", detail, status=409))


async def delete(ledger: Ledger, campaign: Campaign, *, actor: str, now: int) -> None:
    """Forget a campaign that has not begun, or is over; its messages stay. Raises `Refused`."""
    states = (DRAFT, READY, *ENDED)
    async with ledger.transaction() as transaction:
        marks = ", ".join(f"'{state}'" for state in states)
        await transaction.execute(
            "DELETE FROM campaign_sums WHERE batch IN (SELECT batch FROM campaign_variants WHERE campaign = $1)",
            campaign.id,
        )
        rows = await transaction.fetch(
            f"DELETE FROM campaigns WHERE id = $1 AND state IN ({marks}) RETURNING id", campaign.id
        )
        if not rows:
            raise _wrong_state(campaign, states)
        await _note(transaction, campaign, actor, "campaign.deleted", now)


async def _tell(transaction: Transaction, campaign: Campaign, name: str, at: int, facts: Mapping[str, Any]) -> None:
    data = _encode({"campaign": campaign.name, "audience": campaign.asked.audience, **facts}).decode()
    await transaction.record(campaign.workspace, campaign.environment, [NewEvent(name, at, data)])


async def _note(
    transaction: Transaction,
    campaign: Campaign,
    actor: str,
    action: str,
    now: int,
    detail: Mapping[str, Any] | None = None,
) -> None:
    await audit.note(
        transaction,
        workspace=campaign.workspace,
        actor=actor,
        action=action,
        object=f"campaign/{campaign.name}",
        now=now,
        detail=detail,
    )
