"""What is said of alarms: to those on call, and as the beginning of a post-mortem."""

from collections.abc import Sequence

from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import RESOLVED
from heliograph.core.views import moment
from heliograph.engine.alarms.register import Known, figure, history, summary
from heliograph.store.port import Ledger, Row

_SMS_LETTERS = 150
_CHANGES_AT_MOST = 100


def told(alarms: Sequence[Known], workspace: str) -> str:
    """One text for all that happened at once: a line each, the gravest first."""
    ordered = sorted(alarms, key=lambda one: (one.state == RESOLVED, one.severity, one.rule, one.subject))
    lines = [f"{'OVER' if one.state == RESOLVED else one.severity.upper()}: {summary(one)}" for one in ordered]
    return f"Heliograph, {workspace}\n" + "\n".join(lines)


def short(alarms: Sequence[Known]) -> str:
    """The same for a phone."""
    first, more = summary(alarms[0]), len(alarms) - 1
    text = f"Heliograph: {first}"[:_SMS_LETTERS]
    return f"{text} (+{more} more)" if more else text


async def begun(ledger: Ledger, known: Known, now: int) -> str:
    """The post-mortem of an alarm as far as the ledger can write it: with what people changed while it lasted."""
    changes = await ledger.fetch(
        "SELECT at, actor, action, object FROM audit WHERE workspace = $1 AND at >= $2 AND at <= $3 "
        "ORDER BY id LIMIT $4",
        *(known.workspace, known.began_at, known.resolved_at or now, _CHANGES_AT_MOST),
    )
    return report(known, await history(ledger, known.id), changes)


def report(known: Known, history: Sequence[Row], changes: Sequence[Row]) -> str:
    """A post-mortem to go on with, in Markdown."""
    rule = RULES[known.rule]
    about = "\n".join(f"- {name}: {value}" for name, value in known.about.items()) or "- everything"
    end = "it goes on" if known.resolved_at is None else moment(known.resolved_at)
    steps = "\n".join(f"- {moment(at)} **{what}**: {detail}" for at, what, detail in history)
    done = "\n".join(f"- {moment(at)} {actor}: `{action}` {thing}" for at, actor, action, thing in changes)
    return (
        f"# {rule.title}\n\n{summary(known)}\n\n"
        f"| | |\n|---|---|\n| alarm | `{known.public_id}` (`{known.rule}`) |\n| severity | {known.severity} |\n"
        f"| first seen | {moment(known.began_at)} |\n| last seen | {moment(known.bad_at)} |\n| over | {end} |\n"
        f"| at its worst | {figure(known.worst, rule.unit)} |\n| usually | {figure(known.usual, rule.unit)} |\n"
        f"| affected, or looked at | {known.sample} |\n| acknowledged | {known.acknowledged_by or 'by nobody'} |\n\n"
        f"## What it was about\n\n{about}\n\n## What it means\n\n{rule.means}\n\n## What happened\n\n{steps}\n\n"
        f"## What was changed meanwhile\n\n{done or '- nothing'}\n\n"
        "## Cause\n\n## What we do so that it does not happen again\n"
    )
