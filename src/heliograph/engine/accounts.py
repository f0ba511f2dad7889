"""SMPP accounts as places where events go: their address, and which messages from phones they hear.

What goes to an account is a delivery like that to a webhook, at `smpp://<account>`. A key that was rotated goes on with
the account of the key before it: what waits is given to whichever of the two is bound.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from heliograph.core.failures import Refusal
from heliograph.core.senders import type_of
from heliograph.store.port import Ledger, Row

LongMessages = Literal["udh", "sar", "payload"]
EVERYTHING: Final = "*"
SCHEME: Final = "smpp://"
# An account that did not come back for so long hears no more of it; the deliveries stand as failed.
KEPT_MS: Final = 7 * 86_400_000
_INBOUND_MAX: Final = 1_000
_MAY_READ: Final = frozenset({"messages:read", "admin"})


class Account(msgspec.Struct, frozen=True):
    """What a key says of its SMPP account."""

    inbound: tuple[str, ...] = (EVERYTHING,)  # the senders whose messages from phones it hears
    long_messages: LongMessages = "udh"  # how it is given messages that are too long for one part


class Hearer(msgspec.Struct, frozen=True):
    """An account that may hear messages from phones."""

    account: int
    environment: int
    inbound: tuple[str, ...]
    expires_at: int | None


def address(account: int) -> str:
    """Where its events go: to wherever it is bound."""
    return f"{SCHEME}{account}"


def target(environment: int, account: int) -> str:
    return f"callback:{environment}:{address(account)}"


def address_in(target: str) -> str | None:
    """The account's address in the key of a target; None when it is no account's."""
    found = target.partition(":")[2].partition(":")[2]
    return found if found.startswith(SCHEME) else None


def account_at(url: str) -> int | None:
    """The account that an address names."""
    number = url.removeprefix(SCHEME)
    return int(number) if number != url and number.isdigit() else None


async def hearers(ledger: Ledger) -> list[Hearer]:
    """All accounts that may hear something."""
    rows = await ledger.fetch(
        "SELECT coalesce(line, id), environment, smpp, scopes, expires_at FROM clients "
        "WHERE smpp IS NOT NULL AND revoked_at IS NULL ORDER BY id"
    )
    return [found for row in rows if (found := _hearer(row)) is not None]


def _hearer(row: Row) -> Hearer | None:
    number, environment, settings, scopes, expires_at = row
    account = msgspec.json.decode(settings, type=Account)
    if not may_hear(account, msgspec.json.decode(scopes, type=list[str])):
        return None
    return Hearer(number, environment, account.inbound, expires_at)


def may_hear(account: Account, scopes: Iterable[str]) -> bool:
    """Does it hear any messages from phones?"""
    return bool(account.inbound) and not _MAY_READ.isdisjoint(scopes)


def who_hears(hearers: Iterable[Hearer], sender: str, at: int) -> tuple[str, ...]:
    """The targets that hear a message from a phone to this sender."""
    bare = sender.removeprefix("+")
    found = [
        target(one.environment, one.account)
        for one in hearers
        if (one.expires_at is None or one.expires_at > at)
        and any(name == EVERYTHING or name.removeprefix("+") == bare for name in one.inbound)
    ]
    return tuple(dict.fromkeys(found))


def wrong_inbound(inbound: Sequence[str]) -> list[Refusal]:
    """What of a list of senders can't be."""
    if len(inbound) > _INBOUND_MAX:
        return [Refusal("bad_inbound", f"inbound takes {_INBOUND_MAX} senders; * is all of them", "/inbound")]
    return [
        Refusal(
            "bad_inbound",
            f"{sender[:40]!r} is not a sender that phones can write to: give numbers and short codes, or * for all",
            f"/inbound/{index}",
        )
        for index, sender in enumerate(inbound)
        if sender != EVERYTHING and type_of(sender) in (None, "alphanumeric")
    ]


async def give_up(ledger: Ledger, now: int) -> None:
    """Deliveries to accounts that have not come for too long fail."""
    for key in await ledger.due_targets(now):
        if address_in(key) is not None:
            async with ledger.transaction() as transaction:
                await transaction.execute(
                    "UPDATE deliveries SET state = 'failed', error = 'the account did not bind in time' "
                    "WHERE target = $1 AND state = 'pending' AND next_at <= $2 AND created_at < $3",
                    *(key, now, now - KEPT_MS),
                )
