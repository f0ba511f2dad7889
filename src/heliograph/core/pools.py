"""Pools: several senders under one name, of which each recipient always sees the same.

Who gets which is not remembered but computed, by weighted rendezvous hashing: each sender draws a number from
(workspace, recipient, itself), and the highest draw wins. So every process answers alike, without asking anybody; a
sender that joins takes over its own part of the recipients and nobody else moves; when one leaves, or may not be used
for a while, only its recipients move, and they come back when it does.
"""

from collections.abc import Mapping
from hashlib import blake2b
from math import log
from typing import Any, Final, NamedTuple

from heliograph.core import sender_rules, senders
from heliograph.core.failures import Refusal
from heliograph.core.message import SUPPORT
from heliograph.core.senders import Sender

_DRAWS: Final = float(1 << 64)


class Chosen(NamedTuple):
    """A pool's sender for one message, and why that one."""

    sender: str
    why: str
    left_out: dict[str, str]  # the others that may not be used here → the code of the reason


def names(declared: Mapping[str, Sender]) -> frozenset[str]:
    """The pools of a workspace."""
    return frozenset(sender.pool for sender in declared.values() if sender.pool is not None)


def choose(
    pool: str,
    declared: Mapping[str, Sender],
    *,
    workspace: int,
    recipient: str,
    country: str,
    kind: str,
    is_real: bool,  # does it go to a network? Only there do the rules of countries hold
) -> Chosen | Refusal:
    """Of those that may be used: those at home in the country; for what invites a reply, those that can receive; and
    of these, the recipient's own."""
    members = [sender for sender in declared.values() if sender.pool == pool]
    refusals = {sender.value: _against(sender, declared, country, kind, is_real) for sender in members}
    left_out = {value: refusal for value, refusal in refusals.items() if refusal is not None}
    fitting = [sender for sender in members if sender.value not in left_out]
    if not fitting:
        reasons = "; ".join(refusal.detail for refusal in left_out.values())
        return Refusal(
            "no_sender_in_pool",
            f"no sender of the pool {pool!r} may send {kind} messages to {country}: {reasons}",
            "/sender",
        )
    at_home = [sender for sender in fitting if sender.home == country or country in sender.countries]
    near = at_home or fitting
    receiving = [sender for sender in near if sender.two_way] if kind == SUPPORT else []
    best = receiving or near
    weights = _weights(members)
    own = max(
        best, key=lambda sender: (_score(workspace, recipient, sender.value, weights[sender.value]), sender.value)
    )
    why = "the recipient's own" if len(best) > 1 else "the only one that fits" if len(fitting) == 1 else "the best fit"
    return Chosen(own.value, why, {value: refusal.code for value, refusal in left_out.items()})


def _against(sender: Sender, declared: Mapping[str, Sender], country: str, kind: str, is_real: bool) -> Refusal | None:
    refusal = senders.check(sender.value, declared, country=country, kind=kind)
    if refusal is None and is_real:
        found = sender_rules.check(
            sender.value, sender.type, country, sender.registration.get(country), sender.unregistered
        )
        return found if isinstance(found, Refusal) else None
    return refusal


def _weights(members: list[Sender]) -> dict[str, int]:
    """As much as it may send; one without a limit weighs as much as the fastest of the others."""
    fastest = max(sender.max_segments_per_second for sender in members) or 1
    return {sender.value: sender.max_segments_per_second or fastest for sender in members}


def _score(workspace: int, recipient: str, sender: str, weight: int) -> float:
    """In proportion to its weight, each sender has the highest score for so many recipients."""
    digest = blake2b(f"{workspace}\0{recipient}\0{sender}".encode(), digest_size=8).digest()
    return -weight / log((int.from_bytes(digest, "big") + 0.5) / _DRAWS)


def shown(chosen: Chosen, pool: str, *, by_default: bool) -> dict[str, Any]:
    """What the trace says of the choice."""
    why = "default" if by_default else "of its pool"
    entry: dict[str, Any] = {"rule": "sender", "sender": chosen.sender, "why": why, "pool": pool, "choice": chosen.why}
    return entry | ({"left_out": chosen.left_out} if chosen.left_out else {})
