"""Which variant did best: by clicks that were noted, or by answers that were no opt-outs."""

from typing import Final

from heliograph.core.campaigns import REST, Tried, Winner, winner_of
from heliograph.products.campaigns import register
from heliograph.products.campaigns.register import Campaign
from heliograph.store.port import Ledger

_SENT: Final = "SELECT count(*) FROM messages WHERE batch = $1 AND sent_at IS NOT NULL"
_CLICKS: Final = (
    "SELECT count(*) FROM messages m JOIN conversions c ON c.message = m.id AND c.kind = 'clicked' WHERE m.batch = $1"
)
_REPLIES: Final = (
    "SELECT count(*) FROM messages m WHERE m.batch = $1 AND m.sent_at IS NOT NULL AND EXISTS (SELECT 1 FROM inbound i "
    "WHERE i.workspace = m.workspace AND i.from_number = m.to_number AND i.at >= m.sent_at) "
    "AND NOT EXISTS (SELECT 1 FROM stances s WHERE s.number = m.to_number AND s.workspace = m.workspace "
    "AND s.out_at >= m.sent_at)"
)


async def decide(ledger: Ledger, campaign: Campaign, asked: Winner, now: int) -> None:
    """Find the winner; the rest gets it."""
    found = await tried(ledger, campaign, asked.by)
    facts = {"variants": {one.name: {"sent": one.sent, asked.by: one.successes} for one in found}}
    await register.won(ledger, campaign, winner_of(found), REST, facts, now)


async def tried(ledger: Ledger, campaign: Campaign, by: str) -> list[Tried]:
    """What came of each variant so far."""
    return [
        Tried(name, (await ledger.fetch(_SENT, batch))[0][0], await _successes(ledger, by, batch))
        for name, batch in (await register.variants(ledger, campaign.id)).items()
    ]


async def _successes(ledger: Ledger, by: str, batch: int) -> int:
    rows = await ledger.fetch(_CLICKS if by == "clicks" else _REPLIES, batch)
    return int(rows[0][0])
