"""The guard against requests to our own network (SSRF): which addresses a customer's URL may lead to.

It judges addresses, not names: whoever connects does so to exactly the address that was judged, so that a
name which changes its mind between check and call (rebinding) wins nothing. What is not known to be public is
refused.
"""

from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

from heliograph.outgoing.url import Address, BadUrl, Target, target

Network = IPv4Network | IPv6Network

# IANA's registries of special-purpose addresses, and what cloud machines ask for their credentials.
_REFUSED: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by a carrier's NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's metadata"),  # Azure; the others lie in ranges that are refused anyway
        ("169.254.0.0/16", "link-local or a cloud's metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "for benchmarks"),
        ("198.51.100.0/24", "for documentation"),
        ("203.0.113.0/24", "for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("2001::/23", "reserved"),  # Teredo, ORCHID, benchmarks
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "6to4, which may lead inside"),  # deprecated by RFC 7526; nobody's endpoint lives there
        ("3fff::/20", "for documentation"),
        ("fc00::/7", "unique-local"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
)
_PUBLIC_IPV6: Final = IPv6Network("2000::/3")  # all that IANA has given out as global unicast
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_LOOPBACKS: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


class Guard:
    """What may be called: public addresses and `allow_networks`; only on `allow_ports` when any are named."""

    __slots__ = ("_networks", "_ports")

    def __init__(self, allow_networks: Sequence[Network] = (), allow_ports: Collection[int] = ()) -> None:
        self._networks = tuple(allow_networks)
        self._ports = frozenset(allow_ports)

    def refuses_address(self, address: Address) -> str | None:
        """What kind of address it is, when it may not be called."""
        inner = _embedded(address)
        if any(one in network for network in self._networks for one in (address, inner)):
            return None
        if isinstance(inner, IPv6Address) and inner not in _PUBLIC_IPV6:
            return _kind(inner) or "not public"
        return _kind(inner)

    def refuses_target(self, to: Target) -> BadUrl | None:
        """What is wrong with a target, as far as one can tell without asking for its name."""
        if self._ports and to.port not in self._ports:
            return BadUrl("port_not_allowed", f"port {to.port} is not among those that may be called")
        kind = self._refuses_host(to)
        return BadUrl("blocked_address", f"{to.host} is {kind}: only public addresses are called") if kind else None

    def _refuses_host(self, to: Target) -> str | None:
        if to.address is not None:
            return self.refuses_address(to.address)
        if to.host == "localhost" or to.host.endswith(".localhost"):  # RFC 6761: always loopback
            return "loopback" if all(self.refuses_address(one) for one in _LOOPBACKS) else None
        return None


def check_url(url: str, allow_networks: Sequence[Network] = (), allow_ports: Collection[int] = ()) -> BadUrl | None:
    """For the door where URLs are set: syntax and literal addresses, no name is looked up."""
    to = target(url)
    return to if isinstance(to, BadUrl) else Guard(allow_networks, allow_ports).refuses_target(to)


def _kind(address: Address) -> str | None:
    return next((why for network, why in _REFUSED if address in network), None)


def _embedded(address: Address) -> Address:
    """The IPv4 address that a packet would end up at, for IPv6 forms that carry one."""
    if isinstance(address, IPv4Address):
        return address
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
