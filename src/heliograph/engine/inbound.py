"""Messages from phones → events. Which workspace one belongs to is told by whom the number or connector serves."""

from collections.abc import Callable, Sequence

import msgspec

from heliograph.core import ids
from heliograph.core.message import Inbound
from heliograph.core.views import moment
from heliograph.engine.declared import OPERATOR, Realm, Snapshot
from heliograph.store.port import Arrival, Arrivals, Ledger, NewEvent, Notice


class InboundDesk:
    """Takes messages from all connectors to the ledger."""

    def __init__(self, ledger: Ledger, snapshot: Callable[[], Snapshot], told: Callable[[list[Notice]], None]) -> None:
        self._ledger = ledger
        self._snapshot = snapshot
        self._told = told

    def take(
        self,
        messages: Sequence[Inbound],
        committed: Callable[[], None] | None = None,
        *,
        environment: int | None = None,
    ) -> None:
        """Keep messages; `committed` once they are durable."""

        def done(operation: Arrivals) -> None:
            if operation.error is not None:
                raise operation.error
            if committed is not None:
                committed()
            self._told(operation.notices)

        self._ledger.add(Arrivals(done=done, arrivals=[self._arrival(m, environment) for m in messages]))

    def _arrival(self, inbound: Inbound, environment: int | None) -> Arrival:
        realm = self._realm(inbound, environment)
        number = self._ledger.next_id("inbound")
        facts = {
            "id": ids.make("inb", inbound.at, number),
            "from": inbound.sender,
            "to": inbound.to,
            "text": inbound.text,
            "connector": inbound.connector,
            "received_at": moment(inbound.at),
        }
        event = NewEvent("inbound.received", inbound.at, msgspec.json.encode(facts).decode())
        return Arrival(number, realm.workspace, realm.id, inbound, (event,))

    def _realm(self, inbound: Inbound, environment: int | None) -> Realm:
        """The environment whose declared sender was texted; else the operator's live one (test, from the sandbox)."""
        realms = self._snapshot().realms
        if environment is not None:
            return realms[environment]
        for realm in realms.values():
            if realm.mode != "test" and inbound.to in realm.rules.senders:
                return realm
        mode = "test" if inbound.connector == "sandbox" else "live"
        return next(r for r in realms.values() if r.workspace_name == OPERATOR and r.mode == mode)
