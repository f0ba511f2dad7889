"""`heliograph send` and `explain`: one message through the API of a running server."""

from typing import Annotated, Any

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url, values
from heliograph.cli.output import facts, show

To = Annotated[str, typer.Argument(metavar="TO", help="The recipient, such as +447700900123.")]
Text = Annotated[str | None, typer.Argument(metavar="TEXT", help="What to say; left out: what a template says.")]
Template = Annotated[str | None, typer.Option(metavar="NAME", help="A template that says it, NAME or NAME@VERSION.")]
Var = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value for the template; several times.")]
Locale = Annotated[str | None, typer.Option(help="In which language the template is to say it: pt-BR.")]
Sender = Annotated[str | None, typer.Option(help="Who it is from.")]
Kind = Annotated[str | None, typer.Option(help="otp, transactional, support or promotional.")]
SendAt = Annotated[str | None, typer.Option(metavar="TIME", help="Not before; such as 2026-11-20T09:30:00Z.")]
ValidFor = Annotated[str | None, typer.Option(metavar="SPAN", help="Not later; such as 5m.")]


def send(
    to: To,
    key: Key,
    text: Text = None,
    template: Template = None,
    var: Var = None,
    locale: Locale = None,
    sender: Sender = None,
    kind: Kind = None,
    send_at: SendAt = None,
    valid_for: ValidFor = None,
    callback_url: Annotated[str | None, typer.Option(metavar="URL", help="Where its events go.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="For reports; several times.")] = None,
    correlation_id: Annotated[str | None, typer.Option(metavar="ID", help="Your own reference.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(metavar="ID", help="Makes repeating this safe.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Send a message."""
    body = _body(to, text, sender, kind, send_at, valid_for) | _of_template(template, var, locale)
    extra = {"callback_url": callback_url, "tags": tag, "correlation_id": correlation_id}
    body |= {name: value for name, value in extra.items() if value}
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    answer = Client(url, key).post("/v1/messages", body, **headers)
    show(answer, facts(list(answer.items())), as_json)


def explain(
    to: To,
    key: Key,
    text: Text = None,
    template: Template = None,
    var: Var = None,
    locale: Locale = None,
    sender: Sender = None,
    kind: Kind = None,
    send_at: SendAt = None,
    valid_for: ValidFor = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show what would be decided for a message, and send nothing."""
    body = _body(to, text, sender, kind, send_at, valid_for) | _of_template(template, var, locale)
    answer = Client(url, key).post("/v1/messages", {**body, "dry_run": True})
    steps = [(step["rule"], _step(step)) for step in answer["decision"]]
    outcome = [(name, value) for name, value in answer.items() if name not in ("decision", "dry_run", "text")]
    show(answer, f"{facts(steps)}\n\n{facts(outcome)}", as_json)


def _body(
    to: str, text: str | None, sender: str | None, kind: str | None, send_at: str | None, valid_for: str | None
) -> dict[str, Any]:
    given = {"sender": sender, "kind": kind, "send_at": send_at, "valid_for": valid_for}
    said = {} if text is None else {"text": text}
    return {"to": to, **said, **{name: value for name, value in given.items() if value}}


def _of_template(template: str | None, var: list[str] | None, locale: str | None) -> dict[str, Any]:
    given = {"template": template, "variables": values(var or []), "locale": locale}
    return {name: value for name, value in given.items() if value}


def _step(step: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in step.items() if name != "rule" and value is not None)
