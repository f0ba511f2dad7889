"""Roles: bundles of scopes that a person has in an environment.

Much belongs to the whole workspace and not to one of its environments: routes, senders, consent, keys, users. Who may
change that in `test` could change it for `live` too. So a right of this kind counts only when the person has it in
every live environment; a developer in `test` alone changes nothing that live traffic depends on.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from heliograph.core.failures import Refusal
from heliograph.engine.clients.scopes import ADMIN, SCOPES
from heliograph.engine.suggest import did_you_mean

OWNER: Final = "owner"


class Role(NamedTuple):
    """What a role is for, and what it may do."""

    what: str
    scopes: frozenset[str]


ROLES: Final[dict[str, Role]] = {
    OWNER: Role("everything: users, keys, environments, and all below", frozenset({ADMIN})),
    "operator": Role(
        "keeps it running: connectors, routes, senders, endpoints, pauses",
        frozenset(
            {
                *("messages:read", "analytics:read", "webhooks:read", "webhooks:manage"),
                *("routing:manage", "senders:manage", "pauses:manage"),
            }
        ),
    ),
    "support": Role(
        "helps recipients: answers conversations, finds messages, sends, cancels and tells of single ones",
        frozenset({"messages:send", "messages:read", "webhooks:read", "webhooks:replay", "conversations:manage"}),
    ),
    "compliance": Role(
        "answers for consent: opt-ins and opt-outs, proofs, exports, the audit log; approves campaigns",
        frozenset(
            {
                *("messages:read", "analytics:read", "consent:manage", "exports:read", "audit:read"),
                "campaigns:approve",
            }
        ),
    ),
    "marketing": Role(
        "reaches many: audiences, campaigns, their progress",
        frozenset({"messages:read", "analytics:read", "campaigns:manage"}),
    ),
    "developer": Role(
        "builds on the API: sends, verifies, templates, endpoints and their deliveries",
        frozenset(
            {
                *("messages:send", "messages:read", "analytics:read", "verify"),
                *("webhooks:read", "webhooks:manage", "templates:manage"),
            }
        ),
    ),
    "analyst": Role("looks at figures: statistics and costs, no message", frozenset({"analytics:read"})),
}
WORKSPACE_WIDE: Final = frozenset(
    {
        *(ADMIN, "routing:manage", "senders:manage", "templates:manage"),
        *("consent:manage", "pauses:manage", "audit:read"),
    }
)


def scopes_of(here: Iterable[str], live: Sequence[Iterable[str]]) -> frozenset[str]:
    """What the roles `here` allow, given the roles in each of the workspace's live environments."""
    allowed = _all(here)
    everywhere = frozenset.intersection(*map(_all, live)) if live else frozenset()
    return allowed - WORKSPACE_WIDE | allowed & WORKSPACE_WIDE & everywhere


def _all(roles: Iterable[str]) -> frozenset[str]:
    found = frozenset(scope for role in roles if role in ROLES for scope in ROLES[role].scopes)
    return frozenset(SCOPES) if ADMIN in found else found


def wrong_roles(roles: Mapping[str, Sequence[str]], environments: Iterable[str]) -> list[Refusal]:
    """A refusal for each role or environment that does not exist."""
    there, refusals = list(environments), []
    if not any(roles.values()):
        refusals.append(Refusal("missing_field", "give at least one role in one environment", "/roles"))
    for environment, names in roles.items():
        if environment not in there:
            hint = did_you_mean(environment, there)
            detail = f"there is no environment {environment[:40]!r}; there are {', '.join(there)}.{hint}"
            refusals.append(Refusal("unknown_environment", detail, "/roles"))
        for index, name in enumerate(names):
            if name not in ROLES:
                detail = f"{name[:40]!r} is not a role; the roles are {', '.join(ROLES)}.{did_you_mean(name, ROLES)}"
                refusals.append(Refusal("unknown_role", detail, f"/roles/{environment[:40]}/{index}"))
    return refusals
