"""All commands in one program, and how its errors look: one line on the standard error output, and an exit code.

0: done. 1: refused or failed, with the reason. 2: called in a way that doesn't exist. A traceback is always a defect.
"""

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from heliograph.cli.commands import COMMANDS, PLACES
from heliograph.cli.examples import EXAMPLES
from heliograph.cli.output import Mistake, painted


class _Commands(TyperGroup):
    """The commands of the table, each loaded when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(PLACES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in PLACES:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _loaded(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, place.line) for name, place in section.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        from typer._click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=place.line) for name, place in PLACES.items() if name.startswith(incomplete)]
        return names if incomplete.isalpha() or not incomplete else super().shell_complete(ctx, incomplete)


program = typer.Typer(
    name="heliograph",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _loaded(name: str) -> Any:
    module, _, attribute = PLACES[name].at.partition(":")
    found = getattr(import_module(f"heliograph.cli.{module}"), attribute)
    whole = typer.Typer(rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        whole.add_typer(found, name=name)
    else:
        whole.command(name)(found)
    command: Any = typer.main.get_group(whole).commands[name]
    _add_examples(command, name)
    return command


def _add_examples(command: Any, path: str) -> None:
    for name, inner in getattr(command, "commands", {}).items():
        _add_examples(inner, f"{path} {name}")
    if path in EXAMPLES:
        command.epilog = "\b\nFor example:\n" + "\n".join(
            f"  heliograph {path} {one}".rstrip() for one in EXAMPLES[path]
        )


def _say_version(is_asked: bool) -> None:
    if is_asked:
        from heliograph.cli.version import version

        version()
        raise typer.Exit


@program.callback()
def heliograph(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Heliograph, a messaging gateway that a company runs itself.

    `heliograph COMMAND --help` says more of each, with examples.
    """


def main() -> None:
    """Run a command."""
    try:
        program(prog_name="heliograph")
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        sys.exit(1)
    except Exception as error:  # the edge of the program: what a person can mend is told in one line
        told = _told(error)
        if told is None:
            raise
        sys.stderr.write(f"{painted('heliograph:', 'red', sys.stderr)} {told}\n")
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
