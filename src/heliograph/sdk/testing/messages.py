"""Messages of the fake: accepted or refused, moved on, taken back."""

from datetime import UTC, datetime
from typing import Any, Final

from heliograph.sdk.testing import people, texts
from heliograph.sdk.testing.fates import Step, reply_of, steps_of
from heliograph.sdk.testing.memory import Memory, Sent, Shown
from heliograph.sdk.testing.problems import Wrong, not_found, several

KINDS: Final = ("otp", "transactional", "support", "promotional")
ENDS: Final = frozenset({"delivered", "read", "undelivered", "failed", "rejected", "expired", "canceled"})
_WAITING: Final = frozenset({"scheduled", "queued"})
_PARTS_MAX: Final = 6
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LASTS_S: Final = {"otp": 600.0}
_TOLD: Final = ("id", "status", "to", "segments", "encoding", "country", "kind")
_EVENT_FIELDS: Final = (
    *("id", "status", "to", "country", "kind", "sender", "encoding", "segments", "created_at", "connector", "price"),
    *("currency", "error", "possible_duplicate", "correlation_id", "tags", "metadata", "template"),
)


def accept(memory: Memory, asked: Shown, batch: str | None = None) -> Shown:
    """The answer to a new message. Raises `Wrong`."""
    sent = _draft(memory, asked, batch)
    _keep(memory, sent)
    return {name: sent.shown[name] for name in _TOLD}


def rehearse(memory: Memory, asked: Shown) -> Shown:
    """What would happen to it. Raises `Wrong`."""
    shown = _draft(memory, asked, None).shown
    names = (
        "to",
        "country",
        "channel",
        "kind",
        "sender",
        "text",
        "template",
        "encoding",
        "segments",
        "price",
        "currency",
    )
    return {"dry_run": True, **{name: shown[name] for name in names}, "route": ["sandbox"], "decision": []}


def accept_batch(memory: Memory, asked: Shown) -> Shown:
    """The answer to a batch: of each item what became of it. Raises `Wrong`."""
    items = asked.get("messages", [])
    if not items:
        raise Wrong("empty_batch", "messages is empty; give at least one", "/messages")
    batch = memory.new_id("bat")
    drafts: list[Sent | Wrong] = []
    for item in items:
        try:
            drafts.append(_draft(memory, {**asked.get("defaults", {}), **item}, batch))
        except Wrong as wrong:
            drafts.append(wrong)
    refused = [one.within(f"/messages/{index}") for index, one in enumerate(drafts) if isinstance(one, Wrong)]
    if refused and (asked.get("all_or_none") or len(refused) == len(drafts)):
        raise several(refused)
    data: list[Shown] = []
    for draft in drafts:
        if isinstance(draft, Wrong):
            data.append({"status": "refused", "code": draft.code, "detail": draft.detail, "pointer": draft.pointer})
        else:
            _keep(memory, draft)
            data.append({name: draft.shown[name] for name in _TOLD})
    memory.batches[batch] = [one["id"] for one in data if "id" in one]
    return {"batch_id": batch, "estimated_end": memory.moment(), "data": data}


def find(memory: Memory, message_id: str) -> Sent:
    if message_id not in memory.messages:
        raise not_found("message", message_id)
    return memory.messages[message_id]


def timeline(memory: Memory, message_id: str) -> list[Shown]:
    """Its events, in words too: plainer ones than the gateway's."""
    events = find(memory, message_id).events
    return [{**one, "says": f"It was {one['data']['status']}.", "detail": None} for one in events]


def cancel(memory: Memory, message_id: str) -> Shown:
    """Take it back. Raises `Wrong`."""
    sent = find(memory, message_id)
    if sent.shown["status"] not in _WAITING:
        detail = f"the message is {sent.shown['status']}; only what no carrier has can be canceled"
        raise Wrong("too_late", detail, status=409)
    sent.steps = []
    _become(memory, sent, Step("canceled"))
    return message_view(sent)


def move_on(memory: Memory, sent: Sent) -> bool:
    """One step further, if its time has come; answers whether there was one."""
    now, status = memory.now(), sent.shown["status"]
    if status == "scheduled" and now < sent.due_at:
        return False
    if status == "scheduled":
        _become(memory, sent, Step("queued"))
    elif status == "queued" and now >= sent.valid_until:
        sent.steps = []
        _become(memory, sent, Step("expired"))
    elif sent.steps:
        _become(memory, sent, sent.steps.pop(0))
    else:
        return False
    return True


def message_view(sent: Sent) -> Shown:
    """As lists have it, without attempts and decision."""
    more = ("network", "surcharge", "billed_segments", "attempts", "decision")
    return {name: value for name, value in sent.shown.items() if name not in more}


def _draft(memory: Memory, asked: Shown, batch: str | None) -> Sent:
    """A message as it would be kept, checked in the order in which the gateway checks."""
    to = texts.number(asked.get("to", ""), "/to")
    kind = asked.get("kind") or "transactional"
    if kind not in KINDS:
        raise Wrong("unknown_kind", f"{kind[:40]!r} is not a kind; the kinds are {', '.join(KINDS)}", "/kind")
    text = asked.get("text")
    if text is None and asked.get("template") is None:
        raise Wrong("missing_field", "text is missing: say what the message should read", "/text")
    if text == "":
        raise Wrong("empty_text", "text is empty: say what the message should read", "/text")
    text = text or f"({asked['template']})"  # the fake has no templates
    encoding, segments = texts.size(text)
    most = asked.get("max_segments") or _PARTS_MAX
    if segments > most:
        raise Wrong("over_budget", f"the text takes {segments} parts; {kind} messages may take {most}", "/text")
    if memory.is_opted_out(to):
        detail = "the recipient has opted out; no such message may go to this number"
        raise Wrong("opted_out", detail, "/to")
    now = memory.now()
    due_at = _time(asked["send_at"]) if asked.get("send_at") else now
    fate, steps = steps_of(to, text)
    valid_until = _valid_until(asked, max(now, due_at), kind)
    shown = _shown(memory, asked, to, kind, text, batch) | {"encoding": encoding, "segments": segments}
    shown |= {"valid_until": memory.moment(valid_until)}
    if due_at > now:
        shown |= {"status": "scheduled", "send_at": memory.moment(due_at), "next_attempt_at": memory.moment(due_at)}
    return Sent(shown, list(steps), fate, due_at, valid_until)


def _shown(memory: Memory, asked: Shown, to: str, kind: str, text: str, batch: str | None) -> Shown:
    now = memory.moment()
    nothing: Shown = dict.fromkeys(
        ("send_at", "next_attempt_at", "sent_at", "final_at", "connector", "price", "currency", "error", "surcharge")
    )
    given = {name: asked.get(name) for name in ("sender", "correlation_id", "tags", "metadata", "template")}
    return {
        **nothing,
        **given,
        "id": memory.new_id("msg"),
        "status": "queued",
        "to": to,
        "country": texts.country(to),
        "channel": asked.get("channel") or "sms",
        "content": asked.get("content"),
        "kind": kind,
        "text": text,
        "created_at": now,
        "updated_at": now,
        "retry_count": 0,
        "possible_duplicate": False,
        "batch_id": batch,
        "network": None,
        "billed_segments": None,
        "attempts": [],
        "decision": [],
    }


def _time(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Wrong("bad_time", f"{text[:40]!r} is not an RFC 3339 time with an offset", "/send_at")
    return moment.astimezone(UTC).timestamp()


def _valid_until(asked: Shown, due_at: float, kind: str) -> float:
    span: Any = asked.get("valid_for")
    if asked.get("valid_until"):
        return _time(asked["valid_until"])
    if isinstance(span, str):
        return due_at + int(span.rstrip("smhd")) * _UNITS_S.get(span[-1], 1)
    return due_at + (span or _LASTS_S.get(kind, 86_400.0))


def _keep(memory: Memory, sent: Sent) -> None:
    memory.messages[sent.shown["id"]] = sent
    for status in ("accepted", sent.shown["status"]):
        _tell(memory, sent, status)


def _become(memory: Memory, sent: Sent, step: Step) -> None:
    """The message in its next state, and what follows of it."""
    shown, now = sent.shown, memory.moment()
    shown |= {"status": step.status, "updated_at": now, "error": None, "send_at": None, "next_attempt_at": None}
    if step.failure is not None:
        shown["error"] = dict(zip(("failure", "code", "carrier_code"), step.failure, strict=True))
    if step.status == "sent":
        shown |= {"sent_at": now, "connector": "sandbox"}
    if step.status in ENDS:
        shown["final_at"] = now
    _tell(memory, sent, step.status)
    if sent.fate == "opted_out" and step.status == "failed":
        people.note(memory, shown["to"], "opt_out", source="carrier")
    if step.status == "delivered" and (words := reply_of(shown["text"])):
        people.hear(memory, shown["to"], shown["sender"] or "sandbox", words)


def _tell(memory: Memory, sent: Sent, status: str) -> None:
    data = {name: sent.shown[name] for name in _EVENT_FIELDS} | {"status": status}
    event = {"id": memory.new_id("evt"), "type": f"message.{status}", "created_at": memory.moment(), "data": data}
    sent.events.append(event)
    memory.events.append(event)
