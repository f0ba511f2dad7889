"""Writes the reference pages from the code: settings, command line, errors, lifecycle… The tests compare them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
import typer

from clients import generate as typescript
from docs import (
    alarm_tables,
    api_tables,
    connector_tables,
    event_tables,
    insight_tables,
    keyword_tables,
    problem_codes,
    quiet_tables,
    sandbox_tables,
)
from docs.tables import table
from heliograph import desks
from heliograph.api.catalogue import CATALOGUE
from heliograph.api.routes import may
from heliograph.api.site import ROUTES
from heliograph.cli.examples import EXAMPLES
from heliograph.cli.program import program
from heliograph.core.failures import CONSEQUENCES
from heliograph.core.lifecycle import ENDS, FACTS, STATES
from heliograph.core.lint import RULES
from heliograph.core.message import LANES
from heliograph.engine.clients import SCOPES
from heliograph.engine.outages.desk import OutageDesk
from heliograph.engine.standing import Standing
from heliograph.engine.streams.desk import StreamDesk
from heliograph.engine.users.roles import ROLES, WORKSPACE_WIDE, scopes_of
from heliograph.observe.families import Counter, Gauge, Histogram
from heliograph.observe.metrics import Metrics
from heliograph.settings import SECTIONS
from heliograph.settings.tree import meta_of

FOLDER: Final = Path(__file__).parent / "reference"
_NOTE: Final = "<!-- Made by `make docs`; edit the code instead. -->\n"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {
        "settings.md": f"{_NOTE}\n{_SETTINGS}\n" + "\n".join(_settings()),
        "cli.md": f"{_NOTE}\n{_CLI}\n" + "\n".join(_commands()),
        "metrics.md": f"{_NOTE}\n{_METRICS}\n" + "\n".join(_metrics()),
        "errors.md": f"{_NOTE}\n{_ERRORS}\n" + "\n".join(_errors()),
        "lifecycle.md": f"{_NOTE}\n{_LIFECYCLE}\n" + "\n".join(_lifecycle()),
        "roles.md": f"{_NOTE}\n{_ROLES}\n" + "\n".join(_roles()),
        "content-rules.md": f"{_NOTE}\n{_CONTENT}\n" + "\n".join(_content()),
        "quiet-hours.md": f"{_NOTE}\n{quiet_tables.page()}",
        "sandbox.md": f"{_NOTE}\n{sandbox_tables.page()}",
        "keywords.md": f"{_NOTE}\n{keyword_tables.page()}",
        "api.md": f"{_NOTE}\n{api_tables.page()}",
        "../runbooks.md": f"{_NOTE}\n{alarm_tables.page()}",
        "../metrics-defined.md": f"{_NOTE}\n{insight_tables.page()}",
        "events.md": f"{_NOTE}\n{event_tables.page()}",
        "connectors.md": f"{_NOTE}\n{connector_tables.page()}",
    }


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    problem_codes.FILE.write_text(problem_codes.text(), "utf-8")  # first: the page of the API shows it
    print(problem_codes.FILE.name)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"docs/reference/{name}")
    typescript.main()


# -- settings

_SETTINGS: Final = """\
# Settings of the process

They stand in a TOML file (`--config FILE` or `HELIOGRAPH_CONFIG`), each section as a table. A variable outranks the
file, a flag outranks both; lists in variables have commas. `--data-dir` or `HELIOGRAPH_DATA_DIR` names the data
directory (`./data`). Connectors, routes, senders and endpoints may stand in the same file: see `heliograph apply`.
A wrong or unknown key stops the start, and is told with its line.
"""


def _settings() -> Iterator[str]:
    for section, cls in SECTIONS.items():
        yield f"## [{section}]\n\n{cls.__doc__}\n"
        yield from table(("key", "default", "what it is", "variable"), _keys(section, cls))
        yield ""


def _keys(section: str, cls: type[msgspec.Struct]) -> Iterator[Sequence[str]]:
    for field in msgspec.structs.fields(cls):
        default = "" if field.default is None else f"`{_toml(field.default)}`"
        yield f"`{field.name}`", default, _help(field.type), f"`HELIOGRAPH_{section}_{field.name}`".upper()


def _help(annotated: Any) -> str:
    meta, bounds = meta_of(annotated), get_args(annotated)[1]
    expected = [meta["right"]] if meta["right"] and meta["right"] not in meta["help"] else []
    expected += [f"at least {bounds.ge}"] if bounds.ge is not None else []
    expected += [f"at most {bounds.le}"] if bounds.le is not None else []
    return f"{meta['help']} Expected: {', '.join(expected)}." if expected else str(meta["help"])


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode().replace(",", ", ")


# -- command line

_CLI: Final = """\
# The command line

Every command but `serve` answers in JSON with `--json`. Exit codes: 0 done, 1 refused or failed (one line on the
standard error output says why, as the API's `detail` does), 2 called in a way that does not exist, 130 stopped from the
keyboard. Commands that use a running server find it by `--url` and `--key`, or by `HELIOGRAPH_URL` and
`HELIOGRAPH_KEY`; the others work on the ledger of `--config` and `--data-dir`, beside a running server too. Colours and
progress bars are for terminals; pipes, `NO_COLOR` and `TERM=dumb` get plain text. `heliograph --install-completion`
sets completion up for bash, zsh, fish and PowerShell.
"""


def _commands() -> Iterator[str]:
    yield from _group(typer.main.get_command(program), "heliograph")


def _group(group: Any, path: str) -> Iterator[str]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "commands"):
            yield from _group(command, f"{path} {name}")
        else:
            yield from _command(command, f"{path} {name}")


def _command(command: Any, path: str) -> Iterator[str]:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option" and param.name != "help"]
    words = " ".join(str(param.metavar or param.name.upper()) for param in arguments)
    yield f"## {path} {words}".rstrip() + f"\n\n{command.help}\n"
    if examples := EXAMPLES.get(path.removeprefix("heliograph ")):
        shown = "; ".join(f"`{path} {one}`".replace(" `", "`") for one in examples)
        yield f"For example: {shown}\n"
    rows = [(f"`{param.metavar or param.name.upper()}`", param.help or "") for param in arguments]
    rows += [(_option(param), _option_help(param)) for param in options]
    yield from table(("argument or option", "what it is"), rows)
    yield ""


def _option(param: Any) -> str:
    value = "" if param.is_flag else f" {param.metavar or param.name.upper()}"
    return f"`{param.opts[0]}{value}`" + (" (needed)" if param.required else "")


def _option_help(param: Any) -> str:
    default = "" if param.default in (None, False, "", []) or param.required else f" Default: `{param.default}`."
    variable = f" Or the variable `{param.envvar}`." if param.envvar else ""
    return f"{param.help}{default}{variable}"


# -- metrics

_METRICS: Final = """\
# Metrics

`GET /metrics` answers in the text format of Prometheus to the networks of `server.metrics_networks`, and to keys with
the scope `admin`. Beside these there are the usual ones of the process (`process_…`, `python_…`). Labels never hold a
number, an id or a name that callers choose freely.
"""
_TYPES: Final = {Counter: "counter", Histogram: "histogram", Gauge: "gauge"}


def _metrics() -> Iterator[str]:
    metrics = Metrics()
    desks._add_gauges(
        metrics, Standing.__new__(Standing), StreamDesk.__new__(StreamDesk), OutageDesk.__new__(OutageDesk)
    )  # named, and never asked
    yield from table(("metric", "type", "labels", "what it is"), map(_metric, metrics.declared()))
    yield ""


def _metric(metric: Counter | Histogram | Gauge) -> Sequence[str]:
    name = f"{metric.name}_total" if isinstance(metric, Counter) else metric.name
    return f"`{name}`", _TYPES[type(metric)], " ".join(f"`{label}`" for label in metric.labels), metric.text


# -- errors

_ERRORS: Final = """\
# Errors

## What the API answers

A refused request is answered with `application/problem+json` (RFC 9457): `code` is stable, `detail` says what is wrong
with this request, `errors[].pointer` names each field. Nothing of a refused request was kept.
"""
_FAILURES: Final = """
## Why a message did not arrive

`error.failure` of a message is one class of ours; `error.carrier_code` is what the carrier said, verbatim. The class
alone decides what follows.
"""


def _errors() -> Iterator[str]:
    rows = [(f"`{code}`", entry.title, entry.remedy) for code, entry in CATALOGUE.items()]
    yield from table(("code", "what it is", "what to do"), rows)
    yield _FAILURES
    classes = [
        (f"`{name}`", _yes(c.retry), _yes(c.other_connector), _yes(c.counts)) for name, c in CONSEQUENCES.items()
    ]
    yield from table(("class", "tried again", "by another connector", "counts as an attempt"), classes)
    yield ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


# -- lifecycle

_LIFECYCLE: Final = """\
# The life of a message

Facts lead from one state to another; a fact that may not, changes nothing and stays in the history with the reason.
The picture has the usual ways, and dotted the corrections: a later receipt that says that the message did arrive. The
table has all of them.
"""


def _lifecycle() -> Iterator[str]:
    yield "```mermaid\nflowchart LR"
    for fact, (target, origins) in FACTS.items():
        usual = [state for state in STATES if state in origins and state not in ENDS][-2 if len(origins) == 2 else -1 :]
        yield from (f"    {origin} -->|{fact}| {target}" for origin in usual)
        yield from (f"    {state} -.->|{fact}| {target}" for state in STATES if state in origins & ENDS)
    yield "```\n"
    rows = [
        (f"`{fact}`", f"`{target}`", " ".join(f"`{state}`" for state in STATES if state in origins))
        for fact, (target, origins) in FACTS.items()
    ]
    yield from table(("fact", "leads to", "from"), rows)
    yield f"\nEnds: {', '.join(f'`{state}`' for state in STATES if state in ENDS)}.\n"


# -- roles

_ROLES: Final = """\
# Roles

What people may do, by the roles that they have in an environment ([users](../users.md)). Who has several roles may do
what any of them allows. A test logs in with each role, calls every route, and compares the answers with this table.
"""
_WIDE: Final = """
The scopes WIDE concern the whole workspace, `live` included. A role gives them only to those who have the role in every
live environment; the table is of people for whom that is so.
"""


def _roles() -> Iterator[str]:
    yield from table(("role", "what for", "scopes"), map(_role, ROLES))
    yield _WIDE.replace("WIDE", ", ".join(f"`{scope}`" for scope in SCOPES if scope in WORKSPACE_WIDE))
    yield "## Routes\n"
    yield "Log in and its second factor are open to everybody; all else needs a session, or a key with the scope."
    yield "Drop-in doors, which speak as other gateways do, are open to keys alone and not in this table.\n"
    routes = [route for route in ROUTES if not route.is_open and route.shape is None]
    rows = [
        (f"`{route.method} {route.path}`", *(_yes(may(route, scopes_of([role], [[role]]))) for role in ROLES))
        for route in sorted(routes, key=lambda route: (route.path, route.method))
    ]
    yield from table(("route", *ROLES), rows)
    yield ""


def _role(name: str) -> Sequence[str]:
    role = ROLES[name]
    return f"`{name}`", role.what, " ".join(f"`{scope}`" for scope in SCOPES if scope in role.scopes)


# -- content rules

_CONTENT: Final = """\
# Content rules

What each rule finds in a text, in which kinds of message, and how grave it is unless the workspace says otherwise. What
follows from a finding is told in [Content rules](../content-rules.md).
"""


def _content() -> Iterator[str]:
    rows = []
    for name, rule in RULES.items():
        grave = ", ".join([rule.severity, *(f"{country}: {severity}" for country, severity in rule.countries.items())])
        only = f" (only to {', '.join(sorted(rule.only_in))})" if rule.only_in else ""
        kinds = "all" if len(rule.kinds) == len(LANES) else " ".join(kind for kind in LANES if kind in rule.kinds)
        rows.append((f"`{name}`", grave, kinds + only, rule.says, rule.suggestion))
    yield from table(("rule", "severity", "kinds", "what is wrong", "what would be right"), rows)
    yield ""


if __name__ == "__main__":
    main()
