"""`heliograph templates`: message templates and their approval, through the API of a running server.

They are written in files that `heliograph apply` reads; what stands here looks at them and takes them further.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import typer

from heliograph.cli.client import Client, Declined
from heliograph.cli.options import LOCAL_URL, Json, Key, Url, values
from heliograph.cli.output import Mistake, facts, show, table

if TYPE_CHECKING:
    from heliograph.cli.template_files import Read

program = typer.Typer(help="Message templates: look at them, approve them.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The template.")]
Number = Annotated[int | None, typer.Option("--version", metavar="N", help="Which version; else the newest.")]
_STEPS = ("written", "submitted", "approved", "retired")


@program.command("list")
def list_(key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """List the templates: the newest version of each, and the one that live messages use."""
    found = Client(url, key).get("/v1/templates")
    head = ("name", "kind", "version", "state", "approved_version", "owner", "review_by", "locales")
    rows = [[*(row[name] for name in head[:-1]), " ".join(row["locales"])] for row in found["data"]]
    show(found, table([name.upper() for name in head], rows), as_json)


@program.command("show")
def show_one(name: Name, key: Key, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Show a template: its versions, who took them further, and how long its texts may get."""
    found = Client(url, key).get(_path(name))
    lines = [(field, found[field]) for field in ("name", "kind", "topic", "owner", "review_by")]
    steps = [[v["version"], v["state"], *(_who(v[step]) for step in _STEPS)] for v in found["versions"]]
    text = "\n\n".join(
        (
            facts(lines),
            table(("VERSION", "STATE", *(step.upper() for step in _STEPS)), steps),
            _sizes(found["sizes"]),
        )
    )
    show(found, text, as_json)


@program.command()
def preview(
    name: Name,
    key: Key,
    version: Number = None,
    locale: Annotated[str | None, typer.Option(help="Only the text that this language gets: pt-BR.")] = None,
    country: Annotated[str, typer.Option(metavar="CODE", help="Where it is to go: for the price, and its text.")] = "",
    var: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A value; several times.")] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Show the texts with their examples or your values: parts, encoding, price, findings, the worst case."""
    body: dict[str, Any] = {"country": country, "variables": values(var or [])}
    body |= {key: value for key, value in (("version", version), ("locale", locale)) if value is not None}
    found = Client(url, key).post(f"{_path(name)}/preview", body)
    text = "\n\n".join((*(_shown(one) for one in found["data"]), _sizes([one["sizes"] for one in found["data"]])))
    show(found, text, as_json)


@program.command()
def submit(name: Name, key: Key, version: Number = None, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Hand a draft in for review."""
    _step("submit", name, {"version": version}, key, url, as_json)


@program.command()
def approve(
    name: Name,
    key: Key,
    version: Number = None,
    acknowledge: Annotated[
        str | None, typer.Option(metavar="REASON", help="Why it may take more parts than its budget.")
    ] = None,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Let live messages use a version that was handed in."""
    _step("approve", name, {"version": version, "acknowledge": acknowledge}, key, url, as_json)


@program.command()
def retire(name: Name, key: Key, version: Number = None, url: Url = LOCAL_URL, as_json: Json = False) -> None:
    """Let no message use a version any more."""
    _step("retire", name, {"version": version}, key, url, as_json)


@program.command()
def export(
    key: Key,
    form: Annotated[Literal["json", "jsonl"], typer.Option("--format", help="One document, or a template a line.")] = (
        "json"
    ),
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Print the newest versions as a JSON document that `import` reads; with --json on one line."""
    found = Client(url, key).get("/v1/exports/templates")
    if form == "jsonl":
        lines = [json.dumps({"name": name, **spec}, ensure_ascii=False) for name, spec in found["templates"].items()]
        show(found, "\n".join(lines), as_json)
    else:
        show(found, json.dumps(found, ensure_ascii=False, indent=2), as_json)


@program.command("import")
def read_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or JSON Lines of `export`, TOML, CSV, Twilio's.")],
    key: Key,
    form: Annotated[
        Literal["json", "toml", "jsonl", "csv", "twilio"] | None,
        typer.Option("--format", help="What the file is, where its name and content don't say it."),
    ] = None,
    kind: Annotated[
        Literal["otp", "transactional", "support", "promotional"],
        typer.Option(help="Of CSV and Twilio's: that of templates of which the file says none."),
    ] = "transactional",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Write the others when some are bad.")] = False,
    url: Url = LOCAL_URL,
    as_json: Json = False,
) -> None:
    """Write the templates of a file as drafts: all of them or, when something is wrong, none.

    What is wrong is told by line. Ends with 1 then, also when --skip-bad wrote the others.
    """
    from heliograph.cli.template_files import read

    try:
        found = read(file.read_bytes(), file.suffix, form, kind)
    except Mistake as mistake:
        raise Mistake(f"{file}: {mistake}") from None
    changes = _write(Client(url, key), found, dry_run=dry_run, skip_bad=skip_bad)
    parts = [table(("TEMPLATE", "ACTION"), [(row["name"], row["action"]) for row in changes])] if changes else []
    parts += [f"{one.where}: {one.detail}{f' [{one.code}]' if one.code else ''}" for one in found.bad]
    if found.bad and not changes:
        parts.append("nothing was written; mend that, or give --skip-bad")
    show({"dry_run": dry_run, "data": changes, "bad": found.bad}, "\n".join(parts), as_json)
    if found.bad:
        raise typer.Exit(1)


def _write(client: Client, found: "Read", *, dry_run: bool, skip_bad: bool) -> list[dict[str, Any]]:
    """Have the server write what is good, and note what it finds bad. When that is not all, only --skip-bad writes."""
    while templates := found.good():
        is_last_word = skip_bad or not found.bad
        try:
            answer = client.post("/v1/templates", {"templates": templates, "dry_run": dry_run or not is_last_word})
            return answer["data"] if is_last_word else []
        except Declined as declined:
            of_templates = [error for error in declined.errors if error["pointer"].startswith("/templates/")]
            if not of_templates:
                raise
            for error in of_templates:
                name, _, inner = error["pointer"].removeprefix("/templates/").partition("/")
                locale = inner.removeprefix("texts/") if inner.startswith("texts/") else ""
                found.refuse(found.place(name, locale), error["detail"], name, error["code"])
    return []


def _step(step: str, name: str, body: dict[str, Any], key: str, url: str, as_json: bool) -> None:
    given = {field: value for field, value in body.items() if value is not None}
    found = Client(url, key).post(f"{_path(name)}/{step}", given)
    show(found, f"{name}@{found['version']}: {found['state']}", as_json)


def _path(name: str) -> str:
    return f"/v1/templates/{quote(name, safe='')}"


def _who(step: dict[str, str] | None) -> str | None:
    return None if step is None else f"{step['by']} {step['at'][:10]}"


def _shown(one: dict[str, Any]) -> str:
    where = "-".join(filter(None, (one["locale"], one["country"] and f"in {one['country']}"))).replace("-in", " in")
    price = f", {one['price']} {one['currency']}" if one["price"] else ""
    findings = "".join(f"\n  {f['severity']} {f['rule']}: {f['detail']}" for f in one["findings"])
    return f"{where}: {one['encoding']}, {one['segments']} segments{price}\n  {one['text']}{findings}"


def _sizes(sizes: list[dict[str, Any]]) -> str:
    head = ("LOCALE", "COUNTRY", "AT LEAST", "EXAMPLE", "AT MOST", "ENCODING", "WHAT MAKES IT LONGER")
    rows = [
        [
            *(s[name] for name in ("locale", "country", "minimal", "typical", "maximal", "worst_encoding")),
            "; ".join((*(limit["says"] for limit in s["limits"]), *_forced(s["forced_by_template"]))),
        ]
        for s in sizes
    ]
    return table(head, rows)


def _forced(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['character']} at {one['position']} of the text is not in GSM-7" for one in found]
