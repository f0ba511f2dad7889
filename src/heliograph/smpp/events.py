"""What a session tells its owner, and the times that it keeps."""

from typing import Any, NamedTuple, TypeAlias

from heliograph.smpp.codec import Pdu


class Answered(NamedTuple):
    """The response to a request of ours; a generic_nack that names it is one, too."""

    token: Any
    pdu: Pdu


class Silent(NamedTuple):
    """No response came in time: what became of the request is not known."""

    token: Any


class Asked(NamedTuple):
    """A request of the peer, to be answered with `respond` (but for an alert_notification, which has no response)."""

    pdu: Pdu


class Bound(NamedTuple):
    """The server took our bind."""

    pdu: Pdu


class Refused(NamedTuple):
    """The server refused our bind; `Over` follows."""

    pdu: Pdu


class Binding(NamedTuple):
    """A client wants to bind: answer with `accept` or `refuse`."""

    pdu: Pdu


class Invited(NamedTuple):
    """The server asks us to bind (outbind)."""

    pdu: Pdu


class Late(NamedTuple):
    """A response that nobody waits for; usually its request had been given up."""

    pdu: Pdu


class Over(NamedTuple):
    """The session has ended: close the transport. What was asked and not answered is of unknown outcome."""

    reason: str
    unanswered: tuple[Any, ...]


Event: TypeAlias = Answered | Silent | Asked | Bound | Refused | Binding | Invited | Late | Over


class Timers(NamedTuple):
    """Seconds; 0 switches a timer off."""

    bind: float = 10.0  # from the connection to the bind, or from our bind to its answer
    response: float = 30.0  # for each request
    enquire: float = 30.0  # silence after which the link is asked
    enquire_response: float = 10.0
    inactivity: float = 0.0  # without any PDU but those that keep the link
    half: float = 10.0  # from the first octet of a PDU to its last
