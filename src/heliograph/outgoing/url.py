"""URLs that customers gave, taken apart once and strictly: the only parser between their text and our socket.

Whatever two parsers could read differently is refused: user names, backslashes, spaces, raw Unicode, IPv4
addresses in other than four decimal numbers. A `Target` therefore holds nothing that could end a header line.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

_LENGTH_MAX: Final = 2048
_SHAPE: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<authority>[^/?#]*)"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?",
    re.IGNORECASE,
)
_AUTHORITY: Final = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
_PRINTABLE: Final = re.compile(r"[!-\[\]-~]+")  # ASCII without blank, control characters and backslash
_LABELS: Final = re.compile(r"(?!.{254})[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBERLIKE: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # old resolvers take these for IPv4
_PORTS: Final = {"http": 80, "https": 443}

Address = IPv4Address | IPv6Address


class BadUrl(NamedTuple):
    """Why we won't call a URL: a stable code, and what is wrong in words."""

    code: str
    detail: str


class Unreachable(Exception):
    """No connection to a target: the reason as in an `Answer`, and the detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class Target:
    """Where a request goes: a URL taken apart, with the request's head built as far as it never changes."""

    __slots__ = ("address", "host", "origin", "path", "port", "post_head", "scheme", "tail")

    def __init__(self, scheme: str, host: str, port: int, path: str, address: Address | None) -> None:
        self.scheme, self.host, self.port, self.path, self.address = scheme, host, port, path, address
        bracketed = f"[{host}]" if ":" in host else host
        shown = bracketed if port == _PORTS[scheme] else f"{bracketed}:{port}"
        self.origin = f"{scheme}://{bracketed}:{port}"
        self.tail = f" {path} HTTP/1.1\r\nhost: {shown}\r\n".encode()
        self.post_head = b"POST" + self.tail


@lru_cache(maxsize=4096)
def target(url: str) -> Target | BadUrl:
    """The URL as a target, by its syntax alone: `Guard` decides whether we may go there."""
    if len(url) > _LENGTH_MAX:
        return BadUrl("too_long", f"a URL has at most {_LENGTH_MAX} characters")
    if not _PRINTABLE.fullmatch(url):
        return BadUrl(
            "bad_character",
            "a URL is printable ASCII without blanks and backslashes: percent-encode, punycode",
        )
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        return BadUrl("bad_url", "a URL looks like https://example.com/path")
    scheme = shape["scheme"].lower()
    if scheme not in _PORTS:
        return BadUrl("bad_scheme", "only http and https URLs are called")
    if "@" in shape["authority"]:
        return BadUrl("userinfo", "a URL to call has no user name or password: use a header")
    return _target(scheme, shape["authority"].lower(), (shape["path"] or "/") + (shape["query"] or ""))


def _target(scheme: str, authority: str, path: str) -> Target | BadUrl:
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        return BadUrl("bad_host", "the URL's host is neither a name nor an IP address")
    port = int(parts["port"] or _PORTS[scheme])
    if not 0 < port < 65536:
        return BadUrl("bad_port", "a port is a number from 1 to 65535")
    host: str = parts["six"] or parts["name"].removesuffix(".")
    address: Address | None = None
    if parts["six"] or _NUMBERLIKE.fullmatch(host):
        try:
            address = ip_address(host)
        except ValueError:
            return BadUrl("bad_host", "write an IPv4 address as four decimal numbers, an IPv6 address in brackets")
    elif not _LABELS.fullmatch(host):
        return BadUrl("bad_host", "the URL's host is not a valid name")
    return Target(scheme, host, port, path, address)
