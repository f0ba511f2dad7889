"""`heliograph keys`: makes, lists, rotates and revokes API keys in the ledger, beside a running server too."""

import time
from datetime import timedelta
from typing import Annotated, Any

import typer

from heliograph.cli.options import Config, DataDir, Json, actor, with_ledger
from heliograph.cli.output import Mistake, facts, show, table

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
program = typer.Typer(help="API keys.", no_args_is_help=True)

Workspace = Annotated[str, typer.Option(help="The workspace of the key.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")]


@program.command()
def create(
    name: Annotated[str, typer.Option(help="What the key is for; people will read it.")],
    environment: Annotated[str, typer.Option(help="live, test or another environment of the workspace.")] = "test",
    scope: Annotated[list[str] | None, typer.Option(help="A right of the key; give it several times.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="A network that may use the key; several times.")] = None,
    expires_in: Annotated[str | None, typer.Option(metavar="SPAN", help="Such as 90d; left out: never.")] = None,
    short: Annotated[bool, typer.Option("--short", help="A short key, for tools that can't hold long ones.")] = False,
    smpp: Annotated[bool, typer.Option("--smpp", help="Also an SMPP account: system_id and password.")] = False,
    inbound: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SENDER",
            help="A number or short code whose messages from phones the account hears; several times. "
            "Left out: all of the environment; none: none.",
        ),
    ] = None,
    long_messages: Annotated[
        str, typer.Option(help="How the account is given long messages: udh, sar or payload.")
    ] = "udh",
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once and never again."""
    from heliograph.engine import clients

    if inbound and not smpp:
        raise Mistake("--inbound is for accounts: give --smpp, too")
    expires_at = None if expires_in is None else _now_ms() + _seconds(expires_in) * 1_000
    created = with_ledger(
        config,
        data_dir,
        lambda ledger: clients.create_key(
            ledger,
            workspace=workspace,
            name=name,
            environment=environment,
            scopes=scope or ["messages:send", "messages:read"],
            ip_allowlist=ip or [],
            expires_at=expires_at,
            short=short,
            smpp=_account(inbound, long_messages) if smpp else None,
            actor=actor(),
        ),
    )
    _show_created(created, as_json)


@program.command("list")
def list_(
    workspace: Workspace = "default", config: Config = None, data_dir: DataDir = None, as_json: Json = False
) -> None:
    """List the keys, without their secrets."""
    from heliograph.engine import clients

    found = with_ledger(config, data_dir, lambda ledger: clients.list_keys(ledger, workspace=workspace))
    rows = [(key.id, key.name, key.environment, key.scopes, key.expires_at, key.revoked_at) for key in found]
    show({"data": found}, table(("ID", "NAME", "ENVIRONMENT", "SCOPES", "EXPIRES", "REVOKED"), rows), as_json)


@program.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(metavar="SPAN", help="How long the old key goes on working.")] = "24h",
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a successor with the same rights; the old key ends after the overlap."""
    from heliograph.engine import clients

    created = with_ledger(
        config,
        data_dir,
        lambda ledger: clients.rotate_key(
            ledger, key_id, workspace=workspace, overlap=timedelta(seconds=_seconds(overlap)), actor=actor()
        ),
    )
    _show_created(created, as_json)


@program.command()
def revoke(
    key_id: KeyId,
    workspace: Workspace = "default",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """End a key at once."""
    from heliograph.engine import clients

    with_ledger(config, data_dir, lambda ledger: clients.revoke_key(ledger, key_id, workspace=workspace, actor=actor()))
    show({"id": key_id, "revoked": True}, f"{key_id} is revoked", as_json)


def _account(inbound: list[str] | None, long_messages: str) -> Any:
    import msgspec

    from heliograph.engine.accounts import Account

    given = {} if inbound is None else {"inbound": [] if inbound == ["none"] else inbound}
    try:
        return msgspec.convert({**given, "long_messages": long_messages}, Account)
    except msgspec.ValidationError:
        raise Mistake(f"{long_messages} is no way to give long messages; there are udh, sar and payload") from None


def _show_created(created: Any, as_json: bool) -> None:
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(created)
    pairs = [(name, value) for name, value in fields.items() if name != "key"]
    show(fields, f"{created.key}\n\nKeep it now: it is never shown again.\n\n{facts(pairs)}", as_json)


def _seconds(span: str) -> int:
    number, unit = span[:-1], _UNITS_S.get(span[-1:])
    if unit is None or not number.isascii() or not number.isdigit() or len(number) > 6:
        raise Mistake(f"{span} is not a span such as 30m, 24h or 90d")
    return int(number) * unit


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
