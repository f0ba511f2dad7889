"""The settings themselves. Each field carries its help, what a right value looks like, and its check."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from heliograph.settings.document import Document
from heliograph.settings.secrets import resolve_secret


def _is_address(value: str) -> bool:
    host, _, port = value.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit() and int(port) < 65_536


def _is_web_url(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_store_url(value: str) -> bool:
    return value.startswith(("sqlite:///", "postgresql://", "postgres://"))


def _are_networks(values: Iterable[str]) -> bool:
    try:
        for value in values:
            ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def _are_lower(values: Iterable[str]) -> bool:
    return all(value and value == value.strip().casefold() for value in values)


def _are_roles(values: Iterable[str]) -> bool:
    return all(environment and role for environment, _, role in (value.partition(":") for value in values))


def _rises_from_one(values: tuple[int, ...]) -> bool:
    return bool(values) and min(values) > 0


def _key(text: str, right: str = "", fits: Callable[[Any], bool] | None = None, **limits: Any) -> Meta:
    """Help, what a right value looks like, and the check beyond its type."""
    return Meta(description=text, extra={"right": right, "fits": fits}, **limits)


_ADDRESS: Final = ("HOST:PORT, such as 127.0.0.1:8080", _is_address)
_NETWORKS: Final = ('a list of networks, such as ["10.0.0.0/8", "::1/128"]', _are_networks)

# -- the tree


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The HTTP doors: API, console, metrics."""

    listen: Annotated[str, _key("Where HTTP is served.", *_ADDRESS)] = "127.0.0.1:8080"
    public_url: Annotated[
        str | None,
        _key(
            "How the world reaches this server; stands in links and in what providers are told.",
            "a URL, such as https://sms.example.com",
            _is_web_url,
        ),
    ] = None
    tls_cert: Annotated[str | None, _key("PEM file with the certificate chain; with it, HTTPS is served.")] = None
    tls_key: Annotated[str | None, _key("PEM file with the certificate's private key.")] = None
    trusted_proxies: Annotated[
        tuple[str, ...], _key("Networks whose X-Forwarded-For and X-Forwarded-Proto are believed.", *_NETWORKS)
    ] = ()
    metrics_networks: Annotated[
        tuple[str, ...], _key("Networks that may read /metrics without a key; others need the scope admin.", *_NETWORKS)
    ] = ("127.0.0.0/8", "::1/128")
    max_body_bytes: Annotated[int, _key("The largest request body that is read.", ge=1_024)] = 10_485_760
    max_upload_bytes: Annotated[
        int, _key("The largest file of an audience; it is read as it arrives, never held as a whole.", ge=1_024)
    ] = 1_073_741_824
    grace_s: Annotated[int, _key("How long a stop waits for what is in flight.", ge=0, le=600)] = 20


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger."""

    url: Annotated[
        str | None,
        _key(
            "Where the ledger is; left out: heliograph.db in the data directory. Also env:NAME or file:PATH.",
            "sqlite:////path/to/file.db or postgresql://user@host/database",
            lambda value: value.startswith(("env:", "file:")) or _is_store_url(value),
        ),
    ] = None
    encrypt_bodies: Annotated[
        bool, _key("Seal the texts of messages in the ledger; those that are there already stay as they are.")
    ] = False


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """Webhooks to customers."""

    allow_networks: Annotated[
        tuple[str, ...], _key("Exceptions to the guard against inner addresses; for development.", *_NETWORKS)
    ] = ()
    timeout_ms: Annotated[int, _key("How long an endpoint may take to answer.", ge=100, le=60_000)] = 3_000
    retry_schedule_s: Annotated[
        tuple[int, ...],
        _key("Pauses before the second and each later try.", "a list of seconds, such as [5, 300]", _rises_from_one),
    ] = (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
    disable_after_hours: Annotated[
        int, _key("An endpoint that fails for so long is disabled, with an alarm.", ge=1)
    ] = 120


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to the standard error output."""

    level: Annotated[
        str,
        _key(
            "The least level that is written.",
            "debug, info, warning or error",
            lambda value: value in ("debug", "info", "warning", "error"),
        ),
    ] = "info"
    format: Annotated[
        str,
        _key(
            "json, text, or auto: text when a person looks on.",
            "auto, json or text",
            lambda value: value in ("auto", "json", "text"),
        ),
    ] = "auto"


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long what is kept; 0: for ever."""

    body_days: Annotated[int, _key("Days until the text of a message is removed.", ge=0)] = 30
    otp_body_days: Annotated[int, _key("Days until the text of a one-time code is removed.", ge=0)] = 1
    inbound_days: Annotated[int, _key("Days until the text of a message from a phone is removed.", ge=0)] = 30
    message_days: Annotated[int, _key("Days until a message, or one from a phone, is removed altogether.", ge=0)] = 400
    audit_days: Annotated[int, _key("Days until an entry of the audit log is removed.", ge=0)] = 730
    consent_days: Annotated[
        int, _key("Days after its last use until a consent is removed; a no stays until it is lifted.", ge=0)
    ] = 1_825
    outage_days: Annotated[int, _key("Days until an outage that is over, or a drill, is removed.", ge=0)] = 400
    request_days: Annotated[int, _key("Days until a line of the request log is removed.", ge=0)] = 7
    requests: Annotated[
        int, _key("Lines of the request log that each environment keeps at most; 0: there is no request log.", ge=0)
    ] = 10_000
    sums_minute_days: Annotated[
        int, _key("Days for which statistics are kept by the minute; by the day they stay for ever.", ge=1, le=366)
    ] = 7
    sums_hour_days: Annotated[int, _key("Days for which they are kept by the hour.", ge=1, le=3_660)] = 100


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Rates of callers; 0: no limit. A client may have a rate of its own."""

    client_messages_per_second: Annotated[int, _key("Messages a second from one client.", ge=0)] = 0
    workspace_messages_per_second: Annotated[int, _key("Messages a second from one workspace.", ge=0)] = 0


class Failover(msgspec.Struct, frozen=True, kw_only=True):
    """When messages that wait for a connector take the next one of their route."""

    otp_after_s: Annotated[int, _key("Seconds that an OTP waits for a connector that is down.", ge=0, le=3_600)] = 2
    other_after_s: Annotated[int, _key("Seconds that every other message waits for it.", ge=0, le=86_400)] = 10
    otp_no_receipt_s: Annotated[
        int,
        _key(
            "An OTP that was sent and of which nothing was heard for so long is sent again through the next connector, "
            "flagged as a possible duplicate; 0: never.",
            ge=0,
            le=3_600,
        ),
    ] = 0


class SmppServer(msgspec.Struct, frozen=True, kw_only=True):
    """The SMPP door."""

    listen: Annotated[str | None, _key("Where SMPP is served; left out: not at all.", *_ADDRESS)] = None
    system_id: Annotated[str, _key("How the server calls itself in answers to binds.")] = "heliograph"
    tls_cert: Annotated[str | None, _key("PEM file with the certificate chain; with it, TLS is spoken.")] = None
    tls_key: Annotated[str | None, _key("PEM file with the certificate's private key.")] = None


class Sessions(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions of people who log in."""

    idle_minutes: Annotated[int, _key("A session ends when nothing is done for so long.", ge=1, le=1_440)] = 60
    longest_hours: Annotated[int, _key("A session ends after so long in any case.", ge=1, le=720)] = 12


class Oidc(msgspec.Struct, frozen=True, kw_only=True):
    """Login by an OpenID provider."""

    issuer: Annotated[
        str | None,
        _key(
            "The provider's issuer; left out: people log in by password.", "a URL, without what follows it", _is_web_url
        ),
    ] = None
    client_id: Annotated[str, _key("How the provider knows this gateway.")] = "heliograph"
    client_secret: Annotated[
        str | None, _key("The secret that the provider has given, as env:NAME or file:PATH; without it, PKCE alone.")
    ] = None
    workspace: Annotated[str, _key("The workspace that its people belong to.")] = "default"
    allowed_domains: Annotated[
        tuple[str, ...],
        _key(
            "E-mail domains whose people come in without an invitation.", 'a list, such as ["example.com"]', _are_lower
        ),
    ] = ()
    default_roles: Annotated[
        tuple[str, ...],
        _key("Roles of new people.", 'a list of ENVIRONMENT:ROLE, such as ["test:developer"]', _are_roles),
    ] = ()
    role_claim: Annotated[str | None, _key("The claim that tells the roles, at each login; such as groups.")] = None
    role_map: Annotated[
        tuple[str, ...],
        _key(
            "What the values of that claim mean.",
            'a list of VALUE=ENVIRONMENT:ROLE, such as ["sms-team=live:operator"]',
            lambda values: all("=" in value and _are_roles([value.rpartition("=")[2]]) for value in values),
        ),
    ] = ()


class Tracing(msgspec.Struct, frozen=True, kw_only=True):
    """Traces; they need the extra `tracing`."""

    url: Annotated[
        str | None,
        _key(
            "Where traces are sent, as OTLP over HTTP; left out: nothing is traced.",
            "a URL, such as http://127.0.0.1:4318/v1/traces",
            _is_web_url,
        ),
    ] = None
    sample: Annotated[
        float,
        _key("Which part of the requests is followed that bring no trace along; 1: each of them.", ge=0, le=1),
    ] = 0.01


SECTIONS: Final[dict[str, type[msgspec.Struct]]] = {
    "server": Server,
    "store": Store,
    "webhooks": Webhooks,
    "log": Log,
    "retention": Retention,
    "limits": Limits,
    "failover": Failover,
    "smpp_server": SmppServer,
    "sessions": Sessions,
    "oidc": Oidc,
    "tracing": Tracing,
}
DECLARED: Final = (
    *("connectors", "routes", "senders", "endpoints", "policies", "templates", "plans", "exports", "streams"),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a process is told at its start."""

    data_dir: Path
    document: Document
    server: Server
    store: Store
    webhooks: Webhooks
    log: Log
    retention: Retention
    limits: Limits
    failover: Failover
    smpp_server: SmppServer
    sessions: Sessions
    oidc: Oidc
    tracing: Tracing

    @property
    def declared(self) -> dict[str, Any]:
        """The objects that stand in the same file."""
        return self.document.part(DECLARED)

    def store_url(self, environ: Mapping[str, str]) -> str:
        """The ledger's address, with its password if it has one: never show it."""
        if self.store.url is None:
            return f"sqlite:///{self.data_dir.absolute() / 'heliograph.db'}"
        return resolve_secret(self.store.url, environ)


def meta_of(annotated: Any) -> dict[str, Any]:
    """Help, the look of a right value, and the check of a field."""
    meta = get_args(annotated)[1]
    return {"help": meta.description, **meta.extra}
