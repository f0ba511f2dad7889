"""When to try again, or never, because. A decision is a value; somebody else acts on it."""

from typing import Final, NamedTuple

from heliograph.core.failures import CONSEQUENCES, UNKNOWN


class Retry(NamedTuple):
    """Another attempt at `at`, through `connector`; or never (`at` is None), because of `reason`."""

    at: int | None
    connector: str
    reason: str


class Policy(NamedTuple):
    """How patient we are. Pauses grow by `factor` from `first_ms` up to `longest_ms`."""

    attempts: int = 8
    first_ms: int = 2_000
    factor: float = 3.0
    longest_ms: int = 600_000
    jitter: float = 0.2  # share of the pause, both ways


DEFAULT: Final = Policy()


def pause_ms(policy: Policy, failed_attempts: int, chance: float) -> int:
    """The pause after so many failed attempts; `chance` in [0, 1) spreads it."""
    exponent = min(max(0, failed_attempts - 1), 40)  # beyond this every pause is the longest one
    pause = min(policy.longest_ms, policy.first_ms * policy.factor**exponent)
    return int(pause * (1 + policy.jitter * (2 * chance - 1)))


def after_failure(
    *,
    failure: str,
    attempt: int,
    connector: str,
    plan: list[str],
    now: int,
    valid_until: int,
    retry_after_ms: int | None = None,
    elsewhere: bool = False,
    chance: float = 0.5,
    policy: Policy = DEFAULT,
) -> Retry:
    """What follows when attempt number `attempt` through `connector` failed with a failure of that class."""
    consequence = CONSEQUENCES.get(failure) or CONSEQUENCES[UNKNOWN]
    if elsewhere and connector in plan[:-1]:  # this one has said its last word, the next of the plan may say another
        following = plan[plan.index(connector) + 1]
        return Retry(now, following, f"refused by {connector}; {following} may take it")
    if not consequence.retry:
        return Retry(None, connector, f"{failure} failures are not tried again")
    if consequence.counts and attempt >= policy.attempts:
        return Retry(None, connector, f"gave up after {attempt} attempts")
    following = _next_connector(connector, plan) if consequence.other_connector else connector
    pause = pause_ms(policy, attempt, chance)
    if retry_after_ms is not None:
        pause = max(retry_after_ms, policy.first_ms // 4)
    elif following != connector:
        pause = min(pause, policy.first_ms)  # another way is open: no need to be patient with this one
    at = now + pause
    if at >= valid_until:
        return Retry(None, connector, "no time left before valid_until")
    return Retry(at, following, f"attempt {attempt} failed ({failure})")


def _next_connector(connector: str, plan: list[str]) -> str:
    if connector not in plan or len(plan) < 2:
        return connector
    return plan[(plan.index(connector) + 1) % len(plan)]
