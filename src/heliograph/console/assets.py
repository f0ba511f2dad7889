"""The files that pages bring along: styles and scripts of our own, under an address that changes with their content,
so that a browser keeps them for good; packed once.
"""

import gzip
import hashlib
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

_PLACE: Final = "/console/static/"
_KINDS: Final = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
}


class Asset(NamedTuple):
    """One file, ready to be sent."""

    media_type: bytes
    body: bytes
    packed: bytes


def address(name: str) -> str:
    """Where a file is, in the form in which it is now."""
    return _addresses()[name]


def at(path: str) -> Asset | None:
    """The file of an address."""
    return _assets().get(path)


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files("heliograph.console") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in _KINDS}


@cache
def _addresses() -> dict[str, str]:
    found = {}
    for name, body in _files().items():
        stem, _, ending = name.rpartition(".")
        found[name] = f"{_PLACE}{stem}-{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
    return found


@cache
def _assets() -> dict[str, Asset]:
    return {
        _addresses()[name]: Asset(_KINDS[name.rpartition(".")[2]], body, gzip.compress(body, 9, mtime=0))
        for name, body in _files().items()
    }
