"""The page of connectors: what each kind can do, and what an operator may set; read from the adapters themselves."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from heliograph.carriers import sandbox, smpp
from heliograph.carriers.catalogue import PROVIDERS
from heliograph.carriers.http import provider
from heliograph.engine.form import SECRET_KEYS
from heliograph.engine.forms import ConnectorForm

_HEAD: Final = """\
# Connectors

The kinds of carriers that a connector can be, what each can do, and its settings. Secrets are given as `env:NAME` or
`file:PATH`, or are sealed when they are declared. [HTTP providers](../providers.md), [any other HTTP
carrier](../generic-http.md), [SMPP carriers](../smpp-connector.md) and [the sandbox](sandbox.md) tell more.
"""
_ASKS: Final = {
    "balance": "balance_request",
    "lookup": "lookup_request",
    "opt-out list": "opt_outs_request",
    "status": "question",
}


def page() -> str:
    """The whole page."""
    rows = [
        f"| `{kind}` | {_yes(cls.capabilities.inbound)} | {_yes(cls.capabilities.idempotent)} | {_offers(cls)} "
        f"| {_proof(cls)} |"
        for kind, cls in sorted(PROVIDERS.items())
    ]
    lines = [
        *(_HEAD, "## HTTP providers\n"),
        "| kind | brings replies | refuses repeats | can be asked for | its callbacks are proven by |",
        *("|---|---|---|---|---|", *rows, ""),
        *("## Settings of every connector\n", *_settings(ConnectorForm, frozenset({"kind"}))),
        *("## Settings of every HTTP provider\n", *_settings(provider.Settings, frozenset())),
    ]
    common = frozenset(provider.Settings.__struct_fields__)
    for kind, cls in sorted(PROVIDERS.items()):
        if kind != "http":  # has a page of its own
            lines += [f"## {kind}\n", *_settings(cls.settings_type, common)]
    for kind, form in (("smpp", smpp.Settings), ("sandbox", sandbox.Settings)):
        lines += [f"## {kind}\n", *_settings(form, frozenset())]
    return "\n".join(lines)


def _proof(cls: type[provider.Provider]) -> str:
    if cls.verify is not provider.Provider.verify:
        return "what its settings say"
    return f"a signature (`{cls.signing}`), or a token" if cls.signing else "a token in the URL"


def _offers(cls: type[provider.Provider]) -> str:
    offered = [name for name, what in _ASKS.items() if getattr(cls, what) is not getattr(provider.Provider, what)]
    return ", ".join(offered) or "–"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _settings(form: Any, without: frozenset[str]) -> Iterator[str]:
    yield "| setting | default |"
    yield "|---|---|"
    for field in msgspec.structs.fields(form):
        if field.name not in without:
            yield f"| `{field.name}` | {_default(field)} |"
    yield ""


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed; a secret" if field.name in SECRET_KEYS else "needed"
    if field.default is None or field.default is msgspec.NODEFAULT:
        return "a secret" if field.name in SECRET_KEYS else ""
    return f"`{msgspec.json.encode(field.default).decode()}`"
