"""Starting a campaign: who must have answered for it, and when it begins. The doors share it."""

from heliograph.core.campaigns import LONGEST_WAIT_MS, READY
from heliograph.core.failures import Refusal, Refused
from heliograph.engine.policies import CampaignPolicy
from heliograph.products.campaigns import audiences, register
from heliograph.products.campaigns.audiences import Audience
from heliograph.products.campaigns.register import Campaign
from heliograph.store.port import Ledger


def wants_approval(policy: CampaignPolicy, campaign: Campaign, audience: Audience) -> bool:
    """Must somebody still answer for it before it starts?"""
    is_asked = policy.approval != "none" and audience.valid > policy.above
    return is_asked and campaign.state == READY and campaign.approved_by is None


async def start(
    ledger: Ledger, campaign: Campaign, policy: CampaignPolicy, at: int, *, actor: str, now: int
) -> Campaign:
    """It begins at a time. Raises `Refused`."""
    if at > now + LONGEST_WAIT_MS:
        raise Refused(Refusal("too_far_ahead", "a campaign starts within 366 days", "/at"))
    if wants_approval(policy, campaign, await audiences.of_id(ledger, campaign.audience)):
        detail = "somebody with the scope campaigns:approve must approve it first"
        raise Refused(Refusal("not_approved", detail, status=409))
    return await register.schedule(ledger, campaign, at, actor=actor, now=now)
