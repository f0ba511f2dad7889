"""`make lint`: the lock files say what pyproject.toml asks for, each version by its hashes, under licences we can keep.

Needs no network: it reads the files, and the metadata of what is installed. What is known to be vulnerable is another
question, which needs one: `make audit`.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[1]
# What may be shipped beside our code: all of it lets anyone use, change and pass on, and MPL binds its own files alone.
LICENCES: Final = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Zlib"),
}
# Packages whose metadata say it in words only, with what those words mean.
IN_WORDS: Final = {
    "any-OSI": "Zlib",  # apsw: "any OSI approved licence", at our choice
    "OSI Approved :: Apache Software License": "Apache-2.0",
    "OSI Approved :: BSD License": "BSD-3-Clause",
    "OSI Approved :: ISC License (ISCL)": "ISC",
    "OSI Approved :: MIT License": "MIT",
    "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "OSI Approved :: Python Software Foundation License": "PSF-2.0",
}
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def main() -> None:
    faults = [*check(ROOT)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    sys.exit(1 if faults else 0)


def check(root: Path) -> Iterator[str]:
    """Everything that is wrong."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    asked = [*map(Requirement, project["project"]["dependencies"])]
    building = [*map(Requirement, project["build-system"]["requires"])]
    developing = [*map(Requirement, project["project"]["optional-dependencies"]["dev"])]
    run, dev = (pins(root / "requirements" / f"{name}.txt") for name in ("run", "dev"))
    yield from _wanted("run.txt", [*asked, *building], run)
    yield from _wanted("dev.txt", [*asked, *building, *developing], dev)
    yield from (
        f"requirements/{name}.txt: {one} has no hash"
        for name in ("run", "dev")
        for one in unhashed(root / "requirements" / f"{name}.txt")
    )
    for name, version in run.items():
        if dev.get(name) != version:
            yield f"requirements: {name} is {version} in run.txt and {dev.get(name)} in dev.txt"
    needed = closure([*asked, *building])
    yield from (f"requirements/run.txt: nothing asks for {name}" for name in sorted(run.keys() - needed - _BUILDING))
    yield from (f"requirements/run.txt: {name} is missing" for name in sorted(needed - run.keys()))
    yield from _licences(run)


# What building from the checkout needs beyond `build-system.requires`, as its backend says when it is asked.
_BUILDING: Final = {"editables"}


def pins(file: Path) -> dict[str, str]:
    """name → version of a lock file."""
    return {canonicalize_name(name): version for name, version in _PIN.findall(file.read_text())}


def unhashed(file: Path) -> list[str]:
    """Entries that would be installed whatever comes under their name."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", file.read_text().strip())
    return [entry.split()[0] for entry in entries if not entry.startswith("#") and "--hash=sha256:" not in entry]


def _wanted(file: str, asked: list[Requirement], pinned: dict[str, str]) -> Iterator[str]:
    for one in asked:
        version = pinned.get(canonicalize_name(one.name))
        if version is None:
            yield f"requirements/{file}: {one.name} is missing; run `make lock`"
        elif not one.specifier.contains(version, prereleases=True):
            yield f"requirements/{file}: {one.name} is {version}, pyproject.toml asks for {one.specifier}"


def closure(asked: list[Requirement]) -> set[str]:
    """All that these need, and what that needs."""
    found: set[str] = set()
    open_ = [(one, "") for one in asked]
    while open_:
        one, extra = open_.pop()
        name = canonicalize_name(one.name)
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        extras = [*one.extras, ""] if name not in found else [*one.extras]
        found.add(name)
        needs = [Requirement(text) for text in _requires(name)]
        open_ += [(need, extra) for need in needs for extra in extras if not extra or need.marker is not None]
    return found


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # it is missing in the lock file too, and that is told
        return []


def _licences(names: dict[str, str]) -> Iterator[str]:
    for name in names:
        licence = licence_of(name)
        if licence is None:
            yield f"{name}: its metadata name no licence that is known here; read it, and enter it in checks/lock.py"
        elif not _may(licence):
            yield f"{name}: {licence} is not on the list of licences in checks/lock.py"


def _may(expression: str) -> bool:
    """One side of each OR, both sides of each AND."""
    return any(all(part.strip("() ") in LICENCES for part in side.split(" AND ")) for side in expression.split(" OR "))


def licence_of(name: str) -> str | None:
    """The licence as an SPDX expression."""
    about = metadata.metadata(name)
    said = [about.get("License-Expression"), about.get("License")]
    said += [text.removeprefix("License :: ") for text in about.get_all("Classifier") or () if text.startswith("Lic")]
    for text in filter(None, said):
        if text in IN_WORDS:
            return IN_WORDS[text]
        try:
            return canonicalize_license_expression(text)
        except InvalidLicenseExpression:
            continue
    return None


if __name__ == "__main__":
    main()
