"""A gateway in memory, behind the same requests and answers as the real one: what stands in for it in tests.

It knows what tests of an application need: messages with the sandbox's magic numbers, batches, one-time codes,
contacts, consent, messages from phones, events. What it does not know it refuses with the code `not_faked`, so that no
test passes by mistake.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from heliograph.sdk import webhooks
from heliograph.sdk.drivers import WORLD
from heliograph.sdk.exchange import Answer, NoAnswer, Request
from heliograph.sdk.testing import messages, people, texts, verifying
from heliograph.sdk.testing.memory import Memory, Shown
from heliograph.sdk.testing.problems import Wrong, not_found, problem

Handler = Callable[[Memory, tuple[str, ...], Mapping[str, str], Any], tuple[int, Any]]


class FakeGateway:
    """Answers requests; told by tests what happens."""

    def __init__(self, clock: Callable[[], float] = WORLD.now) -> None:
        self.memory = Memory(clock)
        self._requests = 0
        self._failures: list[Answer | NoAnswer] = []

    # -- what a test may see and do

    @property
    def sent(self) -> list[Shown]:
        """All messages that were accepted, as they stand, the oldest first."""
        return [one.shown for one in self.memory.messages.values()]

    @property
    def events(self) -> list[Shown]:
        """All that happened, as webhooks tell it."""
        return self.memory.events

    def settle(self) -> None:
        """Let everything go on until nothing more happens without time passing."""
        for sent in list(self.memory.messages.values()):
            while messages.move_on(self.memory, sent):
                pass

    def pass_time(self, seconds: float) -> None:
        """It is that much later: what was scheduled goes out, codes expire."""
        self.memory.skipped += seconds

    def phone_texts(self, phone: str, text: str, to: str = "sandbox") -> Shown:
        """A phone texts us, STOP for example; answers the event."""
        return people.hear(self.memory, phone, to, text)

    def refuse_next(self, code: str, status: int, detail: str = "", *, retry_after: float | None = None) -> None:
        """The next request fails like this, as on a bad day of the gateway's."""
        self._failures.append(problem(Wrong(code, detail or code, status=status), "req_fake", retry_after))

    def lose_next(self, *, was_sent: bool = True) -> None:
        """The next request gets no answer."""
        self._failures.append(NoAnswer("lost on purpose", was_sent))

    def webhook(self, event: Shown, secret: str) -> tuple[dict[str, str], bytes]:
        """(headers, body) of the webhook that tells an event: for the receiver under test."""
        body = msgspec.json.encode(event)
        return webhooks.sign(event["id"], int(self.memory.now()), body, secret), body

    # -- what a driver asks

    def answer(self, request: Request) -> Answer | NoAnswer:
        """Instead of a socket."""
        self._requests += 1
        if self._failures:
            return self._failures.pop(0)
        request_id = f"req_fake{self._requests:06x}"
        try:
            status, body = self._once(request)
        except Wrong as wrong:
            return problem(wrong, request_id)
        return Answer(status, {"content-type": "application/json", "x-request-id": request_id}, body)

    def _once(self, request: Request) -> tuple[int, bytes]:
        """Once for each idempotency key."""
        key = request.headers.get("idempotency-key")
        if key is not None and key in self.memory.idempotent:
            content, status, body = self.memory.idempotent[key]
            if content != request.content:
                detail = "this Idempotency-Key was used with another body; a new request needs a new key"
                raise Wrong("idempotency_conflict", detail, status=409)
            return status, body
        status, value = _route(self.memory, request)
        body = msgspec.json.encode(value)
        if key is not None and status == 202:
            self.memory.idempotent[key] = (request.content, status, body)
        return status, body


def _route(memory: Memory, request: Request) -> tuple[int, Any]:
    path, _, query = request.path.partition("?")
    for method, pattern, handler in _ROUTES:
        place = pattern.fullmatch(path) if method == request.method else None
        if place is not None:
            body = msgspec.json.decode(request.content) if request.content else None
            return handler(memory, tuple(map(unquote, place.groups())), dict(parse_qsl(query)), body)
    detail = f"the fake knows no {request.method} {path}; test that against a sandbox gateway (heliograph serve --demo)"
    raise Wrong("not_faked", detail, status=501)


# -- doors


def _send(memory: Memory, _: Any, __: Any, body: Any) -> tuple[int, Any]:
    return (200, messages.rehearse(memory, body)) if body.get("dry_run") else (202, messages.accept(memory, body))


def _message(memory: Memory, place: tuple[str, ...], _: Any, __: Any) -> tuple[int, Any]:
    """Each look at a message lets it take its next step."""
    sent = messages.find(memory, place[0])
    shown = dict(sent.shown)
    messages.move_on(memory, sent)
    return 200, shown


def _messages(memory: Memory, _: Any, query: Mapping[str, str], __: Any) -> tuple[int, Any]:
    wanted = {name: query[name] for name in ("to", "status", "kind", "batch_id", "correlation_id") if name in query}
    found = [
        messages.message_view(sent)
        for sent in memory.messages.values()
        if all(sent.shown[name] == value for name, value in wanted.items())
        and ("tag" not in query or query["tag"] in (sent.shown["tags"] or ()))
    ]
    return 200, _page(found, query)


def _page(found: list[Shown], query: Mapping[str, str]) -> Shown:
    """The newest first, a page at a time."""
    below, limit = query.get("cursor") or "~", int(query.get("limit", 50))
    rest = [one for one in reversed(found) if one["id"] < below]
    return {"data": rest[:limit], "next_cursor": rest[limit - 1]["id"] if len(rest) > limit else None}


def _states(memory: Memory, _: Any, __: Any, body: Any) -> tuple[int, Any]:
    asked = list(dict.fromkeys(body["ids"]))
    known = [memory.messages[one].shown for one in asked if one in memory.messages]
    data = [
        {name: one[name] for name in ("id", "status", "updated_at")} | {"final": one["status"] in messages.ENDS}
        for one in known
    ]
    return 200, {"data": data, "unknown": [one for one in asked if one not in memory.messages]}


def _batch_of(memory: Memory, batch_id: str) -> list[str]:
    if batch_id not in memory.batches:
        raise not_found("batch", batch_id)
    return memory.batches[batch_id]


def _batch(memory: Memory, place: tuple[str, ...], _: Any, __: Any) -> tuple[int, Any]:
    states = [memory.messages[one].shown["status"] for one in _batch_of(memory, place[0])]
    counts = {state: states.count(state) for state in states}
    is_done = all(state in messages.ENDS for state in states)
    return 200, {"id": place[0], "total": len(states), "states": counts, "is_done": is_done}


def _cancel_batch(memory: Memory, place: tuple[str, ...], _: Any, __: Any) -> tuple[int, Any]:
    canceled = 0
    for one in _batch_of(memory, place[0]):
        try:
            messages.cancel(memory, one)
            canceled += 1
        except Wrong:
            pass  # too late for this one
    return 200, {"canceled": canceled, "too_late": len(memory.batches[place[0]]) - canceled}


def _events(memory: Memory, _: Any, query: Mapping[str, str], __: Any) -> tuple[int, Any]:
    first, limit = int(query.get("cursor") or 0), int(query.get("limit", 100))
    found = memory.events[first : first + limit]
    return 200, {"data": found, "next_cursor": str(first + len(found)) if memory.events else None}


def _inbound(memory: Memory, place: tuple[str, ...], _: Any, __: Any) -> tuple[int, Any]:
    if place[0] not in memory.inbound:
        raise not_found("message", place[0])
    return 200, memory.inbound[place[0]]


def _inbounds(memory: Memory, _: Any, query: Mapping[str, str], __: Any) -> tuple[int, Any]:
    wanted = {name: query[name] for name in ("from", "to") if name in query}
    found = [one for one in memory.inbound.values() if all(one[name] == value for name, value in wanted.items())]
    return 200, _page(found, query)


def _contacts(memory: Memory, _: Any, query: Mapping[str, str], __: Any) -> tuple[int, Any]:
    found = [
        one
        for one in memory.contacts.values()
        if query.get("external_id", one["external_id"]) == one["external_id"]
        and ("address" not in query or any(at["address"] == query["address"] for at in one["addresses"]))
    ]
    return 200, _page(found, query)


def _verifications(memory: Memory, _: Any, query: Mapping[str, str], __: Any) -> tuple[int, Any]:
    shown = [verifying.find(memory, one).shown for one in memory.verifications]
    wanted = {name: query[name] for name in ("to", "status") if name in query}
    return 200, _page([one for one in shown if all(one[name] == wanted[name] for name in wanted)], query)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "([^/]+)", path))


_TABLE: Final[tuple[tuple[str, str, Handler], ...]] = (
    ("POST", "/v1/messages", _send),
    ("POST", "/v1/messages/batch", lambda memory, _, __, body: (202, messages.accept_batch(memory, body))),
    ("POST", "/v1/messages/states", _states),
    ("GET", "/v1/messages", _messages),
    ("GET", "/v1/messages/{id}", _message),
    (
        *("GET", "/v1/messages/{id}/events"),
        lambda memory, place, _, __: (200, {"data": messages.timeline(memory, place[0]), "next_cursor": None}),
    ),
    ("POST", "/v1/messages/{id}/cancel", lambda memory, place, _, __: (200, messages.cancel(memory, place[0]))),
    ("GET", "/v1/batches/{id}", _batch),
    ("POST", "/v1/batches/{id}/cancel", _cancel_batch),
    ("GET", "/v1/events", _events),
    ("POST", "/v1/verifications", lambda memory, _, __, body: (201, verifying.start(memory, body))),
    ("GET", "/v1/verifications", _verifications),
    ("GET", "/v1/verifications/{id}", lambda memory, place, _, __: (200, verifying.find(memory, place[0]).shown)),
    (
        *("POST", "/v1/verifications/{id}/check"),
        lambda memory, place, _, body: (200, verifying.check(memory, place[0], body["code"])),
    ),
    ("POST", "/v1/verifications/{id}/resend", lambda memory, place, _, __: (200, verifying.resend(memory, place[0]))),
    ("POST", "/v1/verifications/{id}/cancel", lambda memory, place, _, __: (200, verifying.cancel(memory, place[0]))),
    ("POST", "/v1/contacts", lambda memory, _, __, body: (201, people.add(memory, body))),
    ("GET", "/v1/contacts", _contacts),
    ("GET", "/v1/contacts/{id}", lambda memory, place, _, __: (200, people.contact_of(memory, place[0]))),
    ("PATCH", "/v1/contacts/{id}", lambda memory, place, _, body: (200, people.change(memory, place[0], body))),
    ("POST", "/v1/consents", lambda memory, _, __, body: (201, people.record(memory, body))),
    (
        *("GET", "/v1/consents"),
        lambda memory, _, query, __: (200, people.standing(memory, texts.number(query.get("to", ""), "/to"))),
    ),
    ("GET", "/v1/suppressions", lambda memory, *_: (200, {"data": people.suppressed(memory), "next_cursor": None})),
    ("GET", "/v1/inbound", _inbounds),
    ("GET", "/v1/inbound/{id}", _inbound),
)
_ROUTES: Final = tuple((method, _pattern(path), handler) for method, path, handler in _TABLE)
