"""Runs campaigns: one task for each, in the process that holds its lease.

A piece of the audience becomes messages, and the campaign's position moves behind it, in one commit. So whatever
crashes, each recipient is taken once: a piece whose commit did not happen is taken again, no other ever is.
Two processes can't go on in the same campaign either: the position is a compare-and-set.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from heliograph.core.audiences import Recipient
from heliograph.core.campaigns import (
    DRAFT,
    REST,
    RUNNING,
    SCHEDULED,
    CampaignSpec,
    Step,
    chunk_of,
    gap_of,
    next_at,
)
from heliograph.engine import leases
from heliograph.engine.draft import Draft
from heliograph.engine.intake import Intake
from heliograph.ports import Clock, Unavailable, Watch
from heliograph.products.campaigns import audiences, checking, register, settling, trials
from heliograph.products.campaigns.audiences import Audience
from heliograph.products.campaigns.register import Campaign
from heliograph.products.campaigns.writing import Writer, Written
from heliograph.store.port import Accept, Ledger, Moves

_LOOK_S: Final = 1.0
_PIECE: Final = 100  # rows of one commit: some milliseconds, for which others wait
_MANNERS: Final = 20  # pieces for which a campaign gives way after somebody else has sent
_SLICE: Final = 25  # rows that are drafted before others have their turn: half a millisecond
_SOON_MS: Final = 1_500  # so long it is worth waiting for the next piece
_PATIENCE: Final = 20  # the question whether something waits is asked again after so many times what it took


class _Manners:
    """Leaves applications two thirds of the time: what they send is waited for, a campaign takes minutes anyway."""

    def __init__(self, intake: Intake, clock: Clock) -> None:
        self._intake, self._clock = intake, clock
        self._began, self._seen, self._left = clock.monotonic(), intake.asked, 0

    async def give_way(self) -> None:
        """After each piece, while others send: rest for twice as long as it took."""
        if self._intake.asked != self._seen:
            self._seen, self._left = self._intake.asked, _MANNERS
        if self._left:
            self._left -= 1
            await asyncio.sleep(2 * (self._clock.monotonic() - self._began))
        self._began = self._clock.monotonic()


class Campaigns:
    """The campaigns of one process."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        intake: Intake,
        watch: Watch,
        version: Callable[[], int],
        tell: Callable[[Moves], None],
    ) -> None:
        """`version`: of what is declared; `tell`: says what messages that are taken back have to tell."""
        self._ledger = ledger
        self._clock = clock
        self._intake = intake
        self._watch = watch
        self._version = version
        self._tell = tell
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._quiet_until: dict[int, float] = {}  # when to ask again whether anything of it waits
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Look after campaigns until cancelled."""
        try:
            while True:
                self._woken.clear()
                try:
                    await self._look()
                except Unavailable:
                    pass  # who waits for the ledger tells of it
                except Exception as error:  # the edge of a task: it must live on; the watch raises the alarm
                    self._watch.defect(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), _LOOK_S)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look(self) -> None:
        wanted = await register.at_work(self._ledger)
        if not wanted:
            return
        names = {f"campaign:{campaign}": campaign for campaign in wanted}
        ours = await leases.hold(self._ledger, names, self._clock.now_ms())
        for name in ours:
            campaign = names[name]
            if campaign not in self._tasks:
                task = self._tasks[campaign] = asyncio.create_task(self._work(campaign))
                task.add_done_callback(lambda _, campaign=campaign: self._tasks.pop(campaign, None))  # type: ignore[misc]

    async def _work(self, number: int) -> None:
        try:
            while (campaign := await register.of_id(self._ledger, number)) is not None:
                if not await self._go_on(campaign):
                    return
        except Unavailable:
            return
        except Exception as error:  # the edge of a task: the next look begins again; the watch raises the alarm
            self._watch.defect(error)

    async def _go_on(self, campaign: Campaign) -> bool:
        """One thing that is to do; False: nothing at the moment."""
        if not campaign.is_settled:
            await settling.settle(self._ledger, self._clock, campaign, self._tell)
            return True
        if campaign.state == DRAFT:
            await checking.check(self._ledger, self._intake, self._clock, self._version, campaign)
            return False
        if campaign.state == SCHEDULED:
            now = self._clock.now_ms()
            return (campaign.starts_at or 0) <= now and await register.begin(
                self._ledger, campaign, now=now
            ) is not None
        return campaign.state == RUNNING and await self._send(campaign)

    # -- sending

    async def _send(self, campaign: Campaign) -> bool:
        """Go through the audience; False: nothing more to do at the moment."""
        batches = await register.variants(self._ledger, campaign.id)
        audience = await audiences.of_id(self._ledger, campaign.audience)
        writer, spec = Writer(self._intake, campaign, batches, self._version), campaign.asked
        rest = campaign.winner if spec.winner is not None else None
        gap, position, turn = gap_of(spec, audience.valid), campaign.position, campaign.next_at
        most, manners = chunk_of(gap, _PIECE), _Manners(self._intake, self._clock)
        rows = await self._rows(audience, position, most)
        while rows:
            wait = turn - self._clock.now_ms()
            if wait > _SOON_MS:
                return False
            if wait > 0:
                await asyncio.sleep(wait / 1000)
            after = position // REST * REST + rows[-1].line
            ahead = asyncio.create_task(self._rows(audience, after, most))
            try:
                written = await self._write(writer, rows, rest)
                now = self._clock.now_ms()
                turn = next_at(turn, now, gap, len(written.drafts))
                step = Step(campaign.id, position, after, turn, written.refusals)
                if not await self._accept(written.drafts, step):
                    return True  # it does not run any more, or somebody else has gone on
                await manners.give_way()
                rows, position = await ahead, after
            finally:
                ahead.cancel()
        return await self._at_the_end(campaign, spec, position, list(batches.values()))

    async def _rows(self, audience: Audience, position: int, most: int) -> list[Recipient]:
        return await audiences.rows_after(self._ledger, audience, position % REST, most)

    async def _write(self, writer: Writer, rows: Sequence[Recipient], rest: str | None) -> Written:
        written = Written()
        for start in range(0, len(rows), _SLICE):
            writer.write(rows[start : start + _SLICE], self._clock.now_ms(), rest=rest, written=written)
            await asyncio.sleep(0)
        return written

    async def _accept(self, drafts: Sequence[Draft], step: Step) -> bool:
        """Keep a piece and its step; False: the campaign stands elsewhere."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def done(operation: Accept) -> None:
            # Not the operation itself: it knows this function, and would wait for the garbage collector, with all its
            # messages.
            if future.done():  # we were told to stop
                return
            if operation.error is not None:
                future.set_exception(operation.error)
            else:
                future.set_result(not operation.conflict)

        self._intake.accept(drafts, done, step=step)
        return await future

    async def _at_the_end(self, campaign: Campaign, spec: CampaignSpec, position: int, batches: Sequence[int]) -> bool:
        """The audience has been gone through: find the winner for the rest, or wait until all has left."""
        now = self._clock.now_ms()
        if campaign.enqueued_at is None:
            await register.enqueued(self._ledger, campaign, now=now)
            return True
        if spec.winner is not None and position < REST:
            if now < campaign.enqueued_at + spec.winner_after_ms:
                return False
            await trials.decide(self._ledger, campaign, spec.winner, now)
            return True
        if self._clock.monotonic() < self._quiet_until.get(campaign.id, 0.0):
            return False
        began = self._clock.monotonic()
        if await settling.waits(self._ledger, batches):
            ended = self._clock.monotonic()
            self._quiet_until[campaign.id] = ended + (ended - began) * _PATIENCE
            return False
        self._quiet_until.pop(campaign.id, None)
        await register.done(self._ledger, campaign, now=now)
        return False
