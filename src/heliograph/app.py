"""The composition root: puts the program together out of its parts. The only module that knows them all.

`serve` runs a gateway from its start to its end; the rest is what commands need of the same parts.
"""

import asyncio
import gc
import os
import random
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from heliograph import tuning
from heliograph.api.smpp.door import SmppDoor, WithAccounts
from heliograph.carriers.port import World
from heliograph.core import numbers
from heliograph.desks import Desks, Means, tracing
from heliograph.engine import declare, leaving
from heliograph.engine.background import Background
from heliograph.engine.clients import Clients, create_key
from heliograph.engine.gateway import Gateway, Outside
from heliograph.engine.pushing import Subscriptions
from heliograph.engine.users.demo import Demo
from heliograph.engine.users.logins import Logins
from heliograph.engine.users.openid import OpenId, policy_of
from heliograph.engine.users.provider import Provider
from heliograph.observe import Log, Metrics, Observer
from heliograph.outgoing.pool import Pool
from heliograph.ports import WebCall
from heliograph.process import Process, now_ms, open_ledger, public_url
from heliograph.settings import Settings, resolve_secret
from heliograph.store.port import Ledger
from heliograph.world import SystemClock, Web, certificate_ends, dial, secure, server_tls

if TYPE_CHECKING:
    from heliograph.api.context import Context
    from heliograph.api.limits import Limits
    from heliograph.api.server import Server

_EVERYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_SWITCH_S: Final = 0.0005  # the ledger's thread and the event loop hand over to each other often
_GC_THRESHOLDS: Final = (100_000, 50, 100)  # few cycles arise, and looking for them is a tenth of all work else
_DEMO_KEY_MS: Final = 30 * 86_400_000


async def serve(settings: Settings, roles: frozenset[str], announce: Callable[[str], None] | None = None) -> None:
    """Run the gateway until it is told to stop; then finish what is in flight. `announce` shows how to try it."""
    from heliograph.api.server import listen

    sys.setswitchinterval(_SWITCH_S)
    process = Process(settings)
    door = listen(settings.server.listen)  # first: whoever finds the port taken has changed nothing
    clock = SystemClock(asyncio.get_running_loop())
    log, metrics = _log(settings), Metrics()
    watch = Observer(log, metrics, clock.now_ms)
    watch.tracing = tracing(settings, log, clock.now_ms)
    async with AsyncExitStack() as stack:
        stack.callback(log.close)
        if watch.tracing is not None:
            stack.push_async_callback(asyncio.to_thread, watch.tracing.close)
        stack.enter_context(door)
        ledger = await open_ledger(settings, serving=True, report=watch.defect)
        stack.push_async_callback(ledger.close)
        if settings.declared:
            await declare.apply(ledger, settings.declared, process.tools, actor="serve", now=clock.now_ms())
        await _Server(process, roles, ledger, clock, log, metrics, watch, announce is not None).run(door, announce)


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
        is_demo: bool,
    ) -> None:
        settings = process.settings
        loop = asyncio.get_running_loop()
        self._settings, self._ledger, self._log, self._watch = settings, ledger, log, watch
        self._is_demo = is_demo
        self._pool = Pool(loop, allow_networks=process.networks)
        # The operator says where providers are: no guard. A server that closes an idle connection does so after five
        # seconds or more; a text that meets such a close would be of unknown outcome.
        self._places = WithAccounts(Web(self._pool))
        self._providers = Pool(loop, allow_networks=_EVERYWHERE, idle_s=4.0)
        self.clients = Clients(ledger, clock.now_ms, watch.defect, self._meet)
        self._logins = Logins(ledger, clock.now_ms, tuning.lifetimes(settings), process.vault)
        self._forgetting = Background(watch)
        self.gateway = Gateway(
            ledger,
            self._outside(process, clock),
            roles=roles,
            notify=tuning.notify(settings),
            keeping=tuning.keeping(settings),
            patience=tuning.patience(settings),
        )
        self.gateway.config_changed = self.clients.changed
        outward = self._places, self._providers.call
        certificates = partial(certificate_ends, tuning.certificates(settings))
        keeping = tuning.sums(settings), settings.retention.requests
        means = Means(process.seal, process.unseal, *outward, settings.data_dir, *keeping, certificates)
        self._desks = Desks(ledger, self.gateway, clock, watch, metrics, means)
        self._context = self._make_context(process, clock, metrics)
        self.gateway.doors_changed = self._share_rates
        self.gateway.notify.traced = None if watch.tracing is None else watch.tracing.webhook

    def _outside(self, process: Process, clock: SystemClock) -> Outside:
        chance = random.Random()
        world = self._world(clock, chance)
        return Outside(
            *(clock, chance, self._places, self._watch),
            lambda spec: process.carrier(spec, world),
            process.listener,
            process.refuse_url,
            process.unseal,
            socket.gethostname(),
        )

    def _world(self, clock: SystemClock, chance: random.Random) -> World:
        """What carriers are given of the outside."""
        ledger, public_url = self._ledger, self._settings.server.public_url
        subscriptions = Subscriptions(ledger, clock, self._forgetting.soon)
        return World(
            *(clock, chance, dial, self._providers.call, public_url, secure),
            call_out=self._pool.call,
            subscription=subscriptions.of,
            subscription_gone=subscriptions.gone,
            leave_url=lambda message: leaving.url_of(ledger.protection, public_url, message),
        )

    async def _open_smpp(self) -> None:
        server = self._settings.smpp_server
        if server.listen is None or not self._context.serves_api:
            return
        host, _, port = server.listen.rpartition(":")
        self._places.door = SmppDoor(self._context, self.gateway.notify.reopen, system_id=server.system_id)
        tls = server_tls(server.tls_cert, server.tls_key) if server.tls_cert else None
        await self._places.door.start(host.strip("[]"), int(port), tls)

    async def _meet(self, environment: int) -> None:
        """Somebody comes from an environment that may be too new for what was read last."""
        if environment not in self.gateway.snapshot.realms:
            await self.gateway.reload()

    def _share_rates(self, processes: int) -> None:
        self._context.limits.share = processes

    def _make_context(self, process: Process, clock: SystemClock, metrics: Metrics) -> "Context":
        from heliograph.api.context import Context, request_ids

        settings, new_request_id = self._settings, request_ids()
        return Context(
            ledger=self._ledger,
            clients=self.clients,
            logins=self._logins,
            openid=_openid(process, self._logins, self._providers.call),
            limits=_limits(settings),
            clock=clock,
            intake=self.gateway.intake,
            budgets=self.gateway.budgets,
            clicks=self.gateway.clicks,
            verify=self._desks.verify,
            authenticators=self._desks.authenticators,
            plans=self._desks.plans,
            log=self._log,
            requests=self._desks.requests,
            seal=process.seal,
            tools=process.tools,
            snapshot=lambda: self.gateway.snapshot,
            reload=self.gateway.reload,
            told=self.gateway.tell,
            look=self.gateway.look,
            hear=lambda inbound: self.gateway.inbound.take([inbound]),
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
            serves_console="console" in self.gateway.roles,
            demo=Demo(self._logins) if self._is_demo else None,
            public_url=settings.server.public_url,
            retention=tuning.keeping(settings),
            max_body_bytes=settings.server.max_body_bytes,
            max_upload_bytes=settings.server.max_upload_bytes,
            campaigns_changed=self._desks.campaigns.wake,
            traced=None if self._watch.tracing is None else self._watch.tracing.accepted,
        )

    def _failed(self, error: BaseException, request_id: str) -> str:
        self._watch.defect(error)
        self._log.error("request_failed", request_id=request_id)
        return request_id

    async def run(self, door: socket.socket, announce: Callable[[str], None] | None) -> None:
        numbers.parse("+12025550123", None)  # the numbering plan of +1 takes a while to load: not at the first message
        await self.gateway.start()
        gc.collect()
        gc.freeze()  # what is here now stays: never look at it again
        gc.set_threshold(*_GC_THRESHOLDS)
        self._desks.start()
        clients = asyncio.create_task(self.clients.run())
        try:
            await self._open_smpp()
            http = self._http()
            self._log.info("serving", listen=self._settings.server.listen, roles=sorted(self.gateway.roles))
            if announce is not None:
                announce(await self._demo())
            await http.serve(sockets=[door])
        finally:
            clients.cancel()
            await asyncio.gather(clients, return_exceptions=True)
            if self._places.door is not None:
                await self._places.door.stop(self._settings.server.grace_s)
            await self._desks.stop()
            await self.gateway.stop(self._settings.server.grace_s)
            await self._forgetting.stop()
            await self.clients.write_last_used()
            self._pool.close()
            self._providers.close()
            self._log.info("stopped")

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
            scopes=[
                "messages:send",
                "messages:read",
                "verify",
                "analytics:read",
                "consent:manage",
                "conversations:manage",
            ],
            expires_at=now + _DEMO_KEY_MS,
            actor="demo",
            now=now,
        )
        assert self._context.demo is not None
        return _DEMO.format(url=public_url(self._settings), token=self._context.demo.token, key=key.key)


_DEMO: Final = """
  Heliograph is running.

  Console   {url}/console/enter/{token}   (lets you in once)
  API docs  {url}/docs
  Test key  {key}   (shown this once)

  Send a first message; watch it in the console:

  curl {url}/v1/messages \\
    -H "Authorization: Bearer {key}" \\
    -H "Content-Type: application/json" \\
    -d '{{"to": "+447700900123", "text": "Hello from Heliograph"}}'
"""


def _log(settings: Settings) -> Log:
    shape = settings.log.format
    return Log(level=settings.log.level, as_json=shape == "json" or (shape == "auto" and not sys.stderr.isatty()))


def _limits(settings: Settings) -> "Limits":
    from heliograph.api.limits import Limits

    its = settings.limits
    return Limits(per_client=its.client_messages_per_second, per_workspace=its.workspace_messages_per_second)


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
