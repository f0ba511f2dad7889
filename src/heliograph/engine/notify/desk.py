"""Sends deliveries: each target has its own window, queue and pauses, so that a slow or dead one delays nobody else.

Deliveries are born in the commit of their event and sent from memory at once when their target has room; whatever has
no room, or failed, waits in the ledger for its time. Answers are kept in batches. A target that keeps failing is left
alone for growing pauses; an endpoint that fails for days is disabled, with an alarm. What goes to an SMPP account is
left to the process where that is bound; when it is bound nowhere, it waits and counts no try.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from heliograph.core.message import Delivery
from heliograph.core.signing import Signer
from heliograph.engine.accounts import address_in
from heliograph.engine.declared import Snapshot
from heliograph.engine.notify.formats import FORMATS, JSON, TWILIO, Letter, Outgoing, Voice
from heliograph.engine.notify.request import json_request
from heliograph.engine.notify.settings import Settings, Unsendable
from heliograph.engine.specs import EndpointSpec
from heliograph.ports import NOT_HERE, Answer, Chance, Clock, Watch, WebClient, WebTarget
from heliograph.store.port import HIDDEN_MS, ClaimDeliveries, Deliveries, Ledger, Notice

_QUEUE_BOUND: Final = 8_000  # in memory for one target; more would have to be read from the ledger again, and later
_DOUBTFUL_BOUND: Final = 200  # for one that fails: most of it would only grow old
_CALLBACK_WINDOW: Final = 64
_FRESH_MS: Final = HIDDEN_MS - 8_000  # older ones are left to a claim, so that nobody sends them twice
_FAILURES_BEFORE_PAUSE: Final = 5
_LONGEST_PAUSE_MS: Final = 60_000


class Target:
    """One endpoint, one SMPP account, or one origin of callback URLs in one environment."""

    def __init__(self, key: str, window: int) -> None:
        self.key = key
        self.account = address_in(key)
        self.window = window
        self.open = window  # how many may be under way to it: one, when it is doubtful whether it is there at all
        self.url: str | None = None  # where it was last posted to, and what that means
        self.place: WebTarget | None = None
        self.in_flight = 0
        self.queue: deque[Notice] = deque()
        self.failures = 0  # in a row
        self.closed_until = 0
        self.failing_since: int | None = None
        self.claiming = False
        self.more = False  # the ledger holds due deliveries that we know of

    def recover(self) -> None:
        """It is there, or has to be asked again."""
        self.failures, self.closed_until, self.failing_since, self.open = 0, 0, None, self.window


class NotifyDesk:
    """Where events leave for customers."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        chance: Chance,
        web: WebClient,
        snapshot: Callable[[], Snapshot],
        unseal: Callable[[str], str],
        settings: Settings,
        watch: Watch,
        health: Callable[[int, int | None, str], None],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._web = web
        self._snapshot = snapshot
        self._unseal = unseal
        self._settings = settings
        self._answered = watch.delivery
        self._defect = watch.defect
        self._health = health
        self._targets: dict[str, Target] = {}
        self._signers: dict[tuple[str, ...], Signer] = {}
        self._results: list[Delivery] = []
        self.stopping = False
        self.traced: Callable[[Sequence[Delivery]], bytes] | None = None  # the header lines of a trace
        self.heard: Callable[[Notice, bytes], None] = lambda notice, body: None  # what an endpoint answered

    # -- coming in

    def told(self, notices: list[Notice]) -> None:
        """Deliveries that were just born: send what has room, leave the rest to the ledger."""
        now = self._clock.now_ms()
        for notice in notices:
            key = notice.delivery.target
            target = self._targets.get(key) or self._target(key)
            bound = _DOUBTFUL_BOUND if target.failures else _QUEUE_BOUND
            if self.stopping:
                target.more = True
            elif len(target.queue) >= bound or (target.account is not None and not self._is_here(target)):
                self._put_off(target, notice.delivery)
            else:
                target.queue.append(notice)
                if target.in_flight < target.window:
                    self._fill(target, now)

    def _put_off(self, target: Target, delivery: Delivery) -> None:
        """It can't go from here now: it is due in the ledger at once, for whoever can bring it first."""
        delivery.next_at = self._clock.now_ms()
        target.more = True
        self._write_down(delivery)

    async def look(self, *, only_accounts: bool = False) -> None:
        """Ask the ledger for targets with due deliveries; called about once a second."""
        for key in await self._ledger.due_targets(self._clock.now_ms()):
            target = self._target(key)
            if target.account is not None or not only_accounts:
                target.more = True
                self._claim(target)

    def _is_here(self, target: Target) -> bool:
        return target.account is None or self._web.is_here(target.account)

    def _target(self, key: str) -> Target:
        target = self._targets.get(key)
        if target is None:
            target = self._targets[key] = Target(key, self._window(key))
        return target

    def _window(self, key: str) -> int:
        endpoint = self._endpoint(key)
        return _CALLBACK_WINDOW if endpoint is None else endpoint.max_in_flight

    def _endpoint(self, key: str) -> EndpointSpec | None:
        kind, _, number = key.partition(":")
        return self._snapshot().endpoints.get(int(number)) if kind == "endpoint" else None

    def reopen(self, key: str) -> None:
        """A target has come back: what waits for it goes at once."""
        if target := self._targets.get(key):
            target.recover()
            target.more = True

    # -- claims

    def _claim(self, target: Target) -> None:
        now = self._clock.now_ms()
        room = 2 * target.open - target.in_flight - len(target.queue)
        if target.claiming or self.stopping or room <= 0 or target.closed_until > now or not self._is_here(target):
            return
        target.claiming, target.more = True, False

        def claimed(operation: ClaimDeliveries) -> None:
            target.claiming = False
            if operation.error is not None:
                target.more = True
                return
            target.more = len(operation.notices) == operation.limit
            target.queue.extend(operation.notices)
            self._fill(target, self._clock.now_ms())

        self._ledger.add(
            ClaimDeliveries(done=claimed, target=target.key, limit=room, now=now, hidden_until=now + HIDDEN_MS)
        )

    # -- going out

    def _fill(self, target: Target, now: int) -> None:
        """Send as much as the target has room for."""
        if target.closed_until > now:
            return
        while target.queue and target.in_flight < target.open:
            notice = target.queue.popleft()
            try:
                self._send(target, notice, now)
            except Exception as error:  # such as a secret that can't be opened: it must harm nobody but its endpoint
                self._defect(error)
                self._settle(target, self._endpoint(target.key), [notice], Unsendable(detail=str(error)), now)
        if target.more and target.in_flight * 2 <= target.open:
            self._claim(target)

    def _send(self, target: Target, notice: Notice, now: int) -> None:
        delivery = notice.delivery
        waited_long = delivery.tries == 0 and now - delivery.created_at > _FRESH_MS and not delivery.replay
        if waited_long and delivery.next_at - now < HIDDEN_MS - _FRESH_MS:  # another process may take it any moment
            target.more = True
            return
        endpoint = None
        if delivery.endpoint is not None:
            endpoint = self._snapshot().endpoints.get(delivery.endpoint)
            if endpoint is None or endpoint.disabled:
                self._keep(
                    delivery, "failed", now, error="the endpoint is disabled" if endpoint else "the endpoint is gone"
                )
                return
        callback = target.account or (notice.message.callback_url if notice.message else None)
        url = endpoint.url if endpoint else callback
        if url != target.url:
            target.url, target.place = url, self._web.target(url) if url else None
        place = target.place
        if place is None:
            self._keep(delivery, "failed", now, error="the URL can't be used")
            return
        group = [notice] if endpoint is None or endpoint.batch == 1 else self._group(target, notice, endpoint)
        self._post(target, place, endpoint, group, now)

    def _group(self, target: Target, first: Notice, endpoint: EndpointSpec) -> list[Notice]:
        """Several events in one POST, where the endpoint wants it; a replay goes alone."""
        group = [first]
        if endpoint.format != JSON or first.delivery.replay:
            return group
        while target.queue and len(group) < endpoint.batch and not target.queue[0].delivery.replay:
            group.append(target.queue.popleft())
        return group

    def _post(
        self, target: Target, place: WebTarget, endpoint: EndpointSpec | None, group: list[Notice], now: int
    ) -> None:
        shape = self._shape(target, endpoint, group[0])
        body: bytes | None
        if shape == JSON:
            signer, thanks = self._signer(self._secrets(endpoint, group[0])), None
            headers, body = json_request(group, signer, now // 1000)
        else:
            headers, body, url, thanks = self._other(shape, endpoint, group[0], now // 1000)
            elsewhere = place if url is None else self._web.target(url)
            if elsewhere is None:
                self._keep(group[0].delivery, "failed", now, error="the URL can't be used")
                return
            place = elsewhere
        timeout = endpoint.timeout_ms / 1000 if endpoint and endpoint.timeout_ms else self._settings.timeout_s
        target.in_flight += 1

        def done(answer: Answer) -> None:
            target.in_flight -= 1
            now = self._clock.now_ms()
            self._settle(target, endpoint, group, answer, now, thanks)
            if target.queue or target.more:
                self._fill(target, now)

        if self.traced is not None:
            headers += self.traced([notice.delivery for notice in group])
        if body is None:
            self._web.get(place, headers, timeout, done)
        else:
            self._web.post(place, headers, body, timeout, done)

    def _shape(self, target: Target, endpoint: EndpointSpec | None, first: Notice) -> str:
        """How an endpoint, or the door that a message came through, wants to be told."""
        if endpoint is not None:
            return endpoint.format
        wanted = first.message.callback_format if first.message is not None and target.account is None else None
        return wanted or JSON

    def _other(self, shape: str, endpoint: EndpointSpec | None, first: Notice, second: int) -> Outgoing:
        """In another shape than our own."""
        secrets = self._secrets(endpoint, first)
        url = endpoint.url if endpoint is not None else (first.message.callback_url if first.message else None)
        account = self._snapshot().realms[first.delivery.environment].account_sid

        def voice() -> Voice:
            if endpoint is not None:
                key = self._unseal(secrets[0]).encode()
                return Voice(account, key, key)
            client = first.message.client if first.message is not None else 0
            kept = self._unseal(self._snapshot().auth_tokens[client])
            return Voice(account, *map(bytes.fromhex, kept.split(":")))

        return FORMATS[shape](
            Letter(first, url or "", second, lambda: self._signer(secrets), lambda: self._unseal(secrets[0]), voice)
        )

    def _secrets(self, endpoint: EndpointSpec | None, first: Notice) -> tuple[str, ...]:
        if endpoint is not None:
            return endpoint.secrets
        return (self._snapshot().realms[first.delivery.environment].callback_secret,)

    def _signer(self, secrets: tuple[str, ...]) -> Signer:
        signer = self._signers.get(secrets)
        if signer is None:
            if len(self._signers) > 10_000:
                self._signers.clear()
            signer = self._signers[secrets] = Signer([self._unseal(secret) for secret in secrets])
        return signer

    # -- answers

    def _settle(
        self,
        target: Target,
        endpoint: EndpointSpec | None,
        group: list[Notice],
        answer: Answer,
        now: int,
        thanks: bytes | None = None,
    ) -> None:
        """`thanks`: what the answer must read to be one."""
        if answer.reason == NOT_HERE:
            for notice in group:
                self._put_off(target, notice.delivery)
            return
        good = 200 <= answer.status < 300 and (thanks is None or answer.body.strip() == thanks)
        if not good:
            self._failed(target, endpoint, answer, now)
        elif target.failing_since is not None:
            target.recover()
            if endpoint is not None:
                self._health(endpoint.id, None, "")
        for notice in group:
            delivery = notice.delivery
            self._answered(delivery, answer)
            if good:
                self._keep(delivery, "done", now, answer)
                if endpoint is not None and endpoint.format == TWILIO and answer.body:
                    self.heard(notice, answer.body)
            else:
                self._keep_failure(delivery, now, answer)

    def _failed(self, target: Target, endpoint: EndpointSpec | None, answer: Answer, now: int) -> None:
        """Leave a failing target alone for a while, then try with one whether it is back."""
        if target.closed_until > now:
            return  # it was under way when the target was closed, and says nothing new
        target.failures += 1
        if target.failing_since is None:
            target.failing_since = now
            if endpoint is not None:
                self._health(endpoint.id, now, answer.detail)
        elif endpoint is not None and now - target.failing_since > self._settings.disable_after_ms:
            self._health(endpoint.id, target.failing_since, answer.detail)
        if target.failures >= _FAILURES_BEFORE_PAUSE:
            longest = min(1_000 * 2 ** min(target.failures - _FAILURES_BEFORE_PAUSE, 10), _LONGEST_PAUSE_MS)
            # Up to half less, by chance: at fixed times it may keep step with a server that comes and goes, and miss it
            pause = int(longest * (0.5 + self._chance.random() / 2))
            target.closed_until, target.open = now + pause, 1
            self._clock.later((pause + 1) / 1000, lambda: self._fill(target, self._clock.now_ms()))

    def _keep_failure(self, delivery: Delivery, now: int, answer: Answer) -> None:
        schedule = self._settings.schedule_s
        error = f"{answer.reason}: {answer.detail}" if answer.status == 0 else f"answered {answer.status}"
        if delivery.tries >= len(schedule):
            self._keep(delivery, "failed", now, answer, error)
            return
        pause = schedule[delivery.tries] * (1 + self._settings.jitter * (2 * self._chance.random() - 1))
        if answer.retry_after is not None:
            pause = max(pause, min(answer.retry_after, 86_400))
        delivery.next_at = now + int(pause * 1000)
        self._keep(delivery, "pending", now, answer, error)

    def _keep(
        self, delivery: Delivery, state: str, now: int, answer: Answer | None = None, error: str | None = None
    ) -> None:
        delivery.state, delivery.error, delivery.answered_at = state, error, now
        if answer is not None:
            delivery.tries += 1
            delivery.status, delivery.latency_ms = answer.status or None, answer.latency_ms
        self._write_down(delivery)

    def _write_down(self, delivery: Delivery) -> None:
        """Gathered per turn of the loop."""
        self._results.append(delivery)
        if len(self._results) == 1:
            self._clock.later(0, self._flush)

    def _flush(self) -> None:
        results, self._results = self._results, []
        self._ledger.add(Deliveries(done=_must_be_kept, results=results))

    @property
    def in_flight(self) -> int:
        return sum(target.in_flight for target in self._targets.values())


def _must_be_kept(operation: Deliveries) -> None:
    if operation.error is not None:
        raise operation.error
