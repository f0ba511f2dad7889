"""A declared stream, `[streams.NAME]`: which events go where."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from heliograph.core.failures import Refusal
from heliograph.core.signing import key_of

_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "kafka": ("servers", "topic"),
    "nats": ("servers", "subject"),
    "rabbitmq": ("servers", "exchange"),
    "webhook_batch": ("url", "secret"),
}
_TAKES: Final[dict[str, tuple[str, ...]]] = {
    "kafka": ("sasl", "username", "password", "tls", "tls_ca"),
    "nats": ("token", "username", "password", "tls", "tls_ca"),
    "rabbitmq": ("vhost", "routing_key", "username", "password", "tls", "tls_ca"),
    "webhook_batch": (),
}
_OWN: Final = frozenset(name for names in (*_NEEDS.values(), *_TAKES.values()) for name in names)
_Word = Annotated[str, Meta(min_length=1, max_length=255)]
_Address = Annotated[str, Meta(pattern=r"^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):\d{1,5}$")]


class StreamForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all kinds share, and what some of them need."""

    kind: Literal["kafka", "nats", "rabbitmq", "webhook_batch"]
    environment: str = "live"
    events: list[str] = []  # none: all of them
    begin: Literal["now", "oldest"] = "now"
    batch: Annotated[int, Meta(ge=1, le=5_000)] = 500
    disabled: bool = False
    servers: list[_Address] | None = None
    topic: Annotated[str, Meta(pattern="^[A-Za-z0-9._-]{1,249}$")] | None = None
    subject: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$")] | None = None
    exchange: _Word | None = None
    routing_key: _Word | None = None
    vhost: _Word | None = None
    sasl: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: _Word | None = None
    password: str | None = None
    token: str | None = None
    tls: bool | None = None
    tls_ca: str | None = None
    url: str | None = None
    secret: str | None = None

    def wrong(self) -> list[Refusal]:
        """What its types can't say."""
        found = [
            Refusal("missing_field", f"a stream of the kind {self.kind} needs {name}", f"/{name}")
            for name in _NEEDS[self.kind]
            if not getattr(self, name)
        ]
        found += [
            Refusal("unknown_field", f"a stream of the kind {self.kind} has no {name}", f"/{name}")
            for name in sorted(_OWN.difference(_NEEDS[self.kind], _TAKES[self.kind]))
            if getattr(self, name) is not None
        ]
        if (self.username is None) != (self.password is None):
            found.append(Refusal("missing_field", "username and password belong together", "/username"))
        if self.kind == "kafka" and (self.sasl is None) != (self.username is None):
            found.append(Refusal("missing_field", "sasl needs username and password, and they need it", "/sasl"))
        if self.secret is not None and not self.secret.startswith(("env:", "file:", "sealed:")):
            try:
                key_of(self.secret)
            except ValueError as error:
                found.append(Refusal("bad_secret", str(error), "/secret"))
        return found
