"""Test messages of a campaign: every variant to some numbers, now. They count nowhere in its progress."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from heliograph.core import numbers
from heliograph.core.audiences import Recipient
from heliograph.core.failures import Refusal, Refused
from heliograph.core.numbers import BadNumber
from heliograph.engine.draft import Draft
from heliograph.engine.intake import Intake, public_id
from heliograph.products.campaigns import register
from heliograph.products.campaigns.register import Campaign
from heliograph.products.campaigns.writing import Writer
from heliograph.store.port import Accept, Ledger


class Tested(msgspec.Struct):
    """One test message: its id, or the code of what stood against it."""

    to: str
    variant: str
    id: str | None
    refused: str | None


async def test(
    ledger: Ledger,
    intake: Intake,
    version: Callable[[], int],
    campaign: Campaign,
    to: Sequence[str],
    variables: Mapping[str, str],
    default_country: str | None,
    now: int,
) -> list[Tested]:
    """`version`: of what is declared now. Raises `Refused` for what is no number."""
    spec = msgspec.structs.replace(
        campaign.asked, tags=["campaign-test"], window=None, ends_at=None, name=campaign.name
    )
    campaign = msgspec.structs.replace(campaign, spec=msgspec.json.encode(spec).decode(), looked=None)
    writer = Writer(intake, campaign, await register.variants(ledger, campaign.id), version)
    values = msgspec.json.encode(variables).decode()
    found: list[tuple[str, str, Draft | str]] = []
    for index, each in enumerate(to):
        number = numbers.parse(each, default_country)
        if isinstance(number, BadNumber):
            raise Refused(Refusal(number.code, number.detail, f"/to/{index}"))
        for variant in spec.texts:
            draft = writer.one(variant.name, Recipient(0, number.e164, None, values), now)
            found.append((number.e164, variant.name, draft))
    drafts = [draft for *_, draft in found if isinstance(draft, Draft)]
    for draft in drafts:
        draft.message.batch = None
    future: asyncio.Future[Accept] = asyncio.get_running_loop().create_future()
    intake.accept(drafts, future.set_result)
    operation = await future
    if operation.error is not None:
        raise operation.error
    return [_tested(number, variant, draft, operation) for number, variant, draft in found]


def _tested(to: str, variant: str, draft: Draft | str, operation: Accept) -> Tested:
    if isinstance(draft, str):
        return Tested(to, variant, None, draft)
    refused = operation.refused.get(draft.message.id)
    return Tested(to, variant, None if refused else public_id(draft.message), refused)
