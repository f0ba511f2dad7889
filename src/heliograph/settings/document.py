"""A TOML file as people wrote it: its content, and the line of every key, so that a complaint can name its place."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, with what, and what would be right."""

    where: str  # file:line, variable or flag
    key: str
    detail: str

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.detail}" if self.key else f"{self.where}: {self.detail}"


class BadSettings(Exception):
    """Everything that is wrong with the settings."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Document(msgspec.Struct, frozen=True):
    """A file as it was read."""

    path: Path | None = None
    content: dict[str, Any] = {}
    lines: dict[tuple[str | int, ...], int] = {}

    def part(self, names: Iterable[str]) -> dict[str, Any]:
        """The content of some top-level keys, as far as they are there."""
        return {name: self.content[name] for name in names if name in self.content}

    def place(self, *keys: str | int) -> str:
        """The file and line of a key, or of the nearest thing around it."""
        for length in range(len(keys), 0, -1):
            if line := self.lines.get(keys[:length]):
                return f"{self.path}:{line}"
        return str(self.path)

    def place_of(self, pointer: str) -> str:
        """The same for a JSON pointer, as refusals have it."""
        return self.place(*(int(key) if key.isdigit() else key for key in pointer.split("/")[1:]))


def parse(path: Path) -> Document:
    """Read a file; `BadSettings` when it can't be read or is not TOML."""
    try:
        text = path.read_text("utf-8")
        return Document(path, tomllib.loads(text), _lines(text))
    except OSError as error:
        problem = Problem(str(path), "", f"can't be read: {error.strerror}")
    except UnicodeDecodeError:
        problem = Problem(str(path), "", "is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"\(at line (\d+)", str(error))
        problem = Problem(f"{path}:{line[1]}" if line else str(path), "", f"not TOML: {error}")
    raise BadSettings([problem])


_HEADER: Final = re.compile(r"\s*(\[\[?)([^\[\]]+)\]")
_ASSIGNMENT: Final = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_KEY_PART: Final = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """The line of every table and key; the parser of the standard library doesn't tell."""
    found: dict[tuple[str | int, ...], int] = {}
    counts: dict[str, int] = {}
    table: tuple[str | int, ...] = ()
    inside_text = False
    for number, line in enumerate(text.splitlines(), 1):
        if not inside_text:
            if header := _HEADER.match(line):
                table = _path(header[2])
                if header[1] == "[[":
                    counts[header[2]] = counts.get(header[2], -1) + 1
                    table = (*table, counts[header[2]])
                found.setdefault(table, number)
                found.setdefault(table[:1], number)
            elif assignment := _ASSIGNMENT.match(line):
                found.setdefault((*table, *_path(assignment[1])), number)
        inside_text ^= (line.count('"""') + line.count("'''")) % 2 == 1
    return found


def _path(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _KEY_PART.findall(dotted))
