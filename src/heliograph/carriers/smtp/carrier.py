"""An SMTP connector: messages to letters, letters to connections, answers back to outcomes.

Connections are opened when there is something to send, used again, and closed after a pause. A connection that ends
while a letter is on its way leaves its outcome unknown; one that ends before that took nothing.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from heliograph.carriers.port import Capabilities, Events, World
from heliograph.carriers.smtp.codes import outcome_of
from heliograph.carriers.smtp.connection import Connection
from heliograph.carriers.smtp.mime import Letter, letter
from heliograph.carriers.smtp.session import Reply, Stage
from heliograph.carriers.smtp.settings import Settings
from heliograph.core import ids
from heliograph.core.failures import PERMANENT, TRANSIENT, UNAUTHORISED, UNKNOWN
from heliograph.core.message import Outcome, Receipt, Submission
from heliograph.ports import Timer

_REST_S: Final = 60.0  # how long a relay is left alone that refuses our credentials
_FAREWELL_S: Final = 1.0  # how long a stop waits for relays to let go of connections
_LOST: Final = Outcome("unknown", failure=UNKNOWN, code="link_lost")


class SmtpCarrier:
    """One SMTP connector with its connections."""

    def __init__(self, name: str, settings: Settings, world: World, capabilities: Capabilities) -> None:
        self.name = name
        self.capabilities = capabilities
        self.window: int | None = settings.connections
        self._settings = settings
        self._world = world
        self._clock = world.clock
        self._waiting: deque[tuple[Submission, Letter]] = deque()
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._over: set[Connection] = set()  # some of them not yet let go of by the relay
        self._is_stopped = False
        self._rest: Timer | None = None
        self._events: Events

    # -- carriers.port.Carrier

    async def start(self, events: Events) -> None:
        self._events = events
        events.link(True)

    def submit(self, submissions: Sequence[Submission]) -> None:
        for submission in submissions:
            message = submission.message
            leave_url = self._world.leave_url(message)
            try:
                made = letter(message, self._settings.sender, _ref(submission), leave_url, self._clock.now_ms())
            except ValueError as error:  # such as a name that no header can hold: it concerns this letter only
                outcome = Outcome("refused", failure=PERMANENT, code="unwritable", carrier_code=str(error)[:80])
                self._events.answered(submission, outcome)
                continue
            self._waiting.append((submission, made))
        self._pump()

    async def query(self, submission: Submission, carrier_ids: Sequence[str]) -> Sequence[Receipt] | None:
        return None

    async def stop(self, grace_s: float) -> None:
        self._is_stopped = True
        if self._rest is not None:
            self._rest.cancel()
        end = self._clock.monotonic() + grace_s
        while (self._waiting or any(one.carried for one in self._open)) and self._clock.monotonic() < end:
            await asyncio.sleep(0.02)
        waiting, self._waiting = self._waiting, deque()
        for submission, _ in waiting:
            self._events.answered(submission, Outcome("unsent", failure=TRANSIENT, code="link_down"))
        for connection in list(self._open):
            connection.close()
        end = self._clock.monotonic() + _FAREWELL_S
        while (left := [one for one in self._over if one.is_leaving]) and self._clock.monotonic() < end:
            await asyncio.sleep(0.005)
        for connection in left:
            connection.abort()

    # -- connections

    def _pump(self) -> None:
        """A connection for every letter that waits, as far as there may be so many."""
        while self._waiting and self._idle:
            connection = self._idle.pop()
            submission, made = self._waiting.popleft()
            connection.send(submission, made)
        coming = sum(1 for one in self._open if one.carried is None and one not in self._idle)
        for _ in range(min(len(self._waiting) - coming, self._settings.connections - len(self._open))):
            connection = Connection(self._settings, self._world, self)
            self._open.add(connection)
            connection.open()

    # -- carriers.smtp.connection.Owner

    def ready(self, connection: Connection) -> None:
        if connection.count >= self._settings.messages_per_connection:
            connection.close()
            return
        self._idle.append(connection)
        self._pump()

    def decided(self, submission: Submission, reply: Reply, stage: Stage) -> None:
        outcome = outcome_of(reply, stage, submission.message.to, _ref(submission))
        self._events.answered(submission, outcome)
        if outcome.failure == UNAUTHORISED:
            self._shut(str(reply))

    def gone(self, connection: Connection, reason: str, *, is_refused: bool) -> None:
        self._open.discard(connection)
        self._over = {one for one in self._over if one.is_leaving} | {connection}
        if connection in self._idle:
            self._idle.remove(connection)
        submission = connection.carried
        if submission is not None:
            connection.carried = None
            self._events.answered(submission, _LOST if connection.stage is Stage.MESSAGE else _not_taken(reason))
        if is_refused:
            self._shut(reason)
        if connection.count == 0 and submission is None and not self._open:  # nothing comes so far
            failure = UNAUTHORISED if is_refused else TRANSIENT
            code = "credentials_rejected" if is_refused else "carrier_unreachable"
            waiting, self._waiting = self._waiting, deque()
            for left, _ in waiting:
                self._events.answered(left, Outcome("refused", failure=failure, code=code, carrier_code=reason[:200]))
        elif not self._is_stopped:
            self._pump()

    # -- credentials

    def _shut(self, reason: str) -> None:
        self._events.link(False, f"refused our credentials ({reason})")
        if self._rest is not None:
            self._rest.cancel()  # a whole minute after the last refusal
        self._rest = self._clock.later(_REST_S, self._try_again)

    def _try_again(self) -> None:
        if not self._is_stopped:
            self._events.link(True)


def _not_taken(reason: str) -> Outcome:
    return Outcome("refused", failure=TRANSIENT, code="carrier_unreachable", carrier_code=reason[:200])


def _ref(submission: Submission) -> str:
    """How we call it: the same again where the outcome of the try before is not known."""
    message, attempt = submission.message, submission.attempt
    named = attempt - 1 if message.possible_duplicate and attempt == 2 else attempt
    return ids.reference(message.accepted_at, message.id, named)
