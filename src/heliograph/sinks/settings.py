"""What a stream's server is reached by, its secrets in the clear; and the package that each kind needs."""

import ssl
from importlib.util import find_spec
from typing import Final

import msgspec

PACKAGES: Final = {"kafka": "aiokafka", "nats": "nats", "rabbitmq": "aio_pika"}
TIMEOUT_S: Final = 10.0  # of a connection, and of an answer


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of all kinds together; the form of a stream says which belong to which."""

    kind: str
    servers: list[str] = []
    topic: str = ""
    subject: str = ""
    exchange: str = ""
    routing_key: str | None = None
    vhost: str | None = None
    sasl: str | None = None
    username: str | None = None
    password: str | None = None
    token: str | None = None
    tls: bool | None = None
    tls_ca: str | None = None
    url: str = ""
    secret: str = ""

    @property
    def tls_context(self) -> ssl.SSLContext | None:
        """None: plain."""
        return ssl.create_default_context(cafile=self.tls_ca) if self.tls else None


def missing(kind: str) -> str | None:
    """The package that this kind needs and that is not installed here."""
    package = PACKAGES.get(kind)
    return package if package is not None and find_spec(package) is None else None
