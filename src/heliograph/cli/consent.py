"""`heliograph consent`: what people said, what holds for them, and the proof, through the API of a running server."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from heliograph.cli.client import Client
from heliograph.cli.options import LOCAL_URL, Json, Key, Url
from heliograph.cli.output import Mistake, show, table

program = typer.Typer(help="Consent: what people said, and what holds for them.", no_args_is_help=True)
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A number, or an e-mail address.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there; absent: show it.")]
_LONG_S = 600.0  # a file of a hundred thousand lines takes its time
_ENTRY = ("at", "action", "scope", "source", "channel", "text", "actor")


@program.command()
def record(
    address: Address,
    action: Annotated[str, typer.Argument(help="opt_in, confirmed, opt_out, help, doubt or dismissed.")],
    key: Key,
    purpose: Annotated[str | None, typer.Option(help="all, a kind of message, or a topic. Absent: all.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only messages from this sender.")] = None,
    source: Annotated[str, typer.Option(help="web_form, paper, verbal, double_opt_in, operator …")] = "operator",
    text: Annotated[str | None, typer.Option(help="As it was shown to them, or as they said it.")] = None,
    text_version: Annotated[str | None, typer.Option(metavar="VERSION", help="Which version of the text.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When it was said. Absent: now.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="When an implied consent ends.")] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="In all workspaces; for the operator.")] = False,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Record what a person said; after an opt-out nothing that it covers is sent any more."""
    given = {
        "to": address,
        "action": action,
        "purpose": purpose,
        "sender": sender,
        "source": source,
        "text": text,
        "text_version": text_version,
        "at": at,
        "until": until,
        "everywhere": everywhere,
    }
    body = {name: value for name, value in given.items() if value not in (None, False)}
    found = Client(url, key).post("/v1/consents", body)
    show(found, _standing(found), as_json)


@program.command("show")
def show_one(address: Address, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show what may be sent to a person, and all that was recorded."""
    found = Client(url, key).get("/v1/consents", to=address)
    show(found, _standing(found), as_json)


@program.command()
def proof(address: Address, key: Key, out: Out = None, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Make the proof of a person's consent: a page to print with --out FILE, or JSON."""
    client = Client(url, key)
    if out is None:
        found = client.get("/v1/consents/proof", to=address)
        show(found, json.dumps(found, indent=2, ensure_ascii=False), as_json)
    else:
        form = "json" if as_json else "html"
        _put(out, client.download("/v1/consents/proof", to=address, format=form), as_json)


@program.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV whose first line names the columns.")],
    key: Key,
    action: Annotated[str | None, typer.Option(help="What lines mean that name none, such as opt_out.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; keep nothing.")] = False,
    is_foreign: Annotated[
        bool, typer.Option("--foreign", help="A list of opt-outs of another gateway, or plain numbers.")
    ] = False,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Read consents or opt-outs from a file, and report its bad lines."""
    try:
        content = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise Mistake(f"{file} is not UTF-8 text") from None
    flags = {"action": action, "dry_run": "true" if dry_run else None, "is_foreign": "true" if is_foreign else None}
    query = urlencode({name: value for name, value in flags.items() if value})
    found = Client(url, key, timeout_s=_LONG_S).post(f"/v1/consents/import?{query}", {"csv": content})
    done = "would be taken" if found["dry_run"] else "taken"
    lines = [f"{found['taken']} of {found['lines']} lines {done}, {found['refused']} refused"]
    lines += [f"line {bad['line']}: {bad['detail']} [{bad['code']}]" for bad in found["bad"]]
    show(found, "\n".join(lines), as_json)


@program.command()
def export(key: Key, out: Out = None, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Write everybody who said no, as CSV that `import` reads; with --json the same in its field `csv`."""
    content = Client(url, key, timeout_s=_LONG_S).download("/v1/suppressions/export")
    if out is not None:
        _put(out, content, as_json)
    else:
        show({"csv": content.decode()}, content.decode().rstrip("\r\n"), as_json)


@program.command()
def drift(
    connector: Annotated[str, typer.Argument(metavar="CONNECTOR", help="The connector's name, as it was declared.")],
    key: Key,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Compare a provider's own opt-out list with ours."""
    found = Client(url, key, timeout_s=_LONG_S).get(f"/v1/connectors/{quote(connector, safe='')}/opt-outs")
    lines = [f"{found['theirs']} opted out at the provider, {found['ours']} of those whom we texted this way here"]
    lines += [f"only theirs  {number}" for number in found["only_theirs"]]
    lines += [f"only ours    {number}" for number in found["only_ours"]]
    show(found, "\n".join(lines), as_json)


@program.command()
def reviews(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List what may be an opt-out and waits for somebody to decide."""
    found = Client(url, key).get("/v1/consents/reviews")
    rows = [[one["to"], one["scope"], one["since"], one["text"]] for one in found["data"]]
    show(found, table(("TO", "SCOPE", "SINCE", "TEXT"), rows), as_json)


def _put(path: Path, content: bytes, as_json: bool) -> None:
    """People's data: nobody but the caller may read them."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    show({"file": str(path), "bytes": len(content)}, f"written to {path}", as_json)


def _standing(found: Any) -> str:
    """What may be sent, and what was said, for people to read."""
    may = table(("KIND", "MAY BE SENT"), list(found["may_send"].items()))
    rows = [[entry.get(name) for name in _ENTRY] for entry in found["data"]]
    said = table([name.upper() for name in _ENTRY], rows) if rows else "nothing was recorded"
    return f"{found['to']}\n\n{may}\n\n{said}"
