"""How a workspace wants its alarms: `[policies.alarms]`. Whom to tell, and rules with other limits, or off."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from heliograph.core.alarm_rules import RULES
from heliograph.core.alarms import Rule
from heliograph.core.failures import Refusal
from heliograph.core.numbers import Number, parse
from heliograph.engine.suggest import did_you_mean

TEST_MODE = "test"


class RuleChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is different of a rule. What is left out stays."""

    enabled: bool = True
    limit: Annotated[float, Meta(description="Below it (of rules on a drop: above it) nothing is wrong.")] | None = None
    factor: Annotated[float, Meta(gt=0, description="So many times its own past.")] | None = None
    minimum: Annotated[int, Meta(ge=0, description="A smaller sample tells nothing.")] | None = None
    for_s: Annotated[int, Meta(ge=0, le=86_400, description="Bad for so long, before it fires.")] | None = None


class AlarmPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to tell of what."""

    webhooks: Annotated[
        list[str], Meta(max_length=10, description="URLs that take Slack's form of JSON; also env:NAME.")
    ] = []
    email: Annotated[list[str], Meta(max_length=10)] = []
    sms: Annotated[list[str], Meta(max_length=5, description="Numbers of those on call, in E.164.")] = []
    sms_from: Annotated[Literal["warning", "critical"], Meta(description="The least that is worth a text.")] = (
        "critical"
    )
    test_traffic: Annotated[bool, Meta(description="Also look at what test keys send.")] = False
    rules: dict[str, RuleChange] = {}

    def wrong(self) -> list[Refusal]:
        """Names and numbers."""
        found = [
            Refusal("bad_value", f"{name[:40]!r} is no rule.{did_you_mean(name, RULES)}", f"/rules/{name[:40]}")
            for name in self.rules
            if name not in RULES
        ]
        for place, number in enumerate(self.sms):
            read = parse(number)
            if not isinstance(read, Number):
                found.append(Refusal(read.code, f"{number[:40]!r} {read.detail}", f"/sms/{place}"))
        for place, url in enumerate(self.webhooks):
            if not url.startswith(("https://", "http://", "env:", "file:")):
                found.append(Refusal("bad_value", f"{url[:40]!r} is no URL", f"/webhooks/{place}"))
        found += [
            Refusal("bad_value", f"{address[:60]!r} is no e-mail address", f"/email/{place}")
            for place, address in enumerate(self.email)
            if address.count("@") != 1
        ]
        return found

    def rule(self, name: str) -> Rule | None:
        """The rule as it holds here; None: it is off."""
        rule, change = RULES[name], self.rules.get(name)
        if change is None:
            return rule
        if not change.enabled:
            return None
        return msgspec.structs.replace(
            rule,
            floor=rule.floor if change.limit is None else change.limit,
            factor=rule.factor if change.factor is None else change.factor,
            minimum=rule.minimum if change.minimum is None else change.minimum,
            for_ms=rule.for_ms if change.for_s is None else change.for_s * 1000,
        )
