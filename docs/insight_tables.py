"""The page of measures, written from the code that computes them."""

from typing import Final

from heliograph.api.insights import view
from heliograph.core.measures import FACTS, MEASURES, MESSAGES, PARTS
from heliograph.core.slots import EDGES

_HEAD: Final = """\
# Measures, defined

What became of messages is summed while it happens: by minute, by hour and by day. Charts, statistics and alarms read
these sums and nothing else, so that they tell the same, and are quick however many messages are stored.

```sh run
curl -fsS -H "Authorization: Bearer $HELIOGRAPH_KEY" \\
  "http://127.0.0.1:8080/v1/insights?measures=messages,delivery_rate,cost&by=country&from=2026-11-01&step=1d"
```

- `measures`: one or several of those below. `by`: what they are split by, also several. `step`: a part of an hour in
  minutes (`5m`), a part of a day in hours (`1h`), or days (`1d`); without it there is one value for the whole time.
- `from`, `to`: RFC 3339, or days; the last 24 hours where nothing is said. `compare=previous` puts the time before
  beside it.
- `country=DE,GB`, `kind=otp` and so on narrow it. A `network` is the one to which the range of the number was given
  out, as `heliograph lookup` calls it: a number that was ported since counts for its old one. At most `groups` groups
  (50) are told, by how much there is of them; the rest is together in `(others)`.
- The key needs the scope `analytics:read`. On the command line: `heliograph insight show delivery_rate --by country`.

A message counts in the minute in which it was accepted, as what it is now: a late receipt or a correction moves it.
What is no state of a message, such as an opt-out, counts in the minute in which it happened. Days are those of UTC. The
sums are a few seconds behind. Sums by minute are kept for seven days, by hour for a hundred (`[retention]`), by day for
ever, also when the messages are gone.

`heliograph insight check` proves that they are what the messages and their events say, beside a running gateway too,
and so are the counts of campaigns and verifications.
`heliograph insight rebuild` makes them again.

## Goals

An application tells what its messages led to, by a name of its own. Told twice (same goal, message and `reference`) it
counts once. With `contact_id` instead, it is laid at the last message of the thirty days before it.

```sh run
id=$(heliograph send +447700900123 "Your order A-17 is ready." --json | grep -o 'msg_[0-9a-z]*' | head -1)
curl -fsS -H "Authorization: Bearer $HELIOGRAPH_KEY" -H "Content-Type: application/json" \\
  -d '{"goal": "order", "message_id": "'$id'", "reference": "A-17", "value": "19.90", "currency": "EUR"}' \\
  http://127.0.0.1:8080/v1/conversions
```

Call a ticket that nobody had to open `ticket_deflected`, for example: `goals` by `detail` then tells how many there
were.
"""


def page() -> str:
    """The whole page."""
    sums = {
        table: [f"| `{name}` | {part.meaning} |" for name, part in PARTS.items() if part.table == table]
        for table in (MESSAGES, FACTS)
    }
    others = [view(name) for name in MEASURES if name not in PARTS]
    shares = [f"| `{one.name}` | {one.formula} | {one.meaning} | {_by(one.name)} |" for one in others]
    edges = ", ".join(_time(edge) for edge in EDGES)
    return "\n".join(
        [
            _HEAD,
            "## Sums of messages\n",
            f"They can be split by {_by('messages')}.\n",
            *("| measure | counts |", "|---|---|", *sums[MESSAGES]),
            "\n## Sums of what happened\n",
            f"They can be split by {_by('clicks')}.\n",
            *("| measure | counts |", "|---|---|", *sums[FACTS]),
            "\n`detail` is the failure of an attempt, the source of an opt-out, the endpoint of a webhook, or the name "
            "of a goal.\n",
            "## Shares, amounts and times\n",
            "Amounts are told for each currency alone. A share of nothing is null.\n",
            *("| measure | formula | of | by |", "|---|---|---|---|", *shares),
            f"\nTimes are counted in slots, which begin at 0, {edges}; a time that is told is right within its slot.\n",
        ]
    )


def _by(name: str) -> str:
    return ", ".join(f"`{one}`" for one in view(name).by)


def _time(ms: int) -> str:
    for unit, size in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if ms >= size:
            return f"{ms / size:g} {unit}"
    return f"{ms} ms"
