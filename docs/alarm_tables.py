"""The page of runbooks, written from the rules themselves."""

from collections.abc import Iterator
from typing import Final

from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import ABOVE, DOWN, LEVEL, UP, Rule

_HEAD: Final = """\
# Runbooks

Alarms are on from the start. Every few seconds the rules below look at the sums of the last minutes beside those of the
seven days before, at the queues and at the links. What is wrong is `pending` at first, fires when it lasts, and is
`resolved` when it has been fine for five minutes. A sample that is too small tells nothing, and what chance alone may
cause does not ring. Only environments that can reach phones are looked at, unless `test_traffic` says otherwise.

A normal week rings nothing: quiet nights, peaks, weekends, campaigns on their days, phones that are off, a carrier that
throttles for a minute, an endpoint that fails now and then. `python -m tests.sim.week` plays such weeks, and
`python -m tests.sim.faults` breaks one thing on their Wednesday for each rule. What a rule compares with, below, is as
it is because otherwise each campaign would have rung.

Tell it whom to tell:

```toml
[policies.alarms]
webhooks = ["env:CHAT_WEBHOOK"]          # takes Slack's form of JSON: {"text": "…"}
email = ["oncall@example.com"]
sms = ["+447700900123"]                  # of critical alarms; through the gateway itself
[policies.alarms.rules.delivery_drop]
factor = 0.9                             # rings below nine tenths of its own past
minimum = 200
[policies.alarms.rules.no_receipts]
enabled = false
```

`limit`, `factor`, `minimum` and `for_s` change a rule, `enabled = false` turns it off. What concerns the gateway as a
whole (queues, connectors, its certificate) is told to the workspace `default`. What begins, or is over, at once is told
in one text. Applications hear `alarm.firing` and `alarm.resolved` on their endpoints. Nobody gets more than ten texts
in an hour.

| command | API | |
|---|---|---|
| `heliograph alarms list` | `GET /v1/alarms` | what fires, what is pending, what was |
| `heliograph alarms show ID` | `GET /v1/alarms/{id}` | one alarm, its history, what to do |
| `heliograph alarms ack ID` | `POST /v1/alarms/{id}/acknowledge` | somebody looks after it |
| `heliograph alarms silence` | `POST /v1/silences` | tell nothing of a rule, or of a connector, for a while |
| `heliograph alarms report ID` | `GET /v1/alarms/{id}/report` | the beginning of a post-mortem, in Markdown |

"""
_SENSES: Final = {
    UP: "is higher than {limit}, and than {factor:g} times its past",
    DOWN: "is lower than {limit}, and than {factor:g} of its past",
    LEVEL: "is higher than {factor:g} times what it was about this time of the days before",
    ABOVE: "is higher than {limit}",
}


def page() -> str:
    """The whole page."""
    return _HEAD + "\n".join(line for rule in RULES.values() for line in _rule(rule))


def _rule(rule: Rule) -> Iterator[str]:
    yield f"## {rule.name}\n"
    yield f"**{rule.title}** ({rule.severity}). {rule.means}\n"
    yield f"Rings when {_looks(rule)}.\n"
    yield "What to do:\n"
    yield from (f"1. {step}" for step in rule.steps)
    if rule.actions:
        yield "\nAt hand:\n"
        yield from (f"- {action}" for action in rule.actions)
    yield ""


def _looks(rule: Rule) -> str:
    limit = {"share": f"{rule.floor:.0%}", "seconds": f"{rule.floor:g} s", "days": "14 days before the end"}.get(
        rule.unit, f"{rule.floor:g}"
    )
    what = "it"
    if rule.top:
        top, bottom = " + ".join(rule.top), " + ".join(rule.bottom)
        shown = f"`{top}`" if rule.sense == LEVEL else f"`({top}) ÷ ({bottom})`"
        late = f", {rule.lag_ms // 60_000} minutes ago" if rule.lag_ms else ""
        what = f"{shown} of {rule.window_ms // 60_000} minutes{late}"
    by = f" for one {', '.join(rule.by)}" if rule.by else ""
    sample = f", of {rule.minimum} or more" if rule.minimum else ""
    lasts = f", for {rule.for_ms // 1000} seconds" if rule.for_ms else ""
    when = _SENSES[rule.sense].format(limit=limit, factor=rule.factor)
    if rule.unit == "days":
        when = f"is {limit}"
    return f"{what}{by} {when}{sample}{lasts}"
