"""What a process does beside moving messages: one desk for each product and each watcher, started and stopped with it.

A second page of the composition root: whoever adds a product wires it here, and hands doors what they need of it.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from heliograph.engine.alarms.desk import Alarms
from heliograph.engine.alarms.policy import AlarmPolicy
from heliograph.engine.alarms.telling import Teller
from heliograph.engine.exports.schedule import ExportDesk
from heliograph.engine.gateway import Gateway
from heliograph.engine.insight.desk import Keeping, Roller
from heliograph.engine.mail import MailDesk
from heliograph.engine.notify.replies import TwimlReplies
from heliograph.engine.outages.acting import Acting
from heliograph.engine.outages.desk import OutageDesk
from heliograph.engine.requests.log import RequestLog
from heliograph.engine.sending import left_out
from heliograph.engine.standing import Standing
from heliograph.engine.streams.desk import StreamDesk
from heliograph.engine.streams.form import StreamForm
from heliograph.observe import Log, Metrics, Observer
from heliograph.ports import Clock, WebCall, WebClient
from heliograph.products.campaigns.worker import Campaigns
from heliograph.products.drills.desk import DrillDesk
from heliograph.products.plans.desk import PlanDesk
from heliograph.products.verify.authenticators import Authenticators
from heliograph.products.verify.desk import VerifyDesk
from heliograph.products.verify.errands import Errands
from heliograph.settings import BadSettings, Problem, Settings
from heliograph.sinks import catalogue as sinks
from heliograph.sinks.settings import SinkSettings
from heliograph.store.port import Ledger

if TYPE_CHECKING:
    from heliograph.observe.tracing import Tracing

_RECORDING_S: Final = 1.0


class Means(NamedTuple):
    """What desks are given of the world beside its clock."""

    seal: Callable[[str], str]
    unseal: Callable[[str], str]
    web: WebClient  # to customers, guarded
    call: WebCall  # to whom the operator names
    data_dir: Path
    keeping: Keeping  # of sums
    requests: int  # lines of the request log
    certificates: Callable[[], Mapping[str, int]]  # by name, when they end


class Desks:
    """The desks of one process."""

    def __init__(
        self,
        ledger: Ledger,
        gateway: Gateway,
        clock: Clock,
        watch: Observer,
        metrics: Metrics,
        means: Means,
    ) -> None:
        seal, unseal = means.seal, means.unseal
        self._gateway, self._watch = gateway, watch
        self._tasks: list[asyncio.Task[None]] = []
        self.authenticators = Authenticators(ledger, seal, unseal, secrets.token_bytes)
        self.verify = VerifyDesk(ledger, gateway.intake, lambda: gateway.snapshot, secrets.token_bytes, left_out)
        self._errands = Errands(ledger, self.verify, clock, watch)
        self.campaigns = Campaigns(ledger, clock, gateway.intake, watch, lambda: gateway.snapshot.version, gateway.tell)
        self.mail = MailDesk(ledger, clock, gateway.intake, lambda: gateway.snapshot, watch.note, watch.defect)
        self.plans = PlanDesk(ledger, gateway.intake, lambda: gateway.snapshot, clock, watch, gateway.tell)
        self.requests = RequestLog(ledger, means.requests, lambda count: metrics.unlogged.add(count=count))
        self._roller = Roller(ledger, clock, watch, means.keeping)
        self._exports = ExportDesk(
            ledger, clock, watch, means.call, unseal, means.data_dir, lambda result: metrics.exports.add((result,))
        )
        self._streams = StreamDesk(
            ledger,
            clock,
            watch,
            lambda form: sinks.build(_opened(form, unseal), means.web, clock.now_ms),
            metrics.streamed.add,
        )
        gateway.notify.heard = TwimlReplies(gateway.intake, clock, watch).take
        teller = Teller(ledger, clock, means.web, gateway.intake, self.mail, unseal, watch, self._alarm_policy)
        self._alarms = Alarms(ledger, clock, watch, lambda: gateway.snapshot, gateway.links, means.certificates, teller)
        self._standing = Standing(gateway, clock, watch.defect)
        acting = Acting(ledger, gateway.ways, gateway.tell, gateway.intake.repriced)
        self._outages = OutageDesk(ledger, clock, watch, lambda: gateway.snapshot, gateway.ways, acting)
        self.drills = DrillDesk(ledger, clock, watch, lambda: gateway.snapshot, gateway.intake, gateway.links)
        _add_gauges(metrics, self._standing, self._streams, self._outages)

    def start(self) -> None:
        """Set all to work that this process has the role for."""
        work = [self._standing.run(), self._write_recordings(), self.requests.run(self._watch.defect)]
        if "engine" in self._gateway.roles:
            self._errands.start()
            self.plans.start()
            self._exports.start()
            self._streams.start()
            work += [self.campaigns.run(), self.mail.run(), self._roller.run(), self._alarms.run()]
            work += [self._outages.run(), self.drills.run()]
        self._tasks = [asyncio.create_task(each) for each in work]

    def _alarm_policy(self, environment: int) -> AlarmPolicy | None:
        realm = self._gateway.snapshot.realms.get(environment)
        return None if realm is None else realm.policies.alarms

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._errands.stop()
        await self.plans.stop()
        await self._exports.stop()
        await self._streams.stop()

    async def _write_recordings(self) -> None:
        """What connectors record goes to disk once a second, where that is asked for."""
        while True:
            await asyncio.sleep(_RECORDING_S)
            for link in list(self._gateway.links.values()):
                recorder = getattr(link.carrier, "recorder", None)
                try:
                    if recorder is not None:
                        recorder.flush()
                except OSError as error:  # a full disk: the recording has a gap, everything else goes on
                    self._watch.defect(error)


def tracing(settings: Settings, log: Log, now_ms: Callable[[], int]) -> "Tracing | None":
    """None: nothing is traced, and nothing of it is loaded."""
    if settings.tracing.url is None:
        return None
    try:
        from heliograph.observe.tracing import open_tracing
    except ModuleNotFoundError:
        says = "needs packages that are not installed here: pip install 'heliograph[tracing]'"
        raise BadSettings([Problem("settings", "tracing.url", says)]) from None
    instance = f"{socket.gethostname()}:{os.getpid()}"
    return open_tracing(settings.tracing.url, settings.tracing.sample, instance, log, now_ms)


def _opened(form: StreamForm, unseal: Callable[[str], str]) -> SinkSettings:
    """What a stream's server is reached by, the secrets in the clear."""
    given: dict[str, Any] = dict(msgspec.structs.asdict(form))
    given |= {name: unseal(given[name]) for name in ("password", "token", "secret") if given[name] is not None}
    fields = SinkSettings.__struct_fields__
    return SinkSettings(**{name: value for name, value in given.items() if name in fields and value is not None})


def _add_gauges(metrics: Metrics, standing: Standing, streams: StreamDesk, outages: OutageDesk) -> None:
    """What is asked for when metrics are read."""
    add, lane, connector = metrics.gauge, ("lane",), ("connector",)
    add("heliograph_queue_waiting", "Messages that are due and wait.", lane, standing.waiting)
    add("heliograph_queue_oldest_seconds", "How long the oldest of them has been due.", lane, standing.oldest_s)
    add("heliograph_link_up", "1: the way to the carrier is open.", connector, standing.links_up)
    add("heliograph_link_in_flight", "Attempts that wait for an answer.", connector, standing.links_in_flight)
    add("heliograph_webhooks_in_flight", "Posts that wait for an answer.", (), standing.webhooks_in_flight)
    add("heliograph_receipts_parked", "Receipts that fitted no message yet.", (), standing.receipts_parked)
    add("heliograph_outages", "Outages of providers that last, of all workspaces.", (), outages.gauge)
    lag = "How old the oldest event is that a stream has not sent; 0: it has sent all."
    add("heliograph_stream_lag_seconds", lag, ("workspace", "stream"), streams.lags)
