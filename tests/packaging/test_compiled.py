"""The hot path as machine code: what may be compiled, and that the build's hook makes of it what says the same."""

import ast
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
HOOK = BUILD["targets"]["wheel"]["hooks"]["custom"]
HAS_COMPILER = (
    bool(shutil.which("cc") or shutil.which("gcc")) and Path(sysconfig.get_path("include"), "Python.h").exists()
)
WAITING = (ast.Await, ast.Yield, ast.AsyncFor, ast.AsyncWith)


@pytest.mark.parametrize("name", HOOK["modules"])
def test_what_is_compiled_keeps_to_what_is_the_same_compiled(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".py").replace("/", "."))
    assert structs_of(module) == [], "a compiled struct forgets its options and types: move it to a module beside"
    tree = ast.parse((ROOT / "src" / name).read_text("utf-8"))
    assert waits_inside(tree) == [], "a compiled coroutine must not wait inside a try: move it to a module beside"
    assert bare_floats(tree) == [], "compiled, such a tuple counts as never set: give it the type tuple[float, ...]"


def structs_of(module: ModuleType) -> list[str]:
    ours = [cls for cls in vars(module).values() if isinstance(cls, type) and cls.__module__ == module.__name__]
    return [cls.__name__ for cls in ours if issubclass(cls, msgspec.Struct)]


def waits_inside(tree: ast.AST) -> list[int]:
    """The lines of blocks of coroutines in which something is waited for."""
    found = []
    for coroutine in ast.walk(tree):
        if isinstance(coroutine, ast.AsyncFunctionDef):
            for block in ast.walk(coroutine):
                is_waiting = any(isinstance(node, WAITING) for node in ast.walk(block))
                if isinstance(block, ast.AsyncFor | ast.AsyncWith) or (
                    isinstance(block, ast.Try | ast.With) and is_waiting
                ):
                    found.append(block.lineno)
    return found


def bare_floats(tree: ast.Module) -> list[int]:
    """The lines of tuples with floats that are Final and say no more."""
    bare = [node for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.annotation, ast.Name)]
    return [
        node.lineno
        for node in bare
        if isinstance(node.value, ast.Tuple)
        and any(isinstance(one, ast.Constant) and isinstance(one.value, float) for one in node.value.elts)
    ]


@pytest.mark.parametrize(
    "code",
    [
        "async def f():\n    try:\n        await g()\n    finally:\n        h()",
        "async def f():\n    with g():\n        await h()",
        "async def f():\n    async with g():\n        h()",
        "async def f():\n    async for x in g():\n        h()",
    ],
)
def test_a_wait_inside_a_block_is_found(code: str) -> None:
    assert waits_inside(ast.parse(code)) == [2]


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the hook, asked to compile."""
    spec = importlib.util.spec_from_file_location("compiled", ROOT / HOOK["path"])
    assert spec is not None and spec.loader is not None
    compiled = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compiled)
    monkeypatch.setenv("HELIOGRAPH_COMPILED", "1")
    return compiled


@pytest.mark.skipif(not HAS_COMPILER, reason="there is no C compiler here, or not what it needs of Python")
def test_what_the_hook_builds_is_used_and_says_the_same(compiled: Any, tmp_path: Path) -> None:
    """The codec, compiled by itself: its own tests pass on the machine code."""
    modules = ["heliograph/smpp/codec.py", "heliograph/smpp/commands.py"]
    hook = compiled.CompiledHook(str(ROOT), {"modules": modules}, None, None, str(tmp_path), "wheel")
    data: dict[str, Any] = {"force_include": {}}
    hook.initialize("standard", data)
    assert (data["pure_python"], data["infer_tag"]) == (False, True)
    shutil.copytree(ROOT / "src" / "heliograph", tmp_path / "heliograph", ignore=shutil.ignore_patterns("__pycache__"))
    for built, place in data["force_include"].items():
        shutil.copy(built, tmp_path / place)
    hook.finalize("standard", data, "")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    where = [sys.executable, "-c", "import heliograph.smpp.codec as it; print(it.__file__)"]
    assert subprocess.run(where, env=environ, capture_output=True, text=True, check=True).stdout.endswith(".so\n")
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/smpp/test_codec.py"]
    done = subprocess.run(tests, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout


def test_an_editable_installation_runs_its_sources(compiled: Any, tmp_path: Path) -> None:
    data: dict[str, Any] = {}
    hook = compiled.CompiledHook(str(ROOT), {"modules": []}, None, None, str(tmp_path), "wheel")
    hook.initialize("editable", data)
    hook.finalize("editable", data, "")
    assert data == {}
