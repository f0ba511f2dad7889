"""The composition root: puts the program together out of its parts. The only module that knows them all.

`serve` runs a gateway from its start to its end; the rest is what commands need of the same parts.
"""

import asyncio
import gc
import os
import random
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from heliograph import tuning
from heliograph.api.smpp.door import SmppDoor, WithAccounts
from heliograph.carriers import catalogue
from heliograph.carriers.port import Carrier, Listener, World
from heliograph.core import numbers
from heliograph.core.signing import secret_from
from heliograph.engine import datakeys, declare, environments
from heliograph.engine import secrets as sealing
from heliograph.engine.clients import Clients, create_key
from heliograph.engine.form import Tools
from heliograph.engine.gateway import Gateway, Outside
from heliograph.engine.specs import ConnectorSpec
from heliograph.engine.standing import Standing
from heliograph.engine.users.logins import Logins
from heliograph.engine.users.openid import OpenId, policy_of
from heliograph.engine.users.provider import Provider
from heliograph.observe import Log, Metrics, Observer
from heliograph.outgoing.guard import check_url
from heliograph.outgoing.pool import Pool
from heliograph.ports import WebCall
from heliograph.products.campaigns.worker import Campaigns
from heliograph.products.verify.authenticators import Authenticators
from heliograph.products.verify.desk import VerifyDesk
from heliograph.products.verify.errands import Errands
from heliograph.settings import Settings, resolve_secret
from heliograph.store.port import Ledger
from heliograph.world import SystemClock, Web, dial, server_tls

if TYPE_CHECKING:
    from heliograph.api.context import Context
    from heliograph.api.server import Server

_EVERYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_SQLITE: Final = "sqlite:///"
_SWITCH_S: Final = 0.0005  # the ledger's thread and the event loop hand over to each other often
_GC_THRESHOLDS: Final = (100_000, 50, 100)  # few cycles arise, and looking for them is a tenth of all work else
_RECORDING_S: Final = 1.0
_DEMO_KEY_MS: Final = 30 * 86_400_000


class Process:
    """What every command has: settings, secrets, the ledger's address."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.vault = sealing.load(os.environ, settings.data_dir)
        self.networks = tuple(map(ip_network, settings.webhooks.allow_networks))

    def seal(self, secret: str) -> str:
        return self.vault.seal(secret.encode())

    def unseal(self, secret: str) -> str:
        """A secret as it is kept: sealed, a reference, or itself."""
        if secret.startswith(sealing.PREFIX):
            return self.vault.open(secret).decode()
        return resolve_secret(secret, os.environ)

    def refuse_url(self, url: str) -> str | None:
        """Why a customer's URL will not be called."""
        bad = check_url(url, self.networks)
        return None if bad is None else bad.detail

    def carrier(self, spec: ConnectorSpec, world: World) -> Carrier:
        made = catalogue.build(spec.kind, spec.name, self._opened(spec), world)
        recorder = getattr(made, "recorder", None)
        if recorder is not None and spec.settings.get("record_to_disk"):
            folder = self.settings.data_dir / "recordings"
            folder.mkdir(mode=0o700, exist_ok=True)
            recorder.to_file(folder / f"{quote(spec.name, safe='')}.jsonl")
        return made

    def listener(self, spec: ConnectorSpec) -> Listener | None:
        return catalogue.listener(spec.kind, spec.name, self._opened(spec))

    def _opened(self, spec: ConnectorSpec) -> dict[str, Any]:
        """The settings with their secrets."""
        return {key: self.unseal(v) if isinstance(v, str) else v for key, v in spec.settings.items()}

    @property
    def tools(self) -> Tools:
        return Tools(
            catalogue.check, self.refuse_url, lambda: secret_from(secrets.token_bytes(32)), self.seal, self.unseal
        )


def now_ms() -> int:
    """The wall clock, for commands that run without an event loop."""
    import time

    return time.time_ns() // 1_000_000


def declaring_tools(settings: Settings) -> Tools:
    """What `apply` needs to check and to seal."""
    return Process(settings).tools


async def open_ledger(
    settings: Settings, *, serving: bool = False, report: Callable[[Exception], None] = lambda error: None
) -> Ledger:
    """The ledger of these settings, its schema brought up to date, the first workspace there."""
    process = Process(settings)
    url = settings.store_url(os.environ)
    if url.startswith(_SQLITE):
        from heliograph.store.sqlite import SqliteLedger

        ledger: Ledger = await SqliteLedger.open(
            Path(url.removeprefix(_SQLITE)), now_ms=now_ms, report=report, serving=serving
        )
    else:
        from heliograph.store.postgres import PostgresLedger

        ledger = await PostgresLedger.open(url, now_ms=now_ms, report=report)
    await datakeys.load(ledger, process.vault, now_ms, encrypt=settings.store.encrypt_bodies)
    await environments.ensure_defaults(ledger, process.seal, now=now_ms())
    return ledger


async def serve(settings: Settings, roles: frozenset[str], announce: Callable[[str], None] | None = None) -> None:
    """Run the gateway until it is told to stop; then finish what is in flight. `announce` shows how to try it."""
    from heliograph.api.server import listen

    sys.setswitchinterval(_SWITCH_S)
    process = Process(settings)
    door = listen(settings.server.listen)  # first: whoever finds the port taken has changed nothing
    clock = SystemClock(asyncio.get_running_loop())
    log, metrics = _log(settings), Metrics()
    watch = Observer(log, metrics, clock.now_ms)
    async with AsyncExitStack() as stack:
        stack.callback(log.close)
        stack.enter_context(door)
        ledger = await open_ledger(settings, serving=True, report=watch.defect)
        stack.push_async_callback(ledger.close)
        if settings.declared:
            await declare.apply(ledger, settings.declared, process.tools, actor="serve", now=clock.now_ms())
        await _Server(process, roles, ledger, clock, log, metrics, watch).run(door, announce)


class _Server:
    """One serving process."""

    def __init__(
        self,
        process: Process,
        roles: frozenset[str],
        ledger: Ledger,
        clock: SystemClock,
        log: Log,
        metrics: Metrics,
        watch: Observer,
    ) -> None:
        settings = process.settings
        loop = asyncio.get_running_loop()
        chance = random.Random()
        self._settings, self._ledger, self._log, self._watch = settings, ledger, log, watch
        self._pool = Pool(loop, allow_networks=process.networks)
        # The operator says where providers are: no guard. A server that closes an idle connection does so after five
        # seconds or more; a text that meets such a close would be of unknown outcome.
        self._places = WithAccounts(Web(self._pool))
        self._providers = Pool(loop, allow_networks=_EVERYWHERE, idle_s=4.0)
        public_url = settings.server.public_url
        self.clients = Clients(ledger, clock.now_ms, watch.defect)
        self._logins = Logins(ledger, clock.now_ms, tuning.lifetimes(settings), process.vault)
        self.gateway = Gateway(
            ledger,
            Outside(
                clock,
                chance,
                self._places,
                watch,
                lambda spec: process.carrier(spec, World(clock, chance, dial, self._providers.call, public_url)),
                process.listener,
                process.refuse_url,
                process.unseal,
                socket.gethostname(),
            ),
            roles=roles,
            notify=tuning.notify(settings),
            keeping=tuning.keeping(settings),
            patience=tuning.patience(settings),
        )
        self.gateway.config_changed = self.clients.changed
        self._verify, self._errands = _verifying(ledger, self.gateway, clock, watch)
        self._campaigns = Campaigns(
            ledger, clock, self.gateway.intake, watch, lambda: self.gateway.snapshot.version, self.gateway.tell
        )
        self._standing = Standing(self.gateway, clock, watch.defect)
        _add_gauges(metrics, self._standing)
        self._context = self._make_context(process, clock, metrics)
        self.gateway.doors_changed = self._share_rates

    async def _open_smpp(self) -> None:
        server = self._settings.smpp_server
        if server.listen is None or not self._context.serves_api:
            return
        host, _, port = server.listen.rpartition(":")
        self._places.door = SmppDoor(self._context, self.gateway.notify.reopen, system_id=server.system_id)
        tls = server_tls(server.tls_cert, server.tls_key) if server.tls_cert else None
        await self._places.door.start(host.strip("[]"), int(port), tls)

    def _share_rates(self, processes: int) -> None:
        self._context.limits.share = processes

    def _make_context(self, process: Process, clock: SystemClock, metrics: Metrics) -> "Context":
        from heliograph.api.context import Context, request_ids
        from heliograph.api.limits import Limits

        settings, new_request_id = self._settings, request_ids()
        return Context(
            ledger=self._ledger,
            clients=self.clients,
            logins=self._logins,
            openid=_openid(process, self._logins, self._providers.call),
            limits=Limits(
                per_client=settings.limits.client_messages_per_second,
                per_workspace=settings.limits.workspace_messages_per_second,
            ),
            clock=clock,
            intake=self.gateway.intake,
            budgets=self.gateway.budgets,
            clicks=self.gateway.clicks,
            verify=self._verify,
            authenticators=Authenticators(self._ledger, process.seal, process.unseal, secrets.token_bytes),
            log=self._log,
            seal=process.seal,
            tools=process.tools,
            snapshot=lambda: self.gateway.snapshot,
            reload=self.gateway.reload,
            told=self.gateway.tell,
            look=self.gateway.look,
            link=self.gateway.links.get,
            callbacks=self.gateway.callbacks.take,
            carrier=lambda name: link.carrier if (link := self.gateway.links.get(name)) else None,
            metrics_networks=tuple(map(ip_network, settings.server.metrics_networks)),
            metrics_text=metrics.text,
            ready=lambda: self.gateway.stalled,
            refused=self._watch.refused,
            replied=self._watch.replied,
            defect=lambda error: self._failed(error, new_request_id().decode()),
            estimated_end=self.gateway.estimated_end,
            new_request_id=new_request_id,
            serves_api="api" in self.gateway.roles,
            public_url=settings.server.public_url,
            max_body_bytes=settings.server.max_body_bytes,
            max_upload_bytes=settings.server.max_upload_bytes,
            campaigns_changed=self._campaigns.wake,
        )

    def _failed(self, error: BaseException, request_id: str) -> str:
        self._watch.defect(error)
        self._log.error("request_failed", request_id=request_id)
        return request_id

    async def run(self, door: socket.socket, announce: Callable[[str], None] | None) -> None:
        numbers.parse("+12025550123", None)  # the numbering plan of +1 takes a while to load: not at the first message
        await self.gateway.start()
        if "engine" in self.gateway.roles:
            self._errands.start()
        gc.collect()
        gc.freeze()  # what is here now stays: never look at it again
        gc.set_threshold(*_GC_THRESHOLDS)
        own = [self.clients.run(), self._standing.run(), self._write_recordings()]
        if "engine" in self.gateway.roles:
            own.append(self._campaigns.run())
        tasks = [asyncio.create_task(work) for work in own]
        try:
            await self._open_smpp()
            http = self._http()
            self._log.info("serving", listen=self._settings.server.listen, roles=sorted(self.gateway.roles))
            if announce is not None:
                announce(await self._demo())
            await http.serve(sockets=[door])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._places.door is not None:
                await self._places.door.stop(self._settings.server.grace_s)
            await self._errands.stop()
            await self.gateway.stop(self._settings.server.grace_s)
            await self.clients.write_last_used()
            self._pool.close()
            self._providers.close()
            self._log.info("stopped")

    async def _write_recordings(self) -> None:
        """What connectors record goes to disk once a second, where that is asked for."""
        while True:
            await asyncio.sleep(_RECORDING_S)
            for link in list(self.gateway.links.values()):
                recorder = getattr(link.carrier, "recorder", None)
                try:
                    if recorder is not None:
                        recorder.flush()
                except OSError as error:  # a full disk: the recording has a gap, everything else goes on
                    self._watch.defect(error)

    def _http(self) -> "Server":
        from heliograph.api.server import Listening, make

        server = self._settings.server
        return make(
            self._context,
            Listening(server.tls_cert, server.tls_key, server.trusted_proxies, server.grace_s),
        )

    async def _demo(self) -> str:
        now = now_ms()
        key = await create_key(
            self._ledger,
            environment="test",
            name="demo",
            scopes=["messages:send", "messages:read", "consent:manage", "conversations:manage"],
            expires_at=now + _DEMO_KEY_MS,
            actor="demo",
            now=now,
        )
        return _DEMO.format(url=public_url(self._settings), key=key.key)


_DEMO: Final = """
  Heliograph is running.

  Console   {url}/console
  API docs  {url}/docs
  Test key  {key}   (shown this once)

  Send a first message; watch it in the console:

  curl {url}/v1/messages \\
    -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"to": "+447700900123", "text": "Hello from Heliograph"}}'
"""


def public_url(settings: Settings) -> str:
    """Where people find the gateway."""
    return settings.server.public_url or f"http{'s' if settings.server.tls_cert else ''}://{settings.server.listen}"


def _log(settings: Settings) -> Log:
    shape = settings.log.format
    return Log(level=settings.log.level, as_json=shape == "json" or (shape == "auto" and not sys.stderr.isatty()))


def _add_gauges(metrics: Metrics, standing: Standing) -> None:
    add, lane, connector = metrics.gauge, ("lane",), ("connector",)
    add("heliograph_queue_waiting", "Messages that are due and wait.", lane, standing.waiting)
    add("heliograph_queue_oldest_seconds", "How long the oldest of them has been due.", lane, standing.oldest_s)
    add("heliograph_link_up", "1: the way to the carrier is open.", connector, standing.links_up)
    add("heliograph_link_in_flight", "Attempts that wait for an answer.", connector, standing.links_in_flight)
    add("heliograph_webhooks_in_flight", "Posts that wait for an answer.", (), standing.webhooks_in_flight)
    add("heliograph_receipts_parked", "Receipts that fitted no message yet.", (), standing.receipts_parked)


def _verifying(ledger: Ledger, gateway: Gateway, clock: SystemClock, watch: Observer) -> tuple[VerifyDesk, Errands]:
    from heliograph.api.messages import left_out

    desk = VerifyDesk(ledger, gateway.intake, lambda: gateway.snapshot, secrets.token_bytes, left_out)
    return desk, Errands(ledger, desk, clock, watch)


def _openid(process: Process, logins: Logins, call: WebCall) -> OpenId | None:
    settings = process.settings.oidc
    if settings.issuer is None:
        return None
    secret = None if settings.client_secret is None else resolve_secret(settings.client_secret, os.environ)
    policy = policy_of(
        settings.workspace,
        settings.allowed_domains,
        settings.default_roles,
        settings.role_claim,
        settings.role_map,
    )
    return OpenId(Provider(settings.issuer, settings.client_id, secret, call, logins.now_ms), policy, logins)
