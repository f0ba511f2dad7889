"""Sends events out to declared streams: each from its own place in the order of commits, which moves when its server
has kept what it was given. So an event arrives at least once, and the events of one message in their order.

One process at a time serves a stream, under its lease. A server that is slow is waited for, one that is gone is tried
again after a pause that grows; neither delays another stream, or anything else.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from heliograph.core.message import MESSAGE_COLUMNS, Event, Message
from heliograph.core.views import event_body, event_id, message_id
from heliograph.core.waves import waves
from heliograph.engine import leases
from heliograph.engine.background import Background
from heliograph.engine.notify.subscriptions import wants
from heliograph.engine.streams.form import StreamForm
from heliograph.engine.streams.progress import Stream, begin, failed, moved, streams
from heliograph.engine.turns import Turns
from heliograph.ports import Clock, NotTaken, Record, Sink, Unavailable, Watch
from heliograph.store.port import Ledger

_EMPTY_S: Final = 0.25  # nothing was there: look again
_PAUSES_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)  # after failures in a row
_GOODBYE_S: Final = 5.0
_HISTORY_ONLY: Final = ("attempt.", "receipt.")
_ALL: Final = ("*",)
_MESSAGE: Final = ", ".join(MESSAGE_COLUMNS)


class StreamDesk:
    """The streams of one process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        watch: Watch,
        build: Callable[[StreamForm], Sink],
        sent: Callable[[tuple[str, str], int], None],
    ) -> None:
        """`build` opens a server, its secrets included; `sent` counts events by stream."""
        self._ledger = ledger
        self._clock = clock
        self._watch = watch
        self._build = build
        self._sent = sent
        self._turns = Turns(ledger, clock)
        self._running: dict[str, tuple[Stream, asyncio.Task[None]]] = {}
        self._lag: dict[tuple[str, ...], float] = {}
        self._background = Background(watch)

    def start(self) -> None:
        self._background.every(leases.RENEW_MS / 1000, self.renew)

    async def stop(self) -> None:
        await self._background.stop()
        await self._end(list(self._running))

    def lags(self) -> list[tuple[tuple[str, ...], float]]:
        """By stream: how old the oldest event is that it has not sent, in seconds."""
        return list(self._lag.items())

    async def renew(self) -> None:
        """Take turns, and bring what runs in line with what is declared."""
        declared = {stream.lease: stream for stream in await streams(self._ledger) if not stream.form.disabled}
        if declared or self._running:
            await self._turns.renew(declared)
        gone = [
            lease
            for lease, (stream, task) in self._running.items()
            if lease not in declared or declared[lease].form != stream.form or not self._turns.has(lease) or task.done()
        ]
        await self._end(gone)
        for lease, stream in declared.items():
            if self._turns.has(lease) and lease not in self._running:
                self._running[lease] = stream, asyncio.create_task(self._run(stream))

    async def _end(self, which: Sequence[str]) -> None:
        ended = [self._running.pop(lease) for lease in which]
        for stream, task in ended:
            task.cancel()
            self._lag.pop(stream.labels, None)
        await asyncio.gather(*(task for _, task in ended), return_exceptions=True)

    # -- one stream

    async def _run(self, stream: Stream) -> None:
        failures, sink = 0, None
        try:
            while True:
                try:
                    sink = sink or self._build(stream.form)
                    went_on = await self._step(stream, sink)
                    failures = 0
                    if not went_on:
                        await asyncio.sleep(_EMPTY_S)
                except Unavailable:
                    await asyncio.sleep(_PAUSES_S[0])
                except Exception as error:  # the edge of a task: the stream goes on, and says why it stands
                    failures += 1
                    await self._failed(stream, error)
                    await asyncio.sleep(_PAUSES_S[min(failures, len(_PAUSES_S)) - 1])
        finally:
            if sink is not None:
                with suppress(TimeoutError):  # a server that is gone hears no goodbye
                    await asyncio.wait_for(sink.close(), _GOODBYE_S)

    async def _failed(self, stream: Stream, error: Exception) -> None:
        if isinstance(error, NotTaken):
            self._watch.note("stream_failed", stream=stream.name, reason=str(error))
        else:
            self._watch.defect(error)
        with suppress(Unavailable):  # whoever waits for the ledger tells of it
            await failed(self._ledger, stream, str(error) or type(error).__name__, self._clock.now_ms())

    async def _step(self, stream: Stream, sink: Sink) -> bool:
        """Send the next events; False when there is none."""
        if stream.position is None:
            oldest = stream.form.begin == "oldest"
            await begin(self._ledger, stream, "" if oldest else await self._ledger.events_end(), self._clock.now_ms())
        assert stream.position is not None
        events, position = await self._ledger.events_after(stream.position, stream.form.batch)
        if not events:
            self._lag[stream.labels] = 0.0
            return False
        self._lag[stream.labels] = max(0, self._clock.now_ms() - events[0].at) / 1000
        records = await self._records(stream, events)
        for wave in [records] if sink.keeps_order and records else waves(records, lambda record: record.key):
            if not self._turns.has(stream.lease):
                raise NotTaken("another process may have the stream by now")
            await sink.take(wave)
        await moved(self._ledger, stream, position, events[-1].at, len(records), self._clock.now_ms())
        self._sent(stream.labels, len(records))
        return True

    async def _records(self, stream: Stream, events: Sequence[Event]) -> list[Record]:
        wanted = [
            event
            for event in events
            if (event.workspace, event.environment) == (stream.workspace, stream.environment)
            and not event.type.startswith(_HISTORY_ONLY)
            and wants(tuple(stream.form.events) or _ALL, event.type)
        ]
        messages = await self._messages(stream, sorted({e.message for e in wanted if e.message is not None}))
        return [_record(event, messages.get(event.message or 0)) for event in wanted]

    async def _messages(self, stream: Stream, numbers: Sequence[int]) -> dict[int, Message]:
        if not numbers:
            return {}
        marks = ", ".join(f"${place}" for place in range(2, len(numbers) + 2))
        rows = await self._ledger.fetch(
            f"SELECT {_MESSAGE} FROM messages WHERE +workspace = $1 AND id IN ({marks})", stream.workspace, *numbers
        )
        return {row[0]: Message(*row) for row in rows}


def _record(event: Event, message: Message | None) -> Record:
    public_id = event_id(event)
    key = public_id if message is None else message_id(message)
    return Record(public_id, key, event.type, event.at, event_body(event, message, public_id))
