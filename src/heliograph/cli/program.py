"""All commands in one program, and how its errors look: one line on the standard error output, and an exit code.

0: done. 1: refused or failed, with the reason. 2: called in a way that doesn't exist. A traceback is always a defect.
"""

import sys

import typer

from heliograph.cli import (
    apply,
    audit,
    campaigns,
    connectors,
    consent,
    contacts,
    content,
    costs,
    doctor,
    erasures,
    keys,
    listen,
    lookup,
    messages,
    migrate,
    pause,
    prices,
    rehearse,
    rollback,
    secrets,
    segments,
    send,
    serve,
    templates,
    users,
    version,
    webhooks,
    workspaces,
)
from heliograph.cli.output import Mistake

program = typer.Typer(
    name="heliograph",
    help="Heliograph, a messaging gateway that a company runs itself.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
program.command()(serve.serve)
program.add_typer(keys.program, name="keys")
program.add_typer(users.program, name="users")
program.add_typer(workspaces.program, name="workspaces")
program.add_typer(workspaces.environments, name="environments")
program.command()(apply.apply)
program.command()(apply.diff)
program.add_typer(audit.program, name="audit")
program.command()(rehearse.rehearse)
program.command()(rollback.history)
program.command()(rollback.rollback)
program.add_typer(connectors.program, name="connectors")
program.add_typer(prices.program, name="prices")
program.command()(costs.costs)
program.add_typer(campaigns.program, name="campaigns")
program.command()(send.send)
program.command()(send.explain)
program.add_typer(messages.program, name="messages")
program.add_typer(consent.program, name="consent")
program.add_typer(contacts.program, name="contacts")
program.command()(listen.listen)
program.command()(segments.segments)
program.command()(content.lint)
program.command()(content.lint_campaign)
program.command()(lookup.lookup)
program.command()(pause.pause)
program.command()(pause.resume)
program.add_typer(templates.program, name="templates")
program.add_typer(webhooks.program, name="webhooks")
program.add_typer(secrets.program, name="secrets")
program.add_typer(erasures.program, name="erasures")
program.command()(doctor.doctor)
program.command()(migrate.migrate)
program.command()(version.version)


def main() -> None:
    """Run a command."""
    try:
        program(prog_name="heliograph")
    except Exception as error:  # the edge of the program: what a person can mend is told in one line
        told = _told(error)
        if told is None:
            raise
        sys.stderr.write(f"heliograph: {told}\n")
        sys.exit(1)


def _told(error: Exception) -> str | None:
    """What to say of an error that is not a defect of ours; None when it is one."""
    if isinstance(error, Mistake):
        return str(error)
    # Only modules that the command has loaded can have raised something: nothing is imported for the question.
    for module, names in _EXPECTED.items():
        loaded = sys.modules.get(module)
        if loaded is not None and isinstance(error, tuple(getattr(loaded, name) for name in names)):
            return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None


_EXPECTED = {
    "heliograph.settings": ("BadSettings", "BadSecret"),
    "heliograph.core.failures": ("Refused",),
    "heliograph.engine.secrets": ("CannotOpen",),
    "heliograph.store.migrate": ("NewerLedger",),
    "heliograph.ports": ("Unavailable",),
    "heliograph.store.sqlite.ledger": ("AlreadyServing",),
    "apsw": ("Error",),
    "asyncpg": ("PostgresError", "InterfaceError"),
}
