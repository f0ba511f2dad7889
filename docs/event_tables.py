"""The page of events: what webhooks are told, when, and with which data. `tests/docs` looks for each in the code."""

from typing import Final

from heliograph.core.lifecycle import ENDS
from heliograph.core.shown import EventData
from heliograph.engine.alarms.register import AlarmView
from heliograph.engine.notify.subscriptions import CALLBACK_DEFAULT
from heliograph.engine.outages.register import OutageView
from heliograph.products.plans.rows import RunView
from heliograph.products.verify.row import VerificationView

_MESSAGE: Final = {
    "accepted": "it is kept; its caller has the answer",
    "scheduled": "it waits for its time",
    "queued": "it waits for its turn; again after an attempt that failed",
    "sent": "a carrier has taken it",
    "delivered": "the carrier says that the phone has it",
    "read": "it was opened, where the channel tells",
    "undelivered": "the carrier could not deliver it",
    "failed": "a carrier refused it for good, or we gave up",
    "rejected": "a rule of ours stopped it: a no, a budget, a cap",
    "expired": "it could not be delivered while it was valid",
    "canceled": "it was taken back before a carrier had it",
}
_CONVERSATION: Final = "the conversation without its contact"
_INBOUND: Final = (
    "`id`, `from`, `to`, `text`, `connector`, `received_at`, `conversation`, `contact`, `in_reply_to`, `tags`, `team`, "
    "`rules`; where known `keyword`, `opt_out`, `flow`, `price`, `currency`"
)
_NO: Final = "`number`, `scope`, `source`, `record`; where known `channel`, `connector`, `sender`, `rule`"
_ALARM: Final = f"the alarm: {', '.join(f'`{name}`' for name in AlarmView.__struct_fields__)}"
_OUTAGE: Final = f"the outage: {', '.join(f'`{name}`' for name in OutageView.__struct_fields__)}"
_CAMPAIGN: Final = "`campaign`, `audience`"
OTHERS: Final[dict[str, tuple[str, str]]] = {
    "inbound.received": ("a phone wrote", _INBOUND),
    "inbound.matched": ("a rule with `forward` fitted", f"{_INBOUND}; `rule`"),
    "flow.started": ("a rule or keyword starts a flow of yours", f"{_INBOUND}; `rule`, `flow`"),
    "conversation.opened": ("somebody waits for an answer", f"{_CONVERSATION}; `reopened`"),
    "conversation.assigned": ("it was given to a team or agent", f"{_CONVERSATION}; `by` where a rule did it"),
    "conversation.replied": ("it was answered", f"{_CONVERSATION}; `message`, `by`, `waited_ms`"),
    "conversation.closed": ("somebody closed it", _CONVERSATION),
    "conversation.escalated": ("nobody answered in time", f"{_CONVERSATION}; `waited_ms`"),
    "contact.opted_out": ("somebody said no", _NO),
    "contact.opted_in": ("somebody said yes", _NO),
    **{
        f"plan.{state}": (when, "the run")
        for state, when in (
            ("reached", "a step of a plan reached the person"),
            ("exhausted", "no step did"),
            ("canceled", "the run was canceled, or one of its messages was"),
        )
    },
    "verification.started": ("a code was asked for and is on its way", "the verification"),
    "verification.sent": ("the code was sent again", "the verification"),
    "verification.approved": ("the right code was entered", "the verification"),
    "verification.failed": ("too many wrong codes, or it could not be sent", "the verification"),
    "verification.expired": ("its time is over", "the verification"),
    "verification.canceled": ("you took it back", "the verification"),
    "verification.blocked": ("the fraud guard kept it back; once an hour for a range of numbers", "the verification"),
    "campaign.started": ("it begins", _CAMPAIGN),
    "campaign.paused": ("nothing of it leaves", _CAMPAIGN),
    "campaign.resumed": ("it goes on", _CAMPAIGN),
    "campaign.winner": ("a variant is given to the rest", f"{_CAMPAIGN}; `winner` and what it was chosen by"),
    "campaign.stopped": ("what waited was taken back", _CAMPAIGN),
    "campaign.finished": ("all of it has left, or ended", _CAMPAIGN),
    "link.clicked": (
        "a person followed a short link; the first hundred times",
        "`message_id`, `to`, `url`, `agent`, `clicks`, `tags`, `correlation_id`",
    ),
    "template.review_due": ("a template should be looked at within 14 days", "`template`, `owner`, `review_by`"),
    "alarm.firing": ("a rule of the [runbooks](../runbooks.md) rings", _ALARM),
    "alarm.resolved": ("it is over", _ALARM),
    "alarm.budget": (
        "a budget has passed a threshold",
        "`budget`, `measure`, `of`, `threshold`, `used`, `limit`, `currency`, `begins_at`, `resets_at`, `stops`",
    ),
    "alarm.endpoint_disabled": (
        "an endpoint failed for days and is told nothing more",
        "`endpoint`, `failing_since`, `reason`",
    ),
    "outage.began": ("all connectors that messages could take are shut", _OUTAGE),
    "outage.ended": ("one of them has been fine for long enough", _OUTAGE),
    "webhook.test": ("you asked for a test", "`endpoint`, `test`"),
}
TOLD_TO_NOBODY: Final = frozenset(
    {"goal.reached", "message.held", "message.rerouted", "message.replaced", "receipt.ignored"}
)

_HEAD: Final = """\
# Events

What an endpoint can subscribe to, and what a `callback_url` hears. Each is told at least once, in no certain order,
signed as [Webhooks](../how-to/webhooks.md) shows:

```json
{"id": "evt_01kb00000ze0ghrvd8v5x5x5x5", "type": "message.delivered", "created_at": "2026-11-20T21:30:00.000Z",
 "data": {"id": "msg_01kb00000ze0ghrvd8v5x5x5x5", "status": "delivered", "to": "+447700900123"}}
```

An endpoint with `batch` gets several in one post: `{"events": [...]}`. Types may be added in any version: take those
that you don't know with a 2xx, and go on.
"""


def page() -> str:
    """The whole page."""
    rows = [f"| `message.{state}` | {when} | {_hears(state)} |" for state, when in _MESSAGE.items()]
    others = [f"| `{name}` | {when} | {data} |" for name, (when, data) in OTHERS.items()]
    return "\n".join(
        [
            _HEAD,
            "## Of messages\n",
            f"`data` is the message as it was then: {_fields(EventData)}.\n",
            *("| type | when | a `callback_url` hears it |", "|---|---|---|", *rows),
            "\n## All others\n",
            *("| type | when | `data` |", "|---|---|---|", *others),
            f"\nThe verification: {_fields(VerificationView)}. The run: {_fields(RunView)}.\n",
            f"In a message's history there are also {', '.join(f'`{name}`' for name in sorted(TOLD_TO_NOBODY))}, which "
            "nobody is told.\n",
        ]
    )


def _hears(state: str) -> str:
    if f"message.{state}" not in CALLBACK_DEFAULT:
        return "if `callback_events` names it"
    return "yes; it is an end" if state in ENDS else "yes"


def _fields(form: type) -> str:
    return ", ".join(f"`{name}`" for name in form.__struct_fields__)  # type: ignore[attr-defined]
