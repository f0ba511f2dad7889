"""docs/one-message.md leads through modules and names that are really there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "heliograph"
STEPS = [
    step for step in re.split(r"\n(?=\d+\. )|\n\n", (ROOT / "docs" / "one-message.md").read_text()) if ".py" in step
]


@cache
def names(module: str) -> frozenset[str]:
    """What a module defines: `name`, and `Class.name` for what stands in a class."""
    found: set[str] = set()
    for node in ast.parse((SOURCE / module).read_text()).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            functions = [inner for inner in node.body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)]
            found |= {name for inner in functions for name in (inner.name, f"{node.name}.{inner.name}")}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return frozenset(found)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.split("`")[1])
def test_each_module_and_each_name_is_there(step: str) -> None:
    words = re.findall(r"`([^`]+)`", step)
    modules = [word for word in words if word.endswith(".py")]
    assert [module for module in modules if not (SOURCE / module).exists()] == []
    known = frozenset().union(*map(names, modules))
    assert [word for word in words if re.fullmatch(r"[\w.]+", word) and word not in known | set(modules)] == []


def test_the_way_has_no_fewer_steps_than_a_message() -> None:
    assert [int(step.split(".")[0]) for step in STEPS[:-1]] == list(range(1, 16))
