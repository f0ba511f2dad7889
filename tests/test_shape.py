"""The shape of the source: who may know whom, how long things are, what is never written.

Each law collects all its offences, so that a failure lists them. What is excused stands in a literal list with its
reason, and is struck off when it is no longer needed.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

SOURCE: Final = Path(__file__).parents[1] / "src" / "heliograph"
FILE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 50

# What a layer may know besides itself; arrows point inward.
KNOWS: Final[dict[str, tuple[str, ...]]] = {
    "core": (),
    "smpp": (),
    "settings": (),
    "outgoing": (),
    "sdk": (),
    "ports": ("core",),
    "observe": ("core", "ports"),
    "world": ("outgoing", "ports"),
    "store": ("core", "ports"),
    "carriers": ("core", "smpp", "ports"),
    "engine": ("core", "ports", "store.port", "store.protection", "carriers.port"),
    "products": ("core", "ports", "store.port", "engine"),
    "api": ("core", "smpp", "ports", "store.port", "store.reads", "carriers.port", "engine", "products", "console"),
    "console": ("core", "ports", "store.port", "store.reads", "engine", "products"),
    "sinks": ("core", "ports"),
    "tuning": ("settings", "engine"),
    "process": ("core", "settings", "outgoing", "store", "carriers", "engine"),
    "desks": ("core", "settings", "ports", "observe", "store.port", "engine", "products", "sinks", "api"),
    "app": (
        *("core", "settings", "outgoing", "ports", "observe", "world", "store", "carriers", "engine"),
        *("products", "api", "console", "tuning", "desks", "process"),
    ),
    "cli": ("app", "process", "settings", "core", "engine", "store"),
    "__main__": ("cli",),
}
# Other people's packages, by the layer that may import them.
PACKAGES: Final[dict[str, set[str]]] = {
    "core": {"msgspec", "phonenumbers"},
    "settings": {"msgspec"},
    "outgoing": {"httptools"},
    "observe": {"msgspec", "opentelemetry", "prometheus_client"},
    "store": {"apsw", "asyncpg", "msgspec"},
    "tuning": {"msgspec"},
    "world": {"cryptography"},
    "carriers": {"cryptography", "msgspec"},
    "sinks": {"aio_pika", "aiokafka", "msgspec", "nats"},
    "desks": {"msgspec"},
    "engine": {"argon2", "cryptography", "joserfc", "msgspec", "pyarrow"},
    "products": {"msgspec"},
    "api": {"httptools", "msgspec", "uvicorn", "uvloop"},
    "console": {"jinja2", "markupsafe", "msgspec"},
    "sdk": {"httpx", "msgspec"},
    "app": {"uvicorn", "uvloop"},
    "cli": {"apsw", "cryptography", "msgspec", "typer", "uvloop"},  # cryptography: how long certificates are good for
}
IMPURE: Final = {
    *("asyncio", "concurrent", "multiprocessing", "selectors", "signal", "socket", "ssl", "subprocess", "threading"),
    *("http", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "sqlite3", "sys", "tempfile", "time"),
    *("urllib.request", "uuid"),
}
CLOCKS: Final = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
VAGUE: Final = {"base", "common", "handlers", "helper", "helpers", "manager", "misc", "shared", "util", "utils"}

EXCUSED_IMPORTS: Final[dict[str, str]] = {}
EXCUSED_FILES: Final[dict[str, str]] = {}
EXCUSED_FUNCTIONS: Final = {
    "engine/intake.py: accept": "two moments of one hand-over, before its commit and after it; `kept` is half of it",
    "engine/intake.py: draft": "the checks in their order, then the row, column by column",
}
EXCUSED_CLOCKS: Final = {
    "world.py": "the real clock and the real chance",
    "app.py": "the composition root: hands chance in",
    "process.py": "hands the time to commands that run without the engine",
    "cli/certifying.py": "stamps the calls that it makes as a customer's gateway would",
    "cli/keys.py": "runs without the engine",
    "engine/clients/register.py": "the command line's own door to the register has no clock to hand in",
    "observe/log.py": "stamps its lines; nothing decides by it",
    "outgoing/http1.py": "a Retry-After that is a date is one by the wall clock",
    "sdk/drivers.py": "in the customer's process it is the composition root: hands chance and time to the exchange",
    "sdk/webhooks.py": "in the customer's process; a caller may hand in the time",
    "store/migrate.py": "notes when a migration was applied; nothing decides by it",
}


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


@cache
def modules() -> frozenset[str]:
    return frozenset(map(module, files()))


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), name(file))


def module(file: Path) -> str:
    """`core.numbers` for `core/numbers/__init__.py`; the package itself is empty."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer(dotted: str) -> str:
    return dotted.split(".")[0]


def imports(file: Path) -> Iterator[str]:
    """All that a file imports, late imports and those for types too; `from a import b` gives `a.b`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def ours(file: Path) -> set[str]:
    """The modules of ours that a file imports."""
    found = {dotted.removeprefix("heliograph.") for dotted in imports(file) if layer(dotted) == "heliograph"}
    found.discard("__version__")  # of the package itself, for everybody
    return {dotted if dotted in modules() else dotted.rpartition(".")[0] for dotted in found}


def within(dotted: str, prefixes: tuple[str, ...]) -> bool:
    return any(dotted == prefix or dotted.startswith(f"{prefix}.") for prefix in prefixes)


def unexcused(found: set[str], excused: dict[str, str]) -> tuple[list[str], list[str]]:
    """Offences without an excuse, and excuses without an offence: both should be empty."""
    return sorted(found - excused.keys()), sorted(excused.keys() - found)


# -- who knows whom


def test_a_layer_imports_only_what_it_may_know() -> None:
    offences = {
        f"{name(file)} → {dotted}"
        for file in files()
        for dotted in ours(file)
        if module(file) and not within(dotted, (layer(module(file)), *KNOWS[layer(module(file))]))
    }
    assert unexcused(offences, EXCUSED_IMPORTS) == ([], [])


def test_a_layer_imports_only_its_own_libraries() -> None:
    allowed = {"heliograph", *sys.stdlib_module_names}
    assert [
        f"{name(file)} → {dotted}"
        for file in files()
        for dotted in imports(file)
        if layer(dotted) not in allowed | PACKAGES.get(layer(module(file)), set())
    ] == []


@pytest.mark.parametrize("pure", ["core", "smpp"])
def test_decisions_and_protocols_touch_nothing_outside(pure: str) -> None:
    assert [
        f"{name(file)} → {dotted}"
        for file in files()
        if layer(module(file)) == pure
        for dotted in imports(file)
        if within(dotted, tuple(IMPURE))
    ] == []


@pytest.mark.parametrize(
    ("package", "shared"),
    [
        ("carriers", {"port", "http", "recorder"}),
        ("store", {"port", "batch", "brief", "chain", "migrate", "protection", "reads", "steps", "tallies"}),
    ],
)
def test_siblings_know_only_what_they_share(package: str, shared: set[str]) -> None:
    """One carrier never knows another, nor one engine of the ledger the other; only the catalogue knows them all."""
    offences = []
    for file in files():
        inside = module(file).split(".")
        if inside[0] != package or len(inside) < 2 or inside[1] in {"catalogue", *shared}:
            continue
        siblings = {dotted.split(".")[1] for dotted in ours(file) if dotted.startswith(f"{package}.")}
        offences += [f"{name(file)} → {package}.{sibling}" for sibling in siblings - {inside[1], *shared}]
    assert offences == []


def test_no_module_needs_itself() -> None:
    """No cycles, also not through late imports."""
    graph = {module(file): ours(file) - {module(file)} for file in files()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


# -- what is loaded


def loaded(script: str) -> set[str]:
    """The modules that are there after a script ran in a fresh interpreter."""
    command = f"{script}\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_command_line_starts_without_servers_and_databases() -> None:
    heavy = {"apsw", "asyncpg", "cryptography", "jinja2", "litestar", "phonenumbers", "prometheus_client", "uvicorn"}
    assert loaded("import heliograph.cli.program") & heavy == set()


def test_deciding_loads_nothing_that_touches_the_outside() -> None:
    script = "\n".join(f"import heliograph.{module(file)}" for file in files() if layer(module(file)) == "core")
    outside = {"apsw", "asyncio", "asyncpg", "litestar", "socket", "sqlite3", "ssl", "uvicorn"}
    found = loaded(script)
    assert found & outside == set()
    assert {dotted.split(".")[1] for dotted in found if dotted.startswith("heliograph.")} == {"core"}


# -- sizes and names


def test_no_file_is_longer_than_one_reads() -> None:
    long = {name(file) for file in files() if len(file.read_text().splitlines()) > FILE_LINES_MAX}
    assert unexcused(long, EXCUSED_FILES) == ([], [])


def test_no_function_is_longer_than_one_sees() -> None:
    long = {
        f"{name(file)}: {node.name}"
        for file in files()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX
    }
    assert unexcused(long, EXCUSED_FUNCTIONS) == ([], [])


def test_names_say_what_is_inside() -> None:
    assert [name(file) for file in files() if {*module(file).split(".")} & VAGUE] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [name(file) for file in files() if not ast.get_docstring(tree(file))] == []


# -- what is never written


def test_only_the_command_line_prints() -> None:
    assert [
        f"{name(file)}:{node.lineno}"
        for file in files()
        if layer(module(file)) != "cli"
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Name) and node.id == "print"
    ] == []


def test_nothing_catches_everything_unsaid() -> None:
    """No bare `except:`; a broad one passes on what it caught, or stands at an edge, and a comment says which."""
    offences = []
    for file in files():
        lines = file.read_text().splitlines()
        for node in ast.walk(tree(file)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = "" if node.type is None else ast.unparse(node.type)
            broad = caught in ("Exception", "BaseException")
            said = "#" in lines[node.lineno - 1] or ast.unparse(node.body[-1]) == "raise"
            if not caught or (broad and not said):
                offences.append(f"{name(file)}:{node.lineno}")
    assert offences == []


def looks_at_the_clock(file: Path) -> bool:
    """Does a file read the wall clock or throw dice by itself? Spans by a monotonic clock decide nothing."""
    if any(dotted.split(".")[0] == "random" or dotted in CLOCKS for dotted in imports(file)):
        return True
    return any(
        ".".join(ast.unparse(node).split(".")[-2:]) in CLOCKS
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute)
    )


def test_time_and_chance_are_handed_in() -> None:
    assert unexcused({name(file) for file in files() if looks_at_the_clock(file)}, EXCUSED_CLOCKS) == ([], [])


def test_the_source_knows_nothing_of_its_tests() -> None:
    assert [name(file) for file in files() if any(layer(dotted) == "tests" for dotted in imports(file))] == []
