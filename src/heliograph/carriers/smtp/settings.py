"""How an SMTP connector speaks to its relay."""

import re
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from heliograph.core.channels.email import split_sender

_HELLO: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
_Seconds = Annotated[float, Meta(ge=0.05, le=3_600)]


class Settings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """The settings of an SMTP connector."""

    host: str
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"  # none: only to a relay on the same machine
    username: str | None = None
    password: str | None = None
    sender: str  # of messages that name none: hello@acme.example, or Acme <hello@acme.example>
    hello: str = "localhost"  # how we introduce ourselves
    connections: Annotated[int, Meta(ge=1, le=100)] = 4  # at once; each carries one message at a time
    messages_per_connection: Annotated[int, Meta(ge=1)] = 100
    idle_s: _Seconds = 20.0  # after so long without a message a connection is closed
    timeout_s: _Seconds = 30.0  # for each answer
    tls_ca: str | None = None  # a file with the relay's own authority
    tls_name: str | None = None  # the name in its certificate, when it is not the host


class Way(NamedTuple):
    """As `World.dial` and `World.secure` want it."""

    port: int
    tls: bool
    tls_ca: str | None
    tls_name: str | None
    tls_certificate: None = None


def way_of(settings: Settings) -> Way:
    return Way(settings.port, settings.security == "tls", settings.tls_ca, settings.tls_name)


def check(settings: Settings) -> tuple[str, str] | None:
    """What can't work about them: key and reason."""
    if split_sender(settings.sender) is None:
        return "sender", f"{settings.sender[:60]!r} is no sender: write hello@acme.example or Acme <hello@acme.example>"
    if (settings.username is None) != (settings.password is None):
        return ("password" if settings.password is None else "username"), "username and password belong together"
    if settings.username is not None and settings.security == "none" and settings.host not in _HERE:
        return "security", "a password goes over TLS only: use starttls or tls"
    if not _HELLO.fullmatch(settings.hello):
        return "hello", "write the name of this machine, as in gateway.acme.example"
    return None


_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
