"""Calls of providers → receipts, inbound messages, opt-outs. Verified first; answered when what they say is durable.

A call that can't be genuine, and one of which nothing is understood, is kept as it came, without its secrets, for the
operator to see. Which connector a call is for stands in its path; any process may take it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import msgspec

from heliograph.carriers.port import Callback, Listener, Thanks
from heliograph.core.message import Inbound, Receipt
from heliograph.engine.declared import Snapshot
from heliograph.engine.specs import ConnectorSpec
from heliograph.ports import Unavailable, Watch
from heliograph.store.port import Ledger

_SECRETS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "apikey"})
_IN_JSON: Final = re.compile(r'("(?:text|body|content)"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_IN_FORM: Final = re.compile(r"((?:^|(?<=&))(?:text|body|content)=)[^&\s{]*", re.IGNORECASE)
_BODY_KEPT: Final = 4_000
_KEPT_A_MINUTE: Final = 60  # of each connector: a flood of forged calls must not fill the disk
KEEP_MS: Final = 30 * 86_400_000


class Take:
    """Where what was heard goes: each is told when it is durable."""

    def __init__(
        self,
        receipts: Callable[[list[Receipt], Callable[[], None] | None], None],
        inbound: Callable[[list[Inbound], Callable[[], None] | None], None],
        opted_out: Callable[[str, list[str]], None],
    ) -> None:
        self.receipts, self.inbound, self.opted_out = receipts, inbound, opted_out


class Refusal(msgspec.Struct, frozen=True):
    """Why a call was not taken."""

    status: int
    reason: str


class CallbackDesk:
    """Takes the calls of all providers."""

    def __init__(
        self,
        ledger: Ledger,
        snapshot: Callable[[], Snapshot],
        build: Callable[[ConnectorSpec], Listener | None],
        take: Take,
        watch: Watch,
    ) -> None:
        self._ledger = ledger
        self._snapshot = snapshot
        self._build = build
        self._take = take
        self._watch = watch
        self._listeners: dict[str, tuple[ConnectorSpec, Listener | None]] = {}
        self._kept: dict[str, tuple[int, int]] = {}  # connector → (minute, kept in it)

    async def take(self, connector: str, callback: Callback, address: str) -> Thanks | Refusal:
        """What to answer; when it says yes, everything is kept."""
        listener = self._listener(connector)
        if listener is None:
            return Refusal(404, "there is no connector of this name that providers call")
        if reason := listener.verify(callback):
            self._watch.refused("forged_callback")
            await self._keep(connector, "refused", reason, callback, address)
            return Refusal(403, reason)
        heard = listener.read(callback)
        if not (heard.receipts or heard.inbound or heard.opted_out):
            await self._keep(connector, "unread", "nothing in it is known", callback, address)
            return listener.thanks(callback)
        raw = callback.body.decode("utf-8", "replace") or _query(callback)
        waiting: list[asyncio.Future[None]] = []
        if heard.receipts:
            report = _without_texts(raw)[:_BODY_KEPT]
            receipts = [msgspec.structs.replace(one, raw=report) for one in heard.receipts]
            self._take.receipts(receipts, _done(waiting))
        if heard.inbound:
            self._take.inbound(
                [msgspec.structs.replace(one, raw=raw[:_BODY_KEPT]) for one in heard.inbound], _done(waiting)
            )
        if heard.opted_out:
            self._take.opted_out(connector, list(heard.opted_out))
        await asyncio.gather(*waiting)
        return listener.thanks(callback)

    def _listener(self, connector: str) -> Listener | None:
        spec = self._snapshot().connectors.get(connector)
        if spec is None:
            return None
        known = self._listeners.get(connector)
        if known is None or known[0] is not spec:
            known = self._listeners[connector] = spec, self._build(spec)
        return known[1]

    async def _keep(self, connector: str, outcome: str, reason: str, callback: Callback, address: str) -> None:
        minute = callback.at // 60_000
        at, count = self._kept.get(connector, (minute, 0))
        count = count + 1 if at == minute else 1
        self._kept[connector] = minute, count
        if count > _KEPT_A_MINUTE:
            return
        self._watch.note("callback_" + outcome, connector=connector, reason=reason, address=address)
        try:
            async with self._ledger.transaction() as transaction:
                await transaction.execute(
                    "INSERT INTO callbacks (connector, outcome, reason, address, request, at) "
                    "VALUES ($1, $2, $3, $4, $5, $6)",
                    *(connector, outcome, reason, address, _request(callback), callback.at),
                )
        except Unavailable:  # the provider's call is refused or void all the same
            self._watch.note("callback_not_kept", connector=connector)


def _done(waiting: list[asyncio.Future[None]]) -> Callable[[], None]:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    waiting.append(future)
    return lambda: None if future.done() else future.set_result(None)


def _without_texts(report: str) -> str:
    """A report as it may be kept: some providers repeat the whole message in it."""
    return _IN_FORM.sub(r"\1…", _IN_JSON.sub(r'\1"…"', report))


def _query(callback: Callback) -> str:
    """The query of its URL, without the token that proves it."""
    return urlencode([(name, "…" if name == "token" else value) for name, value in callback.query()], safe="…")


def _request(callback: Callback) -> str:
    """The call as an operator may see it."""
    headers = {name: "…" if name in _SECRETS else value for name, value in callback.headers.items()}
    body = callback.body[:_BODY_KEPT].decode("utf-8", "replace").replace("\0", "\ufffd")
    path = "/" + callback.url.partition("://")[2].partition("/")[2].partition("?")[0]
    known = {"method": callback.method, "path": path, "query": _query(callback), "headers": headers, "body": body}
    return msgspec.json.encode(known).decode()
