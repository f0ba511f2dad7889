"""What is measured, and how each number comes about: sums that are kept, and shares of them.

The pages that define the measures are written from here, so that what is defined is what is computed.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from heliograph.core import slots

UNIT: Final = 100_000_000  # money is kept in 10^-8 of its currency
MESSAGES: Final = "rollups"
TIMES: Final = "rollup_times"
FACTS: Final = "rollup_facts"

Value: TypeAlias = int | float | str | dict[str, str] | None
Sums: TypeAlias = Mapping[str, int]


class Part(msgspec.Struct, frozen=True):
    """A sum that is kept: where, as which expression, and what it counts."""

    table: str
    sql: str
    meaning: str


def _states(*states: str, column: str = "messages") -> str:
    return f"CASE WHEN state IN ({', '.join(map(repr, states))}) THEN {column} ELSE 0 END"


def _fact(*names: str, column: str = "count") -> str:
    return f"CASE WHEN fact IN ({', '.join(map(repr, names))}) THEN {column} ELSE 0 END"


_OUT: Final = ("sent", "delivered", "read", "undelivered", "failed", "expired")
PARTS: Final[dict[str, Part]] = {
    "messages": Part(MESSAGES, "messages", "messages that were accepted"),
    "waiting": Part(MESSAGES, _states("waiting"), "messages that no carrier has taken yet and that may still go"),
    "sent": Part(MESSAGES, _states("sent"), "messages that a carrier took and of which it has not told the end"),
    "delivered": Part(MESSAGES, _states("delivered", "read"), "messages that were delivered, read ones included"),
    "read": Part(MESSAGES, _states("read"), "messages that were read"),
    "undelivered": Part(MESSAGES, _states("undelivered"), "messages that the carrier could not deliver"),
    "failed": Part(MESSAGES, _states("failed"), "messages that carriers refused or that were given up"),
    "expired": Part(MESSAGES, _states("expired"), "messages whose time was over"),
    "rejected": Part(MESSAGES, _states("rejected"), "messages that policy kept back after they were accepted"),
    "canceled": Part(MESSAGES, _states("canceled"), "messages that were taken back"),
    "tried": Part(MESSAGES, _states(*_OUT), "messages that left, or could not: all but waiting, rejected, canceled"),
    "settled": Part(
        MESSAGES,
        _states("delivered", "read", "undelivered", "failed", "expired", column="taken"),
        "messages that a carrier took and whose end is known or was given up on",
    ),
    "taken": Part(MESSAGES, "taken", "messages that a carrier took"),
    "no_receipt": Part(
        MESSAGES, "CASE WHEN code = 'no_receipt' THEN messages ELSE 0 END", "messages whose end was never told"
    ),
    "segments": Part(MESSAGES, "segments", "segments of accepted messages"),
    "billed_segments": Part(MESSAGES, "billed", "segments of messages that carriers took, as they count them"),
    "long": Part(MESSAGES, "long", "messages of more than one segment"),
    "unicode": Part(MESSAGES, "unicode", "messages in UCS-2"),
    "retried": Part(MESSAGES, "retried", "messages that took more than one attempt"),
    "retried_delivered": Part(
        MESSAGES, _states("delivered", "read", column="retried"), "messages that were delivered after a retry"
    ),
    "cost": Part(MESSAGES, "cost", "what messages cost that carriers took, surcharges included"),
    "surcharge": Part(MESSAGES, "surcharge", "the part of it that is passed-through fees"),
    "attempt_failures": Part(FACTS, _fact("attempt_failed"), "attempts that failed and were not the last"),
    "unknown_outcomes": Part(FACTS, _fact("attempt_unknown"), "attempts whose outcome nobody knows"),
    "inbound": Part(FACTS, _fact("inbound"), "messages from phones"),
    "inbound_cost": Part(FACTS, _fact("inbound", column="value"), "what messages from phones cost"),
    "replies": Part(
        FACTS, "CASE WHEN fact = 'inbound' AND detail = 'reply' THEN count ELSE 0 END", "answers to messages"
    ),
    "opt_outs": Part(FACTS, _fact("opt_out"), "opt-outs, each laid at the last message of the seven days before it"),
    "opt_ins": Part(FACTS, _fact("opt_in"), "opt-ins"),
    "clicks": Part(FACTS, _fact("click"), "clicks of people on short links, of each link the first hundred"),
    "goals": Part(FACTS, _fact("goal"), "goals that applications reported"),
    "goal_value": Part(FACTS, _fact("goal", column="value"), "what they were worth"),
    "verifications": Part(FACTS, _fact("verification_started"), "verifications that were started"),
    "verifications_approved": Part(FACTS, _fact("verification_approved"), "verifications whose code was entered"),
    "webhooks_done": Part(FACTS, _fact("webhook_done"), "webhooks that were answered with 2xx"),
    "webhooks_first": Part(FACTS, _fact("webhook_first"), "webhooks that were answered with 2xx at the first try"),
    "webhooks_failed": Part(FACTS, _fact("webhook_failed"), "webhooks that were given up"),
}


class Measure(msgspec.Struct, frozen=True):
    """A number that can be asked for: a sum, a share of sums, a time, or an amount."""

    name: str
    unit: str  # count | share | per_message | ms | money
    top: tuple[str, ...]
    bottom: tuple[str, ...] = ()
    what: str = ""  # of times: send | deliver | webhook
    quantile: float = 0.0
    more: str = ""  # what one should know of it

    @property
    def formula(self) -> str:
        if self.what:
            return f"the time within which {self.quantile:.0%} of them were over"
        top = " + ".join(self.top)
        if not self.bottom:
            return f"sum of {top}"
        bottom = " + ".join(self.bottom)
        return f"{_bracket(top)} ÷ {_bracket(bottom)}"

    @property
    def parts(self) -> tuple[str, ...]:
        return (*self.top, *self.bottom)

    @property
    def tables(self) -> frozenset[str]:
        return frozenset({TIMES}) if self.what else frozenset(PARTS[part].table for part in self.parts)

    def of(self, sums: Sums) -> Value:
        """The number, of sums of its parts. Nothing is no share of nothing: None."""
        top = sum(sums.get(part, 0) for part in self.top)
        if not self.bottom:
            return top
        bottom = sum(sums.get(part, 0) for part in self.bottom)
        return round(top / bottom, 6) if bottom else None

    def of_money(self, by_currency: Mapping[str, Sums]) -> dict[str, str]:
        """The same of an amount, for each currency alone."""
        found: dict[str, str] = {}
        for currency, sums in sorted(by_currency.items()):
            top = sum(sums.get(part, 0) for part in self.top)
            bottom = sum(sums.get(part, 0) for part in self.bottom) if self.bottom else 1
            if currency and top and bottom:
                found[currency] = written(Decimal(top) / UNIT / bottom, whole=not self.bottom)
        return found

    def of_slots(self, counts: Mapping[int, int]) -> Value:
        time = slots.quantile(counts, self.quantile)
        return None if time is None else round(time)


def written(amount: Decimal, *, whole: bool) -> str:
    """An amount as text, with two places or more: exact if it is a sum, to the millionth if it is a share."""
    text = f"{amount if whole else amount.quantize(Decimal('0.000001')):f}"
    units, _, places = text.partition(".")
    return f"{units}.{places.rstrip('0').ljust(2, '0')}"


def _bracket(text: str) -> str:
    return f"({text})" if " + " in text else text


_LATENCIES: Final = {
    "time_to_send": ("send", "from acceptance until a carrier took it; left out is what waited for its time"),
    "time_to_deliver": ("deliver", "from when the carrier took it until it was delivered"),
    "webhook_latency": ("webhook", "from an event until its webhook was answered with 2xx"),
}


def _counts() -> tuple[Measure, ...]:
    money = ("cost", "surcharge", "goal_value", "inbound_cost")
    return tuple(Measure(name, "money" if name in money else "count", (name,)) for name in PARTS)


MEASURES: Final[dict[str, Measure]] = {
    measure.name: measure
    for measure in (
        *_counts(),
        Measure(
            "delivery_rate",
            "share",
            ("delivered",),
            ("settled",),
            more="What the carrier has not told yet is left out.",
        ),
        Measure("failure_rate", "share", ("undelivered", "failed", "expired"), ("tried",)),
        Measure("receipt_coverage", "share", ("delivered", "undelivered"), ("settled",)),
        Measure("segments_per_message", "per_message", ("segments",), ("messages",)),
        Measure("long_share", "share", ("long",), ("messages",)),
        Measure("unicode_share", "share", ("unicode",), ("messages",)),
        Measure("retry_success", "share", ("retried_delivered",), ("retried",)),
        Measure(
            "attempt_failure_rate",
            "share",
            ("attempt_failures", "unknown_outcomes"),
            ("attempt_failures", "unknown_outcomes", "tried"),
        ),
        Measure(
            "unknown_outcome_rate", "share", ("unknown_outcomes",), ("attempt_failures", "unknown_outcomes", "tried")
        ),
        Measure("cost_per_message", "money", ("cost",), ("taken",)),
        Measure("cost_per_delivered", "money", ("cost",), ("delivered",)),
        Measure("opt_out_rate", "share", ("opt_outs",), ("delivered",)),
        Measure("reply_rate", "share", ("replies",), ("delivered",)),
        Measure("click_rate", "share", ("clicks",), ("delivered",), more="Somebody who clicks twice counts twice."),
        Measure("goal_rate", "share", ("goals",), ("delivered",)),
        Measure("verification_conversion", "share", ("verifications_approved",), ("verifications",)),
        Measure("webhook_success", "share", ("webhooks_done",), ("webhooks_done", "webhooks_failed")),
        Measure("webhook_first_success", "share", ("webhooks_first",), ("webhooks_done", "webhooks_failed")),
        *(
            Measure(f"{name}_p{percent}", "ms", (), (), what, percent / 100, more)
            for name, (what, more) in _LATENCIES.items()
            for percent in (50, 95, 99)
        ),
    )
}
