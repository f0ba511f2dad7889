"""What the doors are given by the composition root: one object, the same for all of them."""

import itertools
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol

from heliograph.api.limits import Limits
from heliograph.carriers.port import Callback, Carrier, Thanks
from heliograph.core.message import Inbound, Message
from heliograph.engine.callbacks import Refusal
from heliograph.engine.clicks import ClickDesk
from heliograph.engine.clients import Clients
from heliograph.engine.declared import Snapshot
from heliograph.engine.dispatch import Link
from heliograph.engine.form import Tools
from heliograph.engine.intake import Intake
from heliograph.engine.requests.log import RequestLog
from heliograph.engine.retention import Retention
from heliograph.engine.spending import BudgetDesk
from heliograph.engine.users.demo import Demo
from heliograph.engine.users.logins import Logins
from heliograph.engine.users.openid import OpenId
from heliograph.ports import Clock
from heliograph.products.plans.desk import PlanDesk
from heliograph.products.verify.authenticators import Authenticators
from heliograph.products.verify.desk import VerifyDesk
from heliograph.store.port import Ledger, Moves


class Log(Protocol):
    """The structured log. Never given a key, a body or a text."""

    def info(self, event: str, /, **fields: object) -> None: ...

    def error(self, event: str, /, **fields: object) -> None: ...


def request_ids() -> Callable[[], bytes]:
    """Ids for requests that bring none: different in every process and at every start."""
    prefix, numbers = b"req_%b" % secrets.token_hex(6).encode(), itertools.count(1)
    return lambda: b"%b%06x" % (prefix, next(numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a door may use."""

    ledger: Ledger
    clients: Clients
    logins: Logins
    limits: Limits
    clock: Clock
    intake: Intake
    budgets: BudgetDesk
    clicks: ClickDesk
    verify: VerifyDesk
    authenticators: Authenticators
    plans: PlanDesk
    log: Log
    requests: RequestLog
    retention: Retention
    seal: Callable[[str], str]
    tools: Tools  # for declaring
    snapshot: Callable[[], Snapshot]
    reload: Callable[[], Awaitable[None]]  # what was declared holds here at once
    told: Callable[[Moves], None]  # tells what a kept operation has to tell
    look: Callable[[], None]  # deliveries may be due
    callbacks: Callable[[str, Callback, str], Awaitable[Thanks | Refusal]]  # a provider calls
    carrier: Callable[[str], Carrier | None]  # a connector at work in this process
    hear: Callable[[Inbound], None]  # a phone texts
    link: Callable[[str], Link | None]  # how that connector stands
    metrics_text: Callable[[], bytes]
    ready: Callable[[], str | None]  # None: ready; else why not
    refused: Callable[[str], None]  # counts a refusal by its code
    replied: Callable[..., None]  # counts an answer by its status, and how many milliseconds it took
    defect: Callable[[BaseException], str]  # logs what broke; answers the request id under which it is found
    estimated_end: Callable[[Sequence[Message]], int]
    new_request_id: Callable[[], bytes] = field(default_factory=request_ids)
    openid: OpenId | None = None  # None: people log in by password
    serves_api: bool = True  # False: only what watches and probes this process
    serves_console: bool = True
    demo: Demo | None = None  # None: nobody gets in without proving who they are
    public_url: str | None = None
    max_body_bytes: int = 10_000_000
    max_upload_bytes: int = 1_000_000_000  # of a body that is read as it arrives
    # Requests whose messages are durable are told to it: (traceparent, began, given to the ledger, messages).
    traced: Callable[[bytes | None, int, int, Sequence[Message]], None] | None = None
    campaigns_changed: Callable[[], None] = lambda: None  # there may be something to do
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = ()  # who may read them without a key
