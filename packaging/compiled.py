"""A hook of the build: with HELIOGRAPH_COMPILED=1 the wheel also holds the hot path as machine code, made by mypyc.

The Python files stay the only source, and in the wheel beside their machine code. Without the variable the wheel is
pure Python and does the same. Which modules are compiled stands in pyproject.toml. They keep to what mypyc does as
Python does, and tests/packaging/test_compiled.py holds them to it:

- No msgspec structs: a compiled one forgets its options and the types of its fields.
- No `await` inside `try` or `with`: a compiled coroutine may raise there what another task raised.
- No bare `Final` for a tuple with floats: compiled, it counts as never set. `Final[tuple[float, ...]]` is read rightly.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SETUP = """
import sys
from mypyc.build import mypycify
from setuptools import setup

built, temporary, *modules = sys.argv[1:]
options = ["--config-file=", "--ignore-missing-imports"]
setup(
    name="heliograph",
    packages=[],
    ext_modules=mypycify([*options, *modules], opt_level="2", debug_level="0", group_name="heliograph"),
    script_args=["build_ext", "--build-lib", built, "--build-temp", temporary],
)
"""


class CompiledHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling calls it by these names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not _is_asked(version):
            return
        self._place = TemporaryDirectory()  # until the wheel is written
        built = self._compile(Path(self._place.name))
        for module in built.rglob("*.so"):
            build_data["force_include"][str(module)] = str(module.relative_to(built))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if _is_asked(version):
            self._place.cleanup()

    def dependencies(self) -> list[str]:
        return ["mypy>=1.15", "setuptools"] if _is_asked("standard") else []

    def _compile(self, place: Path) -> Path:
        """Where the extension modules are."""
        shutil.copytree(Path(self.root) / "src" / "heliograph", place / "heliograph")
        (place / "setup.py").write_text(_SETUP)
        command = [sys.executable, "setup.py", "built", "temporary", *self.config["modules"]]
        done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"mypyc could not compile the hot path:\n{done.stdout}")
        return place / "built"


def _is_asked(version: str) -> bool:
    """An editable installation runs its sources as they are."""
    return version != "editable" and os.environ.get("HELIOGRAPH_COMPILED") == "1"
