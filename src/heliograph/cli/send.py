"""`heliograph send` and `explain`: one message through the API of a running server."""

from typing import Annotated, Any, Final

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url, values
from heliograph.cli.output import Mistake, facts, show, steps

To = Annotated[str | None, typer.Argument(metavar="TO", help="The recipient, such as +447700900123.")]
NamedTo = Annotated[str | None, typer.Option("--to", metavar="TO", help="The recipient, instead of in its place.")]
Text = Annotated[str | None, typer.Argument(metavar="TEXT", help="What to say; left out: what a template says.")]
Template = Annotated[str | None, typer.Option(metavar="NAME", help="A template that says it, NAME or NAME@VERSION.")]
Var = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value for the template; several times.")]
Locale = Annotated[str | None, typer.Option(help="In which language the template is to say it: pt-BR.")]
Sender = Annotated[str | None, typer.Option(help="Who it is from.")]
Kind = Annotated[str | None, typer.Option(help="otp, transactional, support or promotional.")]
Tag = Annotated[list[str] | None, typer.Option(help="For routes and reports; several times.")]
SendAt = Annotated[str | None, typer.Option(metavar="TIME", help="Not before; such as 2026-11-20T09:30:00Z.")]
ValidFor = Annotated[str | None, typer.Option(metavar="SPAN", help="Not later; such as 5m.")]
_ANY_TEXT: Final = "Hello"


def send(
    key: Key,
    to: To = None,
    text: Text = None,
    named_to: NamedTo = None,
    template: Template = None,
    var: Var = None,
    locale: Locale = None,
    sender: Sender = None,
    kind: Kind = None,
    send_at: SendAt = None,
    valid_for: ValidFor = None,
    callback_url: Annotated[str | None, typer.Option(metavar="URL", help="Where its events go.")] = None,
    tag: Tag = None,
    correlation_id: Annotated[str | None, typer.Option(metavar="ID", help="Your own reference.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(metavar="ID", help="Makes repeating this safe.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Send a message."""
    to, text = _whom(to, text, named_to)
    body = _body(to, text, sender, kind, tag, send_at, valid_for) | _of_template(template, var, locale)
    extra = {"callback_url": callback_url, "correlation_id": correlation_id}
    body |= {name: value for name, value in extra.items() if value}
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    answer = Client(url, key).post("/v1/messages", body, **headers)
    show(answer, facts(list(answer.items())), as_json)


def explain(
    key: Key,
    to: To = None,
    text: Text = None,
    named_to: NamedTo = None,
    template: Template = None,
    var: Var = None,
    locale: Locale = None,
    sender: Sender = None,
    kind: Kind = None,
    tag: Tag = None,
    send_at: SendAt = None,
    valid_for: ValidFor = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show what would be decided for a message, and send nothing. Without a text: for one of one part."""
    to, text = _whom(to, text, named_to)
    if text is None and template is None:
        text = _ANY_TEXT
    body = _body(to, text, sender, kind, tag, send_at, valid_for) | _of_template(template, var, locale)
    answer = Client(url, key).post("/v1/messages", {**body, "dry_run": True})
    outcome = [(name, value) for name, value in answer.items() if name not in ("decision", "dry_run", "text")]
    show(answer, f"{steps(answer['decision'])}\n\n{facts(outcome)}", as_json)


def _whom(to: str | None, text: str | None, named_to: str | None) -> tuple[str, str | None]:
    """`TO TEXT` or `--to TO TEXT`: there the text is the first that has no name."""
    if named_to is None:
        if to is None:
            raise Mistake("say whom it is for: TO, or --to TO")
        return to, text
    if text is not None:
        raise Mistake("give the recipient once: TO, or --to TO")
    return named_to, to


def _body(
    to: str,
    text: str | None,
    sender: str | None,
    kind: str | None,
    tags: list[str] | None,
    send_at: str | None,
    valid_for: str | None,
) -> dict[str, Any]:
    given = {"sender": sender, "kind": kind, "tags": tags, "send_at": send_at, "valid_for": valid_for}
    said = {} if text is None else {"text": text}
    return {"to": to, **said, **{name: value for name, value in given.items() if value}}


def _of_template(template: str | None, var: list[str] | None, locale: str | None) -> dict[str, Any]:
    given = {"template": template, "variables": values(var or []), "locale": locale}
    return {name: value for name, value in given.items() if value}
