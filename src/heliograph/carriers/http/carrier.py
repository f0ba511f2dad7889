"""An HTTP provider at work: what all of them share, so that adapters stay pure. Sends, classifies what was no answer at
all, builds the callback URL, asks when callbacks stay away, and rests when the provider refuses our credentials."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import msgspec

from heliograph.carriers.http.provider import Answer, Call, Provider, Text
from heliograph.carriers.http.tokens import NO_TOKEN, TOKEN_REFUSED, Failed, Tokens
from heliograph.carriers.port import Capabilities, Events, World
from heliograph.carriers.recorder import Recorder
from heliograph.core import ids
from heliograph.core.channels import SMS
from heliograph.core.failures import PERMANENT, TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.lookups import Looked
from heliograph.core.message import Outcome, Receipt, Submission
from heliograph.ports import Answer as Exchange
from heliograph.ports import Timer, WebCall

# What happened before a request could have been read: it is as good as never sent.
_NEVER_LEFT: Final = frozenset(
    {"dns_failed", "blocked_address", "port_not_allowed", "connect_failed", "tls_failed", "busy", "bad_url", NO_TOKEN}
)
_TIMED_OUT: Final = Outcome("unknown", failure=UNKNOWN, code="answer_timeout")
_LOST: Final = Outcome("unknown", failure=UNKNOWN, code="link_lost")
_SECRET: Final = re.compile("pass|secret|token|key").search
_PAGES_AT_MOST: Final = 10_000  # of an opt-out list: whoever names a next page for ever is not asked for ever
_REST_S: Final = 60.0  # how long a provider is left alone that refuses our credentials


class HttpCarrier:
    """One HTTP connector."""

    def __init__(self, name: str, provider: Provider, world: World) -> None:
        self.name = name
        self.capabilities: Capabilities = provider.capabilities
        self.window: int | None = None
        self._provider = provider
        self._clock = world.clock
        self._call: WebCall = world.call
        self._timeout_s = provider.settings.timeout_ms / 1000
        grant = provider.grant()
        self._tokens = Tokens(grant, world.call, world.clock, self._timeout_s) if grant else None
        self._status_url = status_url(world.public_url, name, provider.settings.callback_token)
        self._in_flight: dict[tuple[int, int], Submission] = {}
        self.recorder = Recorder(world.clock.now_ms, secrets=_secrets(msgspec.to_builtins(provider.settings)))
        self._is_stopped = False
        self._rest: Timer | None = None
        self._events: Events

    # -- carriers.port.Carrier

    async def start(self, events: Events) -> None:
        self._events = events
        events.link(True)

    def submit(self, submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            text = self._text(submission)
            if (refusal := self._provider.refusal(text)) is not None:
                self._events.answered(submission, refusal)
                continue
            try:
                self._in_flight[submission.message.id, submission.attempt] = submission
                self._send(self._provider.request(text), partial(self._answered, submission, text))
            except ValueError as error:  # such as a header that can't be written: it concerns this text only
                self._in_flight.pop((submission.message.id, submission.attempt), None)
                outcome = Outcome("refused", failure=PERMANENT, code="unwritable", carrier_code=str(error)[:80])
                self._events.answered(submission, outcome)

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> Sequence[Receipt] | None:
        found: list[Receipt] = []
        can = False
        for carrier_id in carrier_ids:
            if (call := self._provider.question(carrier_id)) is None:
                continue
            can = True
            answer = await self.ask(call)
            if answer is not None:
                found += self._provider.report(carrier_id, answer, self._clock.now_ms())
        return found if can else None

    async def ask(self, call: Call) -> Answer | None:
        """Any other question to the provider; None without an answer."""
        future: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        self._send(call, lambda answer: None if future.done() else future.set_result(answer))
        exchange = await future
        return _whole(exchange) if exchange.reason == "ok" else None

    async def balance(self) -> tuple[str, str] | None:
        """Amount and currency; None when the provider offers none, or did not say."""
        call = self._provider.balance_request()
        answer = await self.ask(call) if call is not None else None
        return self._provider.balance(answer) if answer is not None else None

    async def look_up(self, e164: str) -> Looked | None:
        """What the provider knows of a number; None when it offers no such thing, or did not say."""
        call = self._provider.lookup_request(e164)
        answer = await self.ask(call) if call is not None else None
        return self._provider.lookup(answer) if answer is not None else None

    async def opt_outs(self) -> list[str] | None:
        """Everybody whom the provider has as opted out; None when it has no list, or did not give us all of it."""
        found: list[str] = []
        page: str | None = None
        for _ in range(_PAGES_AT_MOST):
            call = self._provider.opt_outs_request(page, self._clock.now_ms())
            answer = await self.ask(call) if call is not None else None
            part = self._provider.opt_outs(answer) if answer is not None else None
            if part is None:
                return None
            found += part.numbers
            if (page := part.page) is None:
                return found
        return None

    async def stop(self, grace_s: float) -> None:
        self._is_stopped = True
        end = self._clock.monotonic() + grace_s
        while self._in_flight and self._clock.monotonic() < end:
            await asyncio.sleep(0.02)
        left, self._in_flight = self._in_flight, {}
        for submission in left.values():
            self._events.answered(submission, _LOST)

    # -- one attempt

    def _text(self, submission: Submission) -> Text:
        message, attempt = submission.message, submission.attempt
        now = self._clock.now_ms()
        # The try whose outcome nobody knows goes again under its own name: who knows that name takes it once.
        named = attempt - 1 if message.possible_duplicate and attempt == 2 else attempt
        ref = ids.reference(message.accepted_at, message.id, named)
        return Text(
            to=message.to,
            sender=message.sender,
            text=message.text or "",
            encoding=message.encoding,
            segments=message.segments,
            kind=message.kind,
            ref=ref,
            number=message.id,
            status_url=f"{self._status_url}ref={ref}" if self._status_url else None,
            at=now,
            valid_for_s=max(1, (message.valid_until - now) // 1000),
            channel=message.channel or SMS,
            content=message.content,
        )

    def _send(self, call: Call, done: Callable[[Exchange], None], *, is_again: bool = False) -> None:
        """Make a request; where tokens prove us, with one, and once more with a new one when that is refused."""
        tokens = self._tokens
        if tokens is None:
            self._make(call, done)
            return

        def granted(token: str | None, failed: Failed | None) -> None:
            if token is None or failed is not None:
                done(failed or Failed(NO_TOKEN, ""))
                return
            proven = msgspec.structs.replace(call, headers={**call.headers, "Authorization": f"Bearer {token}"})
            self._make(proven, done if is_again else partial(answered, token))

        def answered(token: str, exchange: Exchange) -> None:
            if exchange.status != 401:
                done(exchange)
                return
            tokens.forget(token)
            self._send(call, done, is_again=True)

        tokens.use(granted)

    def _make(self, call: Call, done: Callable[[Exchange], None]) -> None:
        def answered(exchange: Exchange) -> None:
            self.recorder.exchange(
                call.method, call.url, exchange.status, call.body, exchange.body, exchange.latency_ms
            )
            done(exchange)

        self._call(call.method, call.url, call.headers, call.body, self._timeout_s, answered)

    def _answered(self, submission: Submission, text: Text, exchange: Exchange) -> None:
        if self._in_flight.pop((submission.message.id, submission.attempt), None) is None:
            return  # we stopped waiting
        if exchange.reason == "ok":
            outcome = self._provider.answer(text, _whole(exchange))
        elif exchange.reason in _NEVER_LEFT:
            outcome = Outcome("refused", failure=TRANSIENT, code="carrier_unreachable", carrier_code=exchange.reason)
        elif exchange.reason == TOKEN_REFUSED:
            outcome = Outcome(
                "refused", failure=UNAUTHORISED, code="carrier_unauthorised", carrier_code=exchange.detail
            )
        else:
            outcome = _TIMED_OUT if exchange.reason == "timeout" else _LOST
        self._events.answered(submission, outcome)
        if outcome.failure == UNAUTHORISED:
            self._events.link(False, f"refused our credentials or credit ({outcome.carrier_code})")
            if self._rest is not None:
                self._rest.cancel()  # a whole minute after the last refusal
            self._rest = self._clock.later(_REST_S, self._try_again)

    def _try_again(self) -> None:
        if not self._is_stopped:
            self._events.link(True)


def status_url(public_url: str | None, name: str, token: str | None) -> str | None:
    """Where the provider reports to, ready for one more parameter."""
    if public_url is None:
        return None
    proof = f"token={quote(token, safe='')}&" if token else ""
    return f"{public_url.rstrip('/')}/in/{quote(name, safe='')}/status?{proof}"


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    """What no recording may show."""
    words = [value for key, value in settings.items() if isinstance(value, str) and _SECRET(key)]
    return words + [word for value in settings.values() if isinstance(value, dict) for word in _secrets(value)]


def _whole(exchange: Exchange) -> Answer:
    after = exchange.retry_after
    return Answer(exchange.status, exchange.body, round(after * 1000) if after is not None else None)
